// Reverse-mode differentiation of the operations that picture networks need: a tape that you can read.
//
//   Tape<float> tape;
//   Var x = tape.variable({1, 3, 8, 8}, pixels);              // the gradient is wanted here
//   Var y = conv2d(x, filter);                                // a frozen convolution: no gradient for its weights
//   Var loss = l1_mean(y, tape.constant(target));
//   if (Status s = tape.backward(loss); !s.ok()) return s;    // also the first error of any operation above
//   x.gradient();                                             // d loss / d x
//   tape.clear();                                             // next iteration: forget the operations, keep the memory
//
// Every operation computes its value at once. Errors (shapes that do not fit) never throw and never abort: the tape keeps the
// first one, later operations on its result do nothing, and status() or backward() reports it.
// T is float (vectorised kernels), double (the plain reference kernels) or std::complex<double> (the same, for derivatives by the
// complex step: gradcheck.hpp; comparisons look at the real part). Pictures are NCHW. In the comments below x is the
// input, y the output, dy = d loss / d y the incoming gradient and dx = d loss / d x the outgoing one; * is convolution.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "likeness/precision.hpp"
#include "likeness/status.hpp"

namespace likeness {

/// The sizes of zero to four dimensions, outermost first: {} is a scalar, {n} a vector, {N, C, H, W} a batch of pictures.
class Shape {
 public:
  Shape() = default;
  /// More than four dimensions, a size below 1 or more than 2^40 elements make an invalid shape: rank() -1, size() 0.
  Shape(std::initializer_list<std::int64_t> sizes) : Shape(std::span(sizes.begin(), sizes.size())) {}
  explicit Shape(std::span<const std::int64_t> sizes);

  int rank() const { return rank_; }
  std::int64_t operator[](int dimension) const { return sizes_[static_cast<std::size_t>(dimension)]; }
  /// Number of elements (1 for a scalar).
  std::int64_t size() const;
  /// "[1, 3, 8, 8]"
  std::string text() const;
  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  int rank_ = 0;
  std::array<std::int64_t, 4> sizes_{};
};

/// A block of numbers with a shape, innermost dimension contiguous.
template <class T>
struct Tensor {
  Shape shape;
  std::vector<T> data;  ///< shape.size() numbers.
};

template <class T>
class Tape;
template <class T>
struct TapeAccess;
namespace detail {
template <class T>
struct TapeState;
template <class T>
struct ConvWeights;
template <class T>
struct LinearWeights;
}  // namespace detail

/// A number, vector or picture on a tape: a handle, cheap to copy, valid until the tape's clear(). It may outlive the tape as a name
/// for a Program, but then nothing here may be called.
template <class T>
class Var {
 public:
  Var() = default;
  /// False after an error on the way here (see Tape::status()), after the tape's clear(), and for a default Var.
  bool valid() const;
  /// An invalid shape where !valid().
  Shape shape() const;
  /// shape().size() numbers; empty where !valid(), and for results on a deferred tape.
  std::span<const T> value() const;
  /// d loss / d this after backward(). Kept for variables only; zeros where the loss does not depend on it.
  std::span<const T> gradient() const;
  /// The value of a scalar (the first element otherwise); 0 where !valid().
  T item() const;
  /// The tape it is on, also after an error; nullptr for a default Var.
  Tape<T>* tape() const { return tape_; }

