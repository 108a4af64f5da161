// In which numbers the products of convolutions are formed.
#pragma once

namespace likeness {

enum class Precision {
  fp32,
  /// Weights and what they meet are rounded to bfloat16 (a significand of 8 bits instead of 24), where the processor multiplies such
  /// numbers (x86 with AVX512-BF16): twice the arithmetic rate and half the memory. Sums, bias and everything else stay in single
  /// precision, and so does a direction of a convolution with few output channels. Elsewhere it is fp32.
  bf16,
};

/// Whether this machine and this build have what bf16 needs, and LIKENESS_TARGETS allows it; where they do not, it falls back to fp32.
bool has_bf16();

}  // namespace likeness
