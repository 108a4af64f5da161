#include "scene/raster_mesh.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "scene/texture.hpp"

namespace likeness::scene {
namespace {

constexpr float near_plane = 0.5F;  // dm

// How far a layer is drawn in front of where it is, in dm: a morphed scalp would poke through the hair, the forehead through the
// brows.
float depth_bias(Material material) {
  switch (material) {
    case Material::hair:
      return 0.09F;
    case Material::brow:
    case Material::lash:
      return 0.04F;
    default:
      return 0;
  }
}

bool is_layer(Material material) {
  return material == Material::hair || material == Material::brow || material == Material::lash || material == Material::glasses;
}

// Skin and eyes are closed and seen from outside only; hair cards, lashes and teeth have no back side.
bool is_closed(Material material) { return material == Material::skin || material == Material::eye; }

bool consistent(const Draw& draw) {
  const std::size_t n = draw.position.size();
  return n > 0 && draw.normal.size() == n && draw.uv.size() == n && (draw.occlusion.empty() || draw.occlusion.size() == n) &&
         (draw.fade.empty() || draw.fade.size() == n) && (draw.fields.empty() || draw.fields.size() == n) &&
         (draw.region.empty() || draw.region.size() == draw.triangle.size() / 3);
}

// The level of detail at which a texel is about a pixel, from the ratio of the areas.
int texture_level(const Texture* texture, const Draw& draw, const std::array<std::uint32_t, 3>& v, float pixels) {
  if (texture == nullptr || texture->levels < 2) return 0;
  const Vec2 a = draw.uv[v[0]], b = draw.uv[v[1]], c = draw.uv[v[2]];
  const float area = std::fabs((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])) * 0.5F;
  float texels = area * static_cast<float>(texture->width) * static_cast<float>(texture->height);
  int level = 0;
  // Twice as fine as the box would want: blurred strands look worse than a little aliasing under supersampling.
  while (texels > 4 * pixels && level + 1 < texture->levels) {
    texels /= 4;
    ++level;
  }
  return level;
}

// Locks are flat cards in all directions; lit one by one they look like shingles. Leans their normals towards those of a ball round
// the head.
Vec3 hair_normal(const Vec3& normal, const Vec3& position) {
  constexpr Vec3 centre = {0, 0.25F, -0.45F};  // dm; of the skull, from the middle between chin and crown
  constexpr float share = 0.62F;
  Vec3 out = {position[0] - centre[0], position[1] - centre[1], position[2] - centre[2]};
  const float length = std::sqrt(std::max(out[0] * out[0] + out[1] * out[1] + out[2] * out[2], 1e-12F));
  const float facing = normal[0] * out[0] + normal[1] * out[1] + normal[2] * out[2];
  for (std::size_t c = 0; c < 3; ++c) out[c] = share * out[c] / length + (facing < 0 ? share - 1 : 1 - share) * normal[c];
  return out;
}

// Hair textures are painted with the strands along v, roots up. Sums the direction over each vertex's triangles.
void add_strands(const Draw& draw, const Projector& projector, Attributes* attributes) {
  for (std::size_t t = 0; t + 2 < draw.triangle.size(); t += 3) {
    const std::uint32_t* v = draw.triangle.data() + t;
    if (std::max({v[0], v[1], v[2]}) >= draw.position.size()) continue;
    const Vec3 &a = draw.position[v[0]], &b = draw.position[v[1]], &c = draw.position[v[2]];
    const Vec2 &p = draw.uv[v[0]], &q = draw.uv[v[1]], &r = draw.uv[v[2]];
    const float q0 = q[0] - p[0], r0 = r[0] - p[0];
    // The triangle's u = const line; a mirrored texture turns the sign round.
    const float sign = q0 * (r[1] - p[1]) < r0 * (q[1] - p[1]) ? -1.0F : 1.0F;
    Vec3 along;
    for (std::size_t k = 0; k < 3; ++k) along[k] = sign * (q0 * (c[k] - a[k]) - r0 * (b[k] - a[k]));
    const float length = std::sqrt(along[0] * along[0] + along[1] * along[1] + along[2] * along[2]);
    if (!(length > 1e-12F && std::isfinite(length))) continue;
    const Vec3 turned = projector.turn({along[0] / length, along[1] / length, along[2] / length});
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t k = 0; k < 3; ++k) attributes[v[i]][at_more + k] += turned[k];
    }
  }
}

// Looks at the alpha of corners, middles of edges and centre.
bool is_solid(const Draw& draw, const std::array<std::uint32_t, 3>& v) {
  constexpr float least = 0.95F;
  for (const std::uint32_t i : v) {
    if (!draw.fade.empty() && !(draw.fade[i] >= 1)) return false;
  }
  if (draw.texture == nullptr) return true;
  constexpr float third = 1.0F / 3;
  constexpr std::array<Vec3, 7> places = {
      {{third, third, third}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0.5F, 0.5F, 0}, {0, 0.5F, 0.5F}, {0.5F, 0, 0.5F}}};
  return std::all_of(places.begin(), places.end(), [&](const Vec3& w) {
    Vec2 uv = {0, 0};
    for (std::size_t k = 0; k < 3; ++k) {
      for (std::size_t c = 0; c < 2; ++c) uv[c] += w[k] * draw.uv[v[k]][c];
    }
    return nearest_alpha(*draw.texture, uv[0], uv[1]) >= least;
  });
}

struct Grid {
  float side;       // samples
  float per_pixel;  // samples a pixel
};