 private:
  friend struct TapeAccess<T>;
  Tape<T>* tape_ = nullptr;
  int id_ = -1;
  std::uint64_t recording_ = 0;  // of the tape
};

/// Whether a tape computes what it records: at once, or not at all (for freeze(), which needs only shapes and constants).
enum class Recording { eager, deferred };

/// Records operations, owns their values, and runs the gradient backwards through them. One tape a thread; tapes share
/// frozen weights. After the first iteration, clear() and the same operations again take no new memory.
template <class T>
class Tape {
 public:
  explicit Tape(Recording recording = Recording::eager);
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// An input whose gradient is wanted; the values are copied.
  Var<T> variable(const Shape& shape, std::span<const T> values);
  Var<T> variable(const Tensor<T>& values) { return variable(values.shape, values.data); }
  /// An input without a gradient. Not copied: `values` must live until clear().
  Var<T> constant(const Shape& shape, std::span<const T> values);
  Var<T> constant(const Tensor<T>& values) { return constant(values.shape, values.data); }
  Var<T> constant(Tensor<T>&& values) = delete;
  Var<T> constant(const Shape& shape, std::vector<T>&& values) = delete;
  /// A constant that is copied, and converted to T; a program that is frozen from it takes a copy of its own.
  Var<T> copied(const Shape& shape, std::span<const double> values);

  /// Computes d loss / d v for every variable v that the scalar `loss` depends on. Once a recording.
  Status backward(Var<T> loss);
  /// The first error since clear(), else ok.
  const Status& status() const;
  /// Forgets operations, variables and errors. Keeps the memory for the next recording.
  void clear();
  /// Bytes of memory held, in use or kept for reuse.
  std::size_t bytes() const;

 private:
  friend struct TapeAccess<T>;
  std::unique_ptr<detail::TapeState<T>> state_;
};

/// Makes `shadow` decide as `decider` did wherever a choice is made by comparing numbers: the same ReLU masks, the same winners of
/// max pooling, the same signs of L1. Both must record the same operations in the same order, the decider first; anything else is an
/// error on shadow (invalid_argument). Ends with shadow's clear(); until then the decider must live, and keep its recording. This is
/// how a gradient in double precision is compared with one in single precision: a number that lands on the other side of a kink would
/// hide the errors of the arithmetic.
void follow(Tape<double>& shadow, const Tape<float>& decider);

// ---- Convolutions -------------------------------------------------------------------------------------------------------

/// PyTorch's options, each the same in both directions.
struct ConvOptions {
  int stride = 1;          ///< At least 1.
  int padding = 0;         ///< Zeros on every side (conv2d), rows and columns cut from every side (conv_transpose2d).
  int dilation = 1;        ///< Distance of neighbouring taps.
  int groups = 1;          ///< Channels are split into this many convolutions side by side.
  int output_padding = 0;  ///< conv_transpose2d only: rows and columns added at the end, less than stride.
  /// Of frozen weights in single precision; weights on the tape are used as they are until freeze() finds them constant.
  Precision precision = Precision::fp32;
  /// Of frozen weights: the side of the pictures x that they are made for; 0: any. It changes no result's definition, only which weights are
  /// prepared: those of Winograd convolution are left out where such pictures are too small to gain by it.
  int usual_side = 0;
};

/// Weights of a convolution that will not change, packed once for both directions. Immutable; copies share the weights.
template <class T>
class FrozenConv {
 public:
  FrozenConv() = default;
  /// For conv2d. weight [O, I / groups, kh, kw], bias [O] or empty.
  static Result<FrozenConv> conv2d(const Tensor<T>& weight, const Tensor<T>& bias, const ConvOptions& options);
  /// For conv_transpose2d. weight [I, O / groups, kh, kw], bias [O] or empty.
  static Result<FrozenConv> conv_transpose2d(const Tensor<T>& weight, const Tensor<T>& bias, const ConvOptions& options);
  /// Memory of weights and bias (both packings), which all copies share.
  std::int64_t bytes() const;

