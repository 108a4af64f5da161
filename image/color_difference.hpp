// How different two colours look.
#pragma once

#include <array>

namespace likeness {

/// A colour in CIE 1976 L*a*b*: L* from 0 (black) to 100 (white).
struct Lab {
  double l = 0, a = 0, b = 0;
};

/// L*a*b* of an sRGB colour in [0, 1] (IEC 61966-2-1; white D65, so greys have a = b = 0); values outside are clamped.
Lab lab_from_srgb(const std::array<double, 3>& srgb);

/// The CIEDE2000 difference with kL = kC = kH = 1: about 1 is just noticeable. Sharma, Wu and Dalal, "The CIEDE2000 color-difference
/// formula: implementation notes, supplementary test data, and mathematical observations", Color Research & Application 30(1), 2005.
double ciede2000(const Lab& first, const Lab& second);

}  // namespace likeness