// Appends the triangles of one draw.
void add_triangles(const Draw& draw, std::uint16_t index, const Grid& grid, ScreenMesh& mesh) {
  const ScreenVertex* vertices = mesh.vertices.data() + mesh.first[index];
  auto& target = is_layer(draw.material) ? mesh.layers : mesh.opaque;
  auto& [low, high] = mesh.uv[index];
  for (std::size_t t = 0; t + 2 < draw.triangle.size(); t += 3) {
    ScreenTriangle triangle;
    triangle.vertex = {draw.triangle[t], draw.triangle[t + 1], draw.triangle[t + 2]};
    const auto& v = triangle.vertex;
    if (*std::max_element(v.begin(), v.end()) >= draw.position.size()) continue;
    const ScreenVertex &a = vertices[v[0]], &b = vertices[v[1]], &c = vertices[v[2]];
    if (a.inverse <= 0 || b.inverse <= 0 || c.inverse <= 0) continue;
    if (std::max({a.x, b.x, c.x}) < 0 || std::min({a.x, b.x, c.x}) > grid.side - 1) continue;
    if (std::max({a.y, b.y, c.y}) < 0 || std::min({a.y, b.y, c.y}) > grid.side - 1) continue;
    // y points down: counter-clockwise from outside is a negative area.
    const float area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
    if (!(std::fabs(area) > 1e-6F)) continue;
    triangle.back = area > 0;
    if (triangle.back && is_closed(draw.material)) continue;
    triangle.draw = index;
    triangle.left = draw.position[v[0]][0] + draw.position[v[1]][0] + draw.position[v[2]][0] < 0;
    if (!draw.region.empty()) triangle.region = draw.region[t / 3];
    const float pixels = 0.5F * std::fabs(area) / (grid.per_pixel * grid.per_pixel);
    triangle.level = static_cast<std::uint8_t>(texture_level(draw.texture, draw, v, pixels));
    triangle.clear = draw.material == Material::eye && is_cornea(draw, v);
    triangle.solid = draw.material == Material::hair && is_solid(draw, v);
    for (const std::uint32_t i : v) {
      for (int k = 0; k < 2; ++k) {
        low[k] = std::min(low[k], draw.uv[i][k]);
        high[k] = std::max(high[k], draw.uv[i][k]);
      }
    }
    (triangle.clear ? mesh.layers : target).push_back(triangle);
  }
}

}  // namespace

ScreenMesh project(const DrawList& list, const Projector& projector, const Framing& framing, int size, int supersample) {
  ScreenMesh mesh;
  std::size_t total = 0;
  for (const Draw& draw : list.draws) {
    mesh.first.push_back(static_cast<std::uint32_t>(total));
    total += draw.position.size();
  }
  mesh.vertices.resize(total);
  mesh.attributes.resize(total);
  mesh.uv.assign(list.draws.size(), {Vec2{1, 1}, Vec2{0, 0}});
  const Grid grid{static_cast<float>(size * supersample), static_cast<float>(supersample)};
  for (std::size_t d = 0; d < list.draws.size() && d < 65535; ++d) {
    const Draw& draw = list.draws[d];
    if (!consistent(draw)) continue;
    const float bias = depth_bias(draw.material);
    ScreenVertex* vertices = mesh.vertices.data() + mesh.first[d];
    Attributes* attributes = mesh.attributes.data() + mesh.first[d];
    for (std::size_t i = 0; i < draw.position.size(); ++i) {
      const Vec3 e = projector.eye(draw.position[i]);
      const Vec2 p = to_pixels(framing, Projector::plane(e), grid.side);
      const Vec3 n = projector.turn(draw.material == Material::hair ? hair_normal(draw.normal[i], draw.position[i]) : draw.normal[i]);
      const float sum = p[0] + p[1] + n[0] + n[1] + n[2] + draw.uv[i][0] + draw.uv[i][1];
      // Coordinates beyond any sensible picture would lose the precision that closed edges need.
      if (!(e[2] - bias > near_plane) || !std::isfinite(sum) || std::fabs(p[0]) > 1e6F || std::fabs(p[1]) > 1e6F) continue;
      vertices[i] = {p[0] - 0.5F, p[1] - 0.5F, 1 / e[2], 1 / (e[2] - bias)};
      const LabelFields fields = draw.material != Material::skin ? LabelFields{0, 0, 0, 0}
                                 : draw.fields.empty()           ? LabelFields{}
                                                                 : draw.fields[i];
      attributes[i] = {n[0],
                       n[1],
                       n[2],
                       draw.occlusion.empty() ? 1 : draw.occlusion[i],
                       draw.uv[i][0],
                       draw.uv[i][1],
                       draw.fade.empty() ? 1 : draw.fade[i],
                       0,
                       fields.ear,
                       fields.lip,
                       fields.upper,
                       fields.nose};
    }
    if (draw.material == Material::hair || draw.material == Material::brow) add_strands(draw, projector, attributes);
    add_triangles(draw, static_cast<std::uint16_t>(d), grid, mesh);
  }
  // Nearest first. Equal depths keep the order of the list, so the picture does not depend on the sort.
  std::vector<float> depth(mesh.layers.size());
  for (std::size_t i = 0; i < depth.size(); ++i) {
    const ScreenTriangle& t = mesh.layers[i];
    const ScreenVertex* v = mesh.vertices.data() + mesh.first[t.draw];
    depth[i] = v[t.vertex[0]].depth + v[t.vertex[1]].depth + v[t.vertex[2]].depth;
  }
  std::vector<std::uint32_t> order(depth.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return depth[a] > depth[b]; });
  std::vector<ScreenTriangle> sorted(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) sorted[i] = mesh.layers[order[i]];
  mesh.layers = std::move(sorted);
  return mesh;
}

}  // namespace likeness::scene
