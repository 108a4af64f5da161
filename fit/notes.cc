#include "fit/notes.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "fit/frame_lines.hpp"
#include "fit/report.hpp"

namespace likeness {
namespace {

constexpr double kOtherHair = 0.5;   // of the hair of either, that only one of them has
constexpr double kLeastHair = 0.02;  // of the picture, in either
constexpr double kEnd = 0.01;        // of the range, from its end
constexpr std::uint8_t kHairClass = 2;

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

std::vector<std::string> fit_notes(const FitResult& result, const Schema& schema) {
  std::vector<std::string> notes;
  const auto crossed = [](const Picture& picture, const Landmarks& landmarks) {
    return !picture.rgb.empty() && frame_lines(image_from(picture), landmarks).bridge > FrameLines::kWorn;
  };
  if (crossed(result.aligned, result.framed) && !crossed(result.posed, result.drawn))
    notes.emplace_back(
        "Something crosses the bridge of the nose, probably glasses, and the character wears none: eyes and brows behind them are known "
        "less surely.");
  if (const double other = other_hair(result.photo_labels, result.posed_labels); other > kOtherHair) {
    char text[160];
    std::snprintf(text, sizeof text, "%.0f %% of the hair's outline differs: no style has this cut, or a hat covers it.", 100 * other);
    notes.emplace_back(text);
  }
  std::string ended;
  for (const Parameter& p : schema.parameters()) {
    if (p.role != ParameterRole::identity || p.type != ParameterType::continuous) continue;
    const double x = result.character.x[p.offset];
    // The near end of an amount asks for nothing.
    if ((!p.one_sided() && x < kEnd) || x > 1 - kEnd) ended += (ended.empty() ? "" : ", ") + p.name;
  }
  if (!ended.empty()) notes.push_back("At the end of their range, where the photo may ask for more: " + ended + ".");
  return notes;
}

}  // namespace likeness
