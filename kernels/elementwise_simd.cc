#include "kernels/elementwise_simd.hpp"

#include "kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise_simd.cc"
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

HWY_INLINE V Rectify(V v) { return hn::IfThenZeroElse(hn::Lt(v, hn::Zero(D())), v); }  // NaN stays NaN

// Each: inputs it reads, and one vector of results.
struct Relu {
  static constexpr int kInputs = 1;
  HWY_INLINE V operator()(V a, V, V, V, V) const { return Rectify(a); }
};
struct ReluGradient {  // (y, dy)
  static constexpr int kInputs = 2;
  HWY_INLINE V operator()(V a, V b, V, V, V) const { return hn::IfThenElseZero(hn::Gt(a, hn::Zero(D())), b); }
};
struct LeakyReluGradient {  // (x, dy); p: the slope
  static constexpr int kInputs = 2;
  HWY_INLINE V operator()(V a, V b, V, V p, V) const { return hn::IfThenElse(hn::Gt(a, hn::Zero(D())), b, hn::Mul(p, b)); }
};
HWY_INLINE V Logistic(V a) {
  const V one = hn::Set(D(), 1.0F);
  const V lowest = hn::Set(D(), -87.0F);  // Exp() knows no overflow; the result there is 1.6e-38
  const V x = hn::IfThenElse(hn::Lt(a, lowest), lowest, a);
  const V y = hn::Div(one, hn::Add(one, hn::Exp(D(), hn::Neg(x))));
  return hn::IfThenElse(hn::Eq(a, a), y, a);  // Exp() knows no NaN either
}
struct Sigmoid {
  static constexpr int kInputs = 1;
  HWY_INLINE V operator()(V a, V, V, V, V) const { return Logistic(a); }
};
struct Silu {
  static constexpr int kInputs = 1;
  HWY_INLINE V operator()(V a, V, V, V, V) const { return hn::Mul(a, Logistic(a)); }
};
struct SiluGradient {  // (x, dy)
  static constexpr int kInputs = 2;
  HWY_INLINE V operator()(V a, V b, V, V, V) const {
    const V one = hn::Set(D(), 1.0F);
    const V s = Logistic(a);
    return hn::Mul(hn::Mul(b, s), hn::Add(one, hn::Mul(a, hn::Sub(one, s))));
  }
};
struct Tanh {
  static constexpr int kInputs = 1;
  HWY_INLINE V operator()(V a, V, V, V, V) const {
    const V most = hn::Set(D(), 20.0F);  // 1 in single precision; Tanh() knows no infinity and no NaN
    const V x = hn::Max(hn::Min(a, most), hn::Neg(most));
    return hn::IfThenElse(hn::Eq(a, a), hn::Tanh(D(), x), a);
  }
};
struct TanhGradient {  // (y, dy)
  static constexpr int kInputs = 2;
  HWY_INLINE V operator()(V a, V b, V, V, V) const { return hn::Mul(b, hn::Sub(hn::Set(D(), 1.0F), hn::Mul(a, a))); }
};
struct SigmoidGradient {  // (y, dy)
  static constexpr int kInputs = 2;
  HWY_INLINE V operator()(V a, V b, V, V, V) const { return hn::Mul(hn::Mul(b, a), hn::Sub(hn::Set(D(), 1.0F), a)); }
};
struct Add {
  static constexpr int kInputs = 2;
  HWY_INLINE V operator()(V a, V b, V, V, V) const { return hn::Add(a, b); }
};
struct Subtract {
  static constexpr int kInputs = 2;
  HWY_INLINE V operator()(V a, V b, V, V, V) const { return hn::Sub(a, b); }
};
struct Multiply {
  static constexpr int kInputs = 2;
  HWY_INLINE V operator()(V a, V b, V, V, V) const { return hn::Mul(a, b); }
};
struct Divide {
  static constexpr int kInputs = 2;
  HWY_INLINE V operator()(V a, V b, V, V, V) const { return hn::Div(a, b); }
};
struct AddRelu {
  static constexpr int kInputs = 2;
  HWY_INLINE V operator()(V a, V b, V, V, V) const { return Rectify(hn::Add(a, b)); }
};
struct ScaleShift {
  static constexpr int kInputs = 1;
  HWY_INLINE V operator()(V a, V, V, V p, V q) const { return hn::MulAdd(a, p, q); }
};
struct MultiplyAdd {  // a + p b
  static constexpr int kInputs = 2;
  HWY_INLINE V operator()(V a, V b, V, V p, V) const { return hn::MulAdd(b, p, a); }
};
HWY_INLINE V Sign(V a, V b, V magnitude) {
  return hn::Sub(hn::IfThenElseZero(hn::Gt(a, b), magnitude), hn::IfThenElseZero(hn::Lt(a, b), magnitude));
}
struct L1Gradient {
  static constexpr int kInputs = 2;
  HWY_INLINE V operator()(V a, V b, V, V p, V) const { return Sign(a, b, p); }
};
struct L1GradientWeighted {
  static constexpr int kInputs = 3;
  HWY_INLINE V operator()(V a, V b, V c, V p, V) const { return Sign(a, b, hn::Mul(p, c)); }
};
struct L2Gradient {
  static constexpr int kInputs = 2;
  HWY_INLINE V operator()(V a, V b, V, V p, V) const { return hn::Mul(p, hn::Sub(a, b)); }
};
struct L2GradientWeighted {
  static constexpr int kInputs = 3;
  HWY_INLINE V operator()(V a, V b, V c, V p, V) const { return hn::Mul(hn::Mul(p, c), hn::Sub(a, b)); }
};

