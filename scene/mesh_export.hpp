// From the DrawList of the rasteriser to a mesh for other programs.
#pragma once

#include "likeness/mesh.hpp"
#include "scene/draw_list.hpp"

namespace likeness::scene {

/// The list's triangles in metres with their colours baked into textures: tints and recolouring as the rasteriser applies them, without
/// light. The transparent corneas and what is faded out altogether are left out, and so are vertices that no triangle uses.
Mesh mesh_from(const DrawList& list);

}  // namespace likeness::scene
