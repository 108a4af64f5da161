// The skin mesh and the layout of its texture atlas.
#pragma once

#include <vector>

#include "scene/head_asset.hpp"
#include "scene/makehuman_source.hpp"

namespace likeness::scene {

/// The faces of the base mesh that a tight head frame can show, with uvs in the atlas's coordinates. `surface.point` and
/// `triangle` still count the base mesh's vertices; occlusion is left empty.
struct SkinLayout {
  struct Corner {
    std::int32_t vertex = 0;
    Vec2 uv{};
  };
  std::vector<Corner> corner;
  std::vector<std::uint32_t> triangle;
  std::vector<Region> region;  ///< one a triangle
  std::int32_t atlas_width = 0, atlas_height = 0;
  std::vector<SkinRegion> parts;
};

SkinLayout layout_skin(const SourceMesh& base, const std::vector<Region>& region);

/// The texels of the parts of one 512x512 skin picture, one part after the other.
std::vector<std::uint8_t> crop_skin(const Texture& picture, const std::vector<SkinRegion>& parts);

}  // namespace likeness::scene
