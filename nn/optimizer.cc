#include "likeness/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

namespace likeness {

void DecayingRate::count() {
  ++steps_;
  if (decay_.every > 0 && steps_ % decay_.every == 0) rate_ *= decay_.factor;
}

template <class T>
void Sgd<T>::step(std::span<T> x, std::span<const T> gradient) {
  velocity_.resize(x.size(), T(0));
  const double rate = rate_.rate();
  for (std::size_t i = 0; i < x.size(); ++i) {
    velocity_[i] = static_cast<T>(momentum_ * velocity_[i] + gradient[i]);
    x[i] = static_cast<T>(x[i] - rate * velocity_[i]);
  }
  rate_.count();
}

template <class T>
void Adam<T>::step(std::span<T> x, std::span<const T> gradient) {
  mean_.resize(x.size(), 0.0);
  square_.resize(x.size(), 0.0);
  const double rate = rate_.rate();
  const double mean_correction = 1.0 - std::pow(beta1_, rate_.steps() + 1);
  const double square_correction = 1.0 - std::pow(beta2_, rate_.steps() + 1);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double g = gradient[i];
    mean_[i] = beta1_ * mean_[i] + (1.0 - beta1_) * g;
    square_[i] = beta2_ * square_[i] + (1.0 - beta2_) * g * g;
    x[i] = static_cast<T>(x[i] - rate * (mean_[i] / mean_correction) / (std::sqrt(square_[i] / square_correction) + epsilon_));
  }
  rate_.count();
}

template <class T>
void project_box(std::span<T> x, T low, T high) {
  for (T& v : x) v = v > low ? std::min(v, high) : low;
}

template <class T>
void project_simplex(std::span<T> x) {
  if (x.empty()) return;
  if (!std::all_of(x.begin(), x.end(), [](T v) { return std::isfinite(v); })) {
    std::fill(x.begin(), x.end(), T(1) / static_cast<T>(x.size()));
    return;
  }
  // A number that is taken off all entries changes nothing; with the largest at 0 the sums below keep their 1.
  const double most = *std::max_element(x.begin(), x.end());
  std::vector<double> sorted(x.begin(), x.end());
  for (double& v : sorted) v -= most;
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  double sum = 0.0;
  double threshold = 0.0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    sum += sorted[i];
    const double candidate = (sum - 1.0) / static_cast<double>(i + 1);
    if (sorted[i] > candidate) threshold = candidate;
  }
  for (T& v : x) v = static_cast<T>(std::max(0.0, v - most - threshold));
}

#define LIKENESS_INSTANTIATE(T)                     \
  template class Sgd<T>;                            \
  template class Adam<T>;                           \
  template void project_box<T>(std::span<T>, T, T); \
  template void project_simplex<T>(std::span<T>);
LIKENESS_INSTANTIATE(float)
LIKENESS_INSTANTIATE(double)

}  // namespace likeness
