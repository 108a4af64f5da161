// The inner loops of winograd.hpp, compiled once for each instruction set.
//
// A task takes up to 48 neighbouring windows and up to 16 panels of 8 channels. 96 products at a time it transforms the windows
// [16 points][96][48] into scratch memory, and runs the register tile of the direct convolution (tile-inl.hpp) over panels and points:
// the transformed windows of a point stay in the first-level cache for all panels, the rest (690 KB) in the second-level cache.
// Transforming costs 16 loads, 32 additions and 16 stores for 16 x 8 x panels multiply-adds; the way back is done on rows of outputs in
// registers, interleaved into one line and finished there.
#pragma once

#include <cstdint>

#include "kernels/conv_tiles.hpp"

namespace likeness::kernels {

inline constexpr std::int64_t kWindowPoints = 16, kWindowPlaces = 48, kWindowDepth = kPanelDepth, kWindowPanels = 16;

/// Floats of 96 products of 48 transformed windows, with one row to spill into.
inline constexpr std::int64_t kTransformed = kWindowPoints * (kWindowDepth + 1) * kWindowPlaces;
/// Floats of the sums of 16 panels.
inline constexpr std::int64_t kWindowSums = kWindowPanels * kWindowPoints * kPanelRows * kWindowPlaces;
/// Floats of scratch memory of one task.
inline constexpr std::int64_t kWindowScratch = kWindowSums + kTransformed;

struct WindowJob {
  const float* from = nullptr;  ///< [channels, height, width]
  const float* mask = nullptr;  ///< Likewise, or nullptr: numbers count where it is > 0.
  std::int64_t channels = 0, height = 0, width = 0;
  std::int64_t before = 0;  ///< Window (i, j) has its corner at (i, j) * step * stride - before.
  int in_phases = 1;        ///< Of the input's places, in both axes together: 1, or 4 with stride 2.
  std::int64_t tiles_wide = 0;
  std::int64_t first = 0, last = 0;  ///< Windows [first, last), at most 48, rows one after the other.

  const float* panels = nullptr;  ///< Weights of 16 x panel_count panels, as panel_place() says.
  std::int64_t panel_count = 0, first_panel = 0;
  std::int64_t rows = 0;  ///< Channels of the output in this job; rows / 8, rounded up, times out_phases^2 is at most 16.

  int step = 2;        ///< Outputs of a window along an axis: 2 or 3.
  int out_phases = 1;  ///< Along an axis: 1 or 2. Output i of phase r of window t is the picture's out_phases (step t + i - r) + r.
  float* out = nullptr;
  std::int64_t out_channel_stride = 0, out_height = 0, out_width = 0;
  const float* bias = nullptr;
  const float* residual = nullptr;
  bool relu = false;
  float* scratch = nullptr;  ///< kWindowScratch floats, aligned to 64 bytes.

  /// Of windows [first, last), kTransformed floats for each 96 products, aligned to 64 bytes. nullptr: transformed by run_windows() itself.
  float* windows = nullptr;
  std::int64_t begin = 0, end = 0;  ///< Products that transform_windows() makes, from a multiple of 96 on.
};

/// Writes job.windows; uses the first group of fields. On the best instruction set of this machine, as all of these.
void transform_windows(const WindowJob& job);
/// Multiplies and writes outputs.
void run_windows(const WindowJob& job);

}  // namespace likeness::kernels
