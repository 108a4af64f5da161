// likeness fit --together: the photos of one person.
#pragma once

#include <string>
#include <vector>

#include "cli/given_landmarks.hpp"
#include "fit/batch.hpp"
#include "likeness/likeness.hpp"

namespace likeness::cli {

/// The inputs as the one that --together makes of them. Errors: invalid_argument (too few or too many photos).
Result<BatchInput> group_of(std::vector<BatchInput> inputs);

/// Decodes the photos of a group and fits them together. `given`: landmarks in the group's order, or empty.
/// Errors: those of decoding, of GivenLandmarks::of() and of Fitter::fit_together().
Result<std::vector<FitResult>> fit_group(Fitter& fitter, const BatchFiles& files, const GivenLandmarks& given, const FitOptions& options);

/// The stems of a group's photos.
std::vector<std::string> stems_of(const BatchInput& group);

}  // namespace likeness::cli
