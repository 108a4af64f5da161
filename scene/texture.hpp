// Reading textures: levels of detail, bilinear and Catmull-Rom sampling in linear light.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "image/color.hpp"
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
  const std::uint8_t* rgba = nullptr;   ///< height * width * 4; nullptr = none: reads as white
  const std::uint32_t* grey = nullptr;  ///< height * width, as Texture::grey; nullptr = none
  int width = 0, height = 0;
};
TextureLevel level_of(const Texture& texture, int level);

/// At (u, v), bilinear, edges clamped. Colours are weighted by alpha; the result is not premultiplied.
Colour sample_bilinear(const TextureLevel& level, float u, float v);

/// Places where a texture is read, and what is found there: one number of each array a place.
struct GreySamples {
  static constexpr std::size_t size = 64;
  std::array<float, size> u, v;
  std::array<float, size> luminance, alpha;  ///< linear luminance and alpha of what sample_bilinear() reads
};
/// Reads `count` places, from TextureLevel::grey where there is one.
void sample_grey(const TextureLevel& level, std::size_t count, GreySamples& samples);
/// Fills Texture::grey, once at load, for textures that are only read as sample_grey().
void add_grey(Texture& texture);

/// A texture in 8-bit sRGB, for what cannot read Texture::linear, such as files: converts, or copies.
Texture as_srgb(const Texture& texture);

/// Alpha of the nearest texel of level 0.
float nearest_alpha(const Texture& texture, float u, float v);

/// What a Draw does to the colours of its texture.
class Tint {
 public:
  explicit Tint(const Draw& draw);

  Colour apply(Colour texel) const {
    if (recolour_) texel[0] = texel[1] = texel[2] = contrast(luminance(texel[0], texel[1], texel[2]));
    for (std::size_t k = 0; k < 3; ++k) texel[k] *= factor_[k];
    return texel;
  }
  /// What a recoloured texel of this luminance is multiplied by: light strands against the mean, held back where they are much
  /// lighter, since pale hair would look like foil.
  float contrast(float luminance) const {
    const float ratio = luminance * inverse_mean_;
    return std::min(0.65F * ratio + 0.35F * std::sqrt(ratio), 2.0F);
  }

 private:
  Vec3 factor_ = {1, 1, 1};
  bool recolour_ = false;
  float inverse_mean_ = 1;  // of the texture's luminance
};

/// Whether a triangle (vertices of `draw`, an eye) belongs to the transparent cornea.
bool is_cornea(const Draw& draw, const std::array<std::uint32_t, 3>& vertex);

/// Smooth enlargement: a frontal face covers only 77x72 texels of MakeHuman's skins.
class SmoothTexture {
 public:
  /// Reads a texture in linear light where it is; it must outlive this object, and its outermost texels are read by no triangle. Of
  /// another, level 0 is converted where [low, high] needs it; elsewhere sample() must not be called. Alpha is ignored.
  SmoothTexture(const Texture& texture, Vec2 low, Vec2 high);
  SmoothTexture(SmoothTexture&&) = default;
  SmoothTexture& operator=(SmoothTexture&&) = default;
  /// Catmull-Rom interpolation (Keys 1981, a = -0.5), edges clamped; negative overshoot is cut. Alpha is 1.
  Colour sample(float u, float v) const;
  /// Multiplies `count` colours, red, green and blue apart, by the samples at (u, v).
  template <std::size_t N>
  void tint(const std::array<float, N>& u, const std::array<float, N>& v, std::size_t count,
            std::array<std::array<float, N>, 3>& rgb) const {
    tint(u.data(), v.data(), count, {rgb[0].data(), rgb[1].data(), rgb[2].data()});
  }

 private:
  void tint(const float* u, const float* v, std::size_t count, const std::array<float*, 3>& rgb) const;

  float width_ = 0, height_ = 0;  // of the whole texture
  int x0_ = 0, y0_ = 0;           // first texel held
  int columns_ = 0, rows_ = 0;
  const std::uint16_t* texels_ = nullptr;  // rows * columns * 4; none: reads as white
  std::vector<std::uint16_t> converted_;
};

}  // namespace likeness::scene
