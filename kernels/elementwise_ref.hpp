// Activations and arithmetic as the formulas say them, on any number type. Sums and distances: distance_ref.hpp.
//
// Kinks branch on the real part (number.hpp). Gradients of kinks take the side from an array of any number type M: the values
// themselves, or those of another run whose sides are to be reused.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/number.hpp"

namespace likeness::kernels::reference {

/// y = max(0, x); NaN stays NaN.
template <class T>
void relu(const T* x, T* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = real_part(x[i]) < 0 ? T(0) : x[i];
}

/// y = x where the side is positive, else 0: relu with the sides of another run, and relu's gradient.
/// As gradient: dx = dy where y > 0, else 0 (y: the output of relu; its sign is that of the input).
template <class M, class T>
void relu_gradient(const M* y, const T* dy, T* dx, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) dx[i] = real_part(y[i]) > 0 ? dy[i] : T(0);
}

/// y = x where x > 0, else slope x
template <class T>
void leaky_relu(const T* x, double slope, T* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = real_part(x[i]) > 0 ? x[i] : T(slope) * x[i];
}

/// dx = dy where x > 0, else slope dy; x: the input, or with slope >= 0 the output, whose sign is the same. Also the forward
/// step with the sides of another run.
template <class M, class T>
void leaky_relu_gradient(const M* x, const T* dy, double slope, T* dx, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) dx[i] = real_part(x[i]) > 0 ? dy[i] : T(slope) * dy[i];
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

/// y = x / (1 + exp(-x)) (SiLU)
template <class T>
void silu(const T* x, T* y, std::int64_t n) {
  using std::exp;
  for (std::int64_t i = 0; i < n; ++i) y[i] = x[i] / (T(1) + exp(-x[i]));
}

/// dx = dy s (1 + x (1 - s)), s = 1 / (1 + exp(-x)); x: the input.
template <class T>
void silu_gradient(const T* x, const T* dy, T* dx, std::int64_t n) {
  using std::exp;
  for (std::int64_t i = 0; i < n; ++i) {
    const T s = T(1) / (T(1) + exp(-x[i]));
    dx[i] = dy[i] * s * (T(1) + x[i] * (T(1) - s));
  }
}

template <class T>
void tanh(const T* x, T* y, std::int64_t n) {
  using std::tanh;
  for (std::int64_t i = 0; i < n; ++i) y[i] = tanh(x[i]);
}

/// dx = dy (1 - y^2)
template <class T>
void tanh_gradient(const T* y, const T* dy, T* dx, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) dx[i] = dy[i] * (T(1) - y[i] * y[i]);
}

/// y = a + b
template <class T>
void add(const T* a, const T* b, T* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = a[i] + b[i];
}

/// y = a - b
template <class T>
void subtract(const T* a, const T* b, T* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = a[i] - b[i];
}

/// y = a b
template <class T>
void multiply(const T* a, const T* b, T* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = a[i] * b[i];
}

/// y = a / b
template <class T>
void divide(const T* a, const T* b, T* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = a[i] / b[i];
}

/// y = max(0, a + b)
template <class T>
void add_relu(const T* a, const T* b, T* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    const T sum = a[i] + b[i];
    y[i] = real_part(sum) < 0 ? T(0) : sum;
  }
}

/// y = scale x + shift
template <class T>
void scale_shift(const T* x, T scale, T shift, T* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = scale * x[i] + shift;
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
