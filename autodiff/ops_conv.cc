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
using detail::Node;
using kernels::ConvShape;

// The sizes of one use; `error` says what does not fit.
struct Sizes {
  ConvShape shape;
  Shape output;
  std::string error;
  std::int64_t batch = 1;
  std::int64_t from = 0;  // numbers of one picture of the convolution's input
  std::int64_t to = 0;    // and of its output
};

template <class T>
Sizes sizes(const ConvWeights<T>& w, const Shape& x) {
  Sizes z;
  z.shape = w.shape;
  const auto fail = [&](std::string message) {
    z.error = std::move(message);
    return z;
  };
  if (x.rank() != 4) return fail("x is [N, C, H, W], not " + x.text());
  if (x[1] != w.input_channels()) return fail("the weights are for " + std::to_string(w.input_channels()) + " channels, x is " + x.text());
  ConvShape& s = z.shape;
  if (w.transposed) {
    s.height = (x[2] - 1) * s.stride - 2 * s.padding + s.dilation * (s.kernel_h - 1) + 1 + w.output_padding;
    s.width = (x[3] - 1) * s.stride - 2 * s.padding + s.dilation * (s.kernel_w - 1) + 1 + w.output_padding;
    if (s.height < 1 || s.width < 1) return fail("padding leaves nothing of " + x.text());
    z.output = Shape({x[0], s.in, s.height, s.width});
  } else {
    s.height = x[2];
    s.width = x[3];
    if (!s.valid()) return fail("the kernel is larger than the padded picture " + x.text());
    z.output = Shape({x[0], s.out, s.out_height(), s.out_width()});
  }
  if (z.output.rank() < 0) return fail("the result of " + x.text() + " is too large");
  z.batch = x[0];
  z.from = x.size() / z.batch;
  z.to = z.output.size() / z.batch;
  return z;
}

template <class T>
struct Epilogue {
  const T* bias = nullptr;
  const T* residual = nullptr;  // may be the output
  bool relu = false;
};

// One picture through gather or scatter: to = relu?(map(from where mask > 0) + bias + residual).
template <class T>
void run_map(const T* plain, const kernels::PackedConv* packed, const ConvShape& s, bool gather, const T* from, const T* mask,
             const Epilogue<T>& e, T* to, T* workspace) {
  if constexpr (std::is_same_v<T, float>) {
    const kernels::ConvEpilogue epilogue{e.bias, e.residual, e.relu};
    if (gather) {
      packed->gather(s, from, mask, epilogue, to, workspace);
    } else {
      packed->scatter(s, from, mask, epilogue, to, workspace);
    }
  } else {
    const std::int64_t from_size = gather ? s.x_size() : s.y_size();
    const std::int64_t to_size = gather ? s.y_size() : s.x_size();
    T* sum = e.residual != nullptr ? workspace + from_size : to;
    if (mask != nullptr) {
      kernels::relu_gradient(mask, from, workspace, from_size);
      from = workspace;
    }
    if (gather) {
      kernels::reference::conv_gather(s, from, plain, e.bias, sum);
    } else {
      kernels::reference::conv_scatter(s, from, plain, e.bias, sum);
    }
    if (e.residual != nullptr) kernels::add(static_cast<const T*>(sum), e.residual, to, to_size);
    if (e.relu) kernels::relu(static_cast<const T*>(to), to, to_size);
  }
}

template <class T>
std::int64_t map_workspace(const kernels::PackedConv* packed, const ConvShape& s) {
  if constexpr (std::is_same_v<T, float>) return packed->workspace(s);
  return s.x_size() + s.y_size();
}

double flops(const Sizes& z) {
  const ConvShape& s = z.shape;
  return 2.0 * static_cast<double>(z.batch * s.y_size()) * static_cast<double>(s.in / s.groups * s.kernel_h * s.kernel_w);
}

std::string describe(const ConvShape& s) {
  std::string text = std::to_string(s.kernel_h) + "x" + std::to_string(s.kernel_w);
  if (s.stride != 1) text += " stride " + std::to_string(s.stride);
  if (s.dilation != 1) text += " dilation " + std::to_string(s.dilation);
  if (s.groups != 1) text += " groups " + std::to_string(s.groups);
  return text;
}

const char* operation_name(bool transposed) { return transposed ? "conv_transpose2d" : "conv2d"; }