 private:
  friend struct TapeAccess<T>;
  std::shared_ptr<const detail::ConvWeights<T>> weights_;
};

/// y[n,o] = bias[o] + sum_i weight[o,i] * x[n,i] (cross-correlation, as in PyTorch).
/// x [N, I, H, W], weight [O, I / groups, kh, kw], bias [O] or a default Var for none; y [N, O, H', W'],
/// H' = (H + 2 padding - dilation (kh - 1) - 1) / stride + 1, rounded down.
/// Gradients: dx is the transposed convolution of dy, dweight[o,i] = dy[o] correlated with x[i], dbias[o] = sum dy[o].
template <class T>
Var<T> conv2d(Var<T> x, Var<T> weight, Var<T> bias, const ConvOptions& options = {});
/// The same with frozen weights: only dx.
template <class T>
Var<T> conv2d(Var<T> x, const FrozenConv<T>& filter);

/// The gradient of conv2d with respect to its input, used forwards: every x pixel adds weight, scaled, at stride steps of y.
/// x [N, I, H, W], weight [I, O / groups, kh, kw], bias [O] or a default Var; y [N, O, H', W'],
/// H' = (H - 1) stride - 2 padding + dilation (kh - 1) + 1 + output_padding.
/// Gradients: dx = conv2d(dy, weight), dweight[i,o] = x[i] correlated with dy[o], dbias[o] = sum dy[o].
template <class T>
Var<T> conv_transpose2d(Var<T> x, Var<T> weight, Var<T> bias, const ConvOptions& options = {});
template <class T>
Var<T> conv_transpose2d(Var<T> x, const FrozenConv<T>& filter);

// ---- Linear maps --------------------------------------------------------------------------------------------------------

/// Weights of a linear layer that will not change. Immutable; copies share the weights.
template <class T>
class FrozenLinear {
 public:
  FrozenLinear() = default;
  /// weight [O, I], bias [O] or empty.
  static Result<FrozenLinear> create(const Tensor<T>& weight, const Tensor<T>& bias);
  /// Memory of weights and bias, which all copies share.
  std::int64_t bytes() const;

