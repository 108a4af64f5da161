#include "kernels/tap_panel.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/tap_panel.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace likeness::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;

constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));
// 32 vector registers: AVX-512 and 64-bit Arm.
constexpr bool kManyRegisters = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || (HWY_ARCH_ARM_A64 != 0);
constexpr int kWidest = (kManyRegisters ? 6 : 3) * kLanes;  // places of the widest tile

// sums[m * kWidest + n] of `kRows` channels and `kVectors` vectors of places.
template <int kRows, int kVectors>
HWY_NOINLINE void Tile(const float* HWY_RESTRICT panel, const TapColumns& columns, const TapJob& job, const float* HWY_RESTRICT source,
                       float* HWY_RESTRICT sums) {
  const D d;
  V sum[kRows][kVectors];
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sum[m][v] = hn::Zero(d);
  }
  const std::int64_t taps = columns.taps;
  const std::int64_t* HWY_RESTRICT offsets = columns.tap_offsets;
  for (std::int64_t c = 0; c < job.channels; ++c) {
    for (std::int64_t t = 0; t < taps; ++t) {
      const float* HWY_RESTRICT place = source + offsets[t];
      V x[kVectors];
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) x[v] = hn::LoadU(d, place + v * kLanes);
#pragma GCC unroll 8
      for (int m = 0; m < kRows; ++m) {
        const V weight = hn::Set(d, panel[m]);
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) sum[m][v] = hn::MulAdd(weight, x[v], sum[m][v]);
      }
      panel += kPanelRows;
    }
    source += job.channel_stride;
  }
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) hn::StoreU(sum[m][v], d, sums + m * kWidest + v * kLanes);
  }
}

// As many places as there are left, at most kWidest; all `rows` channels.
HWY_INLINE void AnyTile(const TapColumns& columns, const TapJob& job, std::int64_t rows, std::int64_t vectors,
                        const float* HWY_RESTRICT source, float* HWY_RESTRICT sums) {
  if constexpr (kManyRegisters) {
    if (rows > 4) {
      if (vectors == 1) return Tile<8, 1>(columns.panel, columns, job, source, sums);
      if (vectors == 2) return Tile<8, 2>(columns.panel, columns, job, source, sums);
      return Tile<8, 3>(columns.panel, columns, job, source, sums);
    }
    if (vectors > 3) return Tile<4, 6>(columns.panel, columns, job, source, sums);
  }
  for (std::int64_t m = 0; m < rows; m += 4) {
    const float* panel = columns.panel + m;
    float* to = sums + m * kWidest;
    if (vectors == 1) {
      Tile<4, 1>(panel, columns, job, source, to);
    } else if (vectors == 2) {
      Tile<4, 2>(panel, columns, job, source, to);
    } else {
      Tile<4, 3>(panel, columns, job, source, to);
    }
  }
}

// What happens to a finished sum: the roundings are those of adding and rectifying in separate passes.
struct Epilogue {
  float bias;
  bool residual, relu;
};

HWY_INLINE V Finish(V v, V residual, const Epilogue& e) {
  v = hn::Add(v, hn::Set(D(), e.bias));
  if (e.residual) v = hn::Add(v, residual);
  return e.relu ? hn::IfThenZeroElse(hn::Lt(v, hn::Zero(D())), v) : v;  // NaN stays NaN
}

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

