// Synthetic meshes for the rasteriser's tests, seen by a camera that needs no thought: eye at (0, 0, 10) looking at the origin, and
// a framing in which one unit at the origin is 1/4 of the picture's side.
#pragma once

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "scene/raster.hpp"

namespace likeness::scene {

inline constexpr Camera camera{{0, 0, 0}, {0, 0, 0}};

// All standard but for the camera's distance.
inline View standard() {
  View view;
  view.distance = 10;
  return view;
}
inline constexpr Framing framing{2.5F, {0.5F, 0.5F}};

inline RenderOptions options(int size, bool labels = true, int supersample = 1) { return {size, labels, false, supersample}; }

inline Texture plain(std::uint8_t r, std::uint8_t g, std::uint8_t b, std::uint8_t a = 255, int side = 4) {
  Texture t;
  t.width = t.height = side;
  for (int i = 0; i < side * side; ++i) t.rgba.insert(t.rgba.end(), {r, g, b, a});
  return t;
}

// A quad in the plane z, corners (x0, y0) to (x1, y1), facing the camera; uv runs over the whole texture.
inline Draw quad(Material material, float x0, float y0, float x1, float y1, float z, const Texture* texture) {
  Draw d;
  d.material = material;
  d.position = {{x0, y0, z}, {x1, y0, z}, {x1, y1, z}, {x0, y1, z}};
  d.normal.assign(4, {0, 0, 1});
  d.uv = {{0, 0}, {1, 0}, {1, 1}, {0, 1}};
  d.triangle = {0, 1, 2, 0, 2, 3};
  d.texture = texture;
  if (material == Material::skin) {
    d.fields.assign(4, LabelFields{});
    d.region.assign(2, Region::head);
  }
  return d;
}

inline Rendering draw(std::vector<Draw> draws, const RenderOptions& o, const View& view = standard()) {
  DrawList list;
  list.draws = std::move(draws);
  return rasterise(list, camera, view, framing, o);
}

inline int count(const Rendering& r, int label) { return static_cast<int>(std::count(r.labels.begin(), r.labels.end(), label)); }

inline std::array<int, 3> rgb(const Rendering& r, int x, int y) {
  const std::uint8_t* p = r.rgb.data() + 3 * (y * r.size + x);
  return {p[0], p[1], p[2]};
}

}  // namespace likeness::scene
