#include "fit/iris.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <tuple>
#include <vector>

#include "align/affine.hpp"
#include "image/color.hpp"

namespace likeness {
namespace {

constexpr double kInner = 0.04, kOuter = 0.085, kReach = 0.3;  // inter-ocular distances; beyond the last from its middle lies no eye
constexpr std::size_t kFewest = 6;                             // pixels of an iris, or none is seen
constexpr double kDark = 1e-3;                                 // added to linear light before the logarithm
constexpr double kPupil = 1.0 / 6, kKept = 2.0 / 3;            // shares of the ring's pixels, darkest first: its colour lies between
constexpr double kWhite = 0.8, kGlint = 0.95;                  // of the eye's, likewise

// How photographs differ from the shipped head's pictures, and scatter: what train/fit_irises.py printed for the 301 training portraits
// whose eyes can be told, with dlib's published landmarks.
constexpr std::array<IrisColour, 3> kPhotoGain = {{{0.283, -0.275, -0.036}, {-0.024, 0.143, 0.080}, {0.086, 0.019, 0.154}}};
constexpr IrisColour kPhotoOffset = {-1.057, -0.073, 0.090};
constexpr std::array<IrisColour, 3> kWhitening = {{{2.583, 0, 0}, {0.738, 5.963, 0}, {-0.697, -4.601, 10.178}}};  // lower triangle

constexpr double kFarthestHue = 4;  // deviations

using Colour = std::array<float, 3>;

Point middle(const Landmarks& landmarks, std::size_t first, std::size_t count) {
  Point sum{};
  for (std::size_t i = first; i < first + count; ++i) sum[0] += landmarks[i][0], sum[1] += landmarks[i][1];
  return {sum[0] / static_cast<float>(count), sum[1] / static_cast<float>(count)};
}

struct Pixel {
  Colour colour;
  double light, radius;  // luminance; from the eye's middle
};

// The height of the line through `points` at x, between its ends.
double height(const std::array<Point, 4>& points, double x) {
  std::size_t i = 1;
  while (i + 1 < points.size() && x > points[i][0]) ++i;
  const double x1 = points[i - 1][0], x2 = points[i][0], t = x2 > x1 ? std::clamp((x - x1) / (x2 - x1), 0.0, 1.0) : 0.0;
  return points[i - 1][1] + t * (points[i][1] - points[i - 1][1]);
}

// What lies between the lids of the eye whose six landmarks begin at `first`, darkest first.
std::vector<Pixel> open_eye(const Image& picture, const Landmarks& landmarks, std::size_t first, double unit) {
  const std::array<Point, 4> upper = {landmarks[first], landmarks[first + 1], landmarks[first + 2], landmarks[first + 3]};
  const std::array<Point, 4> lower = {landmarks[first], landmarks[first + 5], landmarks[first + 4], landmarks[first + 3]};
  const Point centre = middle(landmarks, first, 6);
  const auto begin = [&](float c) { return std::max(0, static_cast<int>(std::floor(c - kReach * unit))); };
  const auto end = [&](float c, int side) { return std::min(side, static_cast<int>(std::ceil(c + kReach * unit))); };
  const std::array<float, 256>& linear = srgb_to_linear_table();
  std::vector<Pixel> eye;
  for (int row = begin(centre[1]); row < end(centre[1], picture.height); ++row) {
    for (int column = begin(centre[0]); column < end(centre[0], picture.width); ++column) {
      const double x = column + 0.5, y = row + 0.5;
      if (x <= upper.front()[0] || x >= upper.back()[0] || y <= height(upper, x) || y >= height(lower, x)) continue;
      const std::uint8_t* rgb = picture.at(column, row);
      const float r = linear[rgb[0]], g = linear[rgb[1]], b = linear[rgb[2]];
      eye.push_back({{r, g, b}, luminance(r, g, b), std::hypot(x - centre[0], y - centre[1])});
    }
  }
  std::ranges::sort(eye, [](const Pixel& a, const Pixel& b) { return std::tie(a.light, a.colour) < std::tie(b.light, b.colour); });
  return eye;
}

// Logarithms of the mean colour of a share of sorted pixels: luminance, R / G, G / B.
IrisColour tone(const std::vector<Pixel>& pixels, double from, double to) {
  const auto at = [&](double share) { return static_cast<std::size_t>(share * static_cast<double>(pixels.size())); };
  const std::size_t first = at(from), last = std::max(first + 1, at(to));
  std::array<double, 3> mean{};
  for (std::size_t i = first; i < last; ++i) {
    for (std::size_t c = 0; c < 3; ++c) mean[c] += pixels[i].colour[c] / static_cast<double>(last - first);
  }
  const auto log = [](double v) { return std::log(v + kDark); };
  const double light = luminance(static_cast<float>(mean[0]), static_cast<float>(mean[1]), static_cast<float>(mean[2]));
  return {log(light), log(mean[0]) - log(mean[1]), log(mean[1]) - log(mean[2])};
}

// What a photograph would show of eyes that a client draws so.
IrisColour photographed(const IrisColour& drawn) {
  IrisColour photo = kPhotoOffset;
  for (std::size_t c = 0; c < photo.size(); ++c) {
    for (std::size_t k = 0; k < drawn.size(); ++k) photo[c] += kPhotoGain[c][k] * drawn[k];
  }
  return photo;
}

}  // namespace

std::optional<IrisColour> iris_colour(const Image& picture, const Landmarks& landmarks) {
  const double unit = interocular_distance(landmarks);
  const auto inside = [&picture](const Point& p) {  // false of NaN
    return p[0] >= 0 && p[0] < static_cast<float>(picture.width) && p[1] >= 0 && p[1] < static_cast<float>(picture.height);
  };
  if (!(unit >= 1) || !std::all_of(landmarks.begin() + 36, landmarks.begin() + 48, inside)) return std::nullopt;
  IrisColour colour{};
  for (const std::size_t first : {36U, 42U}) {
    const std::vector<Pixel> eye = open_eye(picture, landmarks, first, unit);
    std::vector<Pixel> iris;
    std::ranges::copy_if(eye, std::back_inserter(iris),
                         [unit](const Pixel& p) { return p.radius >= kInner * unit && p.radius <= kOuter * unit; });
    if (iris.size() < kFewest) return std::nullopt;
    const IrisColour ring = tone(iris, kPupil, kKept), white = tone(eye, kWhite, kGlint);
    for (std::size_t c = 0; c < colour.size(); ++c) colour[c] += (ring[c] - white[c]) / 2;
  }
  return colour;
}

double iris_distance(const IrisColour& picture, const IrisColour& drawn, PictureDomain domain) {
  IrisColour apart = domain == PictureDomain::photo ? picture : photographed(picture);
  const IrisColour expected = photographed(drawn);
  for (std::size_t c = 0; c < apart.size(); ++c) apart[c] -= expected[c];
  double sum = 0;
  for (std::size_t c = 0; c < apart.size(); ++c) {
    double along = 0;
    for (std::size_t k = 0; k <= c; ++k) along += kWhitening[c][k] * apart[k];
    if (c > 0) along = std::clamp(along, -kFarthestHue, kFarthestHue);
    sum += along * along;
  }
  return std::sqrt(sum);
}

}  // namespace likeness
