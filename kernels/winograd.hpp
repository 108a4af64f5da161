// Winograd convolution on windows of 4 x 4: fewer multiplications for the two shapes that most networks of this kind consist of.
//
//   Y = A' [ sum_c (G g_c G') . (B' d_c B) ] A        (Winograd 1980; Lavin and Gray, CVPR 2016; "." is elementwise)
//
// 3 x 3 with stride 1: F(2x2, 3x3), 16 products for 4 outputs of 9 each. 4 x 4 with stride 2 is four 2 x 2 convolutions, of the phases of
// its output (transposed: y -> x) or of its input (x -> y), each F(3x3, 2x2): 16 products for 9 outputs of 4 each. Both multiply 2.25
// times less than the direct sum. They evaluate at the same points 0, 1, -1 and infinity, so that they share B:
//
//   B' = [1  0 -1  0]    F(2, 3): G = [ 1    0   0 ]   A' = [1 1  1  0]    F(3, 2): G = [ 1    0 ]   A' = [1 1  1  0]
//        [0  1  1  0]                 [1/2  1/2 1/2]        [0 1 -1 -1]                 [1/2  1/2]        [0 1 -1  0]
//        [0 -1  1  0]                 [1/2 -1/2 1/2]                                    [1/2 -1/2]        [0 1  1 -1]
//        [0  1  0 -1]                 [ 0    0   1 ]                                    [ 0    1 ]
//
// Windows of all phases of a transposed convolution coincide when their outputs are taken one place apart, so the input is transformed
// once. Sums and halves only: small integers stay exact. Error of an output: at most gamma(channels + 20) times the same expression with
// all numbers, of A, B and G too, replaced by their magnitudes (tests/kernels_winograd_test.cc).
//
// Rejected: F(4x4, 3x3) saves another 1.78 but divides by 6 and 24 (its error is four times that of the direct sum, 1.2e-6, and integers
// are not exact) and needs pictures that 4 divides; F(2x2, 2x2) saves 1.78 in all.
#pragma once

#include <cstdint>
#include <vector>

#include "base/large_memory.hpp"
#include "kernels/conv_epilogue.hpp"
#include "kernels/conv_shape.hpp"

namespace likeness::kernels {

/// One direction of a convolution. Calls allocate nothing; results do not depend on the number of threads.
class Winograd {
 public:
  /// Whether this kind of convolution can be computed so: kernel, stride, padding.
  static bool takes(const ConvShape& shape);
  /// Whether it has the channels to gain by it on large pictures.
  static bool gains(const ConvShape& shape);

  /// gather: x -> y, else y -> x. shape.height and width are ignored; takes(shape).
  Winograd(const ConvShape& shape, bool gather);
  /// Transforms weight [out, in, kernel_h, kernel_w].
  void pack(const float* weight);

  /// Whether pictures of this size are large enough to gain.
  static bool pays(const ConvShape& shape, bool gather);
  /// Floats of workspace.
  std::int64_t workspace(const ConvShape& shape) const;
  /// As PackedConv::gather or scatter.
  void run(const ConvShape& shape, const float* from, const float* mask, const ConvEpilogue& epilogue, float* to, float* workspace) const;

  std::int64_t bytes() const { return static_cast<std::int64_t>(panels_.size() * sizeof(float)); }

 private:
  // Blocks of at most 48 windows times groups of at most 16 panels.
  struct Tasks {
    std::int64_t wide, windows, blocks, groups, depth_blocks;
    bool ahead;
  };
  Tasks tasks(const ConvShape& shape) const;

  bool gather_;
  std::int64_t channels_, rows_;         // of source and output
  std::int64_t taps_, step_;             // of one phase along an axis: 3 and 2, or 2 and 3
  std::int64_t in_phases_, out_phases_;  // along an axis: 1 or 2
  std::int64_t before_;                  // places of padding before the first window
  std::int64_t depth_, panel_count_;     // products of a point; panels of 8 rows, times output phases
  // Of (point, panel of rows, row phase, column phase), as panel_place() says.
  std::vector<float, LargeAllocator<float>> panels_;
};

}  // namespace likeness::kernels
