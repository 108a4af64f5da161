// The sizes of one convolution, shared by its two directions.
#pragma once

#include <cstdint>

namespace likeness::kernels {

/// a / b, rounded up; neither is negative.
constexpr std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// A convolution x [in, height, width] -> y [out, out_height(), out_width()] with weight [out, in / groups, kernel_h, kernel_w].
/// A transposed convolution is the other direction of the same thing: its input is y, its output x, and its weight in PyTorch's
/// layout [input, output / groups, kh, kw] is this weight as it stands. Its output padding is a larger height and width: the
/// size of y, rounded down, stays the same.
struct ConvShape {
  std::int64_t in = 1;
  std::int64_t out = 1;
  std::int64_t height = 1;
  std::int64_t width = 1;
  std::int64_t kernel_h = 1;
  std::int64_t kernel_w = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  std::int64_t dilation = 1;  ///< Distance of neighbouring taps.
  std::int64_t groups = 1;    ///< Output channels see the in / groups channels of their group.

  /// Most taps (kernel_h * kernel_w): the kernels keep a table of them on the stack. Also the largest stride, whose square is the
  /// number of phases.
  static constexpr std::int64_t kMaxTaps = 1024;

  std::int64_t extent_h() const { return dilation * (kernel_h - 1) + 1; }  ///< Rows of the picture under one window.
  std::int64_t extent_w() const { return dilation * (kernel_w - 1) + 1; }
  std::int64_t out_height() const { return (height + 2 * padding - extent_h()) / stride + 1; }
  std::int64_t out_width() const { return (width + 2 * padding - extent_w()) / stride + 1; }
  std::int64_t group_in() const { return in / groups; }
  std::int64_t group_out() const { return out / groups; }
  std::int64_t taps() const { return kernel_h * kernel_w; }
  std::int64_t x_size() const { return in * height * width; }
  std::int64_t y_size() const { return out * out_height() * out_width(); }
  std::int64_t weight_size() const { return out * group_in() * taps(); }
  /// The kernel and the stride are within kMaxTaps: what PackedConv needs.
  bool supported() const {
    return kernel_h > 0 && kernel_w > 0 && stride > 0 && stride <= kMaxTaps && kernel_h <= kMaxTaps && kernel_w <= kMaxTaps &&
           taps() <= kMaxTaps;
  }
  /// There is at least one output, the window of every output starts inside the padded picture, and the groups divide the channels.
  bool valid() const {
    return supported() && in > 0 && out > 0 && height > 0 && width > 0 && padding >= 0 && dilation > 0 && groups > 0 && in % groups == 0 &&
           out % groups == 0 && height + 2 * padding >= extent_h() && width + 2 * padding >= extent_w();
  }
};

}  // namespace likeness::kernels
