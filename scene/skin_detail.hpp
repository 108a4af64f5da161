// What MakeHuman's skins lack and faces have: beards, wrinkles, pores and the colour of the lips, painted into the skin of the face.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "scene/draw_list.hpp"
#include "scene/skin_maps.hpp"

namespace likeness::scene {

/// What is painted. Densities are 0 (none) over stubble to 1 (full).
struct SkinPaint {
  float lip_redness = 0;    ///< -1 pale, 0 as the skin has them, 1 red
  float lip_lightness = 0;  ///< -1 dark, 1 light
  float wrinkles = 0;       ///< 0 smooth, 1 deep
  float moustache = 0, chin = 0, jaw = 0;
  float beard_height = 0;  ///< where the beard ends on the cheeks: -1 along the jaw, 1 up to the cheekbones
  Vec3 beard_colour{};     ///< linear
  bool operator==(const SkinPaint&) const = default;
};

/// Paints on one enlarged region of the skin atlas. Immutable.
class SkinDetail {
 public:
  /// `width`: texels of a row of the maps.
  SkinDetail(SkinMaps maps, std::int32_t width) : maps_(std::move(maps)), width_(width) {}

  /// The texels of row y that the head's triangles cover, and those around them that interpolation reads.
  SkinMaps::Span span(std::int32_t y) const { return maps_.span[static_cast<std::size_t>(y)]; }
  /// Paints on linear colours of row y of the region: `rgb` points to a red, a green and a blue row of width * scale values, of which
  /// those of span(y) are read and written.
  void paint(const SkinPaint& paint, std::int32_t y, const std::array<float*, 3>& rgb) const;

 private:
  SkinMaps maps_;
  std::int32_t width_;
};

}  // namespace likeness::scene
