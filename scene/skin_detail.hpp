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
  /// `region` is the part of the atlas to paint on; lines and areas are given on MakeHuman's base mesh (asset.base).
  SkinDetail(const HeadAsset& asset, const SkinRegion& region);

  /// Paints on the region's linear colours, `rgb`: (height * scale) x (width * scale) x 3.
  void paint(const SkinPaint& paint, std::span<float> rgb) const;

 private:
  // Of every texel; areas in [0, 1].
  struct Texel {
    float lip = 0, wrinkle = 0, moustache = 0, chin = 0;
    float cheek = -9;  // dm below (positive) the upper border of the beard on the cheeks at beard_height 0
    float strand = 0;  // noise along the hairs, [0, 1]
    float grain = 0;   // fine noise, [0, 1]
  };
  std::vector<Texel> texels_;
};

}  // namespace likeness::scene
