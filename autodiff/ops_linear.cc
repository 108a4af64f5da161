// Linear layers: forward and gradient side by side. Formulas: likeness/autodiff.hpp.
#include "autodiff/frozen.hpp"
#include "autodiff/tape_state.hpp"
#include "kernels/elementwise.hpp"

namespace likeness {

template <class T>
Result<FrozenLinear<T>> FrozenLinear<T>::create(const Tensor<T>& weight, const Tensor<T>& bias) {
  const bool has_bias = !bias.data.empty();
  if (weight.shape.rank() != 2 || weight.shape.size() != static_cast<std::int64_t>(weight.data.size())) {
    return Status{Code::invalid_argument, "linear: the weight is [outputs, inputs], not " + weight.shape.text()};
  }
  if (has_bias && (bias.shape != Shape({weight.shape[0]}) || bias.shape.size() != static_cast<std::int64_t>(bias.data.size()))) {
    return Status{Code::invalid_argument, "linear: the bias is [" + std::to_string(weight.shape[0]) + "], not " + bias.shape.text()};
  }
  auto w = std::make_shared<detail::LinearWeights<T>>();
  w->outputs = weight.shape[0];
  w->inputs = weight.shape[1];
  w->bias = bias.data;
  w->transposed.resize(weight.data.size());
  for (std::int64_t o = 0; o < w->outputs; ++o) {
    for (std::int64_t i = 0; i < w->inputs; ++i) {
      w->transposed[static_cast<std::size_t>(i * w->outputs + o)] = weight.data[static_cast<std::size_t>(o * w->inputs + i)];
    }
  }
  FrozenLinear layer;
  layer.weights_ = std::move(w);
  return layer;
}

template <class T>
Var<T> linear(Var<T> x, const FrozenLinear<T>& layer) {
  Op<T> op("linear", {x});
  if (!op.ok()) return op.failed();
  const auto w = TapeAccess<T>::shared(layer);
  if (w == nullptr) return op.fail("the layer has no weights");
  if (x.shape() != Shape({w->inputs})) return op.fail("x is [" + std::to_string(w->inputs) + "], not " + x.shape().text());
  return op.record(
      {.shape = {w->outputs}, .flops = 2.0 * static_cast<double>(w->outputs) * static_cast<double>(w->inputs)},
      [w](Forward<T>& f) {
        kernels::matvec(w->transposed.data(), w->bias.empty() ? nullptr : w->bias.data(), f.x(0), w->inputs, w->outputs, f.y());
      },
      [w](Backward<T>& b) {
        b.into(0, [&](T* dx) { kernels::matvec_transposed(w->transposed.data(), b.dy(), w->inputs, w->outputs, dx); });
      });
}

template <class T>
Var<T> linear(Var<T> x, Var<T> weight, Var<T> bias) {
  Op<T> op("linear", {x, weight}, {bias});
  if (!op.ok()) return op.failed();
  const Shape shape = weight.shape();
  if (shape.rank() != 2) return op.fail("the weight is [outputs, inputs], not " + shape.text());
  const std::int64_t outputs = shape[0];
  const std::int64_t inputs = shape[1];
  if (x.shape() != Shape({inputs})) return op.fail("x is [" + std::to_string(inputs) + "], not " + x.shape().text());
  if (bias.valid() && bias.shape() != Shape({outputs}))
    return op.fail("the bias is [" + std::to_string(outputs) + "], not " + bias.shape().text());
  // The rows of `weight` are the columns of the transposed map: the two kernels change roles.
  return op.record(
      {.shape = {outputs}, .reads_inputs = true, .flops = 2.0 * static_cast<double>(outputs) * static_cast<double>(inputs)},
      [=](Forward<T>& f) {
        kernels::matvec_transposed(f.x(1), f.x(0), outputs, inputs, f.y());
        if (f.x(2) != nullptr) kernels::add(static_cast<const T*>(f.y()), f.x(2), f.y(), outputs);
      },
      [=](Backward<T>& b) {
        const T* dy = b.dy();
        b.into(0, [&](T* dx) { kernels::matvec(b.x(1), static_cast<const T*>(nullptr), dy, outputs, inputs, dx); });
        b.into(1, [&](T* dw) {
          for (std::int64_t o = 0; o < outputs; ++o) {
            for (std::int64_t i = 0; i < inputs; ++i) dw[o * inputs + i] = dy[o] * b.x(0)[i];
          }
        });
        b.into(2, [&](T* db) { std::copy_n(dy, outputs, db); });
      });
}

#define LIKENESS_INSTANTIATE(T)                           \
  template class FrozenLinear<T>;                         \
  template Var<T> linear(Var<T>, const FrozenLinear<T>&); \
  template Var<T> linear(Var<T>, Var<T>, Var<T>);
LIKENESS_FOR_EACH_NUMBER(LIKENESS_INSTANTIATE)

}  // namespace likeness
