// Shadows that follow the morph and the expression: found in the finished depth buffer, on a coarse grid.
#pragma once

#include <vector>

#include "scene/draw_list.hpp"

namespace likeness::scene {

/// Soft shading from a picture's depths. Reaches are lengths on the head, so pictures of any size agree.
class ScreenOcclusion {
 public:
  /// What arrives at a place: 1 all, 0 none.
  struct Light {
    float ambient = 1;  ///< from all around: less in folds and hollows
    float key = 1;      ///< from the key lamp: less in the shadow of nose, brow, chin and hair
  };

  /// `depth`: 1 / distance in 1/dm of the opaque surfaces, side * side samples, 0 = none. `hair`: how much of a pixel is hair,
  /// size * size, side a multiple of size. `scale`: Framing::scale. `to_key`: direction to the key lamp, as
  /// Lights::key_direction(). Keeps its memory for the next picture.
  void build(const std::vector<float>& depth, int side, const std::vector<float>& hair, int size, float scale, const Vec3& to_key);
  /// At (x, y) in parts of the picture, y down.
  Light at(float x, float y) const;

 private:
  void fill(const std::vector<float>& depth, int side, const std::vector<float>& hair, int size);
  void shade_row(int y, float cells_per_dm, const Vec3& to_key);
  void smooth();
  const float* distance_row(int y) const;

  int cells_ = 0;                       // a side
  int stride_ = 0;                      // cells_ and a margin on both sides
  float nearest_ = 0;                   // dm
  std::vector<float> distance_, hair_;  // a cell, with margins: dm; share
  std::vector<float> hollow_;           // a cell of one row
  std::vector<Light> raw_, light_;      // a cell
};

}  // namespace likeness::scene
