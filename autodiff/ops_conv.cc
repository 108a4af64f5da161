// Convolutions: forward and gradient side by side. Formulas: likeness/autodiff.hpp.
// A transposed convolution is the data gradient of a convolution used forwards, so both share one pair of maps:
// gather (x -> y of kernels::ConvShape) and scatter (y -> x).
#include <algorithm>
#include <type_traits>

#include "autodiff/frozen.hpp"
#include "autodiff/tape_state.hpp"
#include "base/parallel.hpp"
#include "kernels/conv_ref.hpp"
#include "kernels/elementwise.hpp"

namespace likeness {
namespace {

using detail::ConvWeights;
using kernels::ConvShape;

// One picture through `gather` or scatter: to = relu?(map(from where mask > 0) + bias).
template <class T>
void run_map(const ConvWeights<T>& w, const ConvShape& s, bool gather, const T* from, const T* mask, const T* bias, bool relu, T* to,
             BufferPool<T>& pool) {
  if constexpr (std::is_same_v<T, float>) {
    const Scratch<T> workspace(pool, w.packed->workspace(s));
    if (gather) {
      w.packed->gather(s, from, mask, {bias, nullptr, relu}, to, workspace.data());
    } else {
      w.packed->scatter(s, from, mask, {bias, nullptr, relu}, to, workspace.data());
    }
  } else {
    const std::int64_t from_size = gather ? s.x_size() : s.y_size();
    const Scratch<T> masked(pool, from_size);
    if (mask != nullptr) {
      kernels::relu_gradient(mask, from, masked.data(), from_size);
      from = masked.data();
    }
    if (gather) {
      kernels::reference::conv_gather(s, from, w.plain.data(), bias, to);
    } else {
      kernels::reference::conv_scatter(s, from, w.plain.data(), bias, to);
    }
    if (relu) kernels::relu(static_cast<const T*>(to), to, gather ? s.y_size() : s.x_size());
  }
}

template <class T>
std::shared_ptr<ConvWeights<T>> prepare(const T* weight, const Shape& shape, const ConvOptions& options, bool transposed) {
  auto w = std::make_shared<ConvWeights<T>>();
  w->shape = {shape[1], shape[0], 1, 1, shape[2], shape[3], options.stride, options.padding};
  w->transposed = transposed;
  w->relu = options.relu;
  if constexpr (std::is_same_v<T, float>) {
    w->packed = std::make_unique<kernels::PackedConv>(w->shape, weight);
  } else {
    w->plain.assign(weight, weight + shape.size());
  }
  return w;
}

// The picture sizes of one use; `message` says what does not fit.
struct Sizes {
  ConvShape shape;
  Shape output;
  std::string message;
};

Sizes sizes(const ConvShape& weights, const Shape& x, bool transposed) {
  Sizes out{weights, {}, {}};
  if (x.rank() != 4) {
    out.message = "x is [N, C, H, W], not " + x.text();
    return out;
  }
  const std::int64_t channels = transposed ? weights.out : weights.in;
  if (x[1] != channels) {
    out.message = "the weights are for " + std::to_string(channels) + " channels, x is " + x.text();
    return out;
  }
  ConvShape& s = out.shape;
  if (!transposed) {
    s.height = x[2];
    s.width = x[3];
    if (s.valid()) {
      out.output = Shape({x[0], s.out, s.out_height(), s.out_width()});
    } else {
      out.message = "the kernel is larger than the padded picture " + x.text();
    }
    return out;
  }
  s.height = (x[2] - 1) * s.stride - 2 * s.padding + s.kernel_h;
  s.width = (x[3] - 1) * s.stride - 2 * s.padding + s.kernel_w;
  out.output = Shape({x[0], s.in, s.height, s.width});
  if (s.height < 1 || s.width < 1 || out.output.rank() < 0) out.message = "padding leaves nothing of " + x.text();
  return out;
}

Status check_weight(const Shape& weight, const Shape* bias, const ConvOptions& options, bool transposed) {
  const auto bad = [](std::string message) { return Status{Code::invalid_argument, "convolution: " + std::move(message)}; };
  if (weight.rank() != 4) return bad("the weight has four sizes, not " + weight.text());
  if (options.stride < 1 || options.padding < 0) return bad("needs stride >= 1 and padding >= 0");
  const Shape channels({weight[transposed ? 1 : 0]});
  if (bias != nullptr && *bias != channels) return bad("the bias is " + channels.text() + ", not " + bias->text());
  return Status::success();
}

template <class T>
Result<std::shared_ptr<const ConvWeights<T>>> freeze(const Tensor<T>& weight, const Tensor<T>& bias, const ConvOptions& options,
                                                     bool transposed) {
  const bool has_bias = !bias.data.empty();
  if (Status s = check_weight(weight.shape, has_bias ? &bias.shape : nullptr, options, transposed); !s.ok()) return s;
  if (weight.shape.size() != static_cast<std::int64_t>(weight.data.size()) ||
      (has_bias && bias.shape.size() != static_cast<std::int64_t>(bias.data.size()))) {
    return Status{Code::invalid_argument, "convolution: the number of weights does not match their shape"};
  }
  auto w = prepare(weight.data.data(), weight.shape, options, transposed);
  w->has_bias = has_bias;
  w->bias = bias.data;
  return std::shared_ptr<const ConvWeights<T>>(std::move(w));
}

// x with frozen weights.
template <class T>
Var<T> frozen_conv(const char* name, Var<T> x, const std::shared_ptr<const ConvWeights<T>>& w, bool transposed) {
  Op<T> op(name, {x});
  if (!op.ok()) return op.failed();
  if (w == nullptr || w->transposed != transposed) return op.fail("the weights were made for another operation");
  const Sizes z = sizes(w->shape, x.shape(), transposed);
  if (!z.message.empty()) return op.fail(z.message);
  const bool gather = !transposed;
  const std::int64_t batch = x.shape()[0];
  const std::int64_t x_step = x.shape().size() / batch;
  const std::int64_t y_step = z.output.size() / batch;
  const T* from = op.value(x);
  T* y = op.output(z.output);
  for (std::int64_t n = 0; n < batch; ++n) {
    run_map<T>(*w, z.shape, gather, from + n * x_step, nullptr, w->has_bias ? w->bias.data() : nullptr, w->relu, y + n * y_step, op.pool());
  }
  return op.done([=, s = z.shape](Backward<T>& b) {
    b.into(x, [&](T* dx) {
      for (std::int64_t n = 0; n < batch; ++n) {
        const T* mask = w->relu ? y + n * y_step : nullptr;
        run_map<T>(*w, s, !gather, b.dy() + n * y_step, mask, nullptr, false, dx + n * x_step, b.pool());
      }
    });
  });
}

// x with weights on the tape, whose gradient may be wanted.
template <class T>
Var<T> free_conv(const char* name, Var<T> x, Var<T> weight, Var<T> bias, const ConvOptions& options, bool transposed) {
  Op<T> op(name, {x, weight}, {bias});
  if (!op.ok()) return op.failed();
  const Shape bias_shape = bias.shape();
  if (Status s = check_weight(weight.shape(), bias.valid() ? &bias_shape : nullptr, options, transposed); !s.ok())
    return op.fail(s.message);
  const std::shared_ptr<const ConvWeights<T>> w = prepare(op.value(weight), weight.shape(), options, transposed);
  const Sizes z = sizes(w->shape, x.shape(), transposed);
  if (!z.message.empty()) return op.fail(z.message);
  const bool gather = !transposed;
  const std::int64_t batch = x.shape()[0];
  const std::int64_t x_step = x.shape().size() / batch;
  const std::int64_t y_step = z.output.size() / batch;
  const T* from = op.value(x);
  T* y = op.output(z.output);
  for (std::int64_t n = 0; n < batch; ++n) {
    run_map<T>(*w, z.shape, gather, from + n * x_step, nullptr, bias.valid() ? op.value(bias) : nullptr, w->relu, y + n * y_step,
               op.pool());
  }
  return op.done([=, s = z.shape, shape = z.output](Backward<T>& b) {
    const Scratch<T> masked(b.pool(), shape.size());
    const T* dy = b.dy();
    if (w->relu) {
      kernels::relu_gradient(static_cast<const T*>(y), dy, masked.data(), shape.size());
      dy = masked.data();
    }
    b.into(x, [&](T* dx) {
      for (std::int64_t n = 0; n < batch; ++n)
        run_map<T>(*w, s, !gather, dy + n * y_step, nullptr, nullptr, false, dx + n * x_step, b.pool());
    });
    b.into(weight, [&](T* dw) {
      // Each of the convolution's output channels owns its part of dw; the sums run over the batch in order.
      const std::int64_t part = s.weight_size() / s.out;
      parallel_for(s.out, [&](std::int64_t o) {
        std::fill_n(dw + o * part, part, T(0));
        for (std::int64_t n = 0; n < batch; ++n) {
          const T* large = gather ? from + n * x_step : dy + n * y_step;
          const T* small = gather ? dy + n * y_step : from + n * x_step;
          kernels::reference::conv_weight_gradient(s, large, small, dw, o, o + 1);
        }
      });
    });
    b.into(bias, [&](T* db) {
      const Planes p(shape);
      std::fill_n(db, p.channels, T(0));
      for (std::int64_t k = 0; k < p.count(); ++k) {
        for (std::int64_t i = 0; i < p.plane; ++i) db[k % p.channels] += dy[k * p.plane + i];
      }
    });
  });
}

}  // namespace

template <class T>
Result<FrozenConv<T>> FrozenConv<T>::conv2d(const Tensor<T>& weight, const Tensor<T>& bias, const ConvOptions& options) {
  auto weights = freeze(weight, bias, options, false);
  if (!weights.ok()) return weights.status();
  FrozenConv filter;
  filter.weights_ = *weights;
  return filter;
}

template <class T>
Result<FrozenConv<T>> FrozenConv<T>::conv_transpose2d(const Tensor<T>& weight, const Tensor<T>& bias, const ConvOptions& options) {
  auto weights = freeze(weight, bias, options, true);
  if (!weights.ok()) return weights.status();
  FrozenConv filter;
  filter.weights_ = *weights;
  return filter;
}

template <class T>
Var<T> conv2d(Var<T> x, const FrozenConv<T>& filter) {
  return frozen_conv("conv2d", x, TapeAccess<T>::shared(filter), false);
}

template <class T>
Var<T> conv_transpose2d(Var<T> x, const FrozenConv<T>& filter) {
  return frozen_conv("conv_transpose2d", x, TapeAccess<T>::shared(filter), true);
}

template <class T>
Var<T> conv2d(Var<T> x, Var<T> weight, Var<T> bias, const ConvOptions& options) {
  return free_conv("conv2d", x, weight, bias, options, false);
}

template <class T>
Var<T> conv_transpose2d(Var<T> x, Var<T> weight, Var<T> bias, const ConvOptions& options) {
  return free_conv("conv_transpose2d", x, weight, bias, options, true);
}

#define LIKENESS_INSTANTIATE(T)                                       \
  template class FrozenConv<T>;                                       \
  template Var<T> conv2d(Var<T>, const FrozenConv<T>&);               \
  template Var<T> conv_transpose2d(Var<T>, const FrozenConv<T>&);     \
  template Var<T> conv2d(Var<T>, Var<T>, Var<T>, const ConvOptions&); \
  template Var<T> conv_transpose2d(Var<T>, Var<T>, Var<T>, const ConvOptions&);
LIKENESS_INSTANTIATE(float)
LIKENESS_INSTANTIATE(double)

}  // namespace likeness
