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

}  // namespace likeness::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace likeness::kernels {

HWY_EXPORT(Copy);

void copy_places(const float* from, const float* mask, std::int64_t step, std::int64_t count, float* to) {
  HWY_DYNAMIC_DISPATCH(Copy)(from, mask, step, count, to);
}

}  // namespace likeness::kernels
#endif
