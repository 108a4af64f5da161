// Activations, sums and matrix-vector products as the formulas say them, on any number type.
#pragma once

#include <cmath>
#include <cstdint>

namespace likeness::kernels::reference {

/// y = max(0, x); NaN stays NaN.
template <class T>
void relu(const T* x, T* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = x[i] < T(0) ? T(0) : x[i];
}

/// dx = dy where y > 0, else 0 (y: the output of relu; its sign is that of the input).
template <class T>
void relu_gradient(const T* y, const T* dy, T* dx, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) dx[i] = y[i] > T(0) ? dy[i] : T(0);
}

/// y = 1 / (1 + exp(-x))
template <class T>
void sigmoid(const T* x, T* y, std::int64_t n) {
  using std::exp;
  for (std::int64_t i = 0; i < n; ++i) y[i] = T(1) / (T(1) + exp(-x[i]));
}

/// dx = dy y (1 - y)
template <class T>
void sigmoid_gradient(const T* y, const T* dy, T* dx, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) dx[i] = dy[i] * y[i] * (T(1) - y[i]);
}

/// y = a + b
template <class T>
void add(const T* a, const T* b, T* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = a[i] + b[i];
}

/// y = max(0, a + b)
template <class T>
void add_relu(const T* a, const T* b, T* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    const T sum = a[i] + b[i];
    y[i] = sum < T(0) ? T(0) : sum;
  }
}

/// y = scale x + shift
template <class T>
void scale_shift(const T* x, T scale, T shift, T* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = scale * x[i] + shift;
}

/// sum w |a - b|; w [n], or nullptr for ones.
template <class T>
T l1_sum(const T* a, const T* b, const T* w, std::int64_t n) {
  T sum(0);
  for (std::int64_t i = 0; i < n; ++i) {
    const T d = a[i] - b[i];
    sum += (d < T(0) ? -d : d) * (w != nullptr ? w[i] : T(1));
  }
  return sum;
}

/// da = scale w sign(a - b), 0 where a = b.
template <class T>
void l1_gradient(const T* a, const T* b, const T* w, T scale, T* da, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    const T s = w != nullptr ? scale * w[i] : scale;
    da[i] = a[i] > b[i] ? s : a[i] < b[i] ? -s : T(0);
  }
}

/// sum w (a - b)^2
template <class T>
T l2_sum(const T* a, const T* b, const T* w, std::int64_t n) {
  T sum(0);
  for (std::int64_t i = 0; i < n; ++i) {
    const T d = a[i] - b[i];
    sum += d * d * (w != nullptr ? w[i] : T(1));
  }
  return sum;
}

/// da = scale w (a - b)
template <class T>
void l2_gradient(const T* a, const T* b, const T* w, T scale, T* da, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) da[i] = (w != nullptr ? scale * w[i] : scale) * (a[i] - b[i]);
}

/// y[o] = bias[o] + sum_i x[i] w[i, o]; w [inputs, outputs], bias [outputs] or nullptr.
template <class T>
void matvec(const T* w, const T* bias, const T* x, std::int64_t inputs, std::int64_t outputs, T* y) {
  for (std::int64_t o = 0; o < outputs; ++o) y[o] = bias != nullptr ? bias[o] : T(0);
  for (std::int64_t i = 0; i < inputs; ++i) {
    for (std::int64_t o = 0; o < outputs; ++o) y[o] += x[i] * w[i * outputs + o];
  }
}

/// dx[i] = sum_o w[i, o] dy[o]
template <class T>
void matvec_transposed(const T* w, const T* dy, std::int64_t inputs, std::int64_t outputs, T* dx) {
  for (std::int64_t i = 0; i < inputs; ++i) {
    T sum(0);
    for (std::int64_t o = 0; o < outputs; ++o) sum += w[i * outputs + o] * dy[o];
    dx[i] = sum;
  }
}

}  // namespace likeness::kernels::reference
