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
  T* y = op.output({w->outputs});
  kernels::matvec(w->transposed.data(), w->bias.empty() ? nullptr : w->bias.data(), op.value(x), w->inputs, w->outputs, y);
  return op.done([x, w](Backward<T>& b) {
    b.into(x, [&](T* dx) { kernels::matvec_transposed(w->transposed.data(), b.dy(), w->inputs, w->outputs, dx); });
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
  const T* from = op.value(x);
  const T* w = op.value(weight);
  T* y = op.output({outputs});
  // The rows of `weight` are the columns of the transposed map: the two kernels change roles.
  kernels::matvec_transposed(w, from, outputs, inputs, y);
  if (bias.valid()) kernels::add(static_cast<const T*>(y), op.value(bias), y, outputs);
  return op.done([=](Backward<T>& b) {
    const T* dy = b.dy();
    b.into(x, [&](T* dx) { kernels::matvec(w, static_cast<const T*>(nullptr), dy, outputs, inputs, dx); });
    b.into(weight, [&](T* dw) {
      for (std::int64_t o = 0; o < outputs; ++o) {
        for (std::int64_t i = 0; i < inputs; ++i) dw[o * inputs + i] = dy[o] * from[i];
      }
    });
    b.into(bias, [&](T* db) { std::copy_n(dy, outputs, db); });
  });
}

#define LIKENESS_INSTANTIATE(T)                           \
  template class FrozenLinear<T>;                         \
  template Var<T> linear(Var<T>, const FrozenLinear<T>&); \
  template Var<T> linear(Var<T>, Var<T>, Var<T>);
LIKENESS_INSTANTIATE(float)
LIKENESS_INSTANTIATE(double)

}  // namespace likeness