// The slope of the smooth distance, q = 1 / beta: d / beta, and beyond one its sign.
HWY_INLINE V SmoothSlope(V a, V b, V q) {
  const V one = hn::Set(D(), 1.0F);
  const V x = hn::Mul(hn::Sub(a, b), q);
  const V low = hn::IfThenElse(hn::Gt(x, one), one, x);
  return hn::IfThenElse(hn::Lt(low, hn::Neg(one)), hn::Neg(one), low);  // NaN stays NaN
}
struct SmoothL1Gradient {
  static constexpr int kInputs = 2;
  HWY_INLINE V operator()(V a, V b, V, V p, V q) const { return hn::Mul(p, SmoothSlope(a, b, q)); }
};
struct SmoothL1GradientWeighted {
  static constexpr int kInputs = 3;
  HWY_INLINE V operator()(V a, V b, V c, V p, V q) const { return hn::Mul(hn::Mul(p, c), SmoothSlope(a, b, q)); }
};

template <class F>
HWY_INLINE void Loop(const F f, const float* a, const float* b, const float* c, V p, V q, float* y, std::int64_t n) {
  const D d;
  const V zero = hn::Zero(d);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const V vb = F::kInputs > 1 ? hn::LoadU(d, b + i) : zero;
    const V vc = F::kInputs > 2 ? hn::LoadU(d, c + i) : zero;
    hn::StoreU(f(hn::LoadU(d, a + i), vb, vc, p, q), d, y + i);
  }
  if (i == n) return;
  // The tail goes through a full vector too, so that every element is computed in the same way.
  HWY_ALIGN float ta[kLanes] = {};
  HWY_ALIGN float tb[kLanes] = {};
  HWY_ALIGN float tc[kLanes] = {};
  for (std::int64_t k = i; k < n; ++k) {
    ta[k - i] = a[k];
    if (F::kInputs > 1) tb[k - i] = b[k];
    if (F::kInputs > 2) tc[k - i] = c[k];
  }
  hn::StoreU(f(hn::LoadU(d, ta), hn::LoadU(d, tb), hn::LoadU(d, tc), p, q), d, ta);
  for (std::int64_t k = i; k < n; ++k) y[k] = ta[k - i];
}

void MapAll(Map kind, const float* a, const float* b, const float* c, float p_value, float q_value, float* y, std::int64_t n) {
  const V p = hn::Set(D(), p_value);
  const V q = hn::Set(D(), q_value);
  switch (kind) {
    case Map::relu:
      return Loop(Relu(), a, b, c, p, q, y, n);
    case Map::relu_gradient:
      return Loop(ReluGradient(), a, b, c, p, q, y, n);
    case Map::sigmoid:
      return Loop(Sigmoid(), a, b, c, p, q, y, n);
    case Map::sigmoid_gradient:
      return Loop(SigmoidGradient(), a, b, c, p, q, y, n);
    case Map::leaky_relu_gradient:
      return Loop(LeakyReluGradient(), a, b, c, p, q, y, n);
    case Map::silu:
      return Loop(Silu(), a, b, c, p, q, y, n);
    case Map::silu_gradient:
      return Loop(SiluGradient(), a, b, c, p, q, y, n);
    case Map::tanh:
      return Loop(Tanh(), a, b, c, p, q, y, n);
    case Map::tanh_gradient:
      return Loop(TanhGradient(), a, b, c, p, q, y, n);
    case Map::subtract:
      return Loop(Subtract(), a, b, c, p, q, y, n);
    case Map::multiply:
      return Loop(Multiply(), a, b, c, p, q, y, n);
    case Map::divide:
      return Loop(Divide(), a, b, c, p, q, y, n);
    case Map::add:
      return Loop(Add(), a, b, c, p, q, y, n);
    case Map::add_relu:
      return Loop(AddRelu(), a, b, c, p, q, y, n);
    case Map::scale_shift:
      return Loop(ScaleShift(), a, b, c, p, q, y, n);
    case Map::multiply_add:
      return Loop(MultiplyAdd(), a, b, c, p, q, y, n);
    case Map::l1_gradient:
      return c != nullptr ? Loop(L1GradientWeighted(), a, b, c, p, q, y, n) : Loop(L1Gradient(), a, b, c, p, q, y, n);
    case Map::l2_gradient:
      return c != nullptr ? Loop(L2GradientWeighted(), a, b, c, p, q, y, n) : Loop(L2Gradient(), a, b, c, p, q, y, n);
    case Map::smooth_l1_gradient:
      return c != nullptr ? Loop(SmoothL1GradientWeighted(), a, b, c, p, q, y, n) : Loop(SmoothL1Gradient(), a, b, c, p, q, y, n);
  }
}

