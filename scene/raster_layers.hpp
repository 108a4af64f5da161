// Drawing of what light passes: lashes, brows, hair, glasses, the clear cornea. The nearest first, each under those before it.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "scene/raster_buffers.hpp"
#include "scene/raster_mesh.hpp"
#include "scene/raster_queue.hpp"
#include "scene/raster_scan.hpp"
#include "scene/raster_surface.hpp"

namespace likeness::scene {

/// Puts the layers of a mesh over the opaque surfaces in `buffers`, S x S samples a pixel.
template <int S>
class LayerPass {
 public:
  LayerPass(const DrawList& list, const ScreenMesh& mesh, const Surfaces& surfaces, const Lights& lights, LightQueue& queue,
            PictureBuffers& buffers, int size)
      : list_(list), mesh_(mesh), surfaces_(surfaces), lights_(lights), queue_(queue), b_(buffers), size_(size), side_(size * S) {
    b_.seen.resize(S * static_cast<std::size_t>(side_));
  }

  void run() {
    if (mesh_.layers.empty()) return;
    b_.front = b_.depth;
    // Locks cross each other, so no order of triangles is right everywhere: what lies behind solid hair is left out.
    for (const ScreenTriangle& triangle : mesh_.layers) {
      if (!triangle.solid) continue;
      const TriangleRows rows = rows_of(triangle);
      for (int y = rows.first; y < rows.end; ++y) {
        const auto [x0, x1] = rows.span(y);
        raise_row(b_.front.data() + sample(0, y), x0, x1, rows.depth_at(y), rows.depth_step(), rows.farthest, rows.nearest);
      }
    }
    b_.tiles.build(side_, b_.front);
    for (const ScreenTriangle& triangle : mesh_.layers) draw(triangle);
  }

 private:
  static constexpr int samples = S * S;
  static constexpr float share = 1 / static_cast<float>(samples);
  // Layers farther behind solid hair than about this (dm) are not drawn.
  static constexpr float lock_thickness = 0.01F;
  static constexpr float least_alpha = 0.004F;

  std::size_t sample(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(side_) + static_cast<std::size_t>(x);
  }
  TriangleRows rows_of(const ScreenTriangle& triangle) const {
    const ScreenVertex* v = mesh_.vertices.data() + mesh_.first[triangle.draw];
    return {v[triangle.vertex[0]], v[triangle.vertex[1]], v[triangle.vertex[2]], side_};
  }

  void draw(const ScreenTriangle& triangle) {
    const ScreenVertex* v = mesh_.vertices.data() + mesh_.first[triangle.draw];
    const ScreenVertex &a = v[triangle.vertex[0]], &b = v[triangle.vertex[1]], &c = v[triangle.vertex[2]];
    if (b_.tiles.hidden(a, b, c, std::max({a.depth, b.depth, c.depth}))) return;
    const TriangleRows rows(a, b, c, side_);
    if (rows.first >= rows.end) return;
    TrianglePoints points;
    points.set(mesh_, triangle);
    for (int py = rows.first / S; py * S < rows.end; ++py) {
      const auto [begin, end] = see(rows, py);
      std::size_t waiting = 0;
      const std::uint32_t* seen = b_.seen.data();
      for (int px = begin; px < end; ++px) {
        // The mean position of the samples that show the layer.
        std::uint32_t count = 0, sum_x = 0, sum_y = 0;
        for (std::uint32_t k = 0; k < samples; ++k) {
          const std::uint32_t bit = seen[sample(px * S + static_cast<int>(k % S), static_cast<int>(k / S))];
          count += bit;
          sum_x += bit * (k % S);
          sum_y += bit * (k / S);
        }
        if (count == 0) continue;
        const float n = 1 / static_cast<float>(count);
        at_.x[waiting] = static_cast<float>(px * S) + static_cast<float>(sum_x) * n;
        at_.y[waiting] = static_cast<float>(py * S) + static_cast<float>(sum_y) * n;
        column_[waiting++] = px;
        if (waiting == column_.size()) {
          blend(triangle, points, py, waiting);
          waiting = 0;
        }
      }
      blend(triangle, points, py, waiting);
    }
  }

