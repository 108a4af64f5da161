#include "kernels/pool_simd.hpp"

#include <limits>

#include "kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pool_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace likeness::kernels::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Wide = hn::CappedTag<float, 16>;
using Single = hn::CappedTag<float, 1>;
template <class D>
using Places = hn::RebindToSigned<D>;
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(Wide()));

// How the windows of a vector lie: next to each other, two columns apart (of at least two columns each), or any distance apart.
enum class Step { one, two, any };

// The winners of windows side by side, one in each lane, as reference::window_max() picks them. It starts below every number at
// the window's first place, which is the winner where all are -inf; every value is then offered in row-major order without a branch:
// which one wins is noise that no predictor learns.
template <class D, bool kPlaces>
struct Winners {
  using V = hn::Vec<D>;
  using P = hn::Vec<Places<D>>;
  V value;
  P place;

  HWY_INLINE Winners() {}  // written out: GCC compiles an implicit one without the target's attributes, which NEON does not allow

  HWY_INLINE void Offer(V v, P at) {
    const auto wins = hn::Or(hn::Gt(v, value), hn::IsNaN(v));
    value = hn::IfThenElse(wins, v, value);
    if constexpr (kPlaces) place = hn::IfThenElse(hn::RebindMask(Places<D>(), wins), at, place);
  }

  // `corner`: the first window's first number, `first`: that place of each window; `apart`: 0, 1, 2 ... times the stride.
  template <Step kStep>
  HWY_INLINE void Find(const float* corner, std::int64_t rows, std::int64_t columns, std::int64_t width, P first, P apart) {
    const D d;
    const Places<D> dp;
    const P one = hn::Set(dp, 1);
    const P down = hn::Set(dp, static_cast<std::int32_t>(width));
    value = hn::Set(d, -std::numeric_limits<float>::infinity());
    place = first;
    for (std::int64_t r = 0; r < rows; ++r, corner += width, first = hn::Add(first, down)) {
      P at = first;
      std::int64_t c = 0;
      if constexpr (kStep == Step::two) {
        V even;
        V odd;
        for (; c + 2 <= columns; c += 2) {
          hn::LoadInterleaved2(d, corner + c, even, odd);
          Offer(even, at);
          at = hn::Add(at, one);
          Offer(odd, at);
          at = hn::Add(at, one);
        }
        if (c < columns) {  // from one column before: nothing behind the last window is read
          hn::LoadInterleaved2(d, corner + c - 1, even, odd);
          Offer(odd, at);
        }
      } else {
        for (; c < columns; ++c, at = hn::Add(at, one)) {
          Offer(kStep == Step::one ? hn::LoadU(d, corner + c) : hn::GatherIndex(d, corner + c, apart), at);
        }
      }
    }
  }
};

// What becomes of the winners of the outputs from o on in a plane.
struct KeepValues {
  static constexpr bool kPlaces = false;
  const float* x;
  float* y;
  HWY_INLINE void One(std::int64_t o, std::int64_t place) const { y[o] = x[place]; }
  HWY_INLINE void Many(std::int64_t o, std::int64_t /*skip*/, const Winners<Wide, kPlaces>& w) const { hn::StoreU(w.value, Wide(), y + o); }
};

template <class Use>
HWY_INLINE void OneByOne(const Use& use, std::int64_t o, std::int64_t skip, const Winners<Wide, true>& w) {
  HWY_ALIGN std::int32_t places[kLanes];
  hn::Store(w.place, Places<Wide>(), places);
  for (std::int64_t l = skip; l < kLanes; ++l) use.One(o + l, places[l]);
}

struct Take {
  static constexpr bool kPlaces = true;
  const float* x;
  float* y;
  HWY_INLINE void One(std::int64_t o, std::int64_t place) const { y[o] = x[place]; }
  HWY_INLINE void Many(std::int64_t o, std::int64_t skip, const Winners<Wide, kPlaces>& w) const { OneByOne(*this, o, skip, w); }
};

struct Give {
  static constexpr bool kPlaces = true;
  const float* dy;
  float* dx;
  HWY_INLINE void One(std::int64_t o, std::int64_t place) const { dx[place] += dy[o]; }
  HWY_INLINE void Many(std::int64_t o, std::int64_t skip, const Winners<Wide, kPlaces>& w) const { OneByOne(*this, o, skip, w); }
};

// In a long window new winners are rare and foreseen; then branches beat the chain of selections.
constexpr std::int64_t kLongWindow = 64;

