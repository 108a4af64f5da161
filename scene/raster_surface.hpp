// What a triangle looks like at one place: interpolated attributes, texture colour, label.
#pragma once

#include <optional>
#include <vector>

#include "scene/raster_label.hpp"
#include "scene/raster_mesh.hpp"
#include "scene/shade.hpp"
#include "scene/texture.hpp"

namespace likeness::scene {

struct SurfacePoint {
  Fragment fragment;
  float alpha = 1;
  float inverse = 0;       ///< 1 / distance, decimetres
  std::uint8_t label = 0;  ///< of opaque materials
};

/// Looks up points of a mesh's triangles. Refers to `list` and `mesh`, which must outlive it.
class Surfaces {
 public:
  Surfaces(const DrawList& list, const ScreenMesh& mesh);

  /// The point of `triangle` at sample coordinates (x, y). Where alpha is below `least_alpha`, nothing but alpha is found.
  SurfacePoint at(const ScreenTriangle& triangle, float x, float y, float least_alpha = 0) const;

 private:
  // A texture as its material wants it: skin is enlarged smoothly, the rest is read bilinearly from the level that fits.
  struct Paint {
    explicit Paint(const Draw& draw) : tint(draw) {}
    std::vector<TextureLevel> levels;
    std::optional<SmoothTexture> smooth;
    Tint tint;

    Colour read(float u, float v, int level) const;
  };

  const DrawList& list_;
  const ScreenMesh& mesh_;
  std::vector<Paint> paints_;
};

}  // namespace likeness::scene
