#include "fit/facial_hair.hpp"

#include <algorithm>
#include <cmath>

#include "align/affine.hpp"
#include "image/color.hpp"

namespace likeness {
namespace {

constexpr double kShadow = 0.5, kBlack = 1.25;  // log of the ratio of luminances: no hair yet, all hair
constexpr double kSide = 0.22, kHalf = 0.1;     // inter-ocular distances: from the philtrum to the middle of a side, half of its width
constexpr double kHalfChin = 0.15, kHalfJaw = 0.09;
constexpr double kCheek = 0.45;  // from the middle of the face, at the height of the tip of the nose
constexpr double kLeastLight = 1e-4;
constexpr double kSome = 0.3;  // of the photo's hair: it is dark beyond doubt

// Mean linear luminance from (x1, y1) to (x2, y2), kept inside.
double light(const Image& picture, double x1, double y1, double x2, double y2) {
  const auto inside = [](double v, int side) { return static_cast<int>(std::clamp(v, 0.0, side - 1.0)); };
  const int left = inside(x1, picture.width), right = std::max(left, inside(x2, picture.width));
  const int top = inside(y1, picture.height), bottom = std::max(top, inside(y2, picture.height));
  const auto& linear = srgb_to_linear_table();
  double sum = 0;
  for (int y = top; y <= bottom; ++y) {
    for (int x = left; x <= right; ++x) {
      const std::uint8_t* rgb = picture.at(x, y);
      sum += static_cast<double>(luminance(linear[rgb[0]], linear[rgb[1]], linear[rgb[2]]));
    }
  }
  return std::max(kLeastLight, sum / ((right - left + 1.0) * (bottom - top + 1.0)));
}

}  // namespace

std::optional<FacialHair> facial_hair(const Image& picture, const Landmarks& landmarks) {
  const double unit = interocular_distance(landmarks);
  const Point nose = landmarks[33], tip = landmarks[30], lip = landmarks[57], chin = landmarks[8];
  const auto inside = [&picture](const Point& p) {  // false of NaN
    return p[0] >= 0 && p[0] < static_cast<float>(picture.width) && p[1] >= 0 && p[1] < static_cast<float>(picture.height);
  };
  if (!(unit >= 1) || !std::ranges::all_of(landmarks, inside)) return std::nullopt;
  double cheeks = 0, upper_lip = 0, jaw = 0;
  for (const int side : {-1, 1}) {
    const double cheek = nose[0] + side * kCheek * unit, x = nose[0] + side * kSide * unit;
    cheeks += light(picture, cheek - kHalf * unit, tip[1] - kHalf * unit, cheek + kHalf * unit, tip[1] + kHalf * unit) / 2;
    const Point mouth = landmarks[side < 0 ? 48 : 54], edge = landmarks[side < 0 ? 5 : 11];
    const double middle = (mouth[0] + edge[0]) / 2, height = (mouth[1] + edge[1]) / 2;
    jaw = std::max(jaw,
                   light(picture, middle - kHalfJaw * unit, height - kHalfJaw * unit, middle + kHalfJaw * unit, height + kHalfJaw * unit));
    const double gap = landmarks[side < 0 ? 50 : 52][1] - nose[1];
    upper_lip += light(picture, x - kHalf * unit, nose[1] + 0.25 * gap, x + kHalf * unit, nose[1] + 0.85 * gap) / 2;
  }
  const double drop = chin[1] - lip[1];
  const double below = light(picture, lip[0] - kHalfChin * unit, lip[1] + 0.3 * drop, lip[0] + kHalfChin * unit, lip[1] + 0.75 * drop);
  const auto darkness = [cheeks](double v) { return std::clamp((std::log(cheeks / v) - kShadow) / (kBlack - kShadow), 0.0, 1.0); };
  return FacialHair{darkness(upper_lip), darkness(below), darkness(jaw)};
}

double facial_hair_distance(const FacialHair& photo, const FacialHair& character) {
  const auto distance = [](double wanted, double there) {
    return there < wanted ? wanted - there : 0.5 * std::min(1.0, wanted / kSome) * (there - wanted);
  };
  return distance(photo.moustache, character.moustache) + distance(std::min(photo.chin, photo.moustache), character.chin) +
         distance(std::min(photo.jaw, photo.moustache), character.jaw);
}

}  // namespace likeness
