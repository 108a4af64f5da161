// Light and materials: what colour a point of the head sends to the camera. Everything in linear light.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "scene/draw_list.hpp"

namespace likeness::scene {

/// A point of a surface that the camera sees.
struct Fragment {
  Material material = Material::skin;
  Vec3 albedo = {0, 0, 0};  ///< linear, tint applied
  Vec3 normal = {0, 0, 1};  ///< unit length; x right, y up, z towards the camera
  float occlusion = 1;      ///< ambient light that arrives
  float shadow = 1;         ///< light of the lamps that arrives
  float gloss = 1;          ///< skin: strength of its highlights
  Vec3 strand = {0, 1, 0};  ///< hair: the way its strands are painted, root up; of any length
  float lean = 0;           ///< hair: how far its highlights are shifted along the strand
};

/// The colour that a material shows, of what its texture and tint hold: MakeHuman's paintings are off for some. Linear.
Vec3 corrected(Material material, const Vec3& albedo);

/// Points of skin or of hair side by side: one array a number, so that shading them becomes vector code.
struct FragmentLanes {
  static constexpr std::size_t size = 128;
  using Lane = std::array<float, size>;

  /// Copies `fragment` to place i; its material is the caller's affair.
  void put(std::size_t i, const Fragment& fragment) {
    for (std::size_t c = 0; c < 3; ++c) {
      albedo[c][i] = fragment.albedo[c];
      normal[c][i] = fragment.normal[c];
      strand[c][i] = fragment.strand[c];
    }
    occlusion[i] = fragment.occlusion;
    shadow[i] = fragment.shadow;
    gloss[i] = fragment.gloss;
    lean[i] = fragment.lean;
  }

  /// Brings the first `count` normals to unit length.
  void normalise(std::size_t count);

  std::array<Lane, 3> albedo, normal, strand;
  Lane occlusion, shadow, gloss, lean;
  std::array<Lane, 3> light;  ///< result: light that leaves the surface towards the camera
};

/// A key lamp above the camera, a weaker fill lamp on the other side, a sky and a warm ground. Fixed to the camera.
class Lights {
 public:
  /// Reads the light_* fields of `view`, clamped to [-1, 1].
  explicit Lights(const View& view);

  /// Light that leaves the surface towards the camera.
  Vec3 shade(const Fragment& fragment) const;
  /// Fills `light` of the first `count` lanes, which hold skin, or hair and brows.
  void shade_skin(FragmentLanes& lanes, std::size_t count) const;
  void shade_hair(FragmentLanes& lanes, std::size_t count) const;
  /// The mirror image of the lamps alone, on the clear cornea.
  Vec3 gloss(const Vec3& normal) const;
  /// The mirror image of lamps and sky on glass or varnish.
  Vec3 reflection(const Vec3& normal) const;
  /// Where the key lamp is, seen from the head: x right, y up, z towards the camera; unit length.
  const Vec3& key_direction() const { return lamps_[0].direction; }

 private:
  struct Lamp {
    Vec3 direction, half, colour;
  };
  Vec3 ambient(const Vec3& normal, float occlusion) const;
  Vec3 eye(const Fragment& fragment) const;
  Vec3 shade_one(const Fragment& fragment, void (Lights::*shader)(FragmentLanes&, std::size_t) const) const;
  Vec3 plain(const Fragment& fragment, float wrap, float gloss) const;

  Lamp lamps_[2];
  Vec3 sky_, ground_;
};

/// The picture's background: a soft gradient, darker towards the corners.
class Backdrop {
 public:
  /// `tone` as View::background: -1 black, 0 standard grey, 1 white.
  explicit Backdrop(float tone);
  /// Light at the pixels of row `y` of a picture `size` pixels wide.
  void row(int y, int size, std::vector<Vec3>& out) const;

 private:
  Vec3 top_, bottom_;
  float vignette_;
};

/// The picture's tone curve: 8-bit sRGB of linear light, with a soft shoulder above 0.8 instead of hard clipping.
class Display {
 public:
  Display();
  /// Encodes `count` numbers.
  void encode(const float* linear, std::size_t count, std::uint8_t* out) const;

 private:
  static constexpr int steps = 8192;
  static constexpr float limit = 2;
  std::array<std::uint8_t, steps + 1> table_{};
};

}  // namespace likeness::scene
