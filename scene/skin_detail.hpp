// What MakeHuman's skins lack and faces have: beards, wrinkles, pores and the colour of the lips, painted into the skin of the face.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "scene/head_asset.hpp"

namespace likeness::scene {

/// What is painted. Densities are 0 (none) over stubble to 1 (full).
struct SkinPaint {
  float lip_redness = 0;    ///< -1 pale, 0 as the skin has them, 1 red
  float lip_lightness = 0;  ///< -1 dark, 1 light
  float wrinkles = 0;       ///< 0 smooth, 1 deep
  float moustache = 0, chin = 0, jaw = 0;
  float beard_height = 0;  ///< where the beard ends on the cheeks: -1 along the jaw, 1 up to the cheekbones
  Vec3 beard_colour{};     ///< linear
};

/// Maps of one region of the skin atlas, made once from where its texels lie on the head. Immutable.
class SkinDetail {
 public:
  /// Texels of a row: [begin, end).
  struct Span {
    std::int32_t begin = 0, end = 0;
  };

  /// `region` is the part of the atlas to paint on; lines and areas are given on MakeHuman's base mesh (asset.base).
  SkinDetail(const HeadAsset& asset, const SkinRegion& region);

  /// The texels of row y that the head's triangles cover, and those around them that interpolation reads.
  Span span(std::int32_t y) const { return span_[static_cast<std::size_t>(y)]; }
  /// Paints on linear colours of row y of the region: `rgb` points to a red, a green and a blue row of width * scale values, of which
  /// those of span(y) are read and written.
  void paint(const SkinPaint& paint, std::int32_t y, const std::array<float*, 3>& rgb) const;

 private:
  // The texels' numbers in units of 1/255 of what they can be: small, because every picture reads them all.
  struct Maps {
    std::vector<std::uint8_t> lip, moustache, chin;  ///< areas, [0, 1]
    std::vector<std::uint8_t> cheek;                 ///< how far below the upper border of the beard on the cheeks, see cheek_range
    std::vector<std::uint8_t> wrinkle;               ///< depth, see wrinkle_range
    std::vector<std::uint8_t> strand, grain;         ///< noise along the hairs, fine noise, [0, 1]
  };

  // Some rows of the maps: what lies on the head (`covered`: the texels of each row on which triangles lie), and the noise.
  void draw_fields(const HeadAsset& asset, const SkinRegion& region, Span rows, std::span<Span> covered);
  void draw_noise(Span rows);

  std::int32_t width_ = 0;  ///< texels of the atlas
  Maps maps_;
  std::vector<Span> span_;
  std::vector<Span> beard_;  ///< the part of each row where a beard can grow
};

}  // namespace likeness::scene
