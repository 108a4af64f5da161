// The built-in head: slider values become triangles.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "likeness/scene.hpp"
#include "likeness/status.hpp"
#include "scene/camera.hpp"
#include "scene/draw_list.hpp"
#include "scene/glasses.hpp"
#include "scene/head_asset.hpp"
#include "scene/skin_blend.hpp"

namespace likeness::scene {

/// MakeHuman's head under a schema. One model serves any number of threads; it keeps the last two skins (SkinBlender).
class HeadModel {
 public:
  /// Errors: corrupt_scene when the schema lacks a parameter that the head needs, names a target, hair, brow or eye colour
  /// that the asset lacks, or glasses that have no style.
  static Result<HeadModel> create(HeadAsset asset, const Schema& schema);

  /// The triangles of a character. `x` is canonical (Schema::canonicalise) and has the schema's size. Textures that the list
  /// does not own live in the model.
  DrawList draw(std::span<const float> x) const;
  /// Pose and light of a character.
  View view(std::span<const float> x) const;
  /// The camera of every picture: the world's origin is the middle between chin and crown.
  Camera camera() const { return {}; }
  /// Scale and shift that bring a character's 51 inner landmarks (17 to 67) closest to the default character's.
  Framing framing(std::span<const Vec3> landmarks, const View& view) const;

 private:
  // A morph target, or one for each race, that a slider's side drives: its weight rises from 0 to `gain` while the slider
  // moves from `from` to `to` (client units away from 0).
  struct Driven {
    std::array<std::uint32_t, 3> target{};
    bool racial = false;
    float from = 0, to = 1, gain = 1;
  };
  struct Slider {
    Parameter parameter;
    std::vector<Driven> negative, positive;
  };
  // A macro target: its weight is the product of the named values.
  struct Macro {
    std::uint32_t target;
    std::vector<std::uint8_t> factors;
  };
  // Parameters that the head knows by name.
  enum Known : std::size_t {
    gender,
    age,
    weight,
    muscle,
    ethnicity,
    skin_type,
    skin_tone,
    skin_warmth,
    wrinkles,
    hair,
    hair_lightness,
    hair_warmth,
    hair_gray,
    hair_length,
    hairline_recession,
    eyebrows,
    eyebrow_lightness,
    eyebrow_thickness,
    eye_color,
    lip_redness,
    lip_lightness,
    beard_moustache,
    beard_chin,
    beard_jaw,
    beard_height,
    beard_lightness,
    beard_gray,
    yaw,
    pitch,
    camera_distance,
    light_side,
    light_height,
    light_strength,
    light_warmth,
    background,
    glasses,
    known_count
  };

  HeadModel() = default;
  Status resolve_parameters(const Schema& schema);
  Status resolve_targets(const Schema& schema);
  Status resolve_options();
  float value(Known known, std::span<const float> x) const;
  // Weights of all targets. Those of nuisance sliders (expression) and those of identity, macros included, apart.
  struct Weights {
    std::vector<float> identity, expression;
  };
  struct Shape {
    std::vector<Vec3> point, relaxed;  ///< with and without expression, origin at the head's centre
  };
  Weights target_weights(std::span<const float> x) const;
  void apply(std::span<const float> weights, std::vector<Vec3>* point) const;
  Shape morph(std::span<const float> x) const;
  std::size_t chosen(Known known, std::span<const float> x) const;
  Vec3 natural_hair(std::span<const float> x) const;                // before it greyed
  Vec3 hair_colour(std::span<const float> x, float greying) const;  // `greying`: share of the white hairs that shows
  SkinMix skin_mix(std::span<const float> x) const;
  Draw& add_proxy(std::size_t index, const Shape& shape, DrawList* list) const;
  Draw& add_points(std::size_t index, std::span<const Vec3> point, DrawList* list) const;
  void add_brows(std::span<const float> x, const Shape& shape, DrawList* list) const;
  float mouth_light(std::span<const Vec3> point) const;
  void set_reference_frame(const Schema& schema);

  HeadAsset asset_;
  std::vector<SkinBlender> skins_;  ///< one; a vector because it is made late
  std::array<Parameter, known_count> known_;
  std::vector<Slider> sliders_;
  std::vector<Macro> macros_;
  std::vector<std::size_t> common_, hair_, brow_, eye_texture_;  ///< proxies always there; proxy of each option (npos: none); textures
  std::vector<const GlassesStyle*> glasses_;                     ///< of each option; nullptr: none
  std::vector<std::uint32_t> skin_points_;                       ///< skin triangles as points
  std::vector<std::vector<std::uint32_t>> proxy_points_;
  std::array<Vec2, 51> reference_{};  ///< of the default character, in parts of the picture
};

}  // namespace likeness::scene
