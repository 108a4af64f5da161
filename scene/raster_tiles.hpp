// Coarse depths, for leaving out triangles that lie wholly behind what is drawn already (Greene, Kass and Miller, "Hierarchical
// Z-buffer visibility", SIGGRAPH 1993, with one level).
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "scene/raster_mesh.hpp"

namespace likeness::scene {

/// The farthest of what covers each tile of samples.
class DepthTiles {
 public:
  /// `depth`: of what covers each of side * side samples, the larger in front.
  void build(int side, const std::vector<float>& depth) {
    side_ = side;
    tiles_ = (side + size - 1) / size;
    farthest_.assign(static_cast<std::size_t>(tiles_) * static_cast<std::size_t>(tiles_), 0);
    row_.resize(static_cast<std::size_t>(side));
    for (int t = 0; t < tiles_; ++t) {
      const int first = t * size, end = std::min(first + size, side);
      for (int y = first; y < end; ++y) {
        const float* from = depth.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(side);
        if (y == first) std::copy_n(from, side, row_.data());
        nearer_to_farther(from, row_.data());
      }
      float* to = farthest_.data() + static_cast<std::size_t>(t) * static_cast<std::size_t>(tiles_);
      for (int k = 0; k < tiles_; ++k) to[k] = *std::min_element(row_.begin() + k * size, row_.begin() + std::min(k * size + size, side));
    }
  }

  /// Whether no sample of a triangle can be seen: it is at least this far behind, or off the grid.
  bool hidden(const ScreenVertex& a, const ScreenVertex& b, const ScreenVertex& c, float nearest) const {
    const auto tile = [&](float v) { return static_cast<int>(std::min(std::max(v, 0.0F), static_cast<float>(side_ - 1))) / size; };
    const int x0 = tile(std::min({a.x, b.x, c.x})), x1 = tile(std::max({a.x, b.x, c.x}));
    const int y0 = tile(std::min({a.y, b.y, c.y})), y1 = tile(std::max({a.y, b.y, c.y}));
    for (int y = y0; y <= y1; ++y) {
      const float* row = farthest_.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(tiles_);
      for (int x = x0; x <= x1; ++x) {
        if (nearest > row[x]) return false;
      }
    }
    return true;
  }

 private:
  static constexpr int size = 8;  // samples

  void nearer_to_farther(const float* __restrict from, float* __restrict row) const {
    for (int x = 0; x < side_; ++x) row[x] = from[x] < row[x] ? from[x] : row[x];
  }

  int side_ = 0, tiles_ = 0;
  std::vector<float> farthest_, row_;
};

}  // namespace likeness::scene
