// Convolution in single precision, or with products in bfloat16, with weights packed once for both directions (see conv_tiles.hpp for the
// inner loop).
//
// gather, x -> y: the padded x is split into stride x stride planes (x[s i + u, s j + v]), on which every tap is a shift.
// scatter, y -> x: the outputs of each phase (s i + u, s j + v) use only every s-th tap of the kernel (every s / gcd(s, d)-th with
// dilation d): stride x stride convolutions of stride 1 with small kernels; a transposed 4x4 convolution of stride 2 is four 2x2
// convolutions. Groups run one after the other: a depthwise convolution fills one of eight rows of each panel.
// Results do not depend on the number of threads: every output is one sum in a fixed order. Calls allocate nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/conv_epilogue.hpp"
#include "kernels/conv_shape.hpp"
#include "kernels/panel_weights.hpp"
#include "kernels/winograd.hpp"

namespace likeness::kernels {

class PackedConv {
 public:
  /// The shape is supported(); its height and width are a hint, 1 x 1 if pictures may have any size: weights for Winograd convolution are
  /// made only where such pictures gain by it (they are 3.6 times the weights of 3 x 3 kernels, 8 times those of 4 x 4). weight [out,
  /// in / groups, kernel_h, kernel_w]. Makes 2 x the weights' memory beside those. bf16: directions with more than kDirectRows output
  /// channels a group are packed and computed in bfloat16, emulated (slowly) where has_bf16() is false; Winograd stays in single precision
  /// where it is used beside it.
  PackedConv(const ConvShape& shape, const float* weight, Precision precision = Precision::fp32);

  /// Other weights of the same sizes, into the memory that is there.
  void pack(const float* weight);
  /// The weights as they were given; in bfloat16 rounded.
  void unpack(float* weight) const;

  /// Floats of workspace for pictures of this size, the larger of both directions.
  std::int64_t workspace(const ConvShape& shape) const;

  /// x [in, height, width] -> y [out, out_height, out_width], the convolution of x where mask > 0.
  /// mask (like x) may be nullptr; x and y do not overlap.
  void gather(const ConvShape& shape, const float* x, const float* mask, const ConvEpilogue& epilogue, float* y, float* workspace) const;
  /// y -> x by the transposed map; mask like y, bias [in].
  void scatter(const ConvShape& shape, const float* y, const float* mask, const ConvEpilogue& epilogue, float* x, float* workspace) const;

  /// Bytes of all packings.
  std::int64_t bytes() const;

 private:
  // Numbers of one group's panels, and of those of scatter's phase (u, v).
  std::int64_t gather_group_size() const;
  std::int64_t scatter_group_size(std::int64_t u, std::int64_t v) const;

  ConvShape packed_;
  PanelWeights gather_panels_;                 // a block a group
  PanelWeights scatter_panels_;                // [row phase][column phase][group]
  std::vector<std::int64_t> scatter_offsets_;  // of each (row phase, column phase)
  std::optional<Winograd> gather_windows_, scatter_windows_;
};

}  // namespace likeness::kernels
