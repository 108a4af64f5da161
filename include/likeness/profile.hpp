// Where the time of a fit goes: what FitOptions::profile measures.
//
//   auto result = fitter.fit_bytes(jpeg_bytes, {.profile = true});
//   for (std::size_t i = 0; i < result->profile->plan.size(); ++i)
//     ... result->profile->plan[i].name(), result->profile->times[i].seconds ...
#pragma once

#include <vector>

#include "likeness/likeness.hpp"
#include "likeness/program.hpp"

namespace likeness {

/// The steps of the program that a fit descends by, over all its runs: the generator, the extractor and the loss of pictures, then the
/// gradients down to the sliders. Of photos that are fitted together, the programs of all of them. What else a fit computes (the photo's
/// features, the first guess, the client's pictures and what the extractor sees of them, priors, companions) is not in the steps.
struct FitProfile {
  std::vector<PlanStep> plan;   ///< in the order of execution
  std::vector<StepTime> times;  ///< one a step
  FitSeconds in_steps;  ///< how much of each part of the fit the steps took: of FitResult::seconds, of all photos of the fit together

  /// Adds another fit's: step by step where the plans are the same, else its steps come behind.
  void add(const FitProfile& other);
};

}  // namespace likeness
