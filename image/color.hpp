// The sRGB transfer curve (IEC 61966-2-1), in one place.
#pragma once

#include <array>
#include <cstdint>

namespace likeness {

/// Linear light in [0, 1] of an 8-bit sRGB value; table[v] = linear_from_srgb(v / 255).
const std::array<float, 256>& srgb_to_linear_table();

/// Linear light in [0, 1] of an sRGB value in [0, 1]; values outside are clamped.
float linear_from_srgb(float encoded);

/// sRGB value in [0, 1] of linear light; values outside [0, 1] (and NaN) are clamped (to 0).
float srgb_from_linear(float linear);

/// The nearest 8-bit sRGB value of linear light, exact (no table interpolation error) and fast; clamps like srgb_from_linear.
std::uint8_t srgb8_from_linear(float linear);

/// Relative luminance of linear RGB (Rec. 709 primaries).
inline float luminance(float r, float g, float b) { return 0.2126F * r + 0.7152F * g + 0.0722F * b; }

}  // namespace likeness
