// Which samples a triangle covers, and how deep it is there.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "scene/raster_mesh.hpp"

namespace likeness::scene {

/// The rows of a triangle. Watertight: an edge gives the same crossing for both triangles that share it, and spans are half
/// open, so neighbours neither overlap nor leave gaps.
class TriangleRows {
 public:
  /// Samples outside [0, side) in either direction are left out.
  TriangleRows(const ScreenVertex& a, const ScreenVertex& b, const ScreenVertex& c, int side) : side_(side), v_{&a, &b, &c} {
    if (v_[1]->y < v_[0]->y) std::swap(v_[0], v_[1]);
    if (v_[2]->y < v_[1]->y) std::swap(v_[1], v_[2]);
    if (v_[1]->y < v_[0]->y) std::swap(v_[0], v_[1]);
    first = std::max(0, static_cast<int>(std::ceil(v_[0]->y)));
    end = std::min(side, static_cast<int>(std::ceil(v_[2]->y)));
    long_ = slope(*v_[0], *v_[2]);
    upper_ = slope(*v_[0], *v_[1]);
    lower_ = slope(*v_[1], *v_[2]);
    const float area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
    dx_ = ((b.depth - a.depth) * (c.y - a.y) - (c.depth - a.depth) * (b.y - a.y)) / area;
    dy_ = ((c.depth - a.depth) * (b.x - a.x) - (b.depth - a.depth) * (c.x - a.x)) / area;
    origin_ = &a;
    nearest = std::max({a.depth, b.depth, c.depth});
    farthest = std::min({a.depth, b.depth, c.depth});
  }

  /// Covered samples of row y: [x0, x1). y in [first, end).
  std::pair<int, int> span(int y) const {
    const auto row = static_cast<float>(y);
    const float xa = crossing(*v_[0], long_, row);
    const float xb = row < v_[1]->y ? crossing(*v_[0], upper_, row) : crossing(*v_[1], lower_, row);
    const auto limit = static_cast<float>(side_);
    const float low = std::clamp(std::min(xa, xb), 0.0F, limit);
    const float high = std::clamp(std::max(xa, xb), 0.0F, limit);
    return {static_cast<int>(std::ceil(low)), static_cast<int>(std::ceil(high))};
  }
  /// Depth (ScreenVertex::depth) at column 0 of row y; clamp what grows from it to [farthest, nearest].
  float depth_at(int y) const { return origin_->depth + dy_ * (static_cast<float>(y) - origin_->y) - dx_ * origin_->x; }
  float depth_step() const { return dx_; }

  int first = 0, end = 0;  ///< rows
  float nearest = 0, farthest = 0;

 private:
  static float slope(const ScreenVertex& a, const ScreenVertex& b) { return b.y > a.y ? (b.x - a.x) / (b.y - a.y) : 0.0F; }
  static float crossing(const ScreenVertex& a, float slope, float y) { return a.x + (y - a.y) * slope; }

  int side_;
  const ScreenVertex* v_[3];
  const ScreenVertex* origin_;
  float long_, upper_, lower_;
  float dx_, dy_;
};

/// Depth test of the samples [x0, x1) of a row: z = base + step * x, clamped to [farthest, top]; the larger stays, with `id`. No
/// branches and no aliases, so that it becomes vector code.
inline void fill_row(float* __restrict depth, std::uint32_t* __restrict nearest, int x0, int x1, float base, float step, float farthest,
                     float top, std::uint32_t id) {
  for (int x = x0; x < x1; ++x) {
    float z = base + step * static_cast<float>(x);
    z = z < farthest ? farthest : z;
    z = z > top ? top : z;
    const float old = depth[x];
    nearest[x] = z > old ? id : nearest[x];
    depth[x] = z > old ? z : old;
  }
}

}  // namespace likeness::scene