constexpr std::int64_t kSums = 64;
constexpr std::int64_t kVectors = kSums / kLanes;

struct AbsoluteDifference {
  HWY_INLINE V operator()(V a, V b, V) const { return hn::AbsDiff(a, b); }
};
struct SquaredDifference {
  HWY_INLINE V operator()(V a, V b, V) const {
    const V difference = hn::Sub(a, b);
    return hn::Mul(difference, difference);
  }
};
struct SmoothDifference {  // p: beta. |d| (|d| / 2) / beta, beyond beta |d| - beta / 2
  HWY_INLINE V operator()(V a, V b, V p) const {
    const V size = hn::AbsDiff(a, b);
    const V half = hn::Set(D(), 0.5F);
    return hn::IfThenElse(hn::Lt(size, p), hn::Div(hn::Mul(hn::Mul(size, size), half), p), hn::Sub(size, hn::Mul(half, p)));
  }
};
struct Product {
  HWY_INLINE V operator()(V a, V b, V) const { return hn::Mul(a, b); }
};

template <class F>
HWY_INLINE double SumLoop(const F f, const float* a, const float* b, const float* w, float p_value, std::int64_t n) {
  const D d;
  const V p = hn::Set(d, p_value);
  V sums[kVectors];
#pragma GCC unroll 16
  for (std::int64_t v = 0; v < kVectors; ++v) sums[v] = hn::Zero(d);
  HWY_ALIGN float tail[3 * kSums] = {};
  for (std::int64_t i = 0; i < n; i += kSums) {
    const float* pa = a + i;
    const float* pb = b + i;
    const float* pw = w != nullptr ? w + i : nullptr;
    if (n - i < kSums) {  // zeros behind the end
      for (std::int64_t k = i; k < n; ++k) {
        tail[k - i] = a[k];
        tail[kSums + k - i] = b[k];
        if (w != nullptr) tail[2 * kSums + k - i] = w[k];
      }
      pa = tail;
      pb = tail + kSums;
      if (w != nullptr) pw = tail + 2 * kSums;
    }
#pragma GCC unroll 16
    for (std::int64_t v = 0; v < kVectors; ++v) {
      const V va = hn::LoadU(d, pa + v * kLanes);
      const V vb = hn::LoadU(d, pb + v * kLanes);
      const V term = f(va, vb, p);
      sums[v] = hn::Add(sums[v], pw != nullptr ? hn::Mul(term, hn::LoadU(d, pw + v * kLanes)) : term);
    }
  }
  for (std::int64_t v = 0; v < kVectors; ++v) hn::StoreU(sums[v], d, tail + v * kLanes);
  double total[4] = {0.0, 0.0, 0.0, 0.0};
  for (std::int64_t k = 0; k < kSums; k += 4) {
    for (std::int64_t j = 0; j < 4; ++j) total[j] += static_cast<double>(tail[k + j]);
  }
  return (total[0] + total[1]) + (total[2] + total[3]);
}

double SumAll(Sum kind, const float* a, const float* b, const float* w, float p, std::int64_t n) {
  switch (kind) {
    case Sum::absolute_difference:
      return SumLoop(AbsoluteDifference(), a, b, w, p, n);
    case Sum::squared_difference:
      return SumLoop(SquaredDifference(), a, b, w, p, n);
    case Sum::smooth_difference:
      return SumLoop(SmoothDifference(), a, b, w, p, n);
    case Sum::product:
      return SumLoop(Product(), a, b, w, p, n);
  }
  return 0.0;
}

}  // namespace likeness::kernels::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace likeness::kernels::simd {

HWY_EXPORT(MapAll);
HWY_EXPORT(SumAll);

void map(Map kind, const float* a, const float* b, const float* c, float p, float q, float* y, std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(MapAll)(kind, a, b, c, p, q, y, n);
}

double sum(Sum kind, const float* a, const float* b, const float* w, float p, std::int64_t n) {
  return HWY_DYNAMIC_DISPATCH(SumAll)(kind, a, b, w, p, n);
}

}  // namespace likeness::kernels::simd
#endif
