// Element by element, softmax, losses.
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

Instance draw_add(Random& r) {
  const Shape shape = r.any_shape();
  return {"", {r.numbers(shape), r.numbers(shape)}, []<class T>(Tape<T>&, std::span<const Var<T>> in) { return add(in[0], in[1]); }};
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

Instance draw_softmax_channels(Random& r) {
  const Shape x{r.between(1, 2), r.between(2, 4), r.between(1, 3), r.between(1, 3)};
  return {"", {r.numbers(x, -2, 2)}, []<class T>(Tape<T>&, std::span<const Var<T>> in) { return softmax_channels(in[0]); }};
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
      activation("sigmoid", false, [](auto x) { return sigmoid(x); }),
      {"add", {0, 1}, false, draw_add},
      {"add, twice the same", {0}, true, draw_twice},
      {"softmax", {}, false, draw_softmax},
      {"softmax_channels", {}, false, draw_softmax_channels},
      distance("l1_mean", true, [](auto a, auto b, auto w) { return l1_mean(a, b, w); }),
      distance("l2_mean", false, [](auto a, auto b, auto w) { return l2_mean(a, b, w); }),
      {"weighted_sum", {0, 1, 2, 3}, false, draw_weighted_sum},
  };
}

}  // namespace likeness::test
