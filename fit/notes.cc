#include "fit/notes.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "align/affine.hpp"
#include "fit/report.hpp"

namespace likeness {
namespace {

constexpr double kAcross = 0.08, kAbove = 0.35, kBelow = 0.15, kLine = 0.045;  // inter-ocular distances
constexpr double kGlasses = 0.2;
constexpr double kOtherHair = 0.5;   // of the hair of either, that only one of them has
constexpr double kLeastHair = 0.02;  // of the picture, in either
constexpr double kEnd = 0.01;        // of the range, from its end
constexpr double kTwoSided = 0.25;   // of the range, below the default
constexpr std::uint8_t kHairClass = 2;

double luma(const std::uint8_t* rgb) { return (0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]) / 255; }

// Mean luma of the pixels of row y from x1 to x2, kept inside.
double row_mean(const Image& picture, int y, int x1, int x2) {
  y = std::clamp(y, 0, picture.height - 1);
  x1 = std::clamp(x1, 0, picture.width - 1), x2 = std::clamp(x2, x1, picture.width - 1);
  double sum = 0;
  for (int x = x1; x <= x2; ++x) sum += luma(picture.at(x, y));
  return sum / (x2 - x1 + 1);
}

// Of places that are hair in the photo's or the character's label map, the share that only one has; 0 where there is hardly any.
double other_hair(const Labels& photo, const Labels& character) {
  if (photo.classes.empty() || character.classes.empty()) return 0;
  double either = 0, both = 0;
  for (int y = 0; y < photo.size; ++y) {
    for (int x = 0; x < photo.size; ++x) {
      const auto at = [&](int size) { return static_cast<std::size_t>(y * size / photo.size * size + x * size / photo.size); };
      const bool a = photo.classes[at(photo.size)] == kHairClass, b = character.classes[at(character.size)] == kHairClass;
      either += a || b ? 1 : 0;
      both += a && b ? 1 : 0;
    }
  }
  return either < kLeastHair * photo.size * photo.size ? 0 : 1 - both / either;
}

}  // namespace

double bridge_contrast(const Image& picture, const Landmarks& landmarks) {
  Point middle{};
  for (std::size_t i = 36; i < 48; ++i) middle[0] += landmarks[i][0] / 12, middle[1] += landmarks[i][1] / 12;
  const double unit = interocular_distance(landmarks);
  const auto inside = [](float at, int side) { return at >= 0 && at < static_cast<float>(side); };  // false of NaN
  if (!(unit >= 1) || !inside(middle[0], picture.width) || !inside(middle[1], picture.height)) return 0;
  const auto row = [&](double offset, double half) {
    const double y = std::clamp(middle[1] + offset * unit, 0.0, picture.height - 1.0);
    const double x1 = std::clamp(middle[0] - half * unit, 0.0, picture.width - 1.0),
                 x2 = std::clamp(middle[0] + half * unit, x1, picture.width - 1.0);
    return row_mean(picture, static_cast<int>(y), static_cast<int>(x1), static_cast<int>(x2));
  };
  constexpr int kSteps = 40;
  double most = 0, cheeks = 0;
  for (int i = 0; i <= kSteps; ++i) {
    const double at = -kAbove + (kAbove + kBelow) * i / kSteps;
    most = std::max(most, std::abs((row(at - kLine, kAcross) + row(at + kLine, kAcross)) / 2 - row(at, kAcross)));
    cheeks += row(0.15 + 0.4 * i / kSteps, 0.45) / (kSteps + 1);
  }
  return most / std::max(cheeks, 0.02);
}

std::vector<std::string> fit_notes(const FitResult& result, const Schema& schema) {
  std::vector<std::string> notes;
  if (bridge_contrast(image_from(result.aligned), result.framed) > kGlasses)
    notes.emplace_back(
        "Something crosses the bridge of the nose, probably glasses: no slider draws them, and eyes and brows behind them are known less "
        "surely.");
  if (const double other = other_hair(result.photo_labels, result.posed_labels); other > kOtherHair) {
    char text[160];
    std::snprintf(text, sizeof text, "%.0f %% of the hair's outline differs: no style has this cut, or a hat covers it.", 100 * other);
    notes.emplace_back(text);
  }
  std::string ended;
  for (const Parameter& p : schema.parameters()) {
    if (p.role != ParameterRole::identity || p.type != ParameterType::continuous) continue;
    const double x = result.character.x[p.offset];
    // The near end of a slider like a beard's, whose default is next to none, asks for nothing.
    const bool two_sided = p.neutral - p.minimum > kTwoSided * (p.maximum - p.minimum);
    if ((two_sided && x < kEnd) || x > 1 - kEnd) ended += (ended.empty() ? "" : ", ") + p.name;
  }
  if (!ended.empty()) notes.push_back("At the end of their range, where the photo may ask for more: " + ended + ".");
  return notes;
}

}  // namespace likeness
