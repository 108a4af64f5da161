// Optimisers on a plain vector, and projections onto the sets that sliders live in.
#pragma once

#include <span>
#include <vector>

namespace likeness {

/// Stochastic gradient descent with momentum and step decay:
/// v <- momentum v + g, x <- x - rate v; the rate is multiplied by `decay` after every `decay_every` steps (0: never).
class Sgd {
 public:
  struct Options {
    double rate = 0.1;
    double momentum = 0.0;
    double decay = 1.0;
    int decay_every = 0;
  };
  explicit Sgd(const Options& options) : options_(options), rate_(options.rate) {}
  /// x and gradient of equal length, the same at every step.
  void step(std::span<float> x, std::span<const float> gradient);
  double rate() const { return rate_; }

 private:
  Options options_;
  double rate_;
  int steps_ = 0;
  std::vector<float> velocity_;
};

/// Adam (Kingma and Ba, 2015) with the same step decay.
class Adam {
 public:
  struct Options {
    double rate = 0.02;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double decay = 1.0;
    int decay_every = 0;
  };
  explicit Adam(const Options& options) : options_(options), rate_(options.rate) {}
  void step(std::span<float> x, std::span<const float> gradient);
  double rate() const { return rate_; }

 private:
  Options options_;
  double rate_;
  int steps_ = 0;
  std::vector<double> mean_;
  std::vector<double> square_;
};

/// The nearest point of the box [low, high]^n. NaN becomes low.
void project_box(std::span<float> x, float low = 0.0F, float high = 1.0F);

/// The nearest point (Euclidean) of the probability simplex {x >= 0, sum x = 1}: x_i - t clipped at 0, where t follows from the
/// sorted entries (Duchi et al., ICML 2008). A vector with a non-finite entry becomes the centre.
void project_simplex(std::span<float> x);

}  // namespace likeness
