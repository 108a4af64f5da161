// Glasses made by rule: they cover faces in training pictures, so that the extractor learns to look past them.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "scene/draw_list.hpp"

namespace likeness::scene {

/// Adds rims, bridge, temples and lenses of a random pair of glasses (shape, thickness, colour, tint of the lenses) to `list`.
/// A function of `seed` and the 68 landmarks (dm, before the head is turned) alone.
void add_glasses(std::uint64_t seed, std::span<const Vec3> landmarks, DrawList* list);

}  // namespace likeness::scene
