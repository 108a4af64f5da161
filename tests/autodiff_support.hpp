// A gradient checker: analytic gradients of the double tape against fourth-order finite differences.
#pragma once

#include <cmath>
#include <cstdint>
#include <deque>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "likeness/autodiff.hpp"

namespace likeness::test {

/// What a graph under test is built with: the tape and constants that live long enough.
template <class T>
class Builder {
 public:
  explicit Builder(Tape<T>& tape) : tape_(tape) {}
  Tape<T>& tape() { return tape_; }
  /// Fixed numbers from -3.25 to 2.75 times `scale`, never zero.
  Tensor<T> numbers(const Shape& shape, double scale = 0.25) {
    Tensor<T> tensor{shape, {}};
    for (std::int64_t k = 0; k < shape.size(); ++k) tensor.data.push_back(static_cast<T>(scale * (static_cast<double>(k * 5 % 7) - 3.25)));
    return tensor;
  }
  Var<T> constant(Tensor<T> tensor) { return tape_.constant(kept_.emplace_back(std::move(tensor))); }
  Var<T> constant(const Shape& shape, double scale = 0.25) { return constant(numbers(shape, scale)); }
  /// sum_i r_i y_i with fixed r: makes a scalar that sees every output.
  Var<T> project(Var<T> y) {
    const std::int64_t n = std::max<std::int64_t>(1, y.shape().size());
    Tensor<T> r{Shape({1, n}), {}};
    std::minstd_rand random(7);
    for (std::int64_t i = 0; i < n; ++i) r.data.push_back(static_cast<T>(0.5 + static_cast<double>(random() % 1000) * 1e-3));
    return linear(reshape(y, Shape({n})), constant(std::move(r)), {});
  }

 private:
  Tape<T>& tape_;
  std::deque<Tensor<T>> kept_;
};

template <class T>
using Graph = std::function<Var<T>(Builder<T>&, const std::vector<Var<T>>&)>;

/// A graph in both number types and its inputs.
struct Case {
  std::string name;
  std::vector<Tensor<double>> inputs;
  Graph<float> in_float;
  Graph<double> in_double;
};

template <class Build>
Case make_case(std::string name, std::vector<Tensor<double>> inputs, Build build) {
  return {std::move(name), std::move(inputs), [build](Builder<float>& b, const std::vector<Var<float>>& in) { return build(b, in); },
          [build](Builder<double>& b, const std::vector<Var<double>>& in) { return build(b, in); }};
}

template <class T>
struct Evaluation {
  Status status;
  T loss = 0;
  std::vector<std::vector<T>> gradients;
};

template <class T>
Evaluation<T> evaluate(const Graph<T>& graph, const std::vector<Tensor<double>>& inputs, bool backward) {
  Tape<T> tape;
  Builder<T> builder(tape);
  std::vector<Var<T>> in;
  for (const auto& x : inputs) in.push_back(tape.variable(x.shape, std::vector<T>(x.data.begin(), x.data.end())));
  const Var<T> loss = builder.project(graph(builder, in));
  Evaluation<T> result;
  result.status = backward ? tape.backward(loss) : tape.status();
  result.loss = loss.item();
  for (const auto& x : in) result.gradients.emplace_back(x.gradient().begin(), x.gradient().end());
  return result;
}

/// The worst difference between gradient and finite differences over all elements of all inputs, relative to the largest
/// derivative of that input; infinity where the graph fails.
struct Verdict {
  double worst = 0.0;
  std::string where;
};

inline Verdict check_gradient(const Graph<double>& graph, std::vector<Tensor<double>> inputs, double h = 1e-3) {
  const Evaluation<double> analytic = evaluate(graph, inputs, true);
  if (!analytic.status.ok()) return {INFINITY, analytic.status.message};
  Verdict verdict;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    std::vector<double> numeric;
    double largest = 0.0;
    for (double& x : inputs[k].data) {
      const double at = x;
      const auto f = [&](double step) {
        x = at + step;
        const double value = evaluate(graph, inputs, false).loss;
        x = at;
        return value;
      };
      numeric.push_back((8.0 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12.0 * h));
      largest = std::max(largest, std::abs(numeric.back()));
    }
    if (largest == 0.0) return {INFINITY, "input " + std::to_string(k) + " has no influence: nothing is checked"};
    for (std::size_t i = 0; i < numeric.size(); ++i) {
      double error = std::abs(analytic.gradients[k][i] - numeric[i]) / largest;
      if (std::isnan(error)) error = INFINITY;
      if (error > verdict.worst) {
        verdict = {error, "input " + std::to_string(k) + ", element " + std::to_string(i) + ": " +
                              std::to_string(analytic.gradients[k][i]) + " instead of " + std::to_string(numeric[i])};
      }
    }
  }
  return verdict;
}

/// Distinct numbers in random order, a multiple of 0.1 plus 0.05 + 0.03 `which`: at least 0.02 from zero, from each other,
/// from those of another `which` and from the negatives of those: no kink of ReLU, L1 or max pooling within reach of h.
inline Tensor<double> distinct(const Shape& shape, int which = 0) {
  Tensor<double> tensor{shape, {}};
  for (std::int64_t i = 0; i < shape.size(); ++i)
    tensor.data.push_back(0.1 * static_cast<double>(i - shape.size() / 2) + 0.05 + 0.03 * which);
  std::minstd_rand random(static_cast<unsigned>(11 + which));
  for (std::size_t i = tensor.data.size(); i > 1; --i) std::swap(tensor.data[i - 1], tensor.data[random() % i]);
  return tensor;
}

/// Random quarters from -1 to 1: sums of their products are multiples of 1/16, so a bias of odd 1/32 keeps them off zero.
inline Tensor<double> quarters(const Shape& shape, int which = 0) {
  Tensor<double> tensor{shape, {}};
  std::minstd_rand random(static_cast<unsigned>(101 + which));
  for (std::int64_t i = 0; i < shape.size(); ++i) tensor.data.push_back(0.25 * (static_cast<double>(random() % 9) - 4.0));
  return tensor;
}

inline Tensor<double> off_grid_bias(std::int64_t n) {
  Tensor<double> tensor{Shape({n}), {}};
  for (std::int64_t i = 0; i < n; ++i) tensor.data.push_back(static_cast<double>(2 * (i % 3) + 1) / 32.0);
  return tensor;
}

}  // namespace likeness::test