// The geometry of a weight tensor under options, or what is wrong with it (without the operation's name).
template <class T>
Result<ConvWeights<T>> geometry(const Shape& weight, const Shape* bias, const ConvOptions& o, bool transposed) {
  const auto bad = [](std::string message) { return Status{Code::invalid_argument, std::move(message)}; };
  if (weight.rank() != 4) return bad("the weight has four sizes, not " + weight.text());
  if (o.stride < 1 || o.padding < 0 || o.dilation < 1 || o.groups < 1) return bad("needs stride, dilation, groups >= 1 and padding >= 0");
  if (o.output_padding < 0 || (o.output_padding > 0 && (!transposed || o.output_padding >= o.stride)))
    return bad("output_padding is for transposed convolutions, and less than the stride");
  if (weight[0] % o.groups != 0) return bad(std::to_string(o.groups) + " groups do not divide the weight " + weight.text());
  ConvWeights<T> w;
  w.shape = {.in = weight[1] * o.groups,
             .out = weight[0],
             .kernel_h = weight[2],
             .kernel_w = weight[3],
             .stride = o.stride,
             .padding = o.padding,
             .dilation = o.dilation,
             .groups = o.groups};
  if (o.usual_side > 0) {
    const std::int64_t side = o.usual_side;
    const std::int64_t large = (side - 1) * o.stride - 2 * o.padding + o.dilation * (weight[2] - 1) + 1 + o.output_padding;
    w.shape.height = w.shape.width = std::max<std::int64_t>(1, transposed ? large : side);
  }
  w.transposed = transposed;
  w.output_padding = o.output_padding;
  w.precision = o.precision;
  if (!w.shape.supported()) {
    const std::string most = std::to_string(ConvShape::kMaxTaps);
    return bad("at most " + most + " taps and stride " + most + ", not " + weight.text() + " and " + std::to_string(o.stride));
  }
  const Shape channels({w.output_channels()});
  if (bias != nullptr && *bias != channels) return bad("the bias is " + channels.text() + ", not " + bias->text());
  return w;
}

template <class T>
Result<std::shared_ptr<const ConvWeights<T>>> freeze_weights(const Tensor<T>& weight, const Tensor<T>& bias, const ConvOptions& options,
                                                             bool transposed) {
  const bool has_bias = !bias.data.empty();
  const Result<ConvWeights<T>> shape = geometry<T>(weight.shape, has_bias ? &bias.shape : nullptr, options, transposed);
  const auto bad = [&](const std::string& message) {
    return Status{Code::invalid_argument, std::string(operation_name(transposed)) + ": " + message};
  };
  if (!shape.ok()) return bad(shape.status().message);
  if (weight.shape.size() != static_cast<std::int64_t>(weight.data.size()) ||
      (has_bias && bias.shape.size() != static_cast<std::int64_t>(bias.data.size()))) {
    return bad("the number of weights does not match their shape");
  }
  return detail::make_conv_weights(*shape, weight.data.data(), bias.data);
}

template <class T>
Var<T> frozen_conv(Var<T> x, const std::shared_ptr<const ConvWeights<T>>& w, bool transposed) {
  Op<T> op(operation_name(transposed), {x});
  if (!op.ok()) return op.failed();
  if (w == nullptr) return op.fail("the filter has no weights");
  if (w->transposed != transposed) return op.fail(std::string("the weights were made for ") + operation_name(w->transposed));
  std::string error;
  Node<T> node = detail::conv_node(w, x.shape(), false, false, error);
  if (!error.empty()) return op.fail(error);
  op.set_conv(w);
  return op.record(std::move(node.traits), std::move(node.forward), std::move(node.backward));
}

// Weights that may change between two runs, packed anew for each.
template <class T>
class Repacked {
 public:
  explicit Repacked(const ConvShape& s) {
    if constexpr (std::is_same_v<T, float>) {
      packed_ = {kernels::PackedConv(s, std::vector<float>(static_cast<std::size_t>(s.weight_size())).data())};
    }
  }
  const kernels::PackedConv* pack([[maybe_unused]] const T* weight) {
    if constexpr (std::is_same_v<T, float>) packed_.front().pack(weight);
    return get();
  }
  const kernels::PackedConv* get() const { return packed_.empty() ? nullptr : &packed_.front(); }

 private:
  std::vector<kernels::PackedConv> packed_;
};

