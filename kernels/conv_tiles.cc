#include "kernels/conv_tiles.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv_tiles.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/tile-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace likeness::kernels::HWY_NAMESPACE {

template <bool kMasked>
HWY_INLINE void CopyVector(const float* HWY_RESTRICT from, const float* HWY_RESTRICT mask, float* HWY_RESTRICT to) {
  const D d;
  V v = hn::LoadU(d, from);
  if constexpr (kMasked) v = hn::IfThenElseZero(hn::Gt(hn::LoadU(d, mask), hn::Zero(d)), v);
  hn::StoreU(v, d, to);
}

// The products [k0, k0 + depth) of a tile's places: block[k * kTileWidth + n], k = c * taps + t. Vectors are copied whole: what lies
// behind a run is overwritten by the next one, and behind the last by the next row.
template <bool kMasked>
HWY_INLINE void CopyBlock(const TapJob& job, const TapColumns& columns, const Runs& runs, std::int64_t k0, std::int64_t depth,
                          float* HWY_RESTRICT block) {
  std::int64_t c = k0 / columns.taps;
  std::int64_t t = k0 - c * columns.taps;
  for (std::int64_t k = 0; k < depth; ++k, block += kTileWidth) {
    const std::int64_t place = c * job.channel_stride + columns.tap_offsets[t];
    for (int r = 0; r < runs.size; ++r) {
      const Run& run = runs.run[r];
      const std::int64_t from = place + run.row * job.pitch + run.column;
      float* HWY_RESTRICT to = block + run.at;
      const float* x = job.source + from;
      const float* mask = kMasked ? job.mask + from : x;
      // One vector after the other: of a loop, GCC makes a call of memcpy.
      CopyVector<kMasked>(x, mask, to);
      if (run.count > kLanes) CopyVector<kMasked>(x + kLanes, mask + kLanes, to + kLanes);
      if (run.count > 2 * kLanes) CopyVector<kMasked>(x + 2 * kLanes, mask + 2 * kLanes, to + 2 * kLanes);
    }
    if (++t == columns.taps) t = 0, ++c;
  }
}

// The same for every `step`-th place.
HWY_INLINE void StoreStrided(const float* HWY_RESTRICT sums, const Epilogue& e, std::int64_t count, std::int64_t step,
                             const float* residual, float* out) {
  for (std::int64_t j = 0; j < count; ++j) out[j * step] = FinishOne(sums[j], residual + j * step, e);
}

// Even places from one row of sums, odd places from another.
HWY_INLINE void StorePair(const float* HWY_RESTRICT even, const float* HWY_RESTRICT odd, const Epilogue& e, std::int64_t count,
                          const float* residual, float* out) {
  const D d;
  std::int64_t j = 0;
  for (; j + kLanes <= count; j += kLanes) {
    V more_even = hn::Zero(d);
    V more_odd = hn::Zero(d);
    if (e.residual) hn::LoadInterleaved2(d, residual + 2 * j, more_even, more_odd);
    hn::StoreInterleaved2(Finish(hn::LoadU(d, even + j), more_even, e), Finish(hn::LoadU(d, odd + j), more_odd, e), d, out + 2 * j);
  }
  for (; j < count; ++j) {
    out[2 * j] = FinishOne(even[j], residual + 2 * j, e);
    out[2 * j + 1] = FinishOne(odd[j], residual + 2 * j + 1, e);
  }
}

