// What a picture is made of while it is drawn, sample by sample and pixel by pixel.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "scene/draw_list.hpp"
#include "scene/raster_occlusion.hpp"
#include "scene/raster_tiles.hpp"

namespace likeness::scene {

constexpr std::uint32_t no_triangle = 0xFFFFFFFFU;
/// What is under more cover than this leaves no trace.
constexpr float hidden_below = 0.01F;

/// Buffers that are too large to allocate anew for every picture; one set a thread. S x S samples make a pixel.
struct PictureBuffers {
  /// Clears all for a picture of size * size pixels. `glasses`: whether any are drawn.
  void clear(int size, int samples, bool glasses) {
    const auto pixels = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
    const std::size_t grid = pixels * static_cast<std::size_t>(samples) * static_cast<std::size_t>(samples);
    depth.assign(grid, 0);
    nearest.assign(grid, no_triangle);
    open.assign(grid, 1);
    glass.assign(glasses ? grid : 0, 1);
    light.assign(pixels, {0, 0, 0});
    hair.assign(pixels, 0);
    brow.assign(pixels, {0, 0});
  }

  std::vector<float> depth;                // a sample: of the nearest opaque surface, 0 = none
  std::vector<std::uint32_t> nearest;      // a sample: index of the opaque triangle, or no_triangle
  std::vector<float> front;                // a sample: layers show where their depth is greater
  std::vector<float> open;                 // a sample: share of light that passes all layers but glasses
  std::vector<float> glass;                // a sample: share of light that passes the glasses; empty without any
  std::vector<Vec3> light;                 // a pixel: of the layers, then of all
  std::vector<float> hair;                 // a pixel: how much of it is hair
  std::vector<std::array<float, 2>> brow;  // a pixel: how much of it is left, right brow
  std::vector<std::uint32_t> seen;         // a sample of one row of pixels, row after row: 1 where a layer shows
  DepthTiles tiles;                        // of skin, then of all that is opaque or solid
  ScreenOcclusion occlusion;
};

}  // namespace likeness::scene