// x with weights on the tape, whose gradient may be wanted.
template <class T>
Var<T> free_conv(Var<T> x, Var<T> weight, Var<T> bias, const ConvOptions& options, bool transposed) {
  Op<T> op(operation_name(transposed), {x, weight}, {bias});
  if (!op.ok()) return op.failed();
  const Shape bias_shape = bias.shape();
  Result<ConvWeights<T>> w = geometry<T>(weight.shape(), bias.valid() ? &bias_shape : nullptr, options, transposed);
  if (!w.ok()) return op.fail(w.status().message);
  const Sizes z = sizes(*w, x.shape());
  if (!z.error.empty()) return op.fail(z.error);
  const bool gather = !transposed;
  Repacked<T> packed(z.shape);
  Traits traits{.shape = z.output,
                .reads_inputs = true,
                .workspace = map_workspace<T>(packed.get(), z.shape),
                .flops = flops(z),
                .pattern = Pattern::conv,
                .detail = describe(z.shape)};
  op.set_conv(std::make_shared<ConvWeights<T>>(std::move(*w)));
  const auto forward = [=](Forward<T>& f) mutable {
    const kernels::PackedConv* p = packed.pack(f.x(1));
    for (std::int64_t n = 0; n < z.batch; ++n)
      run_map<T>(f.x(1), p, z.shape, gather, f.x(0) + n * z.from, nullptr, {f.x(2)}, f.y() + n * z.to, f.workspace());
  };
  const auto backward = [=](Backward<T>& b) mutable {
    const T* dy = b.dy();
    b.into(0, [&](T* dx) {
      const kernels::PackedConv* p = packed.pack(b.x(1));
      for (std::int64_t n = 0; n < z.batch; ++n)
        run_map<T>(b.x(1), p, z.shape, !gather, dy + n * z.to, nullptr, {}, dx + n * z.from, b.workspace());
    });
    b.into(1, [&](T* dw) {
      // Each of the convolution's output channels owns its part of dw; the sums run over the batch in order.
      std::fill_n(dw, z.shape.weight_size(), T(0));
      parallel_for(z.shape.out, [&](std::int64_t o) {
        for (std::int64_t n = 0; n < z.batch; ++n) {
          const T* large = gather ? b.x(0) + n * z.from : dy + n * z.to;
          const T* small = gather ? dy + n * z.to : b.x(0) + n * z.from;
          kernels::reference::conv_weight_gradient(z.shape, large, small, dw, o, o + 1);
        }
      });
    });
    b.into(2, [&](T* db) {
      const Planes p(z.output);
      std::fill_n(db, p.channels, T(0));
      for (std::int64_t k = 0; k < p.count(); ++k) {
        for (std::int64_t i = 0; i < p.plane; ++i) db[k % p.channels] += dy[k * p.plane + i];
      }
    });
  };
  return op.record(std::move(traits), forward, backward);
}

}  // namespace

namespace detail {

template <class T>
std::vector<T> ConvWeights<T>::weights() const {
  if constexpr (std::is_same_v<T, float>) {
    std::vector<float> out(packed == nullptr ? 0 : static_cast<std::size_t>(shape.weight_size()));
    if (packed != nullptr) packed->unpack(out.data());
    return out;
  } else {
    return plain;
  }
}

template <class T>
std::shared_ptr<const ConvWeights<T>> make_conv_weights(const ConvWeights<T>& geometry, const T* weight, std::vector<T> bias) {
  auto w = std::make_shared<ConvWeights<T>>();
  w->shape = geometry.shape;
  w->transposed = geometry.transposed;
  w->output_padding = geometry.output_padding;
  w->precision = geometry.precision;
  w->bias = std::move(bias);
  if constexpr (std::is_same_v<T, float>) {
    w->packed = std::make_unique<kernels::PackedConv>(w->shape, weight, has_bf16() ? w->precision : Precision::fp32);
  } else {
    w->plain.assign(weight, weight + w->shape.weight_size());
  }
  return w;
}

template <class T>
Node<T> conv_node(std::shared_ptr<const ConvWeights<T>> w, const Shape& x, bool residual, bool relu, std::string& error) {
  Node<T> node;
  const Sizes z = sizes(*w, x);
  error = z.error;
  if (!error.empty()) return node;
  const bool gather = !w->transposed;
  node.name = operation_name(w->transposed);
  node.conv = w;
  node.traits = {
      .shape = z.output,
      .reads_output = relu,
      .adds_gradients = !residual,
      .workspace = map_workspace<T>(w->packed.get(), z.shape),
      .flops = flops(z),
      .pattern = Pattern::conv,
      .detail = describe(z.shape) + (w->bias.empty() ? "" : " + bias") + (residual ? " + residual" : "") + (relu ? " + relu" : "")};
  node.forward = [=](Forward<T>& f) {
    for (std::int64_t n = 0; n < z.batch; ++n) {
      const Epilogue<T> e{w->bias.empty() ? nullptr : w->bias.data(), residual ? f.x(1) + n * z.to : nullptr, relu};
      run_map<T>(w->plain.data(), w->packed.get(), z.shape, gather, f.x(0) + n * z.from, nullptr, e, f.y() + n * z.to, f.workspace());
    }
  };
  node.backward = [=](Backward<T>& b) {
    if (residual) {
      b.into(1, [&](T* dr) {
        if (relu) {
          kernels::relu_gradient(b.y(), b.dy(), dr, b.size());
        } else {
          std::copy_n(b.dy(), b.size(), dr);
        }
      });
    }
    b.into(0, [&](T* dx, bool add) {
      for (std::int64_t n = 0; n < z.batch; ++n) {
        const T* mask = relu ? b.y() + n * z.to : nullptr;
        T* to = dx + n * z.from;
        run_map<T>(w->plain.data(), w->packed.get(), z.shape, !gather, b.dy() + n * z.to, mask, {nullptr, add ? to : nullptr}, to,
                   b.workspace());
      }
    });
  };
  return node;
}

}  // namespace detail

