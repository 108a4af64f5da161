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

/// What is interpolated over a triangle.
struct Attributes {
  Vec3 normal = {0, 0, 0};                   ///< turned with the head
  float occlusion = 1;                       ///< of Draw, 1 where it has none
  Vec2 uv = {0, 0};                          ///< of Draw
  float fade = 1;                            ///< of Draw, 1 where it has none
  float unused = 0;                          ///< twelve floats are three vector registers
  std::array<float, 4> more = {0, 0, 0, 0};  ///< hair and brows: where v grows on the surface, turned, not unit length; skin: LabelFields
};
static_assert(sizeof(Attributes) == 12 * sizeof(float));

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

/// Position inside a triangle, for attributes: weights with perspective and the interpolated 1 / distance.
struct Barycentric {
  std::array<float, 3> weight;
  float inverse;
};

/// Weights at sample coordinates (x, y), clamped to the triangle. `a`, `b`, `c` are its vertices.
inline Barycentric barycentric(const ScreenVertex& a, const ScreenVertex& b, const ScreenVertex& c, float x, float y) {
  const float wa = (b.x - x) * (c.y - y) - (b.y - y) * (c.x - x);
  const float wb = (c.x - x) * (a.y - y) - (c.y - y) * (a.x - x);
  const float scale = 1 / ((b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x));
  // A pixel's mean position may lie just outside; extrapolating across a sliver would throw attributes far off.
  float la = std::min(std::max(wa * scale, 0.0F), 1.0F);
  float lb = std::min(std::max(wb * scale, 0.0F), 1.0F);
  float lc = std::max(0.0F, 1 - la - lb);
  const float sum = la + lb + lc;  // more than 1 where a weight was clamped
  la *= a.inverse;
  lb *= b.inverse;
  lc *= c.inverse;
  const float inverse = la + lb + lc;
  const float norm = 1 / inverse;
  return {{la * norm, lb * norm, lc * norm}, inverse / sum};
}

}  // namespace likeness::scene