 private:
  friend struct TapeAccess<T>;
  std::shared_ptr<const detail::LinearWeights<T>> weights_;
};

/// y = weight x + bias, for each row of a batch. x [I] or [N, I], weight [O, I], bias [O] or a default Var; y [O] or [N, O].
/// dx = weight' dy, dweight = sum_n dy x', dbias = sum_n dy.
template <class T>
Var<T> linear(Var<T> x, Var<T> weight, Var<T> bias);
template <class T>
Var<T> linear(Var<T> x, const FrozenLinear<T>& layer);

// ---- Per channel --------------------------------------------------------------------------------------------------------

/// y[n,c] = scale[c] x[n,c] + shift[c], e.g. input normalisation. x [N, C, H, W], scale and shift [C].
/// dx = scale dy, dscale[c] = sum x[c] dy[c], dshift[c] = sum dy[c].
template <class T>
Var<T> affine(Var<T> x, Var<T> scale, Var<T> shift);
/// Group normalisation (Wu and He, 2018): y = (x - mean) / sqrt(variance + epsilon) * weight[c] + bias[c], mean and biased variance
/// over the channels of a group and their places. x [N, C, H, W]; weight and bias [C], or default Vars for ones and zeros.
/// With u = (x - mean) / sqrt(variance + epsilon), e = dy weight: dx = (e - mean(e) - u mean(e u)) / sqrt(variance + epsilon),
/// dweight[c] = sum u dy, dbias[c] = sum dy.
template <class T>
Var<T> group_norm(Var<T> x, int groups, Var<T> weight = {}, Var<T> bias = {}, double epsilon = 1e-5);
/// Batch norm with frozen statistics: y = (x - mean) / sqrt(variance + epsilon) * weight + bias, per channel; mean and variance
/// are constants [C]. Gradients for x, weight and bias. (freeze() folds it into the convolution before it.)
template <class T>
Var<T> batch_norm(Var<T> x, Var<T> weight, Var<T> bias, Var<T> mean, Var<T> variance, double epsilon = 1e-5);

// ---- Element by element -------------------------------------------------------------------------------------------------

/// y = max(0, x); dx = dy where x > 0, else 0.
template <class T>
Var<T> relu(Var<T> x);
/// y = x where x > 0, else slope x; dx = dy or slope dy.
template <class T>
Var<T> leaky_relu(Var<T> x, double slope = 0.01);
/// y = 1 / (1 + exp(-x)); dx = dy y (1 - y).
template <class T>
Var<T> sigmoid(Var<T> x);
/// y = x s, s = 1 / (1 + exp(-x)) (SiLU, swish); dx = dy s (1 + x (1 - s)).
template <class T>
Var<T> silu(Var<T> x);
/// dx = dy (1 - y^2).
template <class T>
Var<T> tanh(Var<T> x);

// Arithmetic broadcasts as in PyTorch: shapes are aligned at their last dimensions, and sizes of 1 (or missing ones) repeat. The
// gradient of an input that was repeated is the sum over its copies.

/// y = a + b; da = dy, db = dy.
template <class T>
Var<T> add(Var<T> a, Var<T> b);
/// y = a - b; da = dy, db = -dy.
template <class T>
Var<T> subtract(Var<T> a, Var<T> b);
/// y = a b; da = dy b, db = dy a.
template <class T>
Var<T> multiply(Var<T> a, Var<T> b);
/// y = a / b; da = dy / b, db = -dy a / b^2. A zero in b gives what IEEE arithmetic gives.
template <class T>
Var<T> divide(Var<T> a, Var<T> b);

/// Sum over the given dimensions (negative: counted from the end; none given: all), which vanish, or with `keep` stay as 1.
/// dx repeats dy.
template <class T>
Var<T> sum(Var<T> x, std::initializer_list<int> dimensions = {}, bool keep = false);
/// The sum divided by the number of its terms.
template <class T>
Var<T> mean(Var<T> x, std::initializer_list<int> dimensions = {}, bool keep = false);

// ---- Pooling and resampling ---------------------------------------------------------------------------------------------

/// The largest value of each kernel x kernel window; windows step by stride and start at -padding; padding never wins.
/// x [N, C, H, W]; y [N, C, H', W'], H' = (H + 2 padding - kernel) / stride + 1. The gradient goes to the first largest value.
template <class T>
Var<T> max_pool2d(Var<T> x, int kernel, int stride, int padding);
/// The largest value of each of height x width windows that divide the picture evenly: window i covers the rows
/// floor(i H / height) ... ceil((i + 1) H / height) - 1.
template <class T>
Var<T> adaptive_max_pool2d(Var<T> x, std::int64_t height, std::int64_t width);
/// The mean of each window (as in max_pool2d). Padding counts as zeros; without count_include_pad it does not count.
template <class T>
Var<T> avg_pool2d(Var<T> x, int kernel, int stride, int padding, bool count_include_pad = true);
/// The mean of each window of adaptive_max_pool2d; 1 x 1 is global average pooling.
template <class T>
Var<T> adaptive_avg_pool2d(Var<T> x, std::int64_t height, std::int64_t width);

struct ResizeOptions {
  bool align_corners = false;  ///< The corner pixels' centres stay at the corners: coordinate o (H - 1) / (height - 1).
  bool antialias = false;      ///< Averages where the picture shrinks: a triangle of half width max(1, H / height). Not with the other.
};

/// Bilinear interpolation to height x width, PyTorch's interpolate(mode="bilinear"): the source coordinate of output o is
/// (o + 0.5) H / height - 0.5, clamped to the picture. The gradient is the transposed map.
template <class T>
Var<T> resize_bilinear(Var<T> x, std::int64_t height, std::int64_t width, const ResizeOptions& options = {});

/// What lies outside a picture: zeros, the nearest border pixel, or the mirror image (which does not repeat the border).
enum class PadMode { zeros, replicate, reflect };
/// Pixels added on each side, at least 0. A reflection is narrower than the picture.
struct Padding {
  int left = 0, right = 0, top = 0, bottom = 0;
};
/// x [N, C, H, W] -> [N, C, top + H + bottom, left + W + right]. dx is the transposed map: what was copied several times is summed.
template <class T>
Var<T> pad2d(Var<T> x, const Padding& padding, PadMode mode = PadMode::zeros);
/// Channels become places: y[n, c, r h + i, r w + j] = x[n, c r^2 + i r + j, h, w]. x [N, C r^2, H, W], y [N, C, r H, r W].
template <class T>
Var<T> pixel_shuffle(Var<T> x, int factor);

// ---- Parts and dimensions -----------------------------------------------------------------------------------------------

/// The same numbers under another shape of equal size; so is dx.
template <class T>
Var<T> reshape(Var<T> x, const Shape& shape);
/// One after another along a dimension (negative: counted from the end); the other sizes agree. The gradients are the parts of dy.
template <class T>
Var<T> concat(std::span<const Var<T>> parts, int dimension = 0);
/// The entries begin ... end-1 of a dimension. dx is dy there and 0 elsewhere.
template <class T>
Var<T> slice(Var<T> x, std::int64_t begin, std::int64_t end, int dimension = 0);
/// The vector x with its entries begin ... end-1 replaced by softmax(beta x[begin..end)): a relaxed one-hot choice.
/// dx_i = beta y_i (dy_i - sum_j y_j dy_j) inside, dy outside.
template <class T>
Var<T> softmax(Var<T> x, std::int64_t begin, std::int64_t end, double beta = 1.0);

/// y = exp(x) / sum exp(x), the sum over one dimension (1: class probabilities of each place of logits [N, C, H, W]).
/// dx = y (dy - sum y dy).
template <class T>
Var<T> softmax(Var<T> x, int dimension);

// ---- Losses (scalars) ---------------------------------------------------------------------------------------------------

/// mean |a - b|, shapes equal. With weights (a constant, each of whose sizes is 1 or that of a): sum w |a - b| / sum w over the
/// broadcast weights, e.g. [1, 1, H, W] counts places, [1, C, 1, 1] channels. da = sign(a - b) w / sum w, 0 where a = b.
template <class T>
Var<T> l1_mean(Var<T> a, Var<T> b, Var<T> weights = {});
/// mean (a - b)^2, weights as above. da = 2 (a - b) w / sum w.
template <class T>
Var<T> l2_mean(Var<T> a, Var<T> b, Var<T> weights = {});
/// mean h(a - b), h(d) = d^2 / (2 beta) where |d| < beta, else |d| - beta / 2 (PyTorch's smooth_l1_loss); beta from 1e-30 to 1e30. Weights
/// as above.
/// da = h'(a - b) w / sum w, h' = d / beta or the sign of d.
template <class T>
Var<T> smooth_l1_mean(Var<T> a, Var<T> b, double beta = 1.0, Var<T> weights = {});
/// 1 - <a, b> / max(|a| |b|, 1e-8), over all elements; shapes equal. da = (cos a / |a|^2 - b / (|a| |b|)) dy.
template <class T>
Var<T> cosine_distance(Var<T> a, Var<T> b);
/// Mean over the places whose label is not `ignore` of log(sum_c exp(x[c])) - x[label]. x [N, C, ...] logits; a label for each
/// of the N x ... places, from 0 to C - 1, copied. dx = (softmax(x) - [c = label]) / counted there, 0 where ignored.
template <class T>
Var<T> cross_entropy(Var<T> x, std::span<const std::int32_t> labels, std::int32_t ignore = -100);
/// sum_i weights[i] terms[i] of scalars.
template <class T>
Var<T> weighted_sum(std::span<const Var<T>> terms, std::span<const T> weights);
/// The distance of two pictures in features of several depths: sum_k depth_weights[k] l1_mean(a[k], b[k], place_weights[k]). Without
/// place_weights every place counts the same. (Features weighted by maps of their own: multiply() them first.)
template <class T>
Var<T> feature_l1(std::span<const Var<T>> a, std::span<const Var<T>> b, std::span<const T> depth_weights,
                  std::span<const Var<T>> place_weights = {});

}  // namespace likeness
