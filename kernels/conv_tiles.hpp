// The one inner loop of every direct convolution: output channels x places as a sum over taps of shifted copies of one padded source.
//
//   out[m, n] = relu?(sum_{c, t} panel[c, t, m] source[c * channel_stride + tap_offset[t] + i * pitch + j] + bias[m] + residual[m, n])
//
// n = i * width + j runs over the places of a grid. All kinds of convolution reduce to this (kernels/conv.cc): strides by splitting the
// source or the output into stride x stride phases.
//
// A tile is 8 channels x 3 vectors of places on machines with 32 vector registers (24 sums, 3 loads, 1 broadcast), 4 x 3 with 16
// registers: 24 (12) independent sums hide the latency of 4 cycles x 2 FMA units, and 11 loads (7) feed 24 (12) multiply-adds. The
// source is first copied, 96 products of 48 places at a time, into a block of 18 KB that stays in the first-level cache for all panels of
// the task: loads are then aligned, whatever the shift, and planes a power of two apart do not evict each other. A block is one tile wide
// with AVX-512, two with AVX2: 48 places are three whole cache lines, and weights pass by half as often as with 24 (2 % of a fit step on a
// Zen 3: 3x3 by Winograd 4 to 10 % faster, but 8 % slower at 8x8). Copying costs a load and a store for every `rows` multiply-adds. Sums
// of unfinished tiles wait on the stack.
// One thread of a Zen 4, GCC 12: the tile alone 97 to 100 % of the FMA peak (8 x 3, 12 x 2, 6 x 4, 4 x 6 and 14 x 2 alike; with AVX2 4 x 3
// and 6 x 2), most layers of a fit step 77 to 92 %, gradients at 64x64 63 % (docs/performance.md). Tried and left out:
// blocks of 64, 192, 256 and 512 products (no difference), calling a block's next rows into the cache (none), reading planes without
// copying (power-of-two planes evict each other: 60 to 70 %), copying four tiles at once (3 % slower).
// Every output is one chain of fused multiply-adds in the order (c, t), whatever the tile, so AVX2 and AVX-512 agree bit for bit.
#pragma once

#include <algorithm>
#include <cstdint>

namespace likeness::kernels {

/// Output channels of one packed panel; independent of the machine.
inline constexpr std::int64_t kPanelRows = 8;
/// Products of an output that one block of panels holds.
inline constexpr std::int64_t kPanelDepth = 96;

/// Where product k of a panel's first row stands among the weights of `panels` panels of `products` products each: they are packed as
/// [block of kPanelDepth products][panel][products of the block][8], in the order in which they are read.
inline std::int64_t panel_place(std::int64_t products, std::int64_t panels, std::int64_t panel, std::int64_t k) {
  const std::int64_t begin = k / kPanelDepth * kPanelDepth;
  return (begin * panels + panel * std::min(kPanelDepth, products - begin) + (k - begin)) * kPanelRows;
}

/// With at most so many output channels no block is copied where that can be helped, and panels are in single precision.
inline constexpr std::int64_t kDirectRows = 4;
/// Panels of one job at most, over its column phases.
inline constexpr std::int64_t kMaxPanels = 32;
/// Places of the widest tile, and of the longest vector, at whose multiples jobs should begin.
inline constexpr std::int64_t kTilePlaces = 48, kVectorPlaces = 16;

/// What happens to finished sums: the roundings are those of adding and rectifying in separate passes.
struct Finishing {
  const float* bias;      ///< of the tile's channels, or nullptr
  const float* residual;  ///< or nullptr
  float* out;
  std::int64_t channel_stride;
  bool relu;
};

/// A phase of output columns: places j of the grid stand at out[... + column + j * column_step].
struct TapColumns {
  const float* panels = nullptr;  ///< Weights of `panel_count` panels of (channel, tap); see panel_place().
  /// Or weights in bfloat16, pairs of products (tile_bf16.hpp) that stand like single ones. All column phases of a job have the same kind.
  const std::uint32_t* pairs = nullptr;
  std::int64_t panel_count = 1;
  const std::int64_t* tap_offsets = nullptr;  ///< [taps]
  std::int64_t taps = 0;
  std::int64_t width = 0;   ///< Columns of the grid that exist, at most the job's width.
  std::int64_t column = 0;  ///< First output column.
};

struct TapJob {
  const float* source = nullptr;  ///< kSourceSlack floats behind its last plane may be read.
  const float* mask = nullptr;    ///< Laid out as the source: what counts is the source where mask > 0. nullptr: everywhere.
  std::int64_t channels = 0;
  std::int64_t channel_stride = 0;
  std::int64_t pitch = 0;  ///< Of the grid's rows within the source, at least `width`.
  std::int64_t width = 0;  ///< Columns of the grid.
  const TapColumns* columns = nullptr;
  int column_phases = 1;  ///< 1 or 2; with 2, columns are {0, 1} and column_step is 2: they are interleaved in registers.
  std::int64_t column_step = 1;
  std::int64_t first_panel = 0;
  std::int64_t rows = 0;  ///< Channels from the first panel on that exist; rows * column_phases <= kMaxPanels * 8.
  float* out = nullptr;   ///< Channel 0 of the first panel, grid row 0, column 0.
  std::int64_t out_channel_stride = 0;
  std::int64_t out_row_step = 0;
  const float* bias = nullptr;      ///< [rows] or nullptr
  const float* residual = nullptr;  ///< Laid out as `out`, may be it; added behind the bias. nullptr: none.
  bool relu = false;
  std::int64_t begin = 0;  ///< Places [begin, end).
  std::int64_t end = 0;
};

/// Runs one job on the best instruction set of this machine.
void tap_tiles(const TapJob& job);

}  // namespace likeness::kernels
