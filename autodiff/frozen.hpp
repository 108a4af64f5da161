// What stands behind FrozenConv and FrozenLinear.
#pragma once

#include <memory>
#include <vector>

#include "kernels/conv.hpp"
#include "kernels/conv_shape.hpp"
#include "likeness/autodiff.hpp"

namespace likeness::detail {

/// Weights of a convolution, ready for both directions. Single precision keeps them packed, other number types plain.
template <class T>
struct ConvWeights {
  kernels::ConvShape shape;  ///< height and width unused; for transposed convolutions `in` is the output's channels
  bool transposed = false;
  bool relu = false;
  bool has_bias = false;
  std::vector<T> bias;
  std::vector<T> plain;                         // where T is not float
  std::unique_ptr<kernels::PackedConv> packed;  // where T is float
};

/// weight transposed: [inputs, outputs].
template <class T>
struct LinearWeights {
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  std::vector<T> transposed;
  std::vector<T> bias;  // empty: none
};

}  // namespace likeness::detail
