// What a triangle looks like at one place: interpolated attributes, texture colour, label.
#pragma once

#include <optional>
#include <vector>

#include "scene/raster_mesh.hpp"
#include "scene/shade.hpp"
#include "scene/texture.hpp"

namespace likeness::scene {

/// Classes of the label map; the right brow and eye are one more than the left.
enum Label : std::uint8_t {
  label_background = 0,
  label_face = 1,
  label_hair = 2,
  label_left_brow = 3,
  label_left_eye = 5,
  label_nose = 7,
  label_upper_lip = 8,
  label_inner_mouth = 9,
  label_lower_lip = 10,
};
constexpr int label_count = 11;

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

  /// The point of `triangle` at sample coordinates (x, y).
  SurfacePoint at(const ScreenTriangle& triangle, float x, float y) const;

 private:
  // A texture as its material wants it: skin is enlarged smoothly, the rest is read bilinearly from the level that fits.
  struct Paint {
    const Texture* texture = nullptr;
    std::optional<LinearTexture> smooth;
    Tint tint;

    Colour read(float u, float v, int level) const;
  };

  const DrawList& list_;
  const ScreenMesh& mesh_;
  std::vector<Paint> paints_;
};

}  // namespace likeness::scene
