#include "kernels/winograd_simd.hpp"

#include "kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/winograd_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/tile-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace likeness::kernels::HWY_NAMESPACE {

constexpr int kPoints = static_cast<int>(kWindowPoints);
constexpr std::int64_t kPointStride = (kWindowDepth + 1) * kBlockWidth;  // of transformed windows
constexpr std::int64_t kPanelSums = kPanelRows * kBlockWidth;            // of one point

// B' d along one axis, in place.
HWY_INLINE void TransformFour(V& a, V& b, V& c, V& d) {
  const V first = hn::Sub(a, c);
  const V sum = hn::Add(b, c);
  const V difference = hn::Sub(c, b);
  d = hn::Sub(b, d);
  a = first;
  b = sum;
  c = difference;
}

// A plane: the windows of a tile, one more behind each run for the last numbers of its last window, in whole vectors.
constexpr int kPlane = 2 * static_cast<int>(kWindowPlaces) + 16;

// kSplit vectors of neighbouring numbers, apart.
template <int kSplit>
HWY_INLINE void LoadSplit(const float* HWY_RESTRICT from, V* HWY_RESTRICT v) {
  const D d;
  if constexpr (kSplit == 2) {
    hn::LoadInterleaved2(d, from, v[0], v[1]);
  } else if constexpr (kSplit == 3) {
    hn::LoadInterleaved3(d, from, v[0], v[1], v[2]);
  } else {
#if HWY_TARGET == HWY_SCALAR
    for (int k = 0; k < kSplit; ++k) v[k] = hn::Load(d, from + k);
#else
    V low[3], high[3];
    hn::LoadInterleaved3(d, from, low[0], low[1], low[2]);
    hn::LoadInterleaved3(d, from + 3 * kLanes, high[0], high[1], high[2]);
    for (int k = 0; k < 3; ++k) {
      v[k] = hn::ConcatEven(d, high[k], low[k]);
      v[3 + k] = hn::ConcatOdd(d, high[k], low[k]);
    }
#endif
  }
}

// planes[v * kPlane + j] = from[kSplit j + v] where mask > 0, j < count. Reads and writes whole vectors.
template <int kSplit, bool kMasked>
HWY_INLINE void SplitLine(const float* HWY_RESTRICT from, const float* HWY_RESTRICT mask, int count, float* HWY_RESTRICT planes) {
  const D d;
  for (int j = 0; j < count; j += kLanes) {
    V v[kSplit];
    LoadSplit<kSplit>(from + kSplit * j, v);
    if constexpr (kMasked) {
      V m[kSplit];
      LoadSplit<kSplit>(mask + kSplit * j, m);
      for (int k = 0; k < kSplit; ++k) v[k] = hn::IfThenElseZero(hn::Gt(m[k], hn::Zero(d)), v[k]);
    }
    for (int k = 0; k < kSplit; ++k) hn::StoreU(v[k], d, planes + k * kPlane + j);
  }
}

// line[k] = row[first + k] where mask > 0, zero outside of [0, width).
template <bool kMasked>
HWY_INLINE void CopyLine(const float* row, const float* mask, std::int64_t width, std::int64_t first, std::int64_t length,
                         float* HWY_RESTRICT line) {
  const D d;
  const V zero = hn::Zero(d);
  const std::int64_t begin = HWY_MIN(length, HWY_MAX(std::int64_t{0}, -first));
  const std::int64_t end = HWY_MAX(begin, HWY_MIN(length, width - first));
  for (std::int64_t k = 0; k < begin; ++k) line[k] = 0.0F;
  for (std::int64_t k = end; k < length; ++k) line[k] = 0.0F;
  const auto copy = [&](std::int64_t k) HWY_ATTR {
    V v = hn::LoadU(d, row + first + k);
    if (kMasked) v = hn::IfThenElseZero(hn::Gt(hn::LoadU(d, mask + first + k), zero), v);
    hn::StoreU(v, d, line + k);
  };
  if (end - begin >= kLanes) {
    for (std::int64_t k = begin; k < end - kLanes; k += kLanes) copy(k);
    copy(end - kLanes);  // overlaps the one before: nothing behind the row is read
  } else {
    for (std::int64_t k = begin; k < end; ++k) line[k] = !kMasked || mask[first + k] > 0.0F ? row[first + k] : 0.0F;
  }
}

