// Weighted distances of two arrays as the formulas say them, on any number type. d = a - b; w [n], or nullptr for ones.
//
// Where |d| or a case depends on the sign or size of d, it is taken from the arrays by_a and by_b: a and b themselves, or those
// of another run (of any number type M) whose signs are to be reused.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/number.hpp"

namespace likeness::kernels::reference {

/// sum a b
template <class T>
T dot(const T* a, const T* b, std::int64_t n) {
  T sum(0);
  for (std::int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

/// sum w |d|
template <class M, class T>
T l1_sum(const T* a, const T* b, const std::type_identity_t<T>* w, const M* by_a, const M* by_b, std::int64_t n) {
  T sum(0);
  for (std::int64_t i = 0; i < n; ++i) {
    const auto side_a = real_part(by_a[i]);
    const auto side_b = real_part(by_b[i]);
    // NaN is on no side and goes through as it is.
    const T size = T(side_a < side_b ? -1.0 : side_a == side_b ? 0.0 : 1.0) * (a[i] - b[i]);
    sum += w != nullptr ? w[i] * size : size;
  }
  return sum;
}
template <class T>
T l1_sum(const T* a, const T* b, const std::type_identity_t<T>* w, std::int64_t n) {
  return l1_sum(a, b, w, a, b, n);
}

/// da = scale w sign(d), 0 where d = 0. The values are not needed beyond their signs: by_a and by_b stand for them.
template <class M, class T>
void l1_gradient(const M* by_a, const M* by_b, const std::type_identity_t<T>* w, T scale, T* da, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    const T s = w != nullptr ? scale * w[i] : scale;
    const auto side_a = real_part(by_a[i]);
    const auto side_b = real_part(by_b[i]);
    da[i] = side_a > side_b ? s : side_a < side_b ? -s : T(0);
  }
}

/// sum w d^2
template <class T>
T l2_sum(const T* a, const T* b, const std::type_identity_t<T>* w, std::int64_t n) {
  T sum(0);
  for (std::int64_t i = 0; i < n; ++i) {
    const T d = a[i] - b[i];
    sum += d * d * (w != nullptr ? w[i] : T(1));
  }
  return sum;
}

/// da = scale w d
template <class T>
void l2_gradient(const T* a, const T* b, const std::type_identity_t<T>* w, T scale, T* da, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) da[i] = (w != nullptr ? scale * w[i] : scale) * (a[i] - b[i]);
}

/// sum w h(d), h = d^2 / (2 beta) where |d| < beta, else |d| - beta / 2 (PyTorch's smooth_l1_loss). beta > 0.
template <class M, class T>
T smooth_l1_sum(const T* a, const T* b, const std::type_identity_t<T>* w, const M* by_a, const M* by_b, double beta, std::int64_t n) {
  T sum(0);
  for (std::int64_t i = 0; i < n; ++i) {
    const T d = a[i] - b[i];
    const auto side = static_cast<double>(real_part(by_a[i]) - real_part(by_b[i]));
    T h = d * d * T(0.5 / beta);
    if (side >= beta) h = d - T(0.5 * beta);
    if (side <= -beta) h = -d - T(0.5 * beta);
    sum += w != nullptr ? w[i] * h : h;
  }
  return sum;
}
template <class T>
T smooth_l1_sum(const T* a, const T* b, const std::type_identity_t<T>* w, double beta, std::int64_t n) {
  return smooth_l1_sum(a, b, w, a, b, beta, n);
}

/// da = scale w h'(d): d / beta where |d| < beta, else sign(d).
template <class M, class T>
void smooth_l1_gradient(const T* a, const T* b, const std::type_identity_t<T>* w, const M* by_a, const M* by_b, double beta, T scale, T* da,
                        std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    const auto side = static_cast<double>(real_part(by_a[i]) - real_part(by_b[i]));
    const T slope = side >= beta ? T(1) : side <= -beta ? T(-1) : (a[i] - b[i]) * T(1.0 / beta);
    da[i] = (w != nullptr ? scale * w[i] : scale) * slope;
  }
}
template <class T>
void smooth_l1_gradient(const T* a, const T* b, const std::type_identity_t<T>* w, double beta, T scale, T* da, std::int64_t n) {
  smooth_l1_gradient(a, b, w, a, b, beta, scale, da, n);
}

}  // namespace likeness::kernels::reference
