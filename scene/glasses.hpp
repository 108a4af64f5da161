// Glasses made by rule: those that a character wears, and random ones that cover faces in training pictures, so that the extractor learns
// to look past them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "scene/draw_list.hpp"

namespace likeness::scene {

/// Shape and colours of a pair of glasses.
struct GlassesStyle {
  float half_width = 0;                ///< of a lens, in parts of the distance between the eyes
  float aspect = 0;                    ///< height of a lens by its width
  float exponent = 2;                  ///< of the rim's superellipse: 2 is an ellipse, more becomes a rectangle
  float drop = 0;                      ///< of the lens below the eye, in parts of half its height
  float radius = 0;                    ///< of the rim's tube, dm
  Vec3 frame{};                        ///< linear colour
  std::array<std::uint8_t, 4> lens{};  ///< sRGB and opacity
};

/// The style that scene.json's option `name` of the parameter "glasses" stands for; nullptr where there is none.
const GlassesStyle* glasses_style(std::string_view name);

/// Shape, thickness, colour and tint of the lenses at random, a function of `seed` alone; every eighth pair is dark.
GlassesStyle random_glasses(std::uint64_t seed);

/// Adds rims, bridge, temples and lenses to `list`, in front of the face that the 68 landmarks (dm, before the head is turned) give.
void add_glasses(const GlassesStyle& style, std::span<const Vec3> landmarks, DrawList* list);

}  // namespace likeness::scene