// The numbers of a run's windows in one channel: planes[(u * kSplit + v) * kPlane + j] is place (u, kSplit j + v) from the corner of the
// run's first window on. Vectors are written whole: runs follow each other.
template <int kSplit, bool kMasked>
HWY_INLINE void StagePlanes(const WindowJob& job, std::int64_t channel, const Run& run, float* HWY_RESTRICT line,
                            float* HWY_RESTRICT planes) {
  const int rows = kSplit == 6 ? 8 : 4;
  const std::int64_t first = kSplit * run.column - job.before;
  const std::int64_t length = kSplit * (std::int64_t{run.count} + 1);
  for (int u = 0; u < rows; ++u, planes += kSplit * kPlane) {
    const std::int64_t row = kSplit * run.row + u - job.before;
    if (row < 0 || row >= job.height) {
      for (int v = 0; v < kSplit; ++v) {
        for (int j = 0; j <= run.count; ++j) planes[v * kPlane + j] = 0.0F;
      }
      continue;
    }
    const std::int64_t at = (channel * job.height + row) * job.width;
    // Neighbouring rows are read along, and their numbers then replaced by zeros, where there are such rows.
    if (at + first >= 0 && at + first + kSplit * (std::int64_t{run.count} + kLanes) <= job.channels * job.height * job.width) {
      SplitLine<kSplit, kMasked>(job.from + at + first, kMasked ? job.mask + at + first : nullptr, run.count + 1, planes);
      for (std::int64_t k = 0; k < -first; ++k) planes[k % kSplit * kPlane + k / kSplit] = 0.0F;
      for (std::int64_t k = job.width - first; k < length; ++k) planes[k % kSplit * kPlane + k / kSplit] = 0.0F;
    } else {
      CopyLine<kMasked>(job.from + at, kMasked ? job.mask + at : nullptr, job.width, first, length, line);
      SplitLine<kSplit, false>(line, nullptr, run.count + 1, planes);
    }
  }
}

HWY_INLINE void StageAnyPlanes(const WindowJob& job, std::int64_t channel, const Run& run, float* line, float* planes) {
  const int split = job.step * (job.in_phases == 4 ? 2 : 1);
  if (job.mask == nullptr) {
    if (split == 2) return StagePlanes<2, false>(job, channel, run, line, planes);
    if (split == 3) return StagePlanes<3, false>(job, channel, run, line, planes);
    return StagePlanes<6, false>(job, channel, run, line, planes);
  }
  if (split == 2) return StagePlanes<2, true>(job, channel, run, line, planes);
  if (split == 3) return StagePlanes<3, true>(job, channel, run, line, planes);
  StagePlanes<6, true>(job, channel, run, line, planes);
}

// One phase of the windows: windows[p * kPointStride + n]. Vectors are written whole, as in CopySingles().
HWY_INLINE void TransformWindows(const float* HWY_RESTRICT planes, const int* HWY_RESTRICT offsets, const Runs& runs,
                                 float* HWY_RESTRICT windows) {
  const D d;
  for (int r = 0; r < runs.size; ++r) {
    const Run& run = runs.run[r];
    const float* HWY_RESTRICT from = planes + run.at + r;
    for (int j = 0; j < run.count; j += kLanes) {
      V w[kPoints];
#pragma GCC unroll 16
      for (int i = 0; i < kPoints; ++i) w[i] = hn::LoadU(d, from + offsets[i] + j);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) TransformFour(w[i], w[4 + i], w[8 + i], w[12 + i]);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) TransformFour(w[4 * i], w[4 * i + 1], w[4 * i + 2], w[4 * i + 3]);
#pragma GCC unroll 16
      for (int i = 0; i < kPoints; ++i) hn::StoreU(w[i], d, windows + i * kPointStride + run.at + j);
    }
  }
}

// Products [k0, k0 + depth) of all runs; k counts channels and, within them, input phases.
HWY_INLINE void TransformBlock(const WindowJob& job, const Runs& runs, std::int64_t k0, std::int64_t depth, float* HWY_RESTRICT windows) {
  HWY_ALIGN float line[6 * kPlane];
  HWY_ALIGN float planes[8 * 6 * kPlane];
  // Offsets of a window's numbers within the planes, of each input phase.
  int offsets[4][kPoints];
  const int stride = job.in_phases == 4 ? 2 : 1;
  const int split = job.step * stride;
  for (int phase = 0; phase < job.in_phases; ++phase) {
    for (int p = 0; p < kPoints; ++p) {
      const int row = stride * (p / 4) + phase / stride;
      const int column = stride * (p % 4) + phase % stride;
      offsets[phase][p] = (row * split + column % split) * kPlane + column / split;
    }
  }
  for (std::int64_t k = 0; k < depth; k += job.in_phases) {
    for (int r = 0; r < runs.size; ++r) StageAnyPlanes(job, (k0 + k) / job.in_phases, runs.run[r], line, planes + runs.run[r].at + r);
    for (int phase = 0; phase < job.in_phases; ++phase) TransformWindows(planes, offsets[phase], runs, windows + (k + phase) * kBlockWidth);
  }
}

