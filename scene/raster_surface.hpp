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

  /// Points of a layer's triangle that are looked at together: one number of each array a point.
  struct LayerPoints {
    static constexpr std::size_t size = GreySamples::size;
    using Lane = std::array<float, size>;
    Lane x, y;                   ///< sample coordinates
    std::array<Lane, 3> weight;  ///< as TrianglePoints::Place
    Lane alpha;
    Lane fade;
    GreySamples grey;               ///< of what is recoloured
    std::array<Vec3, size> colour;  ///< of the rest, tint applied

    TrianglePoints::Place place(std::size_t i) const { return {{weight[0][i], weight[1][i], weight[2][i]}, 0}; }
  };
  /// Fills in all but x and y of the first `count` points of a layer.
  void look(const ScreenTriangle& triangle, const TrianglePoints& points, std::size_t count, LayerPoints& at) const;
  /// Adds point i of hair or brows, of which `amount` is seen, to a pixel.
  void add_hair(const ScreenTriangle& triangle, const TrianglePoints& points, const LayerPoints& at, std::size_t i, float amount,
                std::size_t pixel, LightQueue& queue) const;

  /// A point of what is neither skin nor hair: linear colour with alpha, and the rest.
  Colour colour(const ScreenTriangle& triangle, const Vec2& uv) const;
  Fragment fragment(const ScreenTriangle& triangle, const TrianglePoints& points, const TrianglePoints::Place& place,
                    const Vec3& albedo) const;

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
