// Changing the size of pictures, separable and antialiased.
#pragma once

#include <span>
#include <vector>

#include "image/image.hpp"
#include "likeness/status.hpp"

namespace likeness {

/// Kernels. When a picture shrinks, the kernel is widened by the ratio (antialiasing); when it grows, it interpolates.
enum class Filter {
  box,       ///< area average when shrinking, nearest when growing
  bilinear,  ///< triangle
  bicubic,   ///< Catmull-Rom, a = -0.5
};

/// Resizes in sRGB values (as Pillow and PyTorch do, antialias on, align_corners off). Pixel centres are at .5; weights that
/// fall outside the picture are dropped and the rest renormalised. RGBA is averaged per channel, not premultiplied.
/// Errors: invalid_argument (empty picture, size < 1).
Result<Image> resize(const Image& image, int width, int height, Filter filter);

/// The same on float planes [channels, height, width] (NCHW with N = 1); no clamping.
/// Errors: invalid_argument (sizes < 1, or `planes` of the wrong length).
Result<std::vector<float>> resize_planes(std::span<const float> planes, int channels, int height, int width, int new_height, int new_width,
                                         Filter filter);

}  // namespace likeness
