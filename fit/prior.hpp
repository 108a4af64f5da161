// What holds parameters to the average: nothing that a picture says little of should leave the human range for it.
#pragma once

#include <span>
#include <vector>

#include "fit/companions.hpp"
#include "likeness/likeness.hpp"
#include "likeness/scene.hpp"

namespace likeness {

/// sum_i h_i (x_i - m_i)^2 over the continuous entries, m the defaults (or leant, see below). With n held entries that are not tints and
/// the unit u = 1/4 of x (about one standard deviation of plausible characters), h_i u^2 is
///   prior / n                   identity
///   nuisance_prior / n          pose, expression, camera, which is held too: a brow that is lifted by the muscle and lowered by its shape
///                               would look right in the fit and wrong in the neutral character
///   light_prior / n             nuisance that moves no landmark (models with companions)
///   tint_prior                  Companions::routed()
/// and, once leant, sum over the options o of choices of choice_prior x_o (1 - g_o / max g), g how likely the first guess finds them: where
/// pictures tell nothing, as of eyes behind glasses, what goes with the rest of the face is taken.
class Prior {
 public:
  Prior() = default;
  /// `companions` may be nullptr.
  Prior(const Schema& schema, const Companions* companions, const ObjectiveWeights& weights);
  /// Moves every m_i from the default by `share` of the way to the guess, and charges for options that it finds less likely.
  void lean(std::span<const float> guess, double share);
  /// The sum times `scale`; adds its gradient unless `gradient` is empty.
  double evaluate(std::span<const float> x, double scale, std::span<float> gradient) const;

 private:
  struct Held {
    std::size_t entry;
    double middle, weight;
  };
  std::vector<Held> held_;
  // Of a choice.
  struct Option {
    std::size_t entry;
    double cost;
  };
  std::vector<Option> options_;
  std::vector<Parameter> choices_;
  double choice_prior_ = 0;
};

}  // namespace likeness
