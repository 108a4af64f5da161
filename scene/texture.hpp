// Reading textures: levels of detail, bilinear and Catmull-Rom sampling in linear light.
#pragma once

#include <array>
#include <vector>

#include "scene/draw_list.hpp"

namespace likeness::scene {

/// Linear red, green, blue and alpha; not premultiplied.
using Colour = std::array<float, 4>;

/// Appends levels of half, quarter ... size down to 4 texels (2x2 box in linear light, colours weighted by alpha, so that the
/// unseen colour of transparent texels does not bleed) and measures mean_luminance. Does nothing to a texture that has levels.
/// Once at load for textures that are shrunk on the screen, as hair at small picture sizes is.
void add_levels(Texture& texture);

/// The alpha-weighted mean of linear luminance of level 0; 1 when the texture is empty or transparent.
float measure_luminance(const Texture& texture);

/// One picture of a texture, which must outlive it.
struct TextureLevel {
  const std::uint8_t* rgba = nullptr;  ///< height * width * 4; nullptr = none: reads as white
  int width = 0, height = 0;
};
TextureLevel level_of(const Texture& texture, int level);

/// At (u, v), bilinear, edges clamped. Colours are weighted by alpha; the result is not premultiplied.
Colour sample_bilinear(const TextureLevel& level, float u, float v);

/// A texture in 8-bit sRGB, for what cannot read Texture::linear, such as files: converts, or copies.
Texture as_srgb(const Texture& texture);

/// Alpha of the nearest texel of level 0.
float nearest_alpha(const Texture& texture, float u, float v);

/// Smooth enlargement: a frontal face covers only 77x72 texels of MakeHuman's skins.
class SmoothTexture {
 public:
  /// Reads a texture in linear light where it is; it must outlive this object, and its outermost texels are read by no triangle. Of
  /// another, level 0 is converted where [low, high] needs it; elsewhere sample() must not be called. Alpha is ignored.
  SmoothTexture(const Texture& texture, Vec2 low, Vec2 high);
  SmoothTexture(const SmoothTexture&) = delete;
  SmoothTexture& operator=(const SmoothTexture&) = delete;
  /// Catmull-Rom interpolation (Keys 1981, a = -0.5), edges clamped; negative overshoot is cut. Alpha is 1.
  Colour sample(float u, float v) const;

 private:
  float width_ = 0, height_ = 0;  // of the whole texture
  int x0_ = 0, y0_ = 0;           // first texel held
  int columns_ = 0, rows_ = 0;
  const std::uint16_t* texels_ = nullptr;  // rows * columns * 4; none: reads as white
  std::vector<std::uint16_t> converted_;
};

}  // namespace likeness::scene
