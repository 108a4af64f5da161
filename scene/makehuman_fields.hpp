// Label fields of MakeHuman's base mesh: smooth per-vertex numbers that are thresholded per pixel.
#pragma once

#include <cstdint>
#include <vector>

#include "likeness/status.hpp"
#include "scene/draw_list.hpp"
#include "scene/makehuman_source.hpp"

namespace likeness::scene {

/// Which part of the body each face of the base mesh belongs to, from the islands of the uv map.
/// Only faces of material 0 (the visible body) are meaningful.
std::vector<Region> classify_faces(const SourceMesh& base);

/// Fields of every vertex of the base mesh. Errors: corrupt_scene when the mesh is not MakeHuman's.
Result<std::vector<LabelFields>> label_fields(const SourceMesh& base, const std::vector<Region>& region, const SourceTargets& targets);

}  // namespace likeness::scene