  // Finds the samples of pixel row py that show a triangle. Returns the pixels to look at, [begin, end).
  std::pair<int, int> see(const TriangleRows& rows, int py) {
    std::array<std::pair<int, int>, S> spans;
    int low = side_, high = 0;
    for (int k = 0; k < S; ++k) {
      const int y = py * S + k;
      auto& span = spans[static_cast<std::size_t>(k)];
      span = y >= rows.first && y < rows.end ? rows.span(y) : std::pair{0, 0};
      if (span.first >= span.second) continue;
      low = std::min(low, span.first);
      high = std::max(high, span.second);
    }
    if (low >= high) return {0, 0};
    low = low / S * S;
    high = (high + S - 1) / S * S;
    std::uint32_t any = 0;
    for (int k = 0; k < S; ++k) {
      const auto [x0, x1] = spans[static_cast<std::size_t>(k)];
      const int y = py * S + k;
      std::uint32_t* seen = b_.seen.data() + sample(0, k);
      if (x0 > low || x1 < high) std::fill(seen + low, seen + high, 0U);
      if (x0 >= x1) continue;
      any |= see_row(b_.front.data() + sample(0, y), x0, x1, rows.depth_at(y), rows.depth_step(), rows.farthest, rows.nearest, seen);
    }
    return any != 0 ? std::pair{low / S, high / S} : std::pair{0, 0};
  }

  // Raises the front to somewhat behind solid hair.
  static void raise_row(float* __restrict front, int x0, int x1, float base, float step, float farthest, float top) {
    for (int x = x0; x < x1; ++x) {
      float z = base + step * static_cast<float>(x);
      z = z < farthest ? farthest : z;
      z = z > top ? top : z;
      z -= lock_thickness * z * z;
      front[x] = z > front[x] ? z : front[x];
    }
  }
  // Marks the samples [x0, x1) of a row where a layer shows; returns 1 if there are any. As all loops over rows: no branches and no
  // aliases, so that it becomes vector code.
  static std::uint32_t see_row(const float* __restrict front, int x0, int x1, float base, float step, float farthest, float top,
                               std::uint32_t* __restrict seen) {
    std::uint32_t any = 0;
    for (int x = x0; x < x1; ++x) {
      float z = base + step * static_cast<float>(x);
      z = z < farthest ? farthest : z;
      z = z > top ? top : z;
      const auto bit = static_cast<std::uint32_t>(z > front[x]);
      seen[x] = bit;
      any |= bit;
    }
    return any;
  }

  // Puts a layer under those already drawn at `count` pixels of a row.
  void blend(const ScreenTriangle& triangle, const TrianglePoints& points, int py, std::size_t count) {
    if (count == 0) return;
    surfaces_.look(triangle, points, count, at_);
    const Material material = list_.draws[triangle.draw].material;
    const bool glasses = material == Material::glasses;
    for (std::size_t i = 0; i < count; ++i) {
      const float alpha = at_.alpha[i];
      if (!triangle.clear && !glasses && alpha < least_alpha) continue;
      const int px = column_[i];
      const std::size_t pixel = static_cast<std::size_t>(py) * static_cast<std::size_t>(size_) + static_cast<std::size_t>(px);
      // Labels are those of the head without glasses: `cover` counts what would be seen, `visible` what is.
      const auto [cover, visible] = pass_through(px, py, triangle.clear ? 1 : 1 - alpha, glasses);
      if (material == Material::hair || material == Material::brow) {
        surfaces_.add_hair(triangle, points, at_, i, visible * alpha, pixel, queue_);
        if (material == Material::hair) {
          b_.hair[pixel] += cover * alpha;
        } else {
          b_.brow[pixel][triangle.left ? 0 : 1] += cover * alpha;
        }
        continue;
      }
      const Fragment fragment = surfaces_.fragment(triangle, points, at_.place(i), at_.colour[i]);
      if (triangle.clear) {
        queue_.add_light(lights_.gloss(fragment.normal), visible, pixel);
        continue;
      }
      queue_.add(fragment, visible * alpha, pixel);
      if (glasses) queue_.add_light(lights_.reflection(fragment.normal), visible, pixel);
    }
  }

  struct Passed {
    float cover, visible;
  };
  // What of a pixel sees the layer, without and with the glasses; then only `kept` passes where its samples are marked.
  Passed pass_through(int px, int py, float kept, bool glasses) {
    Passed sum = {0, 0};
    for (int k = 0; k < samples; ++k) {
      const int x = px * S + k % S, dy = k / S;
      if (b_.seen[sample(x, dy)] == 0) continue;
      const std::size_t i = sample(x, py * S + dy);
      sum.cover += b_.open[i];
      sum.visible += b_.glass.empty() ? b_.open[i] : b_.open[i] * b_.glass[i];
      (glasses ? b_.glass[i] : b_.open[i]) *= kept;
      if (b_.open[i] < hidden_below) b_.front[i] = std::numeric_limits<float>::infinity();
    }
    return {sum.cover * share, sum.visible * share};
  }

  const DrawList& list_;
  const ScreenMesh& mesh_;
  const Surfaces& surfaces_;
  const Lights& lights_;
  LightQueue& queue_;
  PictureBuffers& b_;
  int size_, side_;
  // Points of a triangle on one row of pixels, and their pixels.
  Surfaces::LayerPoints at_;
  std::array<int, Surfaces::LayerPoints::size> column_;
};

}  // namespace likeness::scene
