#include "nn/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

namespace likeness {
namespace {

void decay_rate(double& rate, double decay, int every, int steps) {
  if (every > 0 && steps % every == 0) rate *= decay;
}

}  // namespace

void Sgd::step(std::span<float> x, std::span<const float> gradient) {
  velocity_.resize(x.size(), 0.0F);
  for (std::size_t i = 0; i < x.size(); ++i) {
    velocity_[i] = static_cast<float>(options_.momentum * velocity_[i] + gradient[i]);
    x[i] = static_cast<float>(x[i] - rate_ * velocity_[i]);
  }
  decay_rate(rate_, options_.decay, options_.decay_every, ++steps_);
}

void Adam::step(std::span<float> x, std::span<const float> gradient) {
  mean_.resize(x.size(), 0.0);
  square_.resize(x.size(), 0.0);
  ++steps_;
  const double mean_correction = 1.0 - std::pow(options_.beta1, steps_);
  const double square_correction = 1.0 - std::pow(options_.beta2, steps_);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double g = gradient[i];
    mean_[i] = options_.beta1 * mean_[i] + (1.0 - options_.beta1) * g;
    square_[i] = options_.beta2 * square_[i] + (1.0 - options_.beta2) * g * g;
    x[i] = static_cast<float>(x[i] - rate_ * (mean_[i] / mean_correction) / (std::sqrt(square_[i] / square_correction) + options_.epsilon));
  }
  decay_rate(rate_, options_.decay, options_.decay_every, steps_);
}

void project_box(std::span<float> x, float low, float high) {
  for (float& v : x) v = v > low ? std::min(v, high) : low;
}

void project_simplex(std::span<float> x) {
  if (x.empty()) return;
  if (!std::all_of(x.begin(), x.end(), [](float v) { return std::isfinite(v); })) {
    std::fill(x.begin(), x.end(), 1.0F / static_cast<float>(x.size()));
    return;
  }
  std::vector<double> sorted(x.begin(), x.end());
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  double sum = 0.0;
  double threshold = 0.0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    sum += sorted[i];
    const double candidate = (sum - 1.0) / static_cast<double>(i + 1);
    if (sorted[i] > candidate) threshold = candidate;
  }
  for (float& v : x) v = static_cast<float>(std::max(0.0, v - threshold));
}

}  // namespace likeness
