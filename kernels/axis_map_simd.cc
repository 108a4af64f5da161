#include "kernels/axis_map_simd.hpp"

#include <algorithm>
#include <limits>

#include "kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/axis_map_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace likeness::kernels::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
using DI = hn::RebindToSigned<D>;
using V = hn::Vec<D>;
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(D()));

// One term of each of kLanes outputs: weight[l] times an input, where the output has such a term. Inputs near each other are
// lane[l] of vector[l] of the `vectors` ones from base on; with no vectors they are base + lane[l], anywhere.
struct Term {
  HWY_ALIGN std::int32_t lane[kLanes];
  HWY_ALIGN std::int32_t vector[kLanes];
  HWY_ALIGN std::int32_t present[kLanes];  // all bits or none
  HWY_ALIGN float weight[kLanes];
  std::int64_t base;
  std::int64_t vectors;
};

// Lookups in so many vectors are faster than a gather.
constexpr std::int64_t kMostVectors = 4;

HWY_INLINE void ReadTerm(const AxisMap& map, std::int64_t first, std::int64_t t, Term& term) {
  const std::int64_t* start = map.start.data() + first;
  std::int64_t low = map.inputs - 1;
  std::int64_t high = 0;
  for (std::int64_t l = 0; l < kLanes; ++l) {
    if (start[l] + t >= start[l + 1]) continue;
    const std::int64_t index = map.index[static_cast<std::size_t>(start[l] + t)];
    low = std::min(low, index);
    high = std::max(high, index);
  }
  term.vectors = (high - low + kLanes) / kLanes;
  term.base = std::min(low, map.inputs - term.vectors * kLanes);  // nothing behind the row is read
  if (term.vectors > kMostVectors || term.base < 0) {
    term.vectors = 0;
    term.base = low;
  }
  for (std::int64_t l = 0; l < kLanes; ++l) {
    const bool present = start[l] + t < start[l + 1];
    const auto k = static_cast<std::size_t>(start[l] + t);
    const std::int64_t place = present ? map.index[k] - term.base : 0;
    const std::int64_t vector = term.vectors > 0 ? place / kLanes : 0;
    term.lane[l] = static_cast<std::int32_t>(place - vector * kLanes);
    term.vector[l] = static_cast<std::int32_t>(vector);
    term.weight[l] = present ? map.single[k] : 0.0F;
    term.present[l] = present ? -1 : 0;
  }
}

HWY_INLINE V AddTerm(const Term& term, const float* x, V sum) {
  const D d;
  const DI di;
  const auto lane = hn::Load(di, term.lane);
  const float* from = x + term.base;
  V v;
  if (term.vectors > 0) {
    const auto lanes = hn::IndicesFromVec(d, lane);
    const auto vector = hn::Load(di, term.vector);
    v = hn::TableLookupLanes(hn::LoadU(d, from), lanes);
    for (std::int64_t n = 1; n < term.vectors; ++n) {
      const auto here = hn::RebindMask(d, hn::Eq(vector, hn::Set(di, static_cast<std::int32_t>(n))));
      v = hn::IfThenElse(here, hn::TableLookupLanes(hn::LoadU(d, from + n * kLanes), lanes), v);
    }
  } else {
    v = hn::GatherIndex(d, from, lane);
  }
  const auto present = hn::RebindMask(d, hn::MaskFromVec(hn::Load(di, term.present)));
  return hn::IfThenElse(present, hn::Add(sum, hn::Mul(hn::Load(d, term.weight), v)), sum);
}

void MapColumns(const AxisMap& columns, const float* x, std::int64_t rows, float* y) {
  const D d;
  const std::int64_t width = columns.outputs;
  const std::int64_t* start = columns.start.data();
  if (kLanes == 1 || width < kLanes || columns.inputs > std::numeric_limits<std::int32_t>::max()) {
    for (std::int64_t r = 0; r < rows; ++r, x += columns.inputs) {
      for (std::int64_t j = 0; j < width; ++j) {
        float sum = 0.0F;
        for (std::int64_t at = start[j]; at < start[j + 1]; ++at) {
          const auto k = static_cast<std::size_t>(at);
          sum += columns.single[k] * x[columns.index[k]];
        }
        *y++ = sum;
      }
    }
    return;
  }
  // The table is read once for all rows, a few terms at a time.
  constexpr std::int64_t kTerms = 4;
  Term terms[kTerms];
  for (std::int64_t j = 0; j < width; j += kLanes) {
    const std::int64_t first = std::min(j, width - kLanes);  // the last vector meets the one before it
    std::int64_t most = 0;
    for (std::int64_t l = 0; l < kLanes; ++l) most = std::max(most, start[first + l + 1] - start[first + l]);
    for (std::int64_t t = 0; t == 0 || t < most; t += kTerms) {
      const std::int64_t n = std::min(kTerms, most - t);
      for (std::int64_t k = 0; k < n; ++k) ReadTerm(columns, first, t + k, terms[k]);
      for (std::int64_t r = 0; r < rows; ++r) {
        float* to = y + r * width + first;
        V sum = t == 0 ? hn::Zero(d) : hn::LoadU(d, to);
        for (std::int64_t k = 0; k < n; ++k) sum = AddTerm(terms[k], x + r * columns.inputs, sum);
        hn::StoreU(sum, d, to);
      }
    }
  }
}

void CombineRows(const float* weight, const std::int64_t* index, std::int64_t terms, const float* x, std::int64_t width, float* y) {
  const D d;
  std::int64_t j = 0;
  for (; j + 4 * kLanes <= width; j += 4 * kLanes) {
    V a = hn::Zero(d);
    V b = a;
    V c = a;
    V e = a;
    for (std::int64_t k = 0; k < terms; ++k) {
      const V w = hn::Set(d, weight[k]);
      const float* from = x + index[k] * width + j;
      a = hn::Add(a, hn::Mul(w, hn::LoadU(d, from)));
      b = hn::Add(b, hn::Mul(w, hn::LoadU(d, from + kLanes)));
      c = hn::Add(c, hn::Mul(w, hn::LoadU(d, from + 2 * kLanes)));
      e = hn::Add(e, hn::Mul(w, hn::LoadU(d, from + 3 * kLanes)));
    }
    hn::StoreU(a, d, y + j);
    hn::StoreU(b, d, y + j + kLanes);
    hn::StoreU(c, d, y + j + 2 * kLanes);
    hn::StoreU(e, d, y + j + 3 * kLanes);
  }
  for (; j + kLanes <= width; j += kLanes) {
    V sum = hn::Zero(d);
    for (std::int64_t k = 0; k < terms; ++k) sum = hn::Add(sum, hn::Mul(hn::Set(d, weight[k]), hn::LoadU(d, x + index[k] * width + j)));
    hn::StoreU(sum, d, y + j);
  }
  for (; j < width; ++j) {
    float sum = 0.0F;
    for (std::int64_t k = 0; k < terms; ++k) sum += weight[k] * x[index[k] * width + j];
    y[j] = sum;
  }
}

}  // namespace likeness::kernels::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace likeness::kernels::simd {

HWY_EXPORT(MapColumns);
HWY_EXPORT(CombineRows);

void map_columns(const AxisMap& columns, const float* x, std::int64_t rows, float* y) {
  HWY_DYNAMIC_DISPATCH(MapColumns)(columns, x, rows, y);
}

void combine_rows(const float* weight, const std::int64_t* index, std::int64_t terms, const float* x, std::int64_t width, float* y) {
  HWY_DYNAMIC_DISPATCH(CombineRows)(weight, index, terms, x, width, y);
}

}  // namespace likeness::kernels::simd
#endif
