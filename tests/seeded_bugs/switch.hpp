// Which seeded bug is switched on: included by the mutated copies only.
#pragma once

namespace likeness::test {

/// The number in the environment variable LIKENESS_SEEDED_BUG; 0: none.
extern const int active_bug;
inline bool seeded_bug(int number) { return active_bug == number; }

}  // namespace likeness::test
