// Linear maps of a picture that act on rows and columns separately, each by a sparse table: y[p] = R x[p] C^T.
//
// One mechanism for bilinear resizing, antialiased downscaling, average pooling and padding: they differ only in the tables.
// The gradient is the same map with the transposed tables. Tables are made once; applying them allocates nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/pool_ref.hpp"

namespace likeness::kernels {

enum class PadMode : int { zeros, replicate, reflect };

/// One axis: output o is the sum over k in [start[o], start[o + 1]) of weight[k] times input index[k].
struct AxisMap {
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  std::vector<std::int64_t> start;  ///< [outputs + 1]
  std::vector<std::int64_t> index;  ///< An input may occur twice in one output (at the border of a bilinear resize).
  std::vector<double> weight;
  std::vector<float> single;  ///< The weights in single precision.

  /// Bilinear, without antialiasing: PyTorch's interpolate(mode="bilinear"). Coordinates (o + 0.5) from / to - 0.5, not below 0,
  /// or o (from - 1) / (to - 1) with align_corners; the last pixel repeats.
  static AxisMap bilinear(std::int64_t from, std::int64_t to, bool align_corners = false);
  /// interpolate(mode="bilinear", antialias=True): a triangle of half width max(1, from / to) pixels, normalised.
  static AxisMap antialiased(std::int64_t from, std::int64_t to);
  /// Means over windows; with count_include_pad they are divided by the kernel's size also where the window leaves the picture.
  static AxisMap average(const PoolAxis& windows, bool count_include_pad = true);
  /// `before` and `after` more places. Reflection does not repeat the border: before, after < from.
  static AxisMap padding(std::int64_t from, std::int64_t before, std::int64_t after, PadMode mode);

  AxisMap transposed() const;
};

/// Numbers of workspace that apply_axes() needs.
std::int64_t axes_workspace(const AxisMap& rows, const AxisMap& columns, std::int64_t planes);

namespace reference {

/// x [planes, rows.inputs, columns.inputs] -> y [planes, rows.outputs, columns.outputs]. The workspace is not used.
template <class T>
void apply_axes(const AxisMap& rows, const AxisMap& columns, const T* x, std::int64_t planes, T* y, T* /*workspace*/) {
  const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
  for (std::int64_t p = 0; p < planes; ++p) {
    for (std::int64_t i = 0; i < rows.outputs; ++i) {
      for (std::int64_t j = 0; j < columns.outputs; ++j) {
        T sum(0);
        for (std::int64_t r = rows.start[at(i)]; r < rows.start[at(i + 1)]; ++r) {
          const T* row = x + (p * rows.inputs + rows.index[at(r)]) * columns.inputs;
          T part(0);
          for (std::int64_t c = columns.start[at(j)]; c < columns.start[at(j + 1)]; ++c) {
            part += T(columns.weight[at(c)]) * row[columns.index[at(c)]];
          }
          sum += T(rows.weight[at(r)]) * part;
        }
        y[(p * rows.outputs + i) * columns.outputs + j] = sum;
      }
    }
  }
}

}  // namespace reference

using reference::apply_axes;

/// Threaded; every row of x is mapped once by the columns' table (into the workspace), then the rows are combined. x, y and the
/// workspace do not overlap.
void apply_axes(const AxisMap& rows, const AxisMap& columns, const float* x, std::int64_t planes, float* y, float* workspace);

}  // namespace likeness::kernels
