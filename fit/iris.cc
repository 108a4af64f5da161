#include "fit/iris.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "align/affine.hpp"
#include "image/color.hpp"

namespace likeness {
namespace {

constexpr double kInner = 0.045, kOuter = 0.085, kCheek = 0.12;  // inter-ocular distances
constexpr std::size_t kFewest = 6;                               // pixels of an iris, or none is seen
constexpr double kDark = 1e-3;                                   // added to linear light before the logarithm
constexpr double kKept = 2.0 / 3;                                // of the ring, the darkest

constexpr IrisHue kPhotoShift = {0.14, 0.13};

using Colour = std::array<double, 3>;

Point middle(const Landmarks& landmarks, std::size_t first, std::size_t count) {
  Point sum{};
  for (std::size_t i = first; i < first + count; ++i) sum[0] += landmarks[i][0], sum[1] += landmarks[i][1];
  return {sum[0] / static_cast<float>(count), sum[1] / static_cast<float>(count)};
}

// Linear colours of the pixels whose centres `inside` accepts, within `reach` of a point.
template <class Inside>
std::vector<Colour> collect(const Image& picture, const Point& centre, double reach, const Inside& inside) {
  std::vector<Colour> colours;
  const auto first = [reach](float c) { return static_cast<int>(std::floor(c - reach)); };
  const auto last = [reach](float c) { return static_cast<int>(std::ceil(c + reach)); };
  const std::array<float, 256>& linear = srgb_to_linear_table();
  for (int y = std::max(0, first(centre[1])); y <= std::min(picture.height - 1, last(centre[1])); ++y) {
    for (int x = std::max(0, first(centre[0])); x <= std::min(picture.width - 1, last(centre[0])); ++x) {
      if (!inside(x + 0.5 - centre[0], y + 0.5 - centre[1])) continue;
      const std::uint8_t* rgb = picture.at(x, y);
      colours.push_back({linear[rgb[0]], linear[rgb[1]], linear[rgb[2]]});
    }
  }
  return colours;
}

Colour mean(const std::vector<Colour>& colours, std::size_t count) {
  Colour sum{};
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t c = 0; c < 3; ++c) sum[c] += colours[i][c] / static_cast<double>(count);
  }
  return sum;
}

}  // namespace

std::optional<IrisHue> iris_hue(const Image& picture, const Landmarks& landmarks, PictureDomain domain) {
  const double unit = interocular_distance(landmarks);
  if (!std::isfinite(unit) || unit < 1 || unit > picture.width) return std::nullopt;
  IrisHue hue = domain == PictureDomain::photo ? kPhotoShift : IrisHue{};
  for (const auto& [eye, corner] : {std::pair<std::size_t, std::size_t>{36, 48}, {42, 54}}) {
    const Point centre = middle(landmarks, eye, 6);
    const double lid = (landmarks[eye + 4][1] + landmarks[eye + 5][1] - landmarks[eye + 1][1] - landmarks[eye + 2][1]) / 4.0;
    std::vector<Colour> iris = collect(picture, centre, kOuter * unit, [&](double x, double y) {
      const double r = std::hypot(x, y) / unit;
      return r >= kInner && r <= kOuter && std::abs(y) < 0.8 * lid;
    });
    const Point cheek = {(centre[0] + landmarks[corner][0]) / 2, (centre[1] + landmarks[corner][1]) / 2};
    const std::vector<Colour> skin =
        collect(picture, cheek, kCheek * unit, [&](double x, double y) { return std::hypot(x, y) <= kCheek * unit; });
    if (iris.size() < kFewest || skin.empty()) return std::nullopt;
    const auto light = [](const Colour& c) {
      return luminance(static_cast<float>(c[0]), static_cast<float>(c[1]), static_cast<float>(c[2]));
    };
    std::ranges::sort(iris, [&](const Colour& a, const Colour& b) { return light(a) != light(b) ? light(a) < light(b) : a < b; });
    const Colour eyes = mean(iris, std::max<std::size_t>(1, static_cast<std::size_t>(kKept * static_cast<double>(iris.size()))));
    const Colour face = mean(skin, skin.size());
    const auto ratio = [&](std::size_t c) { return std::log((eyes[c] + kDark) / (face[c] + kDark)); };
    for (std::size_t c = 0; c < hue.size(); ++c) hue[c] += (ratio(c) - ratio(c + 1)) / 2;
  }
  return hue;
}

double iris_distance(const IrisHue& a, const IrisHue& b) { return (std::abs(a[0] - b[0]) + std::abs(a[1] - b[1])) / 2; }

}  // namespace likeness
