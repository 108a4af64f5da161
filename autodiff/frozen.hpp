// What stands behind FrozenConv and FrozenLinear.
#pragma once

#include <memory>
#include <vector>

#include "autodiff/operation.hpp"
#include "kernels/conv.hpp"
#include "kernels/conv_shape.hpp"

namespace likeness::detail {

/// Weights of a convolution, ready for both directions. Single precision keeps them packed, other number types plain.
template <class T>
struct ConvWeights {
  kernels::ConvShape shape;  ///< height and width unused; for transposed convolutions `in` is the output's channels
  bool transposed = false;
  std::int64_t output_padding = 0;
  Precision precision = Precision::fp32;        ///< as asked for
  std::vector<T> bias;                          ///< empty: none
  std::vector<T> plain;                         ///< [out, in / groups, kh, kw], where T is not float
  std::unique_ptr<kernels::PackedConv> packed;  ///< where T is float

  /// False for the mere geometry of a convolution whose weights are on the tape.
  bool ready() const { return packed != nullptr || !plain.empty(); }
  /// The weights as they were given, [out, in / groups, kh, kw]; in bfloat16 rounded.
  std::vector<T> weights() const;
  std::int64_t input_channels() const { return transposed ? shape.out : shape.in; }
  std::int64_t output_channels() const { return transposed ? shape.in : shape.out; }
};

/// Geometry with weights [out, in / groups, kh, kw] and bias (may be empty).
template <class T>
std::shared_ptr<const ConvWeights<T>> make_conv_weights(const ConvWeights<T>& geometry, const T* weight, std::vector<T> bias);

/// y = relu?((convolution of x) + bias + residual?) as a node without inputs: x and, where `residual`, a picture like y.
/// `error` says what does not fit.
template <class T>
Node<T> conv_node(std::shared_ptr<const ConvWeights<T>> weights, const Shape& x, bool residual, bool relu, std::string& error);

/// y = max(0, a + b) as a node without inputs.
template <class T>
Node<T> add_relu_node(const Shape& shape);

/// weight transposed: [inputs, outputs].
template <class T>
struct LinearWeights {
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  std::vector<T> transposed;
  std::vector<T> bias;  // empty: none
};

}  // namespace likeness::detail
