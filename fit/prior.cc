#include "fit/prior.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace likeness {
namespace {

constexpr double kUnit = 0.25;

double dot(std::span<const double> a, std::span<const double> b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

// Of each entry, the share of its squared motion that lies in the span of the nuisance parameters' motions.
std::vector<double> likeness_to_expression(const Schema& schema, const Companions& companions) {
  const auto motion = [&companions](std::size_t entry) { return companions.landmark_motion(entry); };
  std::vector<std::vector<double>> basis;  // orthonormal (Gram and Schmidt)
  const auto inside = [&basis](std::span<const double> v) {
    double sum = 0;
    for (const std::vector<double>& b : basis) sum += dot(v, b) * dot(v, b);
    return sum;
  };
  for (const Parameter& p : schema.parameters()) {
    if (p.role != ParameterRole::nuisance || p.type != ParameterType::continuous) continue;
    std::vector<double> v = motion(p.offset);
    const double length = dot(v, v);
    for (const std::vector<double>& b : basis) {
      const double along = dot(v, b);
      for (std::size_t i = 0; i < v.size(); ++i) v[i] -= along * b[i];
    }
    const double left = dot(v, v);
    if (!(left > 1e-6 * length)) continue;
    for (double& value : v) value /= std::sqrt(left);
    basis.push_back(std::move(v));
  }
  std::vector<double> share(schema.size(), 0.0);
  for (const Parameter& p : schema.parameters()) {
    if (p.role != ParameterRole::identity || p.type != ParameterType::continuous) continue;
    const std::vector<double> v = motion(p.offset);
    if (const double length = dot(v, v); length > 0) share[p.offset] = std::min(1.0, inside(v) / length);
  }
  return share;
}

}  // namespace

Prior::Prior(const Schema& schema, const Companions* companions, const ObjectiveWeights& weights) {
  const std::vector<float> average = schema.default_vector();
  const std::vector<double> expression =
      companions != nullptr ? likeness_to_expression(schema, *companions) : std::vector<double>(schema.size(), 0.0);
  const auto tint = [companions](std::size_t entry) { return companions != nullptr && companions->routed()[entry] > 0; };
  const auto moves = [companions](std::size_t entry) {
    if (companions == nullptr) return true;
    const std::vector<double> motion = companions->landmark_motion(entry);
    return dot(motion, motion) > 0;
  };
  double count = 0;
  for (const Parameter& p : schema.parameters()) count += p.type == ParameterType::continuous && !tint(p.offset) ? 1 : 0;
  for (const Parameter& p : schema.parameters()) {
    if (p.type != ParameterType::continuous) continue;
    double weight = weights.prior * (1 + weights.guard * expression[p.offset]) / count;
    if (tint(p.offset)) {
      weight = weights.tint_prior;
    } else if (p.role == ParameterRole::nuisance) {
      weight = (moves(p.offset) ? weights.nuisance_prior : weights.light_prior) / count;
    }
    if (weight > 0) held_.push_back({p.offset, average[p.offset], weight / (kUnit * kUnit)});
  }
}

void Prior::lean(std::span<const float> x, double share) {
  for (Held& h : held_) h.middle += share * (x[h.entry] - h.middle);
}

double Prior::evaluate(std::span<const float> x, double scale, std::span<float> gradient) const {
  double sum = 0;
  for (const Held& h : held_) {
    const double away = x[h.entry] - h.middle;
    sum += h.weight * away * away;
    if (!gradient.empty()) gradient[h.entry] += static_cast<float>(2 * scale * h.weight * away);
  }
  return scale * sum;
}

}  // namespace likeness
