// Convolution in single precision with weights packed once for both directions (see tap_panel.hpp for the inner loop).
//
// gather, x -> y: the padded x is split into stride x stride planes (x[s i + u, s j + v]), on which every tap is a shift.
// scatter, y -> x: the outputs of each phase (s i + u, s j + v) use only the taps u, u + s, ... of the kernel: stride x stride
// convolutions of stride 1 with small kernels; a transposed 4x4 convolution of stride 2 is four 2x2 convolutions.
// Results do not depend on the number of threads: every output is one sum in a fixed order.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/conv_shape.hpp"

namespace likeness::kernels {

class PackedConv {
 public:
  /// shape.height and width are ignored; weight [out, in, kernel_h, kernel_w]. Makes 2 x the weights' memory.
  PackedConv(const ConvShape& shape, const float* weight);

  /// Floats of workspace for pictures of this size, the larger of both directions.
  std::int64_t workspace(const ConvShape& shape) const;

  /// x [in, height, width] -> y [out, out_height, out_width], y = relu?(conv(x where mask > 0) + bias).
  /// mask (like x) and bias [out] may be nullptr; x and y do not overlap.
  void gather(const ConvShape& shape, const float* x, const float* mask, const float* bias, bool relu, float* y, float* workspace) const;
  /// y -> x by the transposed map; mask like y, bias [in].
  void scatter(const ConvShape& shape, const float* y, const float* mask, const float* bias, bool relu, float* x, float* workspace) const;

 private:
  struct Phase {             // of one axis of scatter: outputs s i + r
    std::int64_t first_tap;  // taps first_tap, first_tap + s, ...
    std::int64_t taps;
    std::int64_t shift;  // y index = i + shift - (number of the tap)
  };
  Phase phase(std::int64_t r, std::int64_t kernel) const;
  std::int64_t source_size(const ConvShape& shape, bool gather) const;

  ConvShape packed_;
  std::vector<float> gather_panels_;           // [panel of out][in, kernel_h, kernel_w][8]
  std::vector<float> scatter_panels_;          // [row phase][column phase][panel of in][out, taps of the phase][8]
  std::vector<std::int64_t> scatter_offsets_;  // of each (row phase, column phase)
};

}  // namespace likeness::kernels
