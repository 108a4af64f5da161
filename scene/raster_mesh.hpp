// From the DrawList to triangles on the screen: projection, culling, order.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "scene/camera.hpp"
#include "scene/draw_list.hpp"

namespace likeness::scene {

/// A projected vertex. x and y count samples: sample i has its centre at coordinate i.
struct ScreenVertex {
  float x = 0, y = 0;
  float inverse = 0;  ///< 1 / distance, for perspective; 0 = not drawable (behind the camera or not finite)
  float depth = 0;    ///< 1 / (distance - the material's bias), for the depth test: the larger is in front
};

/// What is interpolated over a triangle: twelve floats, three vector registers. Where they are:
using Attributes = std::array<float, 12>;
constexpr std::size_t at_normal = 0;     ///< 3: turned with the head, of any length
constexpr std::size_t at_occlusion = 3;  ///< of Draw, 1 where it has none
constexpr std::size_t at_uv = 4;         ///< 2: of Draw
constexpr std::size_t at_fade = 6;       ///< of Draw, 1 where it has none
constexpr std::size_t at_more = 8;       ///< hair and brows: 3, where v grows on the surface, turned, of any length; skin: LabelFields

struct ScreenTriangle {
  std::array<std::uint32_t, 3> vertex{};  ///< into the draw's own arrays
  std::uint16_t draw = 0;
  std::uint8_t level = 0;  ///< of the texture
  bool back = false;       ///< seen from behind: its normals are turned round (hair's already point outwards)
  bool left = false;       ///< on the side of the head that is left in the picture
  bool solid = false;      ///< hair that lets next to nothing through anywhere: drawn opaque
  bool clear = false;      ///< the transparent cornea: only mirrors the lamps
  Region region = Region::head;
};

/// All that can be seen, projected.
struct ScreenMesh {
  std::vector<std::uint32_t> first;  ///< of each draw: its first entry in `vertices` and `attributes`
  std::vector<ScreenVertex> vertices;
  std::vector<Attributes> attributes;   ///< one a vertex
  std::vector<ScreenTriangle> opaque;   ///< skin, eyes, teeth, tongue
  std::vector<ScreenTriangle> layers;   ///< lashes, brows, hair, glasses and corneas, the nearest first
  std::vector<std::array<Vec2, 2>> uv;  ///< of each draw: least and greatest uv that can be seen
};

/// Projects `list` onto a grid of size * supersample samples a side. Draws whose arrays do not fit together are left out, and so
/// are triangles with indices out of range, with vertices that are not finite or not before the camera, and those off the screen.
ScreenMesh project(const DrawList& list, const Projector& projector, const Framing& framing, int size, int supersample);

/// One triangle, prepared for looking at many of its points.
class TrianglePoints {
 public:
  /// Weights of the vertices with perspective, and the interpolated 1 / distance.
  struct Place {
    std::array<float, 3> weight;
    float inverse;
  };

  /// Refers to `mesh`, which must outlive it. Before anything else.
  void set(const ScreenMesh& mesh, const ScreenTriangle& triangle) {
    const std::size_t first = mesh.first[triangle.draw];
    for (std::size_t k = 0; k < 3; ++k) {
      v_[k] = mesh.vertices[first + triangle.vertex[k]];
      attributes_[k] = mesh.attributes.data() + first + triangle.vertex[k];
    }
    scale_ = 1 / ((v_[1].x - v_[0].x) * (v_[2].y - v_[0].y) - (v_[1].y - v_[0].y) * (v_[2].x - v_[0].x));
  }

  /// At sample coordinates (x, y), clamped to the triangle.
  Place at(float x, float y) const {
    const auto& [a, b, c] = v_;
    const float wa = (b.x - x) * (c.y - y) - (b.y - y) * (c.x - x);
    const float wb = (c.x - x) * (a.y - y) - (c.y - y) * (a.x - x);
    // A pixel's mean position may lie just outside; extrapolating across a sliver would throw attributes far off.
    float la = std::min(std::max(wa * scale_, 0.0F), 1.0F);
    float lb = std::min(std::max(wb * scale_, 0.0F), 1.0F);
    float lc = std::max(0.0F, 1 - la - lb);
    const float sum = la + lb + lc;  // more than 1 where a weight was clamped
    la *= a.inverse;
    lb *= b.inverse;
    lc *= c.inverse;
    const float inverse = la + lb + lc;
    const float norm = 1 / inverse;
    return {{la * norm, lb * norm, lc * norm}, inverse / sum};
  }

  /// Numbers [first, first + N) of the attributes there. Plain loops over floats, so that it becomes vector code.
  template <std::size_t N>
  std::array<float, N> read(const Place& place, std::size_t first) const {
    std::array<float, N> sum;
    const float* a = numbers(0) + first;
    const float* b = numbers(1) + first;
    const float* c = numbers(2) + first;
    for (std::size_t i = 0; i < N; ++i) sum[i] = place.weight[0] * a[i] + place.weight[1] * b[i] + place.weight[2] * c[i];
    return sum;
  }

  /// The same numbers at the corners.
  template <std::size_t N>
  std::array<std::array<float, N>, 3> corners(std::size_t first) const {
    std::array<std::array<float, N>, 3> out;
    for (std::size_t k = 0; k < 3; ++k) std::copy_n(numbers(k) + first, N, out[k].begin());
    return out;
  }

 private:
  const float* numbers(std::size_t corner) const { return attributes_[corner]->data(); }

  std::array<ScreenVertex, 3> v_;
  std::array<const Attributes*, 3> attributes_{};
  float scale_ = 0;
};

}  // namespace likeness::scene
