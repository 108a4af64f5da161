// Named tensors of a model file made into frozen layers; every error is corrupt_model and names the tensor.
#pragma once

#include <string>

#include "likeness/nn.hpp"

namespace likeness {

/// The tensor `name`, checked for its shape.
Result<Tensor<float>> required_tensor(const TensorLookup& tensors, const std::string& name, const Shape& shape);

/// A convolution's weight and bias with the batch norm after it folded in, as stored: NAME.weight, NAME.bias, and
/// NORM.{weight, bias, running_mean, running_var} where NORM is not empty and NORM.weight exists. Without the norm the bias must
/// exist. `shape` is the weight's; `transposed` says that its output channels are the second size.
struct FoldedConv {
  Tensor<float> weight;
  Tensor<float> bias;
};
Result<FoldedConv> folded_conv(const TensorLookup& tensors, const std::string& name, const std::string& norm, const Shape& shape,
                               bool transposed);

/// folded_conv() of a conv2d, made ready to run.
template <class T>
Result<FrozenConv<T>> frozen_conv(const TensorLookup& tensors, const std::string& name, const std::string& norm, const Shape& shape,
                                  const ConvOptions& options);

/// The same numbers in another type.
template <class T>
Tensor<T> convert(const Tensor<float>& tensor) {
  return {tensor.shape, std::vector<T>(tensor.data.begin(), tensor.data.end())};
}

}  // namespace likeness
