// Is the gradient right? A checker for graphs on a tape, three ways, each with a readable report of the worst element.
//
//   const auto loss = [&]<class T>(Tape<T>& tape, std::span<const Var<T>> in) {
//     return l2_mean(silu(conv2d(in[0], in[1], {}, {.padding = 1})), tape.copied({1, 3, 5, 7}, target));
//   };
//   const GradientReport report = check_gradient(loss, {picture, weight});
//   if (!report.ok()) std::cerr << report.text();
//
// Complex step: Im f(x + ih) / h has no subtraction, hence no cancellation: with h = 1e-20 the derivative is exact to rounding
// (Martins, Sturdza and Alonso, ACM TOMS 29(3), 2003). It differentiates the forward functions alone, run on complex numbers.
// Differences: (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h in double precision, error O(h^4); independent of complex arithmetic.
// Adjoint identity, for linear maps: <A x, u> = <x, A' u>; no step size at all.
//
// Kinks (ReLU, max pooling, L1) are not smoothed: choose inputs further from them than 2 `step`. docs/gradients.md says what the
// library's own operations were put to.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "likeness/autodiff.hpp"

namespace likeness {

struct GradientCheckOptions {
  double complex_step_tolerance = 1e-10;  ///< Of the error relative to the largest derivative of the same input.
  double difference_tolerance = 1e-7;
  double step = 1e-3;           ///< h of the differences.
  bool needs_influence = true;  ///< An input that changes nothing is an error: nothing would be checked. Else its gradient must be 0.
};

/// The worst of one comparison.
struct GradientError {
  double relative = 0;       ///< |gradient - expected| / max |expected| over the input; infinity where one is not finite, or for a
                             ///< gradient of an input without influence.
  std::size_t input = 0;     ///< Which input,
  std::int64_t element = 0;  ///< and which of its numbers.
  double gradient = 0;
  double expected = 0;
};

struct GradientReport {
  std::string error;          ///< Why nothing could be checked: the tape's error, or an input without influence. Empty: checked.
  std::vector<Shape> shapes;  ///< Of the inputs.
  GradientError complex_step;
  GradientError differences;
  GradientCheckOptions options;

  bool ok() const;
  /// One line a method: the worst element, by its place in the tensor, both numbers, and the tolerance.
  std::string text() const;
};

/// <A x, u> against <x, A' u>, where A x = graph(x) - graph(0): the linear part of an affine map.
struct AdjointReport {
  std::string error;    ///< Why nothing could be checked; empty: checked.
  double forward = 0;   ///< <A x, u>
  double backward = 0;  ///< <x, A' u>
  double relative = 0;  ///< |forward - backward| / the larger of sum |(A x)_i u_i| and sum |x_i (A' u)_i|
  bool ok(double tolerance = 1e-13) const { return error.empty() && relative <= tolerance; }
  std::string text() const;
};

namespace detail {
/// Runs the graph at `inputs`; fills `gradients` if not null. Returns the scalar, or reports into `error`.
using RealGraph =
    std::function<double(const std::vector<Tensor<double>>& inputs, std::vector<std::vector<double>>* gradients, std::string& error)>;
using ComplexGraph = std::function<std::complex<double>(const std::vector<Tensor<std::complex<double>>>& inputs)>;
GradientReport check_gradient(const RealGraph& real, const ComplexGraph& complex, std::vector<Tensor<double>> inputs,
                              const GradientCheckOptions& options);

template <class T, class Graph>
Var<T> record(const Graph& graph, Tape<T>& tape, const std::vector<Tensor<T>>& inputs, std::vector<Var<T>>& variables) {
  tape.clear();
  variables.clear();
  for (const Tensor<T>& x : inputs) variables.push_back(tape.variable(x));
  return graph(tape, std::span<const Var<T>>(variables));
}
}  // namespace detail

/// Checks d graph / d inputs, every element. `graph` is a generic function (Tape<T>&, std::span<const Var<T>>) -> Var<T>, a scalar,
/// called with T = double and T = std::complex<double>.
template <class Graph>
GradientReport check_gradient(const Graph& graph, const std::vector<Tensor<double>>& inputs, const GradientCheckOptions& options = {}) {
  Tape<double> tape;
  std::vector<Var<double>> variables;
  const auto real = [&](const std::vector<Tensor<double>>& at, std::vector<std::vector<double>>* gradients, std::string& error) {
    const Var<double> loss = detail::record(graph, tape, at, variables);
    const Status status = gradients != nullptr ? tape.backward(loss) : tape.status();
    if (!status.ok()) {
      error = status.message;
      return 0.0;
    }
    if (gradients != nullptr) {
      for (const Var<double>& v : variables) gradients->emplace_back(v.gradient().begin(), v.gradient().end());
    }
    return loss.item();
  };
  Tape<std::complex<double>> complex_tape;
  std::vector<Var<std::complex<double>>> complex_variables;
  const auto complex = [&](const std::vector<Tensor<std::complex<double>>>& at) {
    return detail::record(graph, complex_tape, at, complex_variables).item();
  };
  return detail::check_gradient(real, complex, inputs, options);
}

/// A number for every element, of size 1/4 to 1 and either sign, from a seed.
std::vector<double> random_directions(std::int64_t count, std::uint32_t seed);

/// Checks that the gradient of an affine map is the adjoint of its linear part, and that the map is affine along x: `graph` is called
/// with a tape of T = double and one input, and gives y of any shape; u is random (seeded).
template <class Graph>
AdjointReport check_adjoint(const Graph& graph, const Tensor<double>& x, std::uint32_t seed = 1) {
  AdjointReport report;
  Tape<double> tape;
  const Tensor<double> origin{x.shape, std::vector<double>(x.data.size(), 0.0)};
  const Var<double> constant = graph(tape, tape.constant(origin));
  const Var<double> input = tape.variable(x);
  const Var<double> y = graph(tape, input);
  const std::int64_t n = y.shape().size();
  const std::vector<double> u = random_directions(n, seed);
  double scale = 0;
  for (std::size_t i = 0; i < y.value().size(); ++i) {
    const double product = (y.value()[i] - constant.value()[i]) * u[i];
    report.forward += product;
    scale += std::abs(product);
  }
  // <A x, u> as a graph: its gradient with respect to x is A' u.
  const Var<double> product = linear(reshape(y, {n}), tape.constant({1, n}, u), {});
  if (const Status status = tape.backward(product); !status.ok()) {
    report.error = status.message;
    return report;
  }
  double other_scale = 0;
  for (std::size_t i = 0; i < x.data.size(); ++i) {
    report.backward += x.data[i] * input.gradient()[i];
    other_scale += std::abs(x.data[i] * input.gradient()[i]);
  }
  report.relative = std::abs(report.forward - report.backward) / std::max(scale, other_scale);
  if (scale == 0) {
    report.error = "the map's result is zero: nothing is checked";
  } else if (!(report.relative >= 0)) {
    report.error = "the products are not finite";
  }
  return report;
}

}  // namespace likeness
