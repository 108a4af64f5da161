// Optimisers on a plain vector, and projections onto the sets that sliders live in. T is float or double.
//
//   Sgd<float> optimizer({.rate = 10, .decay = {.factor = 0.8, .every = 5}});
//   for (int i = 0; i < 50; ++i) {
//     program->run();
//     optimizer.step(program->input(x), program->gradient(x));
//     project_box(program->input(x));
//   }
#pragma once

#include <span>
#include <vector>

namespace likeness {

/// The rate is multiplied by `factor` after every `every` steps (0: never), as by torch.optim.lr_scheduler.StepLR.
struct StepDecay {
  double factor = 1.0;
  int every = 0;
};

/// A learning rate under step decay.
class DecayingRate {
 public:
  DecayingRate(double rate, const StepDecay& decay) : rate_(rate), decay_(decay) {}
  double rate() const { return rate_; }
  int steps() const { return steps_; }
  /// After a step.
  void count();

 private:
  double rate_;
  StepDecay decay_;
  int steps_ = 0;
};

/// Stochastic gradient descent with momentum, as torch.optim.SGD: v <- momentum v + g, x <- x - rate v, v = 0 before the first step.
template <class T>
class Sgd {
 public:
  struct Options {
    double rate = 0.1;
    double momentum = 0.0;
    StepDecay decay = {};
  };
  explicit Sgd(const Options& options) : momentum_(options.momentum), rate_(options.rate, options.decay) {}
  /// x and gradient of equal length, the same at every step. Takes memory in the first.
  void step(std::span<T> x, std::span<const T> gradient);
  /// Of the next step.
  double rate() const { return rate_.rate(); }

 private:
  double momentum_;
  DecayingRate rate_;
  std::vector<T> velocity_;
};

/// Adam (Kingma and Ba, ICLR 2015), as torch.optim.Adam: m <- beta1 m + (1 - beta1) g, s <- beta2 s + (1 - beta2) g^2,
/// x <- x - rate m' / (sqrt(s') + epsilon) with m' = m / (1 - beta1^t), s' = s / (1 - beta2^t) in step t.
template <class T>
class Adam {
 public:
  struct Options {
    double rate = 0.02;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    StepDecay decay = {};
  };
  explicit Adam(const Options& options)
      : beta1_(options.beta1), beta2_(options.beta2), epsilon_(options.epsilon), rate_(options.rate, options.decay) {}
  /// As Sgd::step().
  void step(std::span<T> x, std::span<const T> gradient);
  /// Of the next step.
  double rate() const { return rate_.rate(); }

 private:
  double beta1_, beta2_, epsilon_;
  DecayingRate rate_;
  std::vector<double> mean_;
  std::vector<double> square_;
};

/// The nearest point of the box [low, high]^n. NaN becomes low.
template <class T>
void project_box(std::span<T> x, T low = T(0), T high = T(1));

/// The nearest point (Euclidean) of the probability simplex {x >= 0, sum x = 1}: x_i - t clipped at 0, where t follows from the
/// sorted entries (Duchi et al., ICML 2008). A vector with a non-finite entry becomes the centre.
template <class T>
void project_simplex(std::span<T> x);

}  // namespace likeness
