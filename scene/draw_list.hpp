// What the head model hands to the rasteriser: morphed triangles with textures and per-vertex label fields.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace likeness::scene {

using Vec2 = std::array<float, 2>;
using Vec3 = std::array<float, 3>;

/// Colour picture with alpha, not premultiplied; row 0 is the top row (v = 1 of MakeHuman's uv). Either 8-bit sRGB or, mixed for
/// a character and opaque, in linear light (as_srgb() in texture.hpp makes the one from the other).
struct Texture {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgba;     ///< height * width * 4; then `levels` - 1 further levels, each half as large (see add_levels())
  int levels = 1;                     ///< pictures in `rgba`
  std::vector<std::uint16_t> linear;  ///< instead of `rgba`: height * width * 4, light * 65535; one level
  std::vector<std::uint32_t> grey;  ///< for recoloured textures: of all levels, luminance * alpha * 65535 + 65536 * alpha * 65535; or empty
  float mean_luminance = 0;         ///< linear, alpha weighted; 0 = not measured (add_levels() measures it)
};

/// What a surface is made of. glasses (frames and lenses) are occluders for training: they change the picture, never the labels;
/// the texture's alpha (opaque without one) says how much they hide, a clear reflection comes on top.
enum class Material : std::uint8_t { skin, eye, teeth, tongue, lash, brow, hair, glasses };

/// Part of the skin mesh that a triangle belongs to.
enum class Region : std::uint8_t { head, body, mouth_interior, eye_socket };

/// Fields that are interpolated over a triangle and thresholded per pixel, so that label borders are smooth.
struct LabelFields {
  float ear = 0;    ///< > 0.6 inside an ear
  float lip = 99;   ///< rings from the seam between the lips; < 6.5 on a lip
  float upper = 0;  ///< > 0 on the upper lip's side of the mouth, < 0 on the lower's
  float nose = -1;  ///< > 0 on the nose
};

/// One textured mesh in world space (decimetres, y up, the face looks to +z, +x is image right).
struct Draw {
  Material material = Material::skin;
  std::vector<Vec3> position;
  std::vector<Vec3> normal;             ///< unit length, area weighted over the position's triangles, smooth across uv seams
  std::vector<Vec2> uv;                 ///< v = 0 at the bottom of the texture
  std::vector<float> occlusion;         ///< ambient light that arrives, 0 to 1; may be empty (= 1)
  std::vector<LabelFields> fields;      ///< skin only, else empty
  std::vector<std::uint32_t> triangle;  ///< 3 vertex indices each, counter-clockwise from outside
  std::vector<Region> region;           ///< skin only: one a triangle, else empty
  const Texture* texture = nullptr;     ///< owned by the head asset or by the DrawList's `textures`
  Vec3 tint = {1, 1, 1};                ///< linear factor on the texture's linear colour
  std::vector<float> fade;  ///< layers only, one a vertex or empty: alpha is multiplied by the interpolated value, clamped to 0..1
  bool recolour = false;    ///< hair and brows: tint times the texture's luminance over its mean, contrast softened (Tint, texture.hpp)
};

/// Everything that one character needs to be drawn.
struct DrawList {
  std::vector<Draw> draws;
  std::vector<std::shared_ptr<const Texture>> textures;  ///< those that are not the asset's: the skin, glasses
  std::vector<Vec3> landmarks;                           ///< 68 world positions (dlib's order), from the mesh
};

/// Pose and light of one picture; all zero is the client's neutral, frontal, standard light.
struct View {
  float yaw = 0;             ///< radians, positive: the face turns to image right
  float pitch = 0;           ///< radians, positive: the face looks up
  float distance = 12.6F;    ///< dm from the eye to the head's centre; near cameras make noses large
  float light_side = 0;      ///< -1 key light from image left, 0 standard, 1 from image right
  float light_height = 0;    ///< -1 key light from below the eyes, 0 standard, 1 from steeply above
  float light_strength = 0;  ///< -1 key light nearly off (flat and dim), 0 standard, 1 strong and contrasty
  float light_warmth = 0;    ///< -1 bluish, 0 neutral, 1 yellowish light
  float background = 0;      ///< -1 black, 0 standard grey, 1 white backdrop
};

}  // namespace likeness::scene