// Writes the places [first, last) of the tile whose sums begin at `first`.
HWY_INLINE void StoreTile(const TapJob& job, const float* HWY_RESTRICT sums, std::int64_t first, std::int64_t last) {
  for (std::int64_t n = first; n < last;) {
    const std::int64_t i = n / job.pitch;
    const std::int64_t j = n - i * job.pitch;
    const std::int64_t end = HWY_MIN(last - i * job.pitch, job.pitch);  // one past the last column of this row in the tile
    const std::int64_t count0 = HWY_MAX(HWY_MIN(end, job.columns[0].width) - j, std::int64_t{0});
    const std::int64_t count1 = job.column_phases == 2 ? HWY_MAX(HWY_MIN(end, job.columns[1].width) - j, std::int64_t{0}) : 0;
    const std::int64_t both = HWY_MIN(count0, count1);
    const std::int64_t place = i * job.out_row_step + job.columns[0].column + j * job.column_step;
    for (std::int64_t m = 0; m < job.rows; ++m) {
      const Epilogue e{job.bias != nullptr ? job.bias[m] : 0.0F, job.residual != nullptr, job.relu};
      const float* from = sums + m * kWidest + (n - first);
      float* to = job.out + m * job.out_channel_stride + place;
      // Without a residual any readable address will do: it is not read.
      const float* more = e.residual ? job.residual + m * job.out_channel_stride + place : to;
      if (job.column_step == 1) {
        StoreRow(from, e, count0, more, to);
      } else if (job.column_phases == 2) {
        const float* odd = from + kPanelRows * kWidest;
        StorePair(from, odd, e, both, more, to);
        StoreStrided(from + both, e, count0 - both, 2, more + 2 * both, to + 2 * both);
        StoreStrided(odd + both, e, count1 - both, 2, more + 2 * both + 1, to + 2 * both + 1);
      } else {
        StoreStrided(from, e, count0, job.column_step, more, to);
      }
    }
    n = i * job.pitch + end;
  }
}

void Panel(const TapJob& job) {
  HWY_ALIGN float sums[2 * kPanelRows * kWidest];
  const std::int64_t widest = kManyRegisters && job.rows > 4 ? 3 * kLanes : kWidest;
  for (std::int64_t n = job.begin; n < job.end;) {
    const std::int64_t left = HWY_MIN(job.end - n, widest);
    std::int64_t vectors = (left + kLanes - 1) / kLanes;
    if (vectors > 3) vectors = left > 3 * kLanes ? 6 : 3;
    const std::int64_t last = HWY_MIN(job.end, n + vectors * kLanes);
    for (int p = 0; p < job.column_phases; ++p) {
      AnyTile(job.columns[p], job, job.rows, vectors, job.source + n, sums + p * kPanelRows * kWidest);
    }
    StoreTile(job, sums, n, last);
    n = last;
  }
}

void Copy(const float* HWY_RESTRICT from, const float* HWY_RESTRICT mask, std::int64_t step, std::int64_t count, float* HWY_RESTRICT to) {
  const D d;
  const V zero = hn::Zero(d);
  std::int64_t j = 0;
  if (step == 1) {
    for (; j + kLanes <= count; j += kLanes) {
      V v = hn::LoadU(d, from + j);
      if (mask != nullptr) v = hn::IfThenElseZero(hn::Gt(hn::LoadU(d, mask + j), zero), v);
      hn::StoreU(v, d, to + j);
    }
  } else if (step == 2) {
    // Strictly less: the last pair reads one float more than its even half needs.
    for (; j + kLanes < count; j += kLanes) {
      V v, m, odd;
      hn::LoadInterleaved2(d, from + 2 * j, v, odd);
      if (mask != nullptr) {
        hn::LoadInterleaved2(d, mask + 2 * j, m, odd);
        v = hn::IfThenElseZero(hn::Gt(m, zero), v);
      }
      hn::StoreU(v, d, to + j);
    }
  }
  for (; j < count; ++j) to[j] = mask == nullptr || mask[step * j] > 0.0F ? from[step * j] : 0.0F;
}

}  // namespace likeness::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace likeness::kernels {

HWY_EXPORT(Panel);
HWY_EXPORT(Copy);

void tap_panel(const TapJob& job) { HWY_DYNAMIC_DISPATCH(Panel)(job); }

void copy_places(const float* from, const float* mask, std::int64_t step, std::int64_t count, float* to) {
  HWY_DYNAMIC_DISPATCH(Copy)(from, mask, step, count, to);
}

}  // namespace likeness::kernels
#endif
