// What the convolution kernels share, compiled once for each instruction set: the register tile and how finished sums are stored.
// Include it behind hwy/foreach_target.h.
#if defined(LIKENESS_KERNELS_TILE_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef LIKENESS_KERNELS_TILE_INL_HPP
#undef LIKENESS_KERNELS_TILE_INL_HPP
#else
#define LIKENESS_KERNELS_TILE_INL_HPP
#endif

#include <cstdint>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "kernels/conv_tiles.hpp"

HWY_BEFORE_NAMESPACE();
namespace likeness::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;

constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));
// 32 vector registers: AVX-512 and 64-bit Arm.
constexpr bool kManyRegisters = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || (HWY_ARCH_ARM_A64 != 0);
constexpr int kTileRows = kManyRegisters ? 8 : 4;
constexpr int kVectors = 3;
constexpr int kBlockWidth = static_cast<int>(kTilePlaces);  // from one row of a block, or of its sums, to the next

HWY_INLINE V Finish(V v, V residual, bool add, bool relu) {
  if (add) v = hn::Add(v, residual);
  return relu ? hn::IfThenZeroElse(hn::Lt(v, hn::Zero(D())), v) : v;  // NaN stays NaN
}

// sums[m * kBlockWidth + n] of kTileRows channels and kUsed vectors of places, continued or from 0. With `finishing` they go to its
// output instead. The panel that comes next, and what is added at the end, are called into the cache.
template <int kUsed>
HWY_NOINLINE void Tile(const float* HWY_RESTRICT panel, const float* next, const float* HWY_RESTRICT block, std::int64_t depth, bool more,
                       float* HWY_RESTRICT sums, const Finishing* finishing) {
  const D d;
  V sum[kTileRows][kUsed];
#pragma GCC unroll 8
  for (int m = 0; m < kTileRows; ++m) {
#pragma GCC unroll 8
    for (int v = 0; v < kUsed; ++v) sum[m][v] = more ? hn::Load(d, sums + m * kBlockWidth + v * kLanes) : hn::Zero(d);
  }
  if (finishing != nullptr) {
    for (int m = 0; m < kTileRows; ++m) {
      for (int v = 0; v < kUsed; ++v) {
        const std::int64_t place = m * finishing->channel_stride + v * kLanes;
        hwy::Prefetch(finishing->out + place);
        if (finishing->residual != nullptr) hwy::Prefetch(finishing->residual + place);
      }
    }
  }
  for (std::int64_t k = 0; k < depth; ++k) {
    V x[kUsed];
#pragma GCC unroll 8
    for (int v = 0; v < kUsed; ++v) x[v] = hn::Load(d, block + v * kLanes);
    hwy::Prefetch(next);
#pragma GCC unroll 8
    for (int m = 0; m < kTileRows; ++m) {
      const V weight = hn::Set(d, panel[m]);
#pragma GCC unroll 8
      for (int v = 0; v < kUsed; ++v) sum[m][v] = hn::MulAdd(weight, x[v], sum[m][v]);
    }
    panel += kPanelRows;
    next += kPanelRows;
    block += kBlockWidth;
  }
  if (finishing != nullptr) {
    const Finishing& f = *finishing;
#pragma GCC unroll 8
    for (int m = 0; m < kTileRows; ++m) {
      float* to = f.out + m * f.channel_stride;
      const float* residual = f.residual == nullptr ? to : f.residual + m * f.channel_stride;
      const V bias = hn::Set(d, f.bias == nullptr ? 0.0F : f.bias[m]);
#pragma GCC unroll 8
      for (int v = 0; v < kUsed; ++v) {
        const V other = f.residual == nullptr ? bias : hn::LoadU(d, residual + v * kLanes);
        hn::StoreU(Finish(hn::Add(sum[m][v], bias), other, f.residual != nullptr, f.relu), d, to + v * kLanes);
      }
    }
    return;
  }
#pragma GCC unroll 8
  for (int m = 0; m < kTileRows; ++m) {
#pragma GCC unroll 8
    for (int v = 0; v < kUsed; ++v) hn::Store(sum[m][v], d, sums + m * kBlockWidth + v * kLanes);
  }
}

// The same for all 8 channels of a panel and any vectors of a block.
HWY_INLINE void AnyTile(const float* HWY_RESTRICT panel, const float* next, const float* HWY_RESTRICT block, std::int64_t depth, bool more,
                        int vectors, float* HWY_RESTRICT sums, const Finishing* finishing) {
  for (int m = 0; m < kPanelRows; m += kTileRows) {
    for (int first = 0, used = 0; first < vectors; first += used) {
      used = vectors - first == 4 ? 2 : HWY_MIN(vectors - first, kVectors);  // one vector alone has too few sums to hide their latency
      const float* places = block + first * kLanes;
      float* to = sums + m * kBlockWidth + first * kLanes;
      Finishing mine;
      if (finishing != nullptr) {
        const std::int64_t place = m * finishing->channel_stride + first * kLanes;
        mine = {finishing->bias == nullptr ? nullptr : finishing->bias + m,
                finishing->residual == nullptr ? nullptr : finishing->residual + place, finishing->out + place, finishing->channel_stride,
                finishing->relu};
      }
      const Finishing* f = finishing == nullptr ? nullptr : &mine;
      if (used == 1) {
        Tile<1>(panel + m, next + m, places, depth, more, to, f);
      } else if (used == 2) {
        Tile<2>(panel + m, next + m, places, depth, more, to, f);
      } else {
        Tile<3>(panel + m, next + m, places, depth, more, to, f);
      }
    }
  }
}

// Neighbouring places of a tile that are neighbours in the source too.
struct Run {
  int at, count;             // within the tile
  std::int64_t row, column;  // of the grid
};

struct Runs {
  Run run[kBlockWidth];
  int size = 0;
};

// `merge`: rows of the grid follow each other without a gap.
HWY_INLINE void FindRuns(std::int64_t first, std::int64_t last, std::int64_t width, bool merge, Runs& runs) {
  runs.size = 0;
  for (std::int64_t n = first; n < last;) {
    const std::int64_t row = n / width;
    const std::int64_t column = n - row * width;
    const std::int64_t end = merge ? last : HWY_MIN(last, (row + 1) * width);
    runs.run[runs.size++] = {static_cast<int>(n - first), static_cast<int>(end - n), row, column};
    n = end;
  }
}

struct Epilogue {
  float bias;
  bool residual, relu;
};

HWY_INLINE V Finish(V v, V residual, const Epilogue& e) { return Finish(hn::Add(v, hn::Set(D(), e.bias)), residual, e.residual, e.relu); }

HWY_INLINE float FinishOne(float v, const float* residual, const Epilogue& e) {
  v += e.bias;
  if (e.residual) v += *residual;
  return e.relu && v < 0.0F ? 0.0F : v;
}

// `count` neighbouring places of one channel.
HWY_INLINE void StoreRow(const float* HWY_RESTRICT sums, const Epilogue& e, std::int64_t count, const float* residual, float* out) {
  const D d;
  std::int64_t j = 0;
  for (; j + kLanes <= count; j += kLanes) {
    const V more = e.residual ? hn::LoadU(d, residual + j) : hn::Zero(d);
    hn::StoreU(Finish(hn::LoadU(d, sums + j), more, e), d, out + j);
  }
  for (; j < count; ++j) out[j] = FinishOne(sums[j], residual + j, e);
}

}  // namespace likeness::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