// Writes a finished panel of `rows` channels, whose sums of the column phases are even[m * kPitch + n] and odd[...].
template <int kPitch>
HWY_INLINE void StorePanel(const TapJob& job, const float* HWY_RESTRICT even, const float* HWY_RESTRICT odd, std::int64_t first_row,
                           std::int64_t rows, const Runs& runs) {
  for (std::int64_t m = 0; m < rows; ++m) {
    const std::int64_t channel = first_row + m;
    const Epilogue e{job.bias != nullptr ? job.bias[channel] : 0.0F, job.residual != nullptr, job.relu};
    for (int r = 0; r < runs.size; ++r) {
      const Run& run = runs.run[r];
      const float* from = even + m * kPitch + run.at;
      const std::int64_t place =
          channel * job.out_channel_stride + run.row * job.out_row_step + job.columns[0].column + run.column * job.column_step;
      float* to = job.out + place;
      // Without a residual any readable address will do: it is not read.
      const float* more = e.residual ? job.residual + place : to;
      const std::int64_t count = HWY_MIN(std::int64_t{run.count}, job.columns[0].width - run.column);
      if (job.column_step == 1) {
        StoreRow(from, e, run.count, more, to);  // all columns exist
      } else if (job.column_phases == 2) {
        const float* other = odd + m * kPitch + run.at;
        const std::int64_t both = HWY_MIN(count, job.columns[1].width - run.column);
        StorePair(from, other, e, both, more, to);
        StoreStrided(from + both, e, count - both, 2, more + 2 * both, to + 2 * both);
      } else {
        StoreStrided(from, e, count, job.column_step, more, to);
      }
    }
  }
}

// Few output channels: a block would be copied for too little work. Tiles of 4 channels x 4 vectors (2 with 16 registers) read the source
// itself, in rows of the grid; 4 loads across cache lines feed 12 or 16 multiply-adds.
constexpr int kDirectRows = 4;
constexpr int kDirectVectors = kManyRegisters ? 4 : 2;
constexpr int kDirectWidth = kDirectVectors * kLanes;

// sums[m * kDirectWidth + n]
template <int kRows, int kUsed>
HWY_NOINLINE void DirectTile(const TapJob& job, const TapColumns& columns, const float* HWY_RESTRICT source, float* HWY_RESTRICT sums) {
  const D d;
  V sum[kRows][kUsed];
#pragma GCC unroll 4
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 4
    for (int v = 0; v < kUsed; ++v) sum[m][v] = hn::Zero(d);
  }
  const float* HWY_RESTRICT panel = columns.panels;
  for (std::int64_t c = 0; c < job.channels; ++c, source += job.channel_stride) {
    for (std::int64_t t = 0; t < columns.taps; ++t, panel += kPanelRows) {
      const float* HWY_RESTRICT place = source + columns.tap_offsets[t];
      V x[kUsed];
#pragma GCC unroll 4
      for (int v = 0; v < kUsed; ++v) x[v] = hn::LoadU(d, place + v * kLanes);
#pragma GCC unroll 4
      for (int m = 0; m < kRows; ++m) {
        const V weight = hn::Set(d, panel[m]);
#pragma GCC unroll 4
        for (int v = 0; v < kUsed; ++v) sum[m][v] = hn::MulAdd(weight, x[v], sum[m][v]);
      }
    }
  }
#pragma GCC unroll 4
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 4
    for (int v = 0; v < kUsed; ++v) hn::Store(sum[m][v], d, sums + m * kDirectWidth + v * kLanes);
  }
}

template <int kRows>
HWY_INLINE void AnyDirectTile(const TapJob& job, const TapColumns& columns, const float* source, int vectors, float* sums) {
  if (vectors == 1) return DirectTile<kRows, 1>(job, columns, source, sums);
  if (vectors == 2) return DirectTile<kRows, 2>(job, columns, source, sums);
  DirectTile<kRows, kDirectVectors>(job, columns, source, sums);
}

void DirectTiles(const TapJob& job) {
  HWY_ALIGN float sums[2 * kDirectRows * kDirectWidth];
  Runs runs;
  runs.size = 1;
  for (std::int64_t n = job.begin; n < job.end;) {
    const std::int64_t row = n / job.width;
    const std::int64_t column = n - row * job.width;
    const std::int64_t count = HWY_MIN(HWY_MIN(job.end - n, job.width - column), std::int64_t{kDirectWidth});
    runs.run[0] = {0, static_cast<int>(count), row, column};
    const int vectors = static_cast<int>((count + kLanes - 1) / kLanes);
    for (int p = 0; p < job.column_phases; ++p) {
      const float* source = job.source + row * job.pitch + column;
      float* to = sums + p * kDirectRows * kDirectWidth;
      if (job.rows <= 3) {
        AnyDirectTile<3>(job, job.columns[p], source, vectors, to);
      } else {
        AnyDirectTile<4>(job, job.columns[p], source, vectors, to);
      }
    }
    StorePanel<kDirectWidth>(job, sums, sums + kDirectRows * kDirectWidth, 0, job.rows, runs);
    n += count;
  }
}

