// The check that every .mhm passes before it leaves the program.
#pragma once

#include <span>
#include <string_view>

#include "likeness/scene.hpp"
#include "scene/mhm_mapping.hpp"

namespace likeness::scene {

/// Whether `text` is what MakeHuman reads as `x` (canonical): only lines that it knows and well-formed ones, every modifier one of
/// its own, once, inside its range; and our own reader finds every mapped parameter of `x` in it, to the 6 decimals that are
/// written. Errors: corrupt_scene with the line, because the mapping is to blame.
Status check_mhm(const Schema& schema, const MhmMapping& mapping, std::span<const float> x, std::string_view text);

}  // namespace likeness::scene
