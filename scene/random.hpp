// Random numbers that are the same on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace likeness::scene {

/// SplitMix64 (Steele, Lea, Flood 2014) started at a mix of seed and index.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t index) : state_(mix(seed ^ 0x6C696B656E657373U) ^ mix(index + 0x9E3779B97F4A7C15U)) {}

  std::uint64_t bits() {
    state_ += 0x9E3779B97F4A7C15U;
    return mix(state_);
  }
  /// Uniform in (0, 1), never an end.
  double uniform() { return (static_cast<double>(bits() >> 11) + 0.5) * 0x1.0p-53; }
  bool chance(double probability) { return uniform() < probability; }
  /// Nearly standard normal: the sum of 12 uniforms less 6 (Irwin-Hall), exact arithmetic and so equal everywhere. Within +-6.
  double normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum;
  }
  /// Index with probability proportional to its weight.
  std::size_t pick(std::span<const double> weight) {
    double total = 0;
    for (const double w : weight) total += w;
    double at = uniform() * total;
    for (std::size_t i = 0; i + 1 < weight.size(); ++i) {
      at -= weight[i];
      if (at < 0) return i;
    }
    return weight.size() - 1;
  }

 private:
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
};

}  // namespace likeness::scene