std::int64_t Winner(const PoolShape& s, const float* by, std::int64_t i, std::int64_t j) {
  const std::int64_t r = s.rows.begin(i);
  const std::int64_t c = s.columns.begin(j);
  const std::int64_t rows = s.rows.end(i) - r;
  const std::int64_t columns = s.columns.end(j) - c;
  if (rows * columns >= kLongWindow) return reference::window_max(s, by, i, j);
  const std::int64_t place = r * s.columns.size + c;
  const auto first = hn::Set(Places<Single>(), static_cast<std::int32_t>(place));
  Winners<Single, true> w;
  w.Find<Step::one>(by + place, rows, columns, s.columns.size, first, first);
  return hn::GetLane(w.place);
}

// The outputs [begin, end) of a row have whole windows, a stride apart: vectors of them. The others go one by one. Outputs come in
// ascending order and each once: sums of gradients are made in the reference's order.
template <Step kStep, class Use>
void Plane(const PoolShape& s, std::int64_t begin, std::int64_t end, const float* by, const Use& use) {
  const Places<Wide> dp;
  const PoolAxis& across = s.columns;
  const auto apart = hn::Mul(hn::Iota(dp, 0), hn::Set(dp, static_cast<std::int32_t>(across.stride)));
  for (std::int64_t i = 0; i < s.rows.outputs; ++i) {
    const std::int64_t o = i * across.outputs;
    for (std::int64_t j = 0; j < begin; ++j) use.One(o + j, Winner(s, by, i, j));
    const std::int64_t r = s.rows.begin(i);
    const std::int64_t rows = s.rows.end(i) - r;
    for (std::int64_t j = begin; j < end; j += kLanes) {
      const std::int64_t first = std::min(j, end - kLanes);  // the last vector meets the one before it
      const std::int64_t place = r * across.size + first * across.stride - across.padding;
      Winners<Wide, Use::kPlaces> w;
      const auto places = hn::Add(apart, hn::Set(dp, static_cast<std::int32_t>(place)));
      w.template Find<kStep>(by + place, rows, across.kernel, across.size, places, apart);
      use.Many(o + first, j - first, w);
    }
    for (std::int64_t j = end; j < across.outputs; ++j) use.One(o + j, Winner(s, by, i, j));
  }
}

template <class Use>
HWY_INLINE void PlaneOf(PoolShape s, const float* by, const Use& use) {
  PoolAxis& across = s.columns;
  if (across.kernel == 0 && across.size % across.outputs == 0) {
    across = PoolAxis::window(across.size, across.size / across.outputs, across.size / across.outputs, 0);
  }
  std::int64_t begin = across.outputs;
  std::int64_t end = across.outputs;
  if (across.kernel > 0 && across.size + across.padding >= across.kernel) {
    begin = (across.padding + across.stride - 1) / across.stride;
    end = std::min(across.outputs, (across.size + across.padding - across.kernel) / across.stride + 1);
    if (end - begin < kLanes) begin = end = across.outputs;
  }
  if (across.stride == 1) return Plane<Step::one>(s, begin, end, by, use);
  if (across.stride == 2 && across.kernel >= 2) return Plane<Step::two>(s, begin, end, by, use);
  return Plane<Step::any>(s, begin, end, by, use);
}

void MaxPool(const PoolShape& s, const float* x, const float* by, float* y) {
  for (std::int64_t p = 0; p < s.planes; ++p, x += s.x_plane(), by += s.x_plane(), y += s.y_plane()) {
    if (x == by) {
      PlaneOf(s, by, KeepValues{x, y});
    } else {
      PlaneOf(s, by, Take{x, y});
    }
  }
}

void MaxPoolGradient(const PoolShape& s, const float* by, const float* dy, float* dx) {
  for (std::int64_t p = 0; p < s.planes; ++p, by += s.x_plane(), dy += s.y_plane(), dx += s.x_plane()) {
    std::fill_n(dx, s.x_plane(), 0.0F);
    PlaneOf(s, by, Give{dy, dx});
  }
}

}  // namespace likeness::kernels::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace likeness::kernels::simd {

HWY_EXPORT(MaxPool);
HWY_EXPORT(MaxPoolGradient);

void max_pool(const PoolShape& s, const float* x, const float* by, float* y) { HWY_DYNAMIC_DISPATCH(MaxPool)(s, x, by, y); }

void max_pool_gradient(const PoolShape& s, const float* by, const float* dy, float* dx) {
  HWY_DYNAMIC_DISPATCH(MaxPoolGradient)(s, by, dy, dx);
}

}  // namespace likeness::kernels::simd
#endif
