// The sizes of one convolution, shared by its two directions.
#pragma once

#include <cstdint>

namespace likeness::kernels {

/// A convolution x [in, height, width] -> y [out, out_height(), out_width()] with weight [out, in, kernel_h, kernel_w].
/// A transposed convolution is the other direction of the same thing: its input is y, its output x, and its weight in PyTorch's
/// layout [input, output, kh, kw] is this weight as it stands.
struct ConvShape {
  std::int64_t in = 1;
  std::int64_t out = 1;
  std::int64_t height = 1;
  std::int64_t width = 1;
  std::int64_t kernel_h = 1;
  std::int64_t kernel_w = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;

  std::int64_t out_height() const { return (height + 2 * padding - kernel_h) / stride + 1; }
  std::int64_t out_width() const { return (width + 2 * padding - kernel_w) / stride + 1; }
  std::int64_t x_size() const { return in * height * width; }
  std::int64_t y_size() const { return out * out_height() * out_width(); }
  std::int64_t weight_size() const { return out * in * kernel_h * kernel_w; }
  /// There is at least one output, and the window of every output starts inside the padded picture.
  bool valid() const {
    return in > 0 && out > 0 && height > 0 && width > 0 && kernel_h > 0 && kernel_w > 0 && stride > 0 && padding >= 0 &&
           height + 2 * padding >= kernel_h && width + 2 * padding >= kernel_w;
  }
};

}  // namespace likeness::kernels
