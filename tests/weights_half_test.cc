// 16-bit floats: every one of the 65,536 values, and rounding at every boundary between two of them.
#include "weights/half.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace likeness {
namespace {

// The value by the definition of IEEE 754, in double precision.
double half_by_definition(unsigned bits) {
  const double sign = (bits & 0x8000U) != 0 ? -1.0 : 1.0;
  const int exponent = static_cast<int>((bits >> 10) & 31U);
  const int fraction = static_cast<int>(bits & 1023U);
  if (exponent == 31) return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  return sign * (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25));
}

TEST(Half, EveryValueHasItsDefinedValueAndComesBack) {
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const double expected = half_by_definition(bits);
    const float value = float_from_half(static_cast<std::uint16_t>(bits));
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(value)) << bits;
      ASSERT_EQ(half_from_float(value), bits | 0x200U) << "a NaN keeps sign and payload and becomes quiet";
      continue;
    }
    ASSERT_EQ(value, expected) << bits;
    ASSERT_EQ(std::signbit(value), (bits & 0x8000U) != 0) << bits;
    ASSERT_EQ(half_from_float(value), bits);
  }
}

TEST(Half, RoundsToNearestTiesToEven) {
  for (unsigned bits = 0; bits < 0x7C00U; ++bits) {
    // Above the largest finite value the neighbour is 65536, where infinity begins.
    const double low = half_by_definition(bits);
    const double high = bits == 0x7BFFU ? 65536.0 : half_by_definition(bits + 1);
    const auto middle = static_cast<float>((low + high) / 2);  // exact in binary32
    const unsigned even = (bits & 1U) == 0 ? bits : bits + 1;
    for (const float sign : {1.0F, -1.0F}) {
      const unsigned sign_bit = sign < 0 ? 0x8000U : 0U;
      ASSERT_EQ(half_from_float(sign * middle), even | sign_bit) << bits;
      ASSERT_EQ(half_from_float(sign * std::nextafter(middle, 0.0F)), bits | sign_bit) << bits;
      ASSERT_EQ(half_from_float(sign * std::nextafter(middle, 1e9F)), (bits + 1) | sign_bit) << bits;
    }
  }
}

TEST(Half, Extremes) {
  EXPECT_EQ(half_from_float(std::numeric_limits<float>::denorm_min()), 0);
  EXPECT_EQ(half_from_float(-std::numeric_limits<float>::min()), 0x8000);
  EXPECT_EQ(half_from_float(std::numeric_limits<float>::max()), 0x7C00);
  EXPECT_EQ(half_from_float(-std::numeric_limits<float>::infinity()), 0xFC00);
}

TEST(Bfloat16, EveryValueComesBackAndRoundingIsToEven) {
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const float value = float_from_bfloat16(static_cast<std::uint16_t>(bits));
    ASSERT_EQ(std::bit_cast<std::uint32_t>(value), bits << 16);
    if (std::isnan(value)) {
      ASSERT_EQ(bfloat16_from_float(value), bits | 0x40U);
      continue;
    }
    ASSERT_EQ(bfloat16_from_float(value), bits);
    if (std::isinf(value)) continue;
    const unsigned even = (bits & 1U) == 0 ? bits : bits + 1;
    ASSERT_EQ(bfloat16_from_float(std::bit_cast<float>((bits << 16) | 0x8000U)), even);
    ASSERT_EQ(bfloat16_from_float(std::bit_cast<float>((bits << 16) | 0x7FFFU)), bits);
    ASSERT_EQ(bfloat16_from_float(std::bit_cast<float>((bits << 16) | 0x8001U)), bits + 1);
  }
}

}  // namespace
}  // namespace likeness
