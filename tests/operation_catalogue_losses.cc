// Element by element, softmax, losses.
#include <array>
#include <cmath>
#include <utility>

#include "operation_catalogue.hpp"

namespace likeness::test {
namespace {

// An operation of one input that works on every number alone.
template <class F>
Operation activation(std::string name, bool kink, F f) {
  return {std::move(name), {}, true, [=](Random& r) {
            const Shape shape = r.any_shape();
            return Instance{"", {kink ? r.off_zero(shape) : r.numbers(shape, -3, 3)}, [f]<class T>(Tape<T>&, std::span<const Var<T>> in) {
                              return f(in[0]);
                            }};
          }};
}

// Two shapes that broadcast: equal, or with sizes of 1 and missing dimensions in either.
std::pair<Shape, Shape> draw_pair(Random& r) {
  const Shape whole = r.any_shape();
  if (r.chance(30)) return {whole, whole};
  const auto part = [&](bool shorter) {
    std::vector<std::int64_t> sizes;
    for (int i = shorter ? static_cast<int>(r.between(0, whole.rank())) : 0; i < whole.rank(); ++i)
      sizes.push_back(r.chance(40) ? 1 : whole[i]);
    return Shape(sizes);
  };
  const bool first = r.chance(50);
  const Shape a = part(first), b = part(!first);
  return {a, b};
}

// Arithmetic of two arrays: f(a, b); `divisor` keeps b off zero.
template <class F>
Operation arithmetic(std::string name, std::vector<std::size_t> linear, bool divisor, F f) {
  return {std::move(name), std::move(linear), true, [=](Random& r) {
            const auto [a, b] = draw_pair(r);
            Tensor<double> other = r.numbers(b);
            if (divisor) {
              for (double& v : other.data) v += v < 0 ? -0.5 : 0.5;
            }
            return Instance{"", {r.numbers(a), other}, [f]<class T>(Tape<T>&, std::span<const Var<T>> in) { return f(in[0], in[1]); }};
          }};
}

// Sums and means over some dimensions.
template <class F>
Operation reduction(std::string name, F f) {
  return {std::move(name), {0}, true, [f](Random& r) {
            const Shape shape = r.any_shape();
            const bool keep = r.chance(50);
            std::int64_t choice = r.between(0, std::array{2, 4, 6, 9}[static_cast<std::size_t>(shape.rank() - 1)]);
            return Instance{"choice " + std::to_string(choice) + (keep ? " kept" : ""),
                            {r.numbers(shape)},
                            [=]<class T>(Tape<T>&, std::span<const Var<T>> in) {
                              switch (choice) {
                                case 1:
                                  return f(in[0], {0}, keep);
                                case 2:
                                  return f(in[0], {-1}, keep);
                                case 3:
                                  return f(in[0], {1}, keep);
                                case 4:
                                  return f(in[0], {-1, 0}, keep);
                                case 5:
                                  return f(in[0], {2, 0}, keep);
                                case 6:
                                  return f(in[0], {1, 2}, keep);
                                case 7:
                                  return f(in[0], {3, 1}, keep);
                                case 8:
                                  return f(in[0], {0, 2, 3}, keep);
                                case 9:
                                  return f(in[0], {0, 1, 3}, keep);
                                default:
                                  return f(in[0], {}, keep);
                              }
                            }};
          }};
}

Instance draw_twice(Random& r) {
  return {"", {r.numbers(r.any_shape())}, []<class T>(Tape<T>&, std::span<const Var<T>> in) { return add(in[0], in[0]); }};
}

Instance draw_softmax(Random& r) {
  const std::int64_t n = r.between(2, 11), begin = r.between(0, n - 2), end = r.between(begin + 2, n);
  const double beta = 0.5 * static_cast<double>(r.between(1, 6));
  return {"[" + std::to_string(begin) + ", " + std::to_string(end) + ") beta " + std::to_string(beta),
          {r.numbers({n})},
          [=]<class T>(Tape<T>&, std::span<const Var<T>> in) { return softmax(in[0], begin, end, beta); }};
}

Instance draw_softmax_along(Random& r) {
  const Shape shape = r.any_shape();
  const int dimension = static_cast<int>(r.between(-shape.rank(), shape.rank() - 1));
  return {"dimension " + std::to_string(dimension), {r.numbers(shape, -2, 2)}, [=]<class T>(Tape<T>&, std::span<const Var<T>> in) {
            return softmax(in[0], dimension);
          }};
}

// Weights of a mean: none, or each size 1 or that of `a`; some of them zero, their sum positive.
Tensor<double> draw_weights(Random& r, const Shape& a) {
  if (r.chance(30)) return {};
  std::vector<std::int64_t> sizes;
  for (int i = 0; i < a.rank(); ++i) sizes.push_back(r.chance(50) ? 1 : a[i]);
  Tensor<double> weights = r.numbers(Shape(sizes), 0, 1);
  for (double& w : weights.data) w = r.chance(20) ? 0.0 : w;
  weights.data[static_cast<std::size_t>(r.between(0, weights.shape.size() - 1))] = 1;
  return weights;
}

template <class T>
Var<T> optional_constant(Tape<T>& tape, const Tensor<double>& values) {
  return values.data.empty() ? Var<T>() : tape.copied(values.shape, values.data);
}

// A distance of two tensors with weights: f(a, b, weights).
template <class F>
Operation distance(std::string name, bool kink, F f) {
  return {std::move(name), {}, false, [=](Random& r) {
            const Shape shape = r.any_shape();
            const Tensor<double> a = r.numbers(shape), b = kink ? r.apart_from(a) : r.numbers(shape), weights = draw_weights(r, shape);
            return Instance{
                "weights " + (weights.data.empty() ? "none" : weights.shape.text()),
                {a, b},
                [=]<class T>(Tape<T>& tape, std::span<const Var<T>> in) { return f(in[0], in[1], optional_constant(tape, weights)); }};
          }};
}

// The bend of the smooth distance, |a - b| = beta, is kept as far away as the others' kinks.
Instance draw_smooth_l1(Random& r) {
  const Shape shape = r.any_shape();
  const double beta = std::array{0.25, 0.5, 1.0}[static_cast<std::size_t>(r.between(0, 2))];
  const Tensor<double> a = r.numbers(shape), weights = draw_weights(r, shape);
  Tensor<double> b = r.apart_from(a);
  for (std::size_t i = 0; i < b.data.size(); ++i) {
    if (std::abs(std::abs(a.data[i] - b.data[i]) - beta) < 1.0 / 32) b.data[i] += 1.0 / 8;
  }
  return {"beta " + std::to_string(beta) + " weights " + (weights.data.empty() ? "none" : weights.shape.text()),
          {a, b},
          [=]<class T>(Tape<T>& tape, std::span<const Var<T>> in) {
            return smooth_l1_mean(in[0], in[1], beta, optional_constant(tape, weights));
          }};
}

Instance draw_cosine(Random& r) {
  const Shape shape{r.between(2, 4), r.between(1, 5)};
  // No short vectors: their directions turn too fast for differences.
  std::vector<Tensor<double>> inputs{r.off_zero(shape), r.off_zero(shape)};
  for (Tensor<double>& x : inputs) {
    for (double& v : x.data) v += v < 0 ? -0.25 : 0.25;
  }
  return {"", std::move(inputs), []<class T>(Tape<T>&, std::span<const Var<T>> in) { return cosine_distance(in[0], in[1]); }};
}

Instance draw_cross_entropy(Random& r) {
  Shape x{r.between(1, 2), r.between(2, 4), r.between(1, 3), r.between(1, 3)};
  if (r.chance(30)) x = {x[0], x[1]};
  const std::int32_t ignore = r.chance(50) ? -100 : 1;
  std::vector<std::int32_t> labels(static_cast<std::size_t>(x.size() / x[1]));
  for (std::int32_t& label : labels) label = r.chance(20) ? ignore : static_cast<std::int32_t>(r.between(0, x[1] - 1));
  labels[static_cast<std::size_t>(r.between(0, static_cast<std::int64_t>(labels.size()) - 1))] = 0;  // one that counts
  return {"ignoring " + std::to_string(ignore), {r.numbers(x, -2, 2)}, [=]<class T>(Tape<T>&, std::span<const Var<T>> in) {
            return cross_entropy(in[0], std::span<const std::int32_t>(labels), ignore);
          }};
}

Instance draw_feature_l1(Random& r) {
  const auto depths = static_cast<std::size_t>(r.between(1, 3));
  const bool weighted = r.chance(60);
  std::vector<Tensor<double>> inputs(2 * depths), places;
  for (std::size_t k = 0; k < depths; ++k) {
    const Shape shape = r.picture();
    inputs[k] = r.numbers(shape);
    inputs[depths + k] = r.apart_from(inputs[k]);
    places.push_back(r.numbers({1, 1, shape[2], shape[3]}, 0.25, 1));
  }
  const Tensor<double> factors = r.off_zero({static_cast<std::int64_t>(depths)});
  return {weighted ? "weighted places" : "", std::move(inputs), [=]<class T>(Tape<T>& tape, std::span<const Var<T>> in) {
            std::vector<Var<T>> weights;
            for (const Tensor<double>& p : places) {
              if (weighted) weights.push_back(tape.copied(p.shape, p.data));
            }
            return feature_l1(in.first(depths), in.last(depths), std::span<const T>(converted<T>(factors).data),
                              std::span<const Var<T>>(weights));
          }};
}

Instance draw_weighted_sum(Random& r) {
  std::vector<Tensor<double>> terms(static_cast<std::size_t>(r.between(1, 4)));
  for (Tensor<double>& term : terms) term = r.numbers({});
  const Tensor<double> weights = r.off_zero({static_cast<std::int64_t>(terms.size())});
  return {"", std::move(terms),
          [=]<class T>(Tape<T>&, std::span<const Var<T>> in) { return weighted_sum(in, std::span<const T>(converted<T>(weights).data)); }};
}

}  // namespace

std::vector<Operation> elementwise_and_losses() {
  return {
      activation("relu", true, [](auto x) { return relu(x); }),
      activation("leaky_relu", true, [](auto x) { return leaky_relu(x, 0.125); }),
      activation("sigmoid", false, [](auto x) { return sigmoid(x); }),
      activation("silu", false, [](auto x) { return silu(x); }),
      activation("tanh", false, [](auto x) { return tanh(x); }),
      arithmetic("add", {0, 1}, false, [](auto a, auto b) { return add(a, b); }),
      {"add, twice the same", {0}, true, draw_twice},
      arithmetic("subtract", {0, 1}, false, [](auto a, auto b) { return subtract(a, b); }),
      arithmetic("multiply", {0, 1}, false, [](auto a, auto b) { return multiply(a, b); }),
      arithmetic("divide", {0}, true, [](auto a, auto b) { return divide(a, b); }),
      reduction("sum", [](auto x, std::initializer_list<int> along, bool keep) { return sum(x, along, keep); }),
      reduction("mean", [](auto x, std::initializer_list<int> along, bool keep) { return mean(x, along, keep); }),
      {"softmax, of a part", {}, false, draw_softmax},
      {"softmax, along a dimension", {}, true, draw_softmax_along},
      distance("l1_mean", true, [](auto a, auto b, auto w) { return l1_mean(a, b, w); }),
      distance("l2_mean", false, [](auto a, auto b, auto w) { return l2_mean(a, b, w); }),
      {"smooth_l1_mean", {}, false, draw_smooth_l1},
      {"cosine_distance", {}, false, draw_cosine},
      {"cross_entropy", {}, false, draw_cross_entropy},
      {"feature_l1", {}, false, draw_feature_l1},
      {"weighted_sum", {0, 1, 2, 3}, false, draw_weighted_sum},
  };
}

}  // namespace likeness::test