// A' m along one axis: two or three outputs of four sums.
template <int kStep>
HWY_INLINE void Inverse(V a, V b, V c, V d, V* HWY_RESTRICT to) {
  to[0] = hn::Add(hn::Add(a, b), c);
  const V difference = hn::Sub(b, c);
  if constexpr (kStep == 2) {
    to[1] = hn::Sub(difference, d);
  } else {
    to[1] = difference;
    to[2] = hn::Sub(hn::Add(b, c), d);
  }
}

// outputs[i * kStep + j] of one vector of windows. sums: of point 0.
template <int kStep>
HWY_INLINE void InverseWindow(const float* HWY_RESTRICT sums, V* HWY_RESTRICT outputs) {
  const D d;
  V half[kStep][4];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    V column[kStep];
    Inverse<kStep>(hn::Load(d, sums + j * kPanelSums), hn::Load(d, sums + (4 + j) * kPanelSums), hn::Load(d, sums + (8 + j) * kPanelSums),
                   hn::Load(d, sums + (12 + j) * kPanelSums), column);
#pragma GCC unroll 3
    for (int i = 0; i < kStep; ++i) half[i][j] = column[i];
  }
#pragma GCC unroll 3
  for (int i = 0; i < kStep; ++i) Inverse<kStep>(half[i][0], half[i][1], half[i][2], half[i][3], outputs + i * kStep);
}

// Six vectors side by side: a0 b0 c0 e0 f0 g0 a1 ... Pairs are made first, then threes of pairs.
HWY_INLINE void StoreInterleaved6(V a, V b, V c, V e, V f, V g, float* HWY_RESTRICT to) {
  const D d;
#if HWY_TARGET == HWY_SCALAR
  const V all[6] = {a, b, c, e, f, g};
  for (int k = 0; k < 6; ++k) hn::Store(all[k], d, to + k);
#else
  const hn::Repartition<std::uint64_t, D> pairs;
  HWY_ALIGN std::uint64_t lanes[3][kLanes];
  hn::StoreInterleaved2(a, b, d, reinterpret_cast<float*>(lanes[0]));
  hn::StoreInterleaved2(c, e, d, reinterpret_cast<float*>(lanes[1]));
  hn::StoreInterleaved2(f, g, d, reinterpret_cast<float*>(lanes[2]));
  for (int half = 0; half < 2; ++half) {
    const int at = half * kLanes / 2;
    hn::StoreInterleaved3(hn::Load(pairs, lanes[0] + at), hn::Load(pairs, lanes[1] + at), hn::Load(pairs, lanes[2] + at), pairs,
                          reinterpret_cast<std::uint64_t*>(to) + 3 * at);
  }
#endif
}

// One row of finished outputs of `kStep` x phases numbers a window: writes those that lie in the picture.
HWY_INLINE void StoreLine(const WindowJob& job, const Runs& runs, const float* HWY_RESTRICT line, int width, std::int64_t row_of_window,
                          std::int64_t row_shift, std::int64_t column_shift, std::int64_t channel) {
  const Epilogue e{job.bias != nullptr ? job.bias[channel] : 0.0F, job.residual != nullptr, job.relu};
  for (int r = 0; r < runs.size; ++r) {
    const Run& run = runs.run[r];
    const std::int64_t row = run.row * row_of_window + row_shift;
    if (row < 0 || row >= job.out_height) continue;
    const std::int64_t column = run.column * width + column_shift;
    const std::int64_t begin = HWY_MAX(column, std::int64_t{0});
    const std::int64_t end = HWY_MIN(column + std::int64_t{run.count} * width, job.out_width);
    if (begin >= end) continue;
    const std::int64_t place = channel * job.out_channel_stride + row * job.out_width + begin;
    float* to = job.out + place;
    StoreRow(line + std::int64_t{run.at} * width + (begin - column), e, end - begin, e.residual ? job.residual + place : to, to);
  }
}

