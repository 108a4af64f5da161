#pragma once

namespace likeness::kernels {

/// What is done to the sums on their way out: out = relu?((sum + bias) + residual), bit for bit as in separate passes.
struct ConvEpilogue {
  const float* bias = nullptr;      ///< One number per output channel, or nullptr.
  const float* residual = nullptr;  ///< Laid out as the output, or nullptr. May be the output: a gradient that is added to.
  bool relu = false;
};

}  // namespace likeness::kernels
