#include "kernels/copy_places.hpp"

#include "kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/copy_places.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace likeness::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;

constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));

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

// One vector of each of three rows: even and odd places apart where there are six.
HWY_INLINE void LoadThree(const float* HWY_RESTRICT from, const float* HWY_RESTRICT mask, V& a, V& b, V& c) {
  const D d;
  hn::LoadInterleaved3(d, from, a, b, c);
  if (mask == nullptr) return;
  const V zero = hn::Zero(d);
  V x, y, z;
  hn::LoadInterleaved3(d, mask, x, y, z);
  a = hn::IfThenElseZero(hn::Gt(x, zero), a);
  b = hn::IfThenElseZero(hn::Gt(y, zero), b);
  c = hn::IfThenElseZero(hn::Gt(z, zero), c);
}

void Split(const float* HWY_RESTRICT from, const float* HWY_RESTRICT mask, std::int64_t step, std::int64_t count, float* HWY_RESTRICT to,
           std::int64_t to_stride) {
  const D d;
  std::int64_t j = 0;
  for (; step == 3 && j + kLanes <= count; j += kLanes) {
    V a, b, c;
    LoadThree(from + 3 * j, mask == nullptr ? nullptr : mask + 3 * j, a, b, c);
    hn::StoreU(a, d, to + j);
    hn::StoreU(b, d, to + to_stride + j);
    hn::StoreU(c, d, to + 2 * to_stride + j);
  }
#if HWY_TARGET != HWY_SCALAR
  for (; step == 6 && j + kLanes <= count; j += kLanes) {
    V low[3], high[3];
    const std::int64_t more = 6 * j + 3 * kLanes;
    LoadThree(from + 6 * j, mask == nullptr ? nullptr : mask + 6 * j, low[0], low[1], low[2]);
    LoadThree(from + more, mask == nullptr ? nullptr : mask + more, high[0], high[1], high[2]);
    for (int k = 0; k < 3; ++k) {
      hn::StoreU(hn::ConcatEven(d, high[k], low[k]), d, to + k * to_stride + j);
      hn::StoreU(hn::ConcatOdd(d, high[k], low[k]), d, to + (3 + k) * to_stride + j);
    }
  }
#endif
  for (; j < count; ++j) {
    for (std::int64_t v = 0; v < step; ++v) {
      const std::int64_t at = step * j + v;
      to[v * to_stride + j] = mask == nullptr || mask[at] > 0.0F ? from[at] : 0.0F;
    }
  }
}

}  // namespace likeness::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace likeness::kernels {

HWY_EXPORT(Copy);
HWY_EXPORT(Split);

void copy_places(const float* from, const float* mask, std::int64_t step, std::int64_t count, float* to) {
  HWY_DYNAMIC_DISPATCH(Copy)(from, mask, step, count, to);
}

void split_places(const float* from, const float* mask, std::int64_t step, std::int64_t count, float* to, std::int64_t to_stride) {
  HWY_DYNAMIC_DISPATCH(Split)(from, mask, step, count, to, to_stride);
}

}  // namespace likeness::kernels
#endif