void Tiles(const TapJob& job) {
  if (job.rows <= kDirectRows && job.mask == nullptr && job.width >= kLanes) return DirectTiles(job);
  HWY_ALIGN float block[kDepth * kTileWidth + kLanes];
  HWY_ALIGN float sums[kMaxPanels * kPanelRows * kTileWidth];
  const std::int64_t panels = (job.rows + kPanelRows - 1) / kPanelRows;
  const std::int64_t vectors = (job.end - job.begin + kLanes - 1) / kLanes;
  const std::int64_t tiles = (vectors + kVectors - 1) / kVectors;
  const bool one_plane = job.pitch == job.width;
  const bool one_row = job.column_step == 1 && job.out_row_step == job.width;
  Runs reads;
  Runs writes;
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    const std::int64_t first = job.begin + vectors * tile / tiles * kLanes;
    const std::int64_t last = HWY_MIN(job.end, job.begin + vectors * (tile + 1) / tiles * kLanes);
    const int used = static_cast<int>((last - first + kLanes - 1) / kLanes);
    FindRuns(first, last, job.width, one_plane, reads);
    FindRuns(first, last, job.width, one_row, writes);
    for (int p = 0; p < job.column_phases; ++p) {
      const TapColumns& columns = job.columns[p];
      const std::int64_t products = job.channels * columns.taps;
      float* phase_sums = sums + p * panels * kPanelRows * kTileWidth;
      std::int64_t k = 0;
      do {  // once even without products: the sums are 0 then
        const std::int64_t depth = HWY_MIN(kDepth, products - k);
        if (depth == 0) {
          // Nothing to copy.
        } else if (job.mask != nullptr) {
          CopyBlock<true>(job, columns, reads, k, depth, block);
        } else {
          CopyBlock<false>(job, columns, reads, k, depth, block);
        }
        for (std::int64_t panel = 0; panel < panels; ++panel) {
          const float* weights = columns.panels + panel * columns.panel_stride + k * kPanelRows;
          const float* next =
              panel + 1 < panels ? weights + columns.panel_stride : columns.panels + (k + depth < products ? k + depth : 0) * kPanelRows;
          float* to = phase_sums + panel * kPanelRows * kTileWidth;
          const std::int64_t row = panel * kPanelRows;
          const bool last_products = k + depth >= products && p + 1 == job.column_phases;
          // Whole tiles that lie in the output as they are go there straight.
          const bool straight = last_products && one_row && last - first == used * kLanes && job.rows - row >= kPanelRows;
          for (int m = 0; m < kPanelRows; m += kTileRows) {
            Finishing finishing;
            if (straight) {
              const std::int64_t place = (row + m) * job.out_channel_stride + job.columns[0].column + first;
              finishing = {job.bias == nullptr ? nullptr : job.bias + row + m, job.residual == nullptr ? nullptr : job.residual + place,
                           job.out + place, job.out_channel_stride, job.relu};
            }
            AnyTile(weights + m, next + m, block, depth, k > 0, used, to + m * kTileWidth, straight ? &finishing : nullptr);
          }
          if (!last_products || straight) continue;
          StorePanel<kTileWidth>(job, sums + row * kTileWidth, to, row, HWY_MIN(kPanelRows, job.rows - row), writes);
        }
        k += depth;
      } while (k < products);
    }
  }
}

}  // namespace likeness::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace likeness::kernels {

HWY_EXPORT(Tiles);

void tap_tiles(const TapJob& job) { HWY_DYNAMIC_DISPATCH(Tiles)(job); }

}  // namespace likeness::kernels
#endif
