// Changing the size of pictures, separable and antialiased.
#pragma once

#include <span>
#include <vector>

#include "image/image.hpp"
#include "likeness/status.hpp"

namespace likeness {

/// Kernels. When a picture shrinks, bilinear and bicubic are widened by the ratio (antialiasing), as in Pillow and in
/// PyTorch's interpolate(antialias=True, align_corners=False); when it grows, they interpolate.
enum class Filter {
  box,       ///< every new pixel is the mean over the rectangle that it covers, parts of pixels counted as such
  bilinear,  ///< triangle
  bicubic,   ///< Keys, a = -0.5
};

/// Resizes in sRGB values. Pixel centres are at .5; weights that fall outside the picture are dropped and the rest
/// renormalised. Channels do not mix: alpha is not premultiplied. Sums are in binary32, rounded once to the nearest.
/// Errors: invalid_argument (empty picture, size < 1).
Result<Image> resize(const Image& image, int width, int height, Filter filter);

/// The same on float planes [channels, height, width] (NCHW with N = 1); no clamping.
/// Errors: invalid_argument (sizes < 1, or `planes` of the wrong length).
Result<std::vector<float>> resize_planes(std::span<const float> planes, int channels, int height, int width, int new_height, int new_width,
                                         Filter filter);

}  // namespace likeness
