#include "kernels/softmax_simd.hpp"

#include <algorithm>

#include "kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/softmax_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// Highway headers after highway.h.
#include "hwy/contrib/math/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace likeness::kernels::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(D()));

// A vector's worth of columns. The last ones go through a full vector too, so that every column is computed in the same way.
struct Full {
  HWY_INLINE V Load(const float* from) const { return hn::LoadU(D(), from); }
  HWY_INLINE void Store(V v, float* to) const { hn::StoreU(v, D(), to); }
};
struct Part {
  std::int64_t count;
  HWY_INLINE V Load(const float* from) const {
    HWY_ALIGN float lanes[kLanes] = {};
    std::copy_n(from, count, lanes);
    return hn::Load(D(), lanes);
  }
  HWY_INLINE void Store(V v, float* to) const {
    HWY_ALIGN float lanes[kLanes];
    hn::Store(v, D(), lanes);
    std::copy_n(lanes, count, to);
  }
};

template <class Columns>
HWY_INLINE void Softmax(const Columns at, std::int64_t n, std::int64_t stride, const float* x, float beta_value, float* y) {
  const D d;
  const V beta = hn::Set(d, beta_value);
  // The largest exponent is taken off, so that Exp() cannot overflow.
  V most = at.Load(x);
  for (std::int64_t k = 1; k < n; ++k) {
    const V v = at.Load(x + k * stride);
    most = beta_value < 0 ? hn::Min(most, v) : hn::Max(most, v);
  }
  V sum = hn::Zero(d);
  for (std::int64_t k = 0; k < n; ++k) {
    const V exponent = hn::Mul(beta, hn::Sub(at.Load(x + k * stride), most));
    const V power = hn::IfThenElse(hn::Eq(exponent, exponent), hn::Exp(d, exponent), exponent);  // Exp() knows no NaN
    sum = hn::Add(sum, power);
    at.Store(power, y + k * stride);
  }
  const V scale = hn::Div(hn::Set(d, 1.0F), sum);
  for (std::int64_t k = 0; k < n; ++k) at.Store(hn::Mul(at.Load(y + k * stride), scale), y + k * stride);
}

template <class Columns>
HWY_INLINE void Gradient(const Columns at, std::int64_t n, std::int64_t stride, const float* y, const float* dy, float beta_value,
                         float* dx) {
  const V beta = hn::Set(D(), beta_value);
  V sum = hn::Zero(D());
  for (std::int64_t k = 0; k < n; ++k) sum = hn::MulAdd(at.Load(y + k * stride), at.Load(dy + k * stride), sum);
  for (std::int64_t k = 0; k < n; ++k) {
    const V difference = hn::Sub(at.Load(dy + k * stride), sum);
    at.Store(hn::Mul(hn::Mul(beta, at.Load(y + k * stride)), difference), dx + k * stride);
  }
}

void SoftmaxColumns(std::int64_t n, std::int64_t stride, std::int64_t columns, const float* x, float beta, float* y) {
  std::int64_t i = 0;
  for (; i + kLanes <= columns; i += kLanes) Softmax(Full(), n, stride, x + i, beta, y + i);
  if (i < columns) Softmax(Part{columns - i}, n, stride, x + i, beta, y + i);
}

void GradientColumns(std::int64_t n, std::int64_t stride, std::int64_t columns, const float* y, const float* dy, float beta, float* dx) {
  std::int64_t i = 0;
  for (; i + kLanes <= columns; i += kLanes) Gradient(Full(), n, stride, y + i, dy + i, beta, dx + i);
  if (i < columns) Gradient(Part{columns - i}, n, stride, y + i, dy + i, beta, dx + i);
}

}  // namespace likeness::kernels::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace likeness::kernels::simd {

HWY_EXPORT(SoftmaxColumns);
HWY_EXPORT(GradientColumns);

void softmax(std::int64_t n, std::int64_t stride, std::int64_t columns, const float* x, float beta, float* y) {
  HWY_DYNAMIC_DISPATCH(SoftmaxColumns)(n, stride, columns, x, beta, y);
}

void softmax_gradient(std::int64_t n, std::int64_t stride, std::int64_t columns, const float* y, const float* dy, float beta, float* dx) {
  HWY_DYNAMIC_DISPATCH(GradientColumns)(n, stride, columns, y, dy, beta, dx);
}

}  // namespace likeness::kernels::simd
#endif
