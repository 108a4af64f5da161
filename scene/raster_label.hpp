// The classes of label maps.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "scene/draw_list.hpp"

namespace likeness::scene {

/// Classes of the label map; the right brow and eye are one more than the left.
enum Label : std::uint8_t {
  label_background = 0,
  label_face = 1,
  label_hair = 2,
  label_left_brow = 3,
  label_left_eye = 5,
  label_nose = 7,
  label_upper_lip = 8,
  label_inner_mouth = 9,
  label_lower_lip = 10,
};
constexpr int label_count = 11;

/// Class of a place on the skin mesh. `left`: on the side of the head that is left in the picture.
std::uint8_t skin_label(Region region, bool left, const LabelFields& fields);

/// Single pixels whose label none of their four neighbours has, between strands of hair above all, take the commonest of those.
/// `labels`: size * size.
void remove_specks(std::vector<std::uint8_t>& labels, int size);

}  // namespace likeness::scene
