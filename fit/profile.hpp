// What profiles are made of.
#pragma once

#include <array>
#include <span>
#include <utility>

#include "likeness/profile.hpp"

namespace likeness {

/// The parts of a fit, in their order.
inline constexpr std::array<std::pair<const char*, double FitSeconds::*>, 6> kFitParts = {{{"decode", &FitSeconds::decode},
                                                                                           {"align", &FitSeconds::align},
                                                                                           {"prepare", &FitSeconds::prepare},
                                                                                           {"search", &FitSeconds::search},
                                                                                           {"judge", &FitSeconds::judge},
                                                                                           {"draw", &FitSeconds::draw}}};

/// Of all parts together.
double total(const FitSeconds& seconds);

/// Seconds of a whole fit, from its results (one, or those of photos that were fitted together): what all photos share counts once.
FitSeconds seconds_of_fit(std::span<const FitResult> results);

}  // namespace likeness
