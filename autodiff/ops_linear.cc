// Linear layers: forward and gradient side by side. Formulas: likeness/autodiff.hpp.
#include <algorithm>

#include "autodiff/dimensions.hpp"
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
std::int64_t FrozenLinear<T>::bytes() const {
  return weights_ == nullptr ? 0 : static_cast<std::int64_t>((weights_->transposed.size() + weights_->bias.size()) * sizeof(T));
}

namespace {

// x is a vector [inputs] or a batch of them [N, inputs].
bool fits(const Shape& x, std::int64_t inputs) { return (x.rank() == 1 || x.rank() == 2) && x[x.rank() - 1] == inputs; }

std::string expected(const Shape& x, std::int64_t inputs) {
  return "x is [" + std::to_string(inputs) + "] or [N, " + std::to_string(inputs) + "], not " + x.text();
}

}  // namespace

template <class T>
Var<T> linear(Var<T> x, const FrozenLinear<T>& layer) {
  Op<T> op("linear", {x});
  if (!op.ok()) return op.failed();
  const auto w = TapeAccess<T>::shared(layer);
  if (w == nullptr) return op.fail("the layer has no weights");
  const Shape shape = x.shape();
  if (!fits(shape, w->inputs)) return op.fail(expected(shape, w->inputs));
  const std::int64_t batch = shape.size() / w->inputs;
  return op.record(
      {.shape = with_size(shape, shape.rank() - 1, w->outputs),
       .flops = 2.0 * static_cast<double>(w->outputs) * static_cast<double>(shape.size())},
      [=](Forward<T>& f) {
        const T* bias = w->bias.empty() ? nullptr : w->bias.data();
        for (std::int64_t n = 0; n < batch; ++n) {
          kernels::matvec(w->transposed.data(), bias, f.x(0) + n * w->inputs, w->inputs, w->outputs, f.y() + n * w->outputs);
        }
      },
      [=](Backward<T>& b) {
        b.into(0, [&](T* dx) {
          for (std::int64_t n = 0; n < batch; ++n) {
            kernels::matvec_transposed(w->transposed.data(), b.dy() + n * w->outputs, w->inputs, w->outputs, dx + n * w->inputs);
          }
        });
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
  if (!fits(x.shape(), inputs)) return op.fail(expected(x.shape(), inputs));
  if (bias.valid() && bias.shape() != Shape({outputs}))
    return op.fail("the bias is [" + std::to_string(outputs) + "], not " + bias.shape().text());
  const std::int64_t batch = x.shape().size() / inputs;
  // The rows of `weight` are the columns of the transposed map: the two kernels change roles.
  return op.record(
      {.shape = with_size(x.shape(), x.shape().rank() - 1, outputs),
       .reads_inputs = true,
       .flops = 2.0 * static_cast<double>(outputs) * static_cast<double>(x.shape().size())},
      [=](Forward<T>& f) {
        for (std::int64_t n = 0; n < batch; ++n) {
          T* y = f.y() + n * outputs;
          kernels::matvec_transposed(f.x(1), f.x(0) + n * inputs, outputs, inputs, y);
          if (f.x(2) != nullptr) kernels::add(static_cast<const T*>(y), f.x(2), y, outputs);
        }
      },
      [=](Backward<T>& b) {
        const T* dy = b.dy();
        b.into(0, [&](T* dx) {
          for (std::int64_t n = 0; n < batch; ++n) {
            kernels::matvec(b.x(1), static_cast<const T*>(nullptr), dy + n * outputs, outputs, inputs, dx + n * inputs);
          }
        });
        b.into(1, [&](T* dw) {
          std::fill_n(dw, outputs * inputs, T(0));
          for (std::int64_t n = 0; n < batch; ++n) {
            for (std::int64_t o = 0; o < outputs; ++o) {
              for (std::int64_t i = 0; i < inputs; ++i) dw[o * inputs + i] += dy[n * outputs + o] * b.x(0)[n * inputs + i];
            }
          }
        });
        b.into(2, [&](T* db) { kernels::sum_middle({1, batch, outputs}, dy, T(1), db); });
      });
}

#define LIKENESS_INSTANTIATE(T)                           \
  template class FrozenLinear<T>;                         \
  template Var<T> linear(Var<T>, const FrozenLinear<T>&); \
  template Var<T> linear(Var<T>, Var<T>, Var<T>);
LIKENESS_FOR_EACH_NUMBER(LIKENESS_INSTANTIATE)

}  // namespace likeness
