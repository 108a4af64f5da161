// What a triangle looks like at one place: interpolated attributes, texture colour, label.
#pragma once

#include <optional>
#include <vector>

#include "scene/raster_label.hpp"
#include "scene/raster_mesh.hpp"
#include "scene/raster_queue.hpp"
#include "scene/shade.hpp"
#include "scene/texture.hpp"

namespace likeness::scene {

/// Looks up points of the triangles of a mesh. Refers to `list`, which must outlive it.
class Surfaces {
 public:
  Surfaces(const DrawList& list, const ScreenMesh& mesh);

  /// A layer's texture at a point: what decides whether anything is seen there.
  struct Sheer {
    Vec3 colour{};  ///< tint applied, but for what is recoloured
    float alpha = 1;
    float luminance = 1;  ///< of the texture, where it is recoloured
  };
  Sheer sheer(const ScreenTriangle& triangle, const TrianglePoints& points, const TrianglePoints::Place& place) const;

  /// A point of what is neither skin nor hair. `sheer` as above.
  Fragment fragment(const ScreenTriangle& triangle, const TrianglePoints& points, const TrianglePoints::Place& place,
                    const Sheer& sheer) const;
  /// Adds a point of hair or brows, of which `amount` is seen, to a pixel.
  void add_hair(const ScreenTriangle& triangle, const TrianglePoints& points, const TrianglePoints::Place& place, const Sheer& sheer,
                float amount, std::size_t pixel, LightQueue& queue) const;

  /// The skin's attributes from at_more on are its LabelFields.
  using SkinPoint = Attributes;
  /// Adds a point of skin under ambient and key light of which these shares arrive, and of which `amount` is seen, to a pixel.
  void add_skin(const ScreenTriangle& triangle, const SkinPoint& here, float ambient, float key, float amount, std::size_t pixel,
                LightQueue& queue) const;
  /// Class of a point of an opaque triangle; `here` is only read on skin.
  std::uint8_t label(const ScreenTriangle& triangle, const SkinPoint& here) const;

 private:
  // A texture as its material wants it: skin is enlarged smoothly, the rest is read bilinearly from the level that fits.
  struct Paint {
    explicit Paint(const Draw& draw) : tint(draw) {}

    std::vector<TextureLevel> levels;
    std::optional<SmoothTexture> smooth;
    Tint tint;
  };

  const DrawList& list_;
  std::vector<Paint> paints_;
};

}  // namespace likeness::scene
