#include "scene/raster_label.hpp"

#include <algorithm>
#include <cstddef>

namespace likeness::scene {

std::uint8_t skin_label(Region region, bool left, const LabelFields& fields) {
  switch (region) {
    case Region::body:
      return label_background;
    case Region::mouth_interior:
      return label_inner_mouth;
    case Region::eye_socket:
      return left ? label_left_eye : label_left_eye + 1;
    case Region::head:
      break;
  }
  if (fields.ear > 0.6F) return label_background;
  if (fields.lip < 6.5F) return fields.upper > 0 ? label_upper_lip : label_lower_lip;
  return fields.nose > 0 ? label_nose : label_face;
}

void remove_specks(std::vector<std::uint8_t>& labels, int size) {
  const std::vector<std::uint8_t> before = labels;
  const auto width = static_cast<std::size_t>(size);
  for (std::size_t y = 1; y + 1 < width; ++y) {
    for (std::size_t x = 1; x + 1 < width; ++x) {
      const std::size_t i = y * width + x;
      const std::uint8_t mine = before[i];
      const std::array<std::uint8_t, 4> near = {before[i - width], before[i - 1], before[i + 1], before[i + width]};
      if (near[0] == mine || near[1] == mine || near[2] == mine || near[3] == mine) continue;
      std::uint8_t best = near[0];
      std::ptrdiff_t most = 0;
      for (const std::uint8_t label : near) {
        const std::ptrdiff_t votes = std::count(near.begin(), near.end(), label);
        if (votes > most) best = label;
        most = std::max(most, votes);
      }
      labels[i] = best;
    }
  }
}

}  // namespace likeness::scene
