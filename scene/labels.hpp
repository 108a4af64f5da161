// The classes of label maps (Rendering::labels) by name and colour.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "image/image.hpp"

namespace likeness {

constexpr std::size_t kClasses = 11;
constexpr std::array<const char*, kClasses> kClassNames = {"background", "face", "hair",      "left_brow",   "right_brow", "left_eye",
                                                           "right_eye",  "nose", "upper_lip", "inner_mouth", "lower_lip"};
/// sRGB, those of the sample sheets of training (train/common.py).
constexpr std::array<std::array<std::uint8_t, 3>, kClasses> kClassColours = {{{30, 30, 30},
                                                                              {255, 205, 170},
                                                                              {120, 70, 20},
                                                                              {255, 160, 0},
                                                                              {255, 220, 0},
                                                                              {0, 160, 255},
                                                                              {0, 220, 255},
                                                                              {255, 120, 160},
                                                                              {220, 0, 60},
                                                                              {255, 255, 255},
                                                                              {150, 0, 90}}};

/// A label map (1 channel) in colours (3 channels); what is no class is black.
Image coloured(const Image& labels);

}  // namespace likeness
