// Activations, sums, per-channel maps: forward and gradient side by side. Formulas: likeness/autodiff.hpp.
#include <cmath>

#include "autodiff/tape_state.hpp"
#include "kernels/elementwise.hpp"

namespace likeness {

template <class T>
Var<T> relu(Var<T> x) {
  Op<T> op("relu", {x});
  if (!op.ok()) return op.failed();
  T* y = op.output(x.shape());
  kernels::relu(op.value(x), y, op.size());
  return op.done([x, y, n = op.size()](Backward<T>& b) {
    b.into(x, [&](T* dx) { kernels::relu_gradient(static_cast<const T*>(y), b.dy(), dx, n); });
  });
}

template <class T>
Var<T> sigmoid(Var<T> x) {
  Op<T> op("sigmoid", {x});
  if (!op.ok()) return op.failed();
  T* y = op.output(x.shape());
  kernels::sigmoid(op.value(x), y, op.size());
  return op.done([x, y, n = op.size()](Backward<T>& b) {
    b.into(x, [&](T* dx) { kernels::sigmoid_gradient(static_cast<const T*>(y), b.dy(), dx, n); });
  });
}

template <class T>
Var<T> add(Var<T> a, Var<T> b) {
  Op<T> op("add", {a, b});
  if (!op.ok()) return op.failed();
  if (a.shape() != b.shape()) return op.fail("shapes " + a.shape().text() + " and " + b.shape().text() + " differ");
  T* y = op.output(a.shape());
  kernels::add(op.value(a), op.value(b), y, op.size());
  return op.done([a, b, n = op.size()](Backward<T>& back) {
    for (const Var<T>& x : {a, b}) {
      back.into(x, [&](T* dx) { std::copy_n(back.dy(), n, dx); });
    }
  });
}

template <class T>
Var<T> add_relu(Var<T> a, Var<T> b) {
  Op<T> op("add_relu", {a, b});
  if (!op.ok()) return op.failed();
  if (a.shape() != b.shape()) return op.fail("shapes " + a.shape().text() + " and " + b.shape().text() + " differ");
  T* y = op.output(a.shape());
  kernels::add_relu(op.value(a), op.value(b), y, op.size());
  return op.done([a, b, y, n = op.size()](Backward<T>& back) {
    for (const Var<T>& x : {a, b}) {
      back.into(x, [&](T* dx) { kernels::relu_gradient(static_cast<const T*>(y), back.dy(), dx, n); });
    }
  });
}

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
  const Planes p(shape);
  const T* from = op.value(x);
  const T* s = op.value(scale);
  const T* t = op.value(shift);
  T* y = op.output(shape);
  for (std::int64_t k = 0; k < p.count(); ++k) {
    kernels::scale_shift(from + k * p.plane, s[k % p.channels], t[k % p.channels], y + k * p.plane, p.plane);
  }
  return op.done([x, scale, shift, from, s, p](Backward<T>& b) {
    const T* dy = b.dy();
    b.into(x, [&](T* dx) {
      for (std::int64_t k = 0; k < p.count(); ++k) {
        kernels::scale_shift(dy + k * p.plane, s[k % p.channels], T(0), dx + k * p.plane, p.plane);
      }
    });
    b.into(scale, [&](T* ds) {
      std::fill_n(ds, p.channels, T(0));
      for (std::int64_t i = 0; i < p.count() * p.plane; ++i) ds[i / p.plane % p.channels] += from[i] * dy[i];
    });
    b.into(shift, [&](T* dt) {
      std::fill_n(dt, p.channels, T(0));
      for (std::int64_t i = 0; i < p.count() * p.plane; ++i) dt[i / p.plane % p.channels] += dy[i];
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
  for (const Var<T>& v : {mean, variance}) {
    if (TapeAccess<T>::node(v).wants_gradient) return op.fail("mean and variance are frozen; pass them as constants");
  }
  const Planes p(shape);
  const T* from = op.value(x);
  const T* gamma = op.value(weight);
  const T* beta = op.value(bias);
  const T* m = op.value(mean);
  const T* v = op.value(variance);
  const auto inverse = [v, epsilon](std::int64_t c) { return T(1) / std::sqrt(v[c] + static_cast<T>(epsilon)); };
  T* y = op.output(shape);
  for (std::int64_t k = 0; k < p.count(); ++k) {
    const std::int64_t c = k % p.channels;
    const T scale = gamma[c] * inverse(c);
    kernels::scale_shift(from + k * p.plane, scale, beta[c] - m[c] * scale, y + k * p.plane, p.plane);
  }
  return op.done([x, weight, bias, from, gamma, m, inverse, p](Backward<T>& b) {
    const T* dy = b.dy();
    b.into(x, [&](T* dx) {
      for (std::int64_t k = 0; k < p.count(); ++k) {
        const std::int64_t c = k % p.channels;
        kernels::scale_shift(dy + k * p.plane, gamma[c] * inverse(c), T(0), dx + k * p.plane, p.plane);
      }
    });
    b.into(weight, [&](T* dw) {
      std::fill_n(dw, p.channels, T(0));
      for (std::int64_t i = 0; i < p.count() * p.plane; ++i) {
        const std::int64_t c = i / p.plane % p.channels;
        dw[c] += (from[i] - m[c]) * inverse(c) * dy[i];
      }
    });
    b.into(bias, [&](T* db) {
      std::fill_n(db, p.channels, T(0));
      for (std::int64_t i = 0; i < p.count() * p.plane; ++i) db[i / p.plane % p.channels] += dy[i];
    });
  });
}

#define LIKENESS_INSTANTIATE(T)                   \
  template Var<T> relu(Var<T>);                   \
  template Var<T> sigmoid(Var<T>);                \
  template Var<T> add(Var<T>, Var<T>);            \
  template Var<T> add_relu(Var<T>, Var<T>);       \
  template Var<T> affine(Var<T>, Var<T>, Var<T>); \
  template Var<T> batch_norm(Var<T>, Var<T>, Var<T>, Var<T>, Var<T>, double);
LIKENESS_INSTANTIATE(float)
LIKENESS_INSTANTIATE(double)

}  // namespace likeness
