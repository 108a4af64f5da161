// The one inner loop of every convolution: output channels x places as a sum over taps of shifted copies of one padded source.
//
//   out[m, n] = relu?(sum_{c, t} panel[c, t, m] source[c * channel_stride + tap_offset[t] + n] + bias[m] + residual[m, n])
//
// n runs over *flat* places n = i * pitch + j of a grid of rows i and columns j < width <= pitch: the few places between width
// and pitch are computed and thrown away, so that rows narrower than a vector waste little. All kinds of convolution reduce to
// this (kernels/conv.cc): strides by splitting the source or the output into stride x stride phases.
//
// Tile: 8 channels x 3 vectors on machines with 32 vector registers (24 sums, 3 loads, 1 broadcast), 4 x 6 where at most 4
// channels are left, 4 x 3 with 16 registers: 24 (12) independent sums hide the latency of 4 cycles x 2 FMA units. Every
// output is one chain of fused multiply-adds in the order (c, t), whatever the tile, so AVX2 and AVX-512 agree bit for bit.
// Preconditions: 1 <= rows <= 8; `source` has kSourceSlack readable floats after its last plane.
#pragma once

#include <cstdint>

namespace likeness::kernels {

/// Output channels of one packed panel; independent of the machine.
inline constexpr std::int64_t kPanelRows = 8;
/// Floats behind the source that a tile may read (and ignore).
inline constexpr std::int64_t kSourceSlack = 128;

/// A phase of output columns: places j of the grid stand at out[... + column + j * column_step].
struct TapColumns {
  const float* panel = nullptr;               ///< [channels, taps, 8]
  const std::int64_t* tap_offsets = nullptr;  ///< [taps]
  std::int64_t taps = 0;
  std::int64_t width = 0;   ///< Columns of the grid that exist.
  std::int64_t column = 0;  ///< First output column.
};

struct TapJob {
  const float* source = nullptr;
  std::int64_t channels = 0;
  std::int64_t channel_stride = 0;
  std::int64_t pitch = 0;  ///< Of the grid within the source.
  const TapColumns* columns = nullptr;
  int column_phases = 1;  ///< 1 or 2; with 2, columns are {0, 1} and column_step is 2: they are interleaved in registers.
  std::int64_t column_step = 1;
  std::int64_t rows = 0;  ///< Channels of this panel that exist, 1 ... 8.
  float* out = nullptr;   ///< Channel 0 of the panel, grid row 0, column 0.
  std::int64_t out_channel_stride = 0;
  std::int64_t out_row_step = 0;
  const float* bias = nullptr;      ///< [rows] or nullptr
  const float* residual = nullptr;  ///< Laid out as `out`, may be it; added behind the bias. nullptr: none.
  bool relu = false;
  std::int64_t begin = 0;  ///< Flat places [begin, end).
  std::int64_t end = 0;
};

/// Runs one job on the best instruction set of this machine.
void tap_panel(const TapJob& job);

/// to[j] = from[step j] where mask[step j] > 0 (everywhere if mask is nullptr), else 0, for j < count: a row of the source.
/// `from` and `mask` have at least step (count - 1) + 1 floats; nothing behind that is read.
void copy_places(const float* from, const float* mask, std::int64_t step, std::int64_t count, float* to);

}  // namespace likeness::kernels
