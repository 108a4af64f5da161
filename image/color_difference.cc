#include "image/color_difference.hpp"

#include <cmath>
#include <numbers>

#include "image/color.hpp"

namespace likeness {
namespace {

constexpr double kDegree = std::numbers::pi / 180;

// CIE 15: the cube root, straight below (6/29)^3.
double compress(double t) {
  constexpr double kEdge = 6.0 / 29;
  return t > kEdge * kEdge * kEdge ? std::cbrt(t) : t / (3 * kEdge * kEdge) + 4.0 / 29;
}

double power7(double v) {
  const double cube = v * v * v;
  return cube * cube * v;
}

// sqrt(C^7 / (C^7 + 25^7)), of the chroma's bend and of the rotation.
double saturation(double chroma) {
  const double c = power7(chroma);
  return std::sqrt(c / (c + power7(25)));
}

// Degrees from 0 to 360; 0 for greys, whose hue is not defined.
double hue(double a, double b) {
  if (a == 0 && b == 0) return 0;
  const double degrees = std::atan2(b, a) / kDegree;
  return degrees < 0 ? degrees + 360 : degrees;
}

}  // namespace

Lab lab_from_srgb(const std::array<double, 3>& srgb) {
  // Linear sRGB to XYZ; each row over its own sum, which is white's.
  constexpr std::array<std::array<double, 3>, 3> kXyz = {
      {{0.4124564, 0.3575761, 0.1804375}, {0.2126729, 0.7151522, 0.0721750}, {0.0193339, 0.1191920, 0.9503041}}};
  std::array<double, 3> f{};
  for (std::size_t i = 0; i < 3; ++i) {
    double value = 0, white = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      value += kXyz[i][c] * static_cast<double>(linear_from_srgb(static_cast<float>(srgb[c])));
      white += kXyz[i][c];
    }
    f[i] = compress(value / white);
  }
  return {116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])};
}

double ciede2000(const Lab& first, const Lab& second) {
  const double bend = 1 + 0.5 * (1 - saturation((std::hypot(first.a, first.b) + std::hypot(second.a, second.b)) / 2));
  const double a1 = first.a * bend, a2 = second.a * bend;
  const double c1 = std::hypot(a1, first.b), c2 = std::hypot(a2, second.b), h1 = hue(a1, first.b), h2 = hue(a2, second.b);

  // The shorter way round, and the mean hue on that way. Without a hue of one's own the other's counts.
  double turn = h2 - h1, middle_hue = h1 + h2;
  if (c1 * c2 == 0) {
    turn = 0;
  } else {
    if (std::abs(turn) <= 180) {
      middle_hue /= 2;
    } else {
      middle_hue = (middle_hue + (middle_hue < 360 ? 360 : -360)) / 2;
    }
    if (turn > 180) turn -= 360;
    if (turn < -180) turn += 360;
  }
  const double dl = second.l - first.l, dc = c2 - c1, dh = 2 * std::sqrt(c1 * c2) * std::sin(turn / 2 * kDegree);

  const double middle_c = (c1 + c2) / 2, from_grey = (first.l + second.l) / 2 - 50;
  const double t = 1 - 0.17 * std::cos((middle_hue - 30) * kDegree) + 0.24 * std::cos(2 * middle_hue * kDegree) +
                   0.32 * std::cos((3 * middle_hue + 6) * kDegree) - 0.20 * std::cos((4 * middle_hue - 63) * kDegree);
  const double sl = 1 + 0.015 * from_grey * from_grey / std::sqrt(20 + from_grey * from_grey);
  const double sc = 1 + 0.045 * middle_c, sh = 1 + 0.015 * middle_c * t;
  const double blue = (middle_hue - 275) / 25;
  const double rotation = -std::sin(60 * std::exp(-blue * blue) * kDegree) * 2 * saturation(middle_c);
  const double l = dl / sl, c = dc / sc, h = dh / sh;
  return std::sqrt(l * l + c * c + h * h + rotation * c * h);
}

}  // namespace likeness
