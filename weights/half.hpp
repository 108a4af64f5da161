// 16-bit floating-point numbers: IEEE 754 binary16 ("fp16"), to and from binary32; bfloat16 is in base/bfloat16.hpp.
#pragma once

#include <bit>
#include <cstdint>

#include "base/bfloat16.hpp"

namespace likeness {

/// Exact for every value, subnormals, infinities and NaN (payload kept) included.
inline float float_from_half(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1FU;
  const std::uint32_t fraction = half & 0x3FFU;
  if (exponent == 0) {  // zero or subnormal: fraction * 2^-24, which binary32 holds as a normal number
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
  }
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000U | (fraction << 13));
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
}

/// Rounds to the nearest, ties to even; too large becomes infinity, NaN becomes a quiet NaN with the upper payload bits.
inline std::uint16_t half_from_float(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000U);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) return static_cast<std::uint16_t>(sign | 0x7E00U | ((magnitude >> 13) & 0x1FFU));
  if (magnitude >= 0x47800000U) return sign | 0x7C00U;  // 65536 and above, infinity
  if (magnitude < 0x38800000U) {                        // below 2^-14: subnormal
    // Adding 0.5 puts the unit in the last place at 2^-24, the step of binary16's subnormals; the processor rounds to even.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3F000000U));
  }
  // Rebias the exponent (127 to 15) and round away 13 bits; a carry moves into the exponent, up to infinity, as it should.
  const std::uint32_t odd = (magnitude >> 13) & 1U;
  return static_cast<std::uint16_t>(sign | ((magnitude - 0x38000000U + 0xFFFU + odd) >> 13));
}

}  // namespace likeness
