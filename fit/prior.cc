#include "fit/prior.hpp"

#include <algorithm>

namespace likeness {
namespace {

constexpr double kUnit = 0.25;

}  // namespace

Prior::Prior(const Schema& schema, const Companions* companions, const ObjectiveWeights& weights) {
  const std::vector<float> average = schema.default_vector();
  const auto tint = [companions](std::size_t entry) { return companions != nullptr && companions->routed()[entry] > 0; };
  const auto moves = [companions](std::size_t entry) { return companions == nullptr || companions->moves_landmarks(entry); };
  choice_prior_ = weights.choice_prior;
  double count = 0;
  for (const Parameter& p : schema.parameters()) count += p.type == ParameterType::continuous && !tint(p.offset) ? 1 : 0;
  for (const Parameter& p : schema.parameters()) {
    if (p.type == ParameterType::choice) choices_.push_back(p);
    if (p.type != ParameterType::continuous) continue;
    double weight = weights.prior / count;
    if (tint(p.offset)) {
      weight = weights.tint_prior;
    } else if (p.role == ParameterRole::nuisance) {
      weight = (moves(p.offset) ? weights.nuisance_prior : weights.light_prior) / count;
    }
    if (weight > 0) held_.push_back({p.offset, average[p.offset], weight / (kUnit * kUnit)});
  }
}

void Prior::lean(std::span<const float> guess, double share) {
  for (Held& h : held_) h.middle += share * (guess[h.entry] - h.middle);
  options_.clear();
  for (const Parameter& p : choices_) {
    const std::span<const float> likely = guess.subspan(p.offset, p.size());
    const double most = *std::ranges::max_element(likely);
    for (std::size_t o = 0; o < p.size() && most > 0; ++o)
      options_.push_back({p.offset + o, share * choice_prior_ * (1 - std::max(0.0F, likely[o]) / most)});
  }
}

double Prior::evaluate(std::span<const float> x, double scale, std::span<float> gradient) const {
  double sum = 0;
  for (const Held& h : held_) {
    const double away = x[h.entry] - h.middle;
    sum += h.weight * away * away;
    if (!gradient.empty()) gradient[h.entry] += static_cast<float>(2 * scale * h.weight * away);
  }
  for (const Option& o : options_) {
    sum += o.cost * x[o.entry];
    if (!gradient.empty()) gradient[o.entry] += static_cast<float>(scale * o.cost);
  }
  return scale * sum;
}

}  // namespace likeness
