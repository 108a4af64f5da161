#include "kernels/conv_tiles.hpp"

#include "kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv_tiles.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/tile-inl.hpp"
#include "kernels/tile_bf16.hpp"

HWY_BEFORE_NAMESPACE();
namespace likeness::kernels::HWY_NAMESPACE {

template <bool kMasked>
HWY_INLINE void CopyVector(const float* HWY_RESTRICT from, const float* HWY_RESTRICT mask, float* HWY_RESTRICT to) {
  const D d;
  V v = hn::LoadU(d, from);
  if constexpr (kMasked) v = hn::IfThenElseZero(hn::Gt(hn::LoadU(d, mask), hn::Zero(d)), v);
  hn::StoreU(v, d, to);
}

constexpr std::int64_t kBlockSize = (kPanelDepth + 1) * kBlockWidth;  // with a row to spill into

// One tile of a job: places [first, last) of the grid.
struct TilePlaces {
  std::int64_t first, last;
  int vectors;
  Runs reads, writes;
};

// The products [k0, k0 + depth) of a tile's places: block[k * kBlockWidth + n], k = c * taps + t. Vectors are copied whole: what lies
// behind a run is overwritten by the next one, and behind the last by the next row. (Tried with AVX-512: four blocks at once, for every
// row lies on a page of its own. The blocks then leave the first-level cache: 3 % slower in the whole step.)
template <bool kMasked>
HWY_INLINE void CopySingles(const TapJob& job, const TapColumns& columns, const Runs& runs, std::int64_t k0, std::int64_t depth,
                            float* HWY_RESTRICT block) {
  std::int64_t c = k0 / columns.taps;
  std::int64_t t = k0 - c * columns.taps;
  for (std::int64_t k = 0; k < depth; ++k, block += kBlockWidth) {
    const std::int64_t place = c * job.channel_stride + columns.tap_offsets[t];
    for (int r = 0; r < runs.size; ++r) {
      const Run& run = runs.run[r];
      const std::int64_t from = place + run.row * job.pitch + run.column;
      float* HWY_RESTRICT to = block + run.at;
      const float* x = job.source + from;
      const float* mask = kMasked ? job.mask + from : x;
      CopyVector<kMasked>(x, mask, to);
      for (int n = kLanes; n < run.count; n += kLanes) CopyVector<kMasked>(x + n, mask + n, to + n);
    }
    if (++t == columns.taps) t = 0, ++c;
  }
}

HWY_INLINE void CopyBlock(const TapJob& job, const TapColumns& columns, const TilePlaces& tile, std::int64_t k0, std::int64_t depth,
                          float* HWY_RESTRICT block) {
  if (job.mask != nullptr) return CopySingles<true>(job, columns, tile.reads, k0, depth, block);
  CopySingles<false>(job, columns, tile.reads, k0, depth, block);
}

// Whether the instructions of bfloat16 can be used: they are there, and their vectors are this target's.
HWY_INLINE bool HasPairs() { return kLanes == 16 && has_bf16_dot(); }

// Where a tile's vectors lie in the source.
HWY_INLINE void FindSegments(const Runs& runs, std::int64_t pitch, int vectors, Segments& segments) {
  int size = 0;
  int r = 0;
  for (int v = 0; v < vectors; ++v) {
    segments.begin[v] = size;
    const int begin = v * kLanes;
    for (; r < runs.size && runs.run[r].at < begin + kLanes; ++r) {
      const Run& run = runs.run[r];
      const int first = HWY_MAX(run.at, begin) - begin;
      const int last = HWY_MIN(run.at + run.count - begin, kLanes);
      segments.segment[size++] = {run.row * pitch + run.column + begin - run.at, (1U << last) - (1U << first)};
      if (run.at + run.count > begin + kLanes) break;  // it goes on in the next vector
    }
  }
  segments.begin[vectors] = size;
  segments.vectors = vectors;
}

// As CopyBlock, but pairs of products [2 k0, 2 (k0 + depth)), rounded. A few products of a tile at a time, since each lies on a page of
// its own.
HWY_INLINE void CopyBlock(const TapJob& job, const TapColumns& columns, const TilePlaces& tile, std::int64_t k0, std::int64_t depth,
                          std::uint32_t* HWY_RESTRICT block) {
  constexpr std::int64_t kTogether = 32;
  std::int64_t places[kTogether];
  Segments segments;
  FindSegments(tile.reads, job.pitch, tile.vectors, segments);
  std::int64_t c = 2 * k0 / columns.taps;
  std::int64_t t = 2 * k0 - c * columns.taps;
  const std::int64_t last = HWY_MIN(2 * (k0 + depth), job.channels * columns.taps);
  PairCopy copy{job.source, job.mask, places, 0, nullptr};
  for (std::int64_t k = 2 * k0; k < last; k += copy.products, block += kTogether / 2 * kBlockWidth) {
    copy.products = HWY_MIN(kTogether, last - k);
    for (std::int64_t i = 0; i < copy.products; ++i) {
      places[i] = c * job.channel_stride + columns.tap_offsets[t];
      if (++t == columns.taps) t = 0, ++c;
    }
    copy.to = block;
    if (HasPairs()) {
      avx512::copy_pairs(copy, segments);
    } else {
      emulated::copy_pairs(copy, segments, kLanes);
    }
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

// Few output channels: a block would be copied for too little work. Tiles of 3 or 4 channels x 4 vectors (2 with 16 registers) read the
// source itself, in rows of the grid. With 3 channels both column phases go together where they have equally many taps, or 6 sums alone
// (AVX2) would wait for each other: 24 (12) sums for 8 (4) loads across cache lines and 6 broadcasts. A tile reads a line or more of every
// plane, more streams than the processor follows: the beginning of the tile after next is called into the cache (tried with AVX2).
constexpr int kDirectVectors = kManyRegisters ? 4 : 2;
constexpr int kDirectWidth = kDirectVectors * kLanes;
constexpr int kDirectSums = static_cast<int>(kDirectRows) * kDirectWidth;  // of one phase

// sums[p * kDirectSums + m * kDirectWidth + n] of column phases from `phase` on.
template <int kRows, int kUsed, int kPhases>
HWY_NOINLINE void DirectTile(const TapJob& job, int phase, const float* HWY_RESTRICT source, float* HWY_RESTRICT sums) {
  const D d;
  V sum[kPhases][kRows][kUsed];
#pragma GCC unroll 2
  for (int p = 0; p < kPhases; ++p) {
#pragma GCC unroll 4
    for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 4
      for (int v = 0; v < kUsed; ++v) sum[p][m][v] = hn::Zero(d);
    }
  }
  const TapColumns* columns = job.columns + phase;
  const std::int64_t taps = columns->taps;
  std::int64_t at = 0;  // in the panels
  for (std::int64_t c = 0; c < job.channels; ++c, source += job.channel_stride) {
    for (std::int64_t t = 0; t < taps; ++t, at += kPanelRows) {
#pragma GCC unroll 2
      for (int p = 0; p < kPhases; ++p) {
        const float* HWY_RESTRICT place = source + columns[p].tap_offsets[t];
        const float* HWY_RESTRICT panel = columns[p].panels + at;
        V x[kUsed];
#pragma GCC unroll 4
        for (int v = 0; v < kUsed; ++v) x[v] = hn::LoadU(d, place + v * kLanes);
        if (p == 0) hwy::Prefetch(place + 2 * kDirectWidth);
#pragma GCC unroll 4
        for (int m = 0; m < kRows; ++m) {
          const V weight = hn::Set(d, panel[m]);
#pragma GCC unroll 4
          for (int v = 0; v < kUsed; ++v) sum[p][m][v] = hn::MulAdd(weight, x[v], sum[p][m][v]);
        }
      }
    }
  }
#pragma GCC unroll 2
  for (int p = 0; p < kPhases; ++p) {
#pragma GCC unroll 4
    for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 4
      for (int v = 0; v < kUsed; ++v) hn::Store(sum[p][m][v], d, sums + p * kDirectSums + m * kDirectWidth + v * kLanes);
    }
  }
}

template <int kRows, int kPhases>
HWY_INLINE void AnyDirectTile(const TapJob& job, int phase, const float* source, int vectors, float* sums) {
  if (vectors == 1) return DirectTile<kRows, 1, kPhases>(job, phase, source, sums);
  if (vectors == 2) return DirectTile<kRows, 2, kPhases>(job, phase, source, sums);
  if (vectors < kDirectVectors) return DirectTile<kRows, kDirectVectors - 1, kPhases>(job, phase, source, sums);
  DirectTile<kRows, kDirectVectors, kPhases>(job, phase, source, sums);
}

void DirectTiles(const TapJob& job) {
  HWY_ALIGN float sums[2 * kDirectSums];
  const bool together = job.column_phases == 2 && job.rows <= 3 && job.columns[0].taps == job.columns[1].taps;
  Runs runs;
  runs.size = 1;
  for (std::int64_t n = job.begin; n < job.end;) {
    const std::int64_t row = n / job.width;
    const std::int64_t column = n - row * job.width;
    const std::int64_t count = HWY_MIN(HWY_MIN(job.end - n, job.width - column), std::int64_t{kDirectWidth});
    runs.run[0] = {0, static_cast<int>(count), row, column};
    const int vectors = static_cast<int>((count + kLanes - 1) / kLanes);
    const float* source = job.source + row * job.pitch + column;
    if (together) {
      AnyDirectTile<3, 2>(job, 0, source, vectors, sums);
    } else {
      for (int p = 0; p < job.column_phases; ++p) {
        if (job.rows <= 3) {
          AnyDirectTile<3, 1>(job, p, source, vectors, sums + p * kDirectSums);
        } else {
          AnyDirectTile<4, 1>(job, p, source, vectors, sums + p * kDirectSums);
        }
      }
    }
    StorePanel<kDirectWidth>(job, sums, sums + kDirectSums, 0, job.rows, runs);
    n += count;
  }
}

// What a job of single products and one of pairs differ in: the number of steps, the weights, the tile. `finishing` only where
// StraightTiles() says so.
HWY_INLINE std::int64_t Steps(std::int64_t products, const float*) { return products; }
HWY_INLINE std::int64_t Steps(std::int64_t products, const std::uint32_t*) { return (products + 1) / 2; }
HWY_INLINE const float* Weights(const TapColumns& columns, const float*) { return columns.panels; }
HWY_INLINE const std::uint32_t* Weights(const TapColumns& columns, const std::uint32_t*) { return columns.pairs; }
HWY_INLINE bool StraightTiles(const float*) { return true; }
HWY_INLINE bool StraightTiles(const std::uint32_t*) { return HasPairs(); }

HWY_INLINE void AnyTile(const std::uint32_t* panel, const std::uint32_t* next, const std::uint32_t* block, std::int64_t depth, bool more,
                        int vectors, float* sums, const Finishing* finishing) {
  const PairTile tile{panel, next, block, depth, more, sums, finishing};
  if (HasPairs()) return avx512::pair_tile(tile, vectors);
  emulated::pair_tile(tile);
}

// One block of products of one column phase: all panels of one tile. N: float, or std::uint32_t for pairs in bfloat16.
template <class N>
HWY_INLINE void RunPanels(const TapJob& job, int phase, const TilePlaces& tile, std::int64_t k, std::int64_t depth,
                          const N* HWY_RESTRICT block, float* HWY_RESTRICT sums) {
  const TapColumns& columns = job.columns[phase];
  const std::int64_t panels = (job.rows + kPanelRows - 1) / kPanelRows;
  const std::int64_t products = Steps(job.channels * columns.taps, block);
  const bool last_products = k + depth >= products && phase + 1 == job.column_phases;
  const bool one_row = job.column_step == 1 && job.out_row_step == job.width && StraightTiles(block);
  for (std::int64_t panel = 0; panel < panels; ++panel) {
    const N* weights = Weights(columns, block) + panel_place(products, columns.panel_count, job.first_panel + panel, k);
    const N* next = weights + depth * kPanelRows;  // the next panel, or what lies behind the last one's block
    float* to = sums + (phase * panels + panel) * kPanelRows * kBlockWidth;
    const std::int64_t row = panel * kPanelRows;
    // Whole tiles that lie in the output as they are go there straight.
    const bool straight = last_products && one_row && tile.last - tile.first == tile.vectors * kLanes && job.rows - row >= kPanelRows;
    Finishing finishing;
    if (straight) {
      const std::int64_t place = row * job.out_channel_stride + job.columns[0].column + tile.first;
      finishing = {job.bias == nullptr ? nullptr : job.bias + row, job.residual == nullptr ? nullptr : job.residual + place,
                   job.out + place, job.out_channel_stride, job.relu};
    }
    AnyTile(weights, next, block, depth, k > 0, tile.vectors, to, straight ? &finishing : nullptr);
    if (!last_products || straight) continue;
    StorePanel<kBlockWidth>(job, sums + row * kBlockWidth, to, row, HWY_MIN(kPanelRows, job.rows - row), tile.writes);
  }
}

template <class N>
HWY_INLINE void BlockTiles(const TapJob& job) {
  HWY_ALIGN N block[kBlockSize];
  HWY_ALIGN float sums[kMaxPanels * kPanelRows * kBlockWidth];
  const std::int64_t vectors = (job.end - job.begin + kLanes - 1) / kLanes;
  const std::int64_t tiles = (vectors * kLanes + kBlockWidth - 1) / kBlockWidth;
  const bool one_plane = job.pitch == job.width;
  const bool one_row = job.column_step == 1 && job.out_row_step == job.width;
  TilePlaces now;
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    now.first = job.begin + vectors * tile / tiles * kLanes;
    now.last = HWY_MIN(job.end, job.begin + vectors * (tile + 1) / tiles * kLanes);
    now.vectors = static_cast<int>((now.last - now.first + kLanes - 1) / kLanes);
    FindRuns(now.first, now.last, job.width, one_plane, now.reads);
    FindRuns(now.first, now.last, job.width, one_row, now.writes);
    for (int p = 0; p < job.column_phases; ++p) {
      const std::int64_t products = Steps(job.channels * job.columns[p].taps, block);
      std::int64_t k = 0;
      do {  // once even without products: the sums are 0 then
        const std::int64_t depth = HWY_MIN(kPanelDepth, products - k);
        if (depth > 0) CopyBlock(job, job.columns[p], now, k, depth, block);
        RunPanels<N>(job, p, now, k, depth, block, sums);
        k += depth;
      } while (k < products);
    }
  }
}

void Tiles(const TapJob& job) {
  const bool few = job.columns[0].panel_count == 1 && job.rows <= kDirectRows;
  if (job.columns[0].pairs != nullptr) return BlockTiles<std::uint32_t>(job);
  if (few && job.mask == nullptr && job.width >= kLanes) return DirectTiles(job);
  BlockTiles<float>(job);
}

}  // namespace likeness::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace likeness::kernels {

HWY_EXPORT(Tiles);

void tap_tiles(const TapJob& job) { HWY_DYNAMIC_DISPATCH(Tiles)(job); }

}  // namespace likeness::kernels
#endif
