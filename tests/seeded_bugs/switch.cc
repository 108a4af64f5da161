#include "switch.hpp"

#include <cstdlib>

namespace likeness::test {

const int active_bug = std::getenv("LIKENESS_SEEDED_BUG") == nullptr ? 0 : std::atoi(std::getenv("LIKENESS_SEEDED_BUG"));

}  // namespace likeness::test
