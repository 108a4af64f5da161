#include "fit/frame_lines.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "align/affine.hpp"

namespace likeness {
namespace {

constexpr int kSteps = 40;                       // places along a profile
constexpr double kLine = 0.045;                  // inter-ocular distances, as all below
constexpr double kAcross = 0.08, kAlong = 0.06;  // half of the width that is averaged: of the bridge, below an eye
constexpr double kAbove = -0.35, kBelow = 0.15;  // of the bridge
constexpr double kHigh = 0.15, kLow = 0.55;      // of the rims
// What counts how much: wearing any most of all; then, as far as both wear some, the frame's weight and size.
constexpr double kBridge = 3, kRims = 1, kBottom = 4;
constexpr double kClearBridge = 0.35, kClearRim = 0.5;  // more says no more

double luma(const std::uint8_t* rgb) { return (0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]) / 255; }

// Mean luma of the pixels of row y from x1 to x2, kept inside.
double row_mean(const Image& picture, int y, int x1, int x2) {
  y = std::clamp(y, 0, picture.height - 1);
  x1 = std::clamp(x1, 0, picture.width - 1), x2 = std::clamp(x2, x1, picture.width - 1);
  double sum = 0;
  for (int x = x1; x <= x2; ++x) sum += luma(picture.at(x, y));
  return sum / (x2 - x1 + 1);
}

using Profile = std::array<double, kSteps + 1>;

}  // namespace

FrameLines frame_lines(const Image& picture, const Landmarks& landmarks) {
  const auto eye = [&landmarks](std::size_t first) {
    Point sum{};
    for (std::size_t i = first; i < first + 6; ++i) sum[0] += landmarks[i][0] / 6, sum[1] += landmarks[i][1] / 6;
    return sum;
  };
  const Point left = eye(36), right = eye(42), middle = {(left[0] + right[0]) / 2, (left[1] + right[1]) / 2};
  const double unit = interocular_distance(landmarks);
  const auto inside = [](float at, int side) { return at >= 0 && at < static_cast<float>(side); };  // false of NaN
  if (!(unit >= 1) || !inside(middle[0], picture.width) || !inside(middle[1], picture.height)) return {};
  const auto row = [&](double x, double offset, double half) {
    const double y = std::clamp(middle[1] + offset * unit, 0.0, picture.height - 1.0);
    const double x1 = std::clamp(x - half * unit, 0.0, picture.width - 1.0), x2 = std::clamp(x + half * unit, x1, picture.width - 1.0);
    return row_mean(picture, static_cast<int>(y), static_cast<int>(x1), static_cast<int>(x2));
  };
  double cheeks = 0;
  for (int i = 0; i <= kSteps; ++i) cheeks += row(middle[0], 0.15 + 0.4 * i / kSteps, 0.45) / (kSteps + 1);
  const auto profile = [&](double x, double from, double to, double half) {
    Profile line{};
    for (int i = 0; i <= kSteps; ++i) {
      const double at = from + (to - from) * i / kSteps;
      line[static_cast<std::size_t>(i)] =
          ((row(x, at - kLine, half) + row(x, at + kLine, half)) / 2 - row(x, at, half)) / std::max(cheeks, 0.02);
    }
    return line;
  };
  FrameLines lines;
  for (const double v : profile(middle[0], kAbove, kBelow, kAcross)) lines.bridge = std::max(lines.bridge, std::min(std::abs(v), 1.0));
  Profile rims{};
  for (const Point& p : {left, right}) {
    const Profile below = profile(p[0], kHigh, kLow, kAlong);
    lines.rims += std::clamp(*std::ranges::max_element(below), 0.0, 1.0) / 2;
    for (std::size_t i = 0; i < rims.size(); ++i) rims[i] += below[i];
  }
  lines.bottom = kHigh + (kLow - kHigh) * static_cast<double>(std::ranges::max_element(rims) - rims.begin()) / kSteps;
  return lines;
}

double frame_distance(const FrameLines& a, const FrameLines& b) {
  const double first = std::min(a.bridge, kClearBridge), second = std::min(b.bridge, kClearBridge);
  const double frames = kRims * std::abs(a.rims - b.rims) + kBottom * std::min({a.rims, b.rims, kClearRim}) * std::abs(a.bottom - b.bottom);
  return kBridge * std::abs(first - second) + std::min(first, second) / kClearBridge * frames;
}

}  // namespace likeness