template <class T>
Result<FrozenConv<T>> FrozenConv<T>::conv2d(const Tensor<T>& weight, const Tensor<T>& bias, const ConvOptions& options) {
  auto weights = freeze_weights(weight, bias, options, false);
  if (!weights.ok()) return weights.status();
  FrozenConv filter;
  filter.weights_ = *weights;
  return filter;
}

template <class T>
Result<FrozenConv<T>> FrozenConv<T>::conv_transpose2d(const Tensor<T>& weight, const Tensor<T>& bias, const ConvOptions& options) {
  auto weights = freeze_weights(weight, bias, options, true);
  if (!weights.ok()) return weights.status();
  FrozenConv filter;
  filter.weights_ = *weights;
  return filter;
}

template <class T>
std::int64_t FrozenConv<T>::bytes() const {
  if (weights_ == nullptr) return 0;
  const std::int64_t packed = weights_->packed == nullptr ? 0 : weights_->packed->bytes();
  return packed + static_cast<std::int64_t>((weights_->plain.size() + weights_->bias.size()) * sizeof(T));
}

template <class T>
Var<T> conv2d(Var<T> x, const FrozenConv<T>& filter) {
  return frozen_conv(x, TapeAccess<T>::shared(filter), false);
}

template <class T>
Var<T> conv_transpose2d(Var<T> x, const FrozenConv<T>& filter) {
  return frozen_conv(x, TapeAccess<T>::shared(filter), true);
}

template <class T>
Var<T> conv2d(Var<T> x, Var<T> weight, Var<T> bias, const ConvOptions& options) {
  return free_conv(x, weight, bias, options, false);
}

template <class T>
Var<T> conv_transpose2d(Var<T> x, Var<T> weight, Var<T> bias, const ConvOptions& options) {
  return free_conv(x, weight, bias, options, true);
}

#define LIKENESS_INSTANTIATE(T)                                                                                                      \
  template struct detail::ConvWeights<T>;                                                                                            \
  template std::shared_ptr<const detail::ConvWeights<T>> detail::make_conv_weights(const detail::ConvWeights<T>&, const T*,          \
                                                                                   std::vector<T>);                                  \
  template detail::Node<T> detail::conv_node(std::shared_ptr<const detail::ConvWeights<T>>, const Shape&, bool, bool, std::string&); \
  template class FrozenConv<T>;                                                                                                      \
  template Var<T> conv2d(Var<T>, const FrozenConv<T>&);                                                                              \
  template Var<T> conv_transpose2d(Var<T>, const FrozenConv<T>&);                                                                    \
  template Var<T> conv2d(Var<T>, Var<T>, Var<T>, const ConvOptions&);                                                                \
  template Var<T> conv_transpose2d(Var<T>, Var<T>, Var<T>, const ConvOptions&);
LIKENESS_FOR_EACH_NUMBER(LIKENESS_INSTANTIATE)

}  // namespace likeness