// The outputs of one channel. sums: of its row in panel, row phase 0, column phase 0, point 0; phases follow each other.
template <int kStep, int kPhases>
HWY_INLINE void StoreChannel(const WindowJob& job, const Runs& runs, const float* HWY_RESTRICT sums, int vectors, std::int64_t channel) {
  const D d;
  constexpr int kWide = kStep * kPhases;
  HWY_ALIGN float lines[kStep][kWide * kBlockWidth];
  for (int r = 0; r < kPhases; ++r) {
    for (int v = 0; v < vectors; ++v) {
      V outputs[kPhases][kStep * kStep];
      for (int p = 0; p < kPhases; ++p) InverseWindow<kStep>(sums + (r * kPhases + p) * kPoints * kPanelSums + v * kLanes, outputs[p]);
      for (int i = 0; i < kStep; ++i) {
        float* line = lines[i] + v * kLanes * kWide;
        const V* even = outputs[0] + i * kStep;
        if constexpr (kPhases == 2) {
          const V* odd = outputs[1] + i * kStep;  // begins the line: its outputs lie one place earlier
          StoreInterleaved6(odd[0], even[0], odd[1], even[1], odd[2], even[2], line);
        } else if constexpr (kStep == 2) {
          hn::StoreInterleaved2(even[0], even[1], d, line);
        } else {
          hn::StoreInterleaved3(even[0], even[1], even[2], d, line);
        }
      }
    }
    const std::int64_t column_shift = kPhases == 2 ? -1 : 0;
    for (int i = 0; i < kStep; ++i) {
      StoreLine(job, runs, lines[i], kWide, kWide, kPhases * (i - r) + r, column_shift, channel);
    }
  }
}

void Transform(const WindowJob& job) {
  Runs runs;
  FindRuns(job.first, job.last, job.tiles_wide, false, runs);
  for (std::int64_t k0 = job.begin; k0 < job.end; k0 += kWindowDepth)
    TransformBlock(job, runs, k0, HWY_MIN(kWindowDepth, job.end - k0), job.windows + k0 / kWindowDepth * kTransformed);
}

void Windows(const WindowJob& job) {
  Runs runs;
  const int phases = job.out_phases * job.out_phases;
  const std::int64_t panels = (job.rows + kPanelRows - 1) / kPanelRows * phases;
  const std::int64_t depth = job.channels * job.in_phases;
  float* sums = job.scratch;
  float* fused = sums + kWindowSums;
  const int used = static_cast<int>((job.last - job.first + kLanes - 1) / kLanes);
  FindRuns(job.first, job.last, job.tiles_wide, false, runs);
  for (std::int64_t k0 = 0; k0 < depth; k0 += kWindowDepth) {
    const std::int64_t now = HWY_MIN(kWindowDepth, depth - k0);
    const float* windows = fused;
    if (job.windows == nullptr) {
      TransformBlock(job, runs, k0, now, fused);
    } else {
      windows = job.windows + k0 / kWindowDepth * kTransformed;
    }
    for (int point = 0; point < kPoints; ++point) {
      const float* weights =
          job.panels + panel_place(depth, kWindowPoints * job.panel_count, point * job.panel_count + job.first_panel, k0);
      const float* block = windows + point * kPointStride;
      for (std::int64_t panel = 0; panel < panels; ++panel, weights += now * kPanelRows) {
        const float* next = weights + now * kPanelRows;
        float* to = sums + (panel * kPoints + point) * kPanelSums;
        AnyTile(weights, next, block, now, k0 > 0, used, to, nullptr);
      }
    }
  }
  for (std::int64_t channel = 0; channel < job.rows; ++channel) {
    const float* from = sums + channel / kPanelRows * phases * kPoints * kPanelSums + channel % kPanelRows * kBlockWidth;
    if (job.out_phases == 2) {
      StoreChannel<3, 2>(job, runs, from, used, channel);
    } else if (job.step == 3) {
      StoreChannel<3, 1>(job, runs, from, used, channel);
    } else {
      StoreChannel<2, 1>(job, runs, from, used, channel);
    }
  }
}

}  // namespace likeness::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace likeness::kernels {

HWY_EXPORT(Transform);
HWY_EXPORT(Windows);

void transform_windows(const WindowJob& job) { HWY_DYNAMIC_DISPATCH(Transform)(job); }

void run_windows(const WindowJob& job) { HWY_DYNAMIC_DISPATCH(Windows)(job); }

}  // namespace likeness::kernels
#endif
