// Per-channel maps and normalisation: forward and gradient side by side. Formulas: likeness/autodiff.hpp.
#include <algorithm>
#include <cmath>

#include "autodiff/operation.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/group_norm.hpp"

namespace likeness {
namespace {

// y[n, c] = scale(c) x[n, c] + shift(c).
template <class T, class Scale, class Shift>
void map_channels(const Planes& p, const T* x, Scale scale, Shift shift, T* y) {
  for (std::int64_t k = 0; k < p.count(); ++k) {
    kernels::scale_shift(x + k * p.plane, scale(k % p.channels), shift(k % p.channels), y + k * p.plane, p.plane);
  }
}

// sum[c] = sum over the places of channel c of term(index, c).
template <class T, class Term>
void sum_channels(const Planes& p, Term term, T* sum) {
  std::fill_n(sum, p.channels, T(0));
  for (std::int64_t i = 0; i < p.count() * p.plane; ++i) {
    const std::int64_t c = i / p.plane % p.channels;
    sum[c] += term(i, c);
  }
}

}  // namespace

template <class T>
Var<T> affine(Var<T> x, Var<T> scale, Var<T> shift) {
  Op<T> op("affine", {x, scale, shift});
  if (!op.ok()) return op.failed();
  const Shape shape = x.shape();
  if (shape.rank() != 4) return op.fail("x is [N, C, H, W], not " + shape.text());
  const Shape channels({shape[1]});
  if (scale.shape() != channels || shift.shape() != channels) {
    return op.fail("scale and shift are " + channels.text() + ", not " + scale.shape().text() + " and " + shift.shape().text());
  }
  return op.record(
      {.shape = shape, .reads_inputs = true},
      [p = Planes(shape)](Forward<T>& f) {
        map_channels(
            p, f.x(0), [&](std::int64_t c) { return f.x(1)[c]; }, [&](std::int64_t c) { return f.x(2)[c]; }, f.y());
      },
      [p = Planes(shape)](Backward<T>& b) {
        const T* dy = b.dy();
        b.into(0, [&](T* dx) {
          map_channels(
              p, dy, [&](std::int64_t c) { return b.x(1)[c]; }, [](std::int64_t) { return T(0); }, dx);
        });
        b.into(1, [&](T* ds) {
          sum_channels(
              p, [&](std::int64_t i, std::int64_t) { return b.x(0)[i] * dy[i]; }, ds);
        });
        b.into(2, [&](T* dt) {
          sum_channels(
              p, [&](std::int64_t i, std::int64_t) { return dy[i]; }, dt);
        });
      });
}

template <class T>
Var<T> batch_norm(Var<T> x, Var<T> weight, Var<T> bias, Var<T> mean, Var<T> variance, double epsilon) {
  Op<T> op("batch_norm", {x, weight, bias, mean, variance});
  if (!op.ok()) return op.failed();
  const Shape shape = x.shape();
  if (shape.rank() != 4) return op.fail("x is [N, C, H, W], not " + shape.text());
  const Shape channels({shape[1]});
  for (const Var<T>& v : {weight, bias, mean, variance}) {
    if (v.shape() != channels) return op.fail("weight, bias, mean and variance are " + channels.text() + ", not " + v.shape().text());
  }
  if (op.wants_gradient(mean) || op.wants_gradient(variance)) return op.fail("mean and variance are frozen; pass them as constants");
  const auto inverse = [](const T* v, std::int64_t c, double e) {
    using std::sqrt;
    return T(1) / sqrt(v[c] + static_cast<T>(e));
  };
  return op.record(
      {.shape = shape, .reads_inputs = true, .pattern = Pattern::batch_norm, .epsilon = epsilon},
      [=, p = Planes(shape)](Forward<T>& f) {
        const auto scale = [&](std::int64_t c) { return f.x(1)[c] * inverse(f.x(4), c, epsilon); };
        map_channels(
            p, f.x(0), scale, [&](std::int64_t c) { return f.x(2)[c] - f.x(3)[c] * scale(c); }, f.y());
      },
      [=, p = Planes(shape)](Backward<T>& b) {
        const T* dy = b.dy();
        b.into(0, [&](T* dx) {
          map_channels(
              p, dy, [&](std::int64_t c) { return b.x(1)[c] * inverse(b.x(4), c, epsilon); }, [](std::int64_t) { return T(0); }, dx);
        });
        b.into(1, [&](T* dw) {
          sum_channels(
              p, [&](std::int64_t i, std::int64_t c) { return (b.x(0)[i] - b.x(3)[c]) * inverse(b.x(4), c, epsilon) * dy[i]; }, dw);
        });
        b.into(2, [&](T* db) {
          sum_channels(
              p, [&](std::int64_t i, std::int64_t) { return dy[i]; }, db);
        });
      });
}

template <class T>
Var<T> group_norm(Var<T> x, int groups, Var<T> weight, Var<T> bias, double epsilon) {
  Op<T> op("group_norm", {x}, {weight, bias});
  if (!op.ok()) return op.failed();
  const Shape shape = x.shape();
  if (shape.rank() != 4) return op.fail("x is [N, C, H, W], not " + shape.text());
  if (groups < 1 || shape[1] % groups != 0) {
    return op.fail(std::to_string(groups) + " groups do not divide the channels of " + shape.text());
  }
  const Shape channels({shape[1]});
  for (const Var<T>& v : {weight, bias}) {
    if (v.valid() && v.shape() != channels) return op.fail("weight and bias are " + channels.text() + ", not " + v.shape().text());
  }
  const kernels::GroupNormShape s{shape[0], shape[1], shape[2] * shape[3], groups, epsilon};
  return op.record(
      {.shape = shape, .reads_inputs = true, .flops = 8.0 * static_cast<double>(shape.size())},
      [s](Forward<T>& f) { kernels::group_norm(s, f.x(0), f.x(1), f.x(2), f.y()); },
      [s](Backward<T>& b) {
        T* const none = nullptr;
        b.into(0, [&](T* dx) { kernels::group_norm_gradient(s, b.x(0), b.x(1), b.dy(), dx, none, none); });
        b.into(1, [&](T* dweight) { kernels::group_norm_gradient(s, b.x(0), b.x(1), b.dy(), none, dweight, none); });
        b.into(2, [&](T* dbias) { kernels::group_norm_gradient(s, b.x(0), b.x(1), b.dy(), none, none, dbias); });
      });
}

#define LIKENESS_INSTANTIATE(T)                                               \
  template Var<T> affine(Var<T>, Var<T>, Var<T>);                             \
  template Var<T> batch_norm(Var<T>, Var<T>, Var<T>, Var<T>, Var<T>, double); \
  template Var<T> group_norm(Var<T>, int, Var<T>, Var<T>, double);
LIKENESS_FOR_EACH_NUMBER(LIKENESS_INSTANTIATE)

}  // namespace likeness
