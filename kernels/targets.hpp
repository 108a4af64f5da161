// Which instruction sets the kernels may use: those of LIKENESS_TARGETS, else all that this machine has; the best of them runs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace likeness::kernels {

struct TargetChoice {
  std::int64_t targets = 0;  ///< Bits of Highway; all that are available in case of an error.
  std::string error;         ///< A sentence, or empty.
};

/// The targets that `names` lists (Highway's names, with commas between them; `best`: all), all of which must be among `available`.
TargetChoice choose_targets(std::string_view names, std::int64_t available);

/// What this machine has, the kernels are built for, and LIKENESS_TARGETS allows; never 0.
std::int64_t available_targets();

/// The name of the instruction set that runs.
const char* target_name();

/// Limits the dispatch of everything in the process that uses the same Highway to the targets of LIKENESS_TARGETS; a list with a name that
/// is not available is reported on stderr and has no effect. False: there was nothing to limit.
bool limit_targets();

/// Every source that dispatches includes this header, so that the environment is read once, before main() and before any thread: Highway's
/// own state is not made for changes while kernels run.
inline const bool targets_limited = limit_targets();

}  // namespace likeness::kernels
