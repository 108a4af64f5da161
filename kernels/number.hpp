// What a reference template needs to know about its number type: float, double or std::complex<double> (the complex step).
#pragma once

#include <complex>

namespace likeness::kernels {

/// The part that comparisons and branches look at: a kink's side is decided by the real part, so that a function stays
/// differentiable along an imaginary step.
template <class T>
constexpr T real_part(T x) {
  return x;
}
template <class T>
constexpr T real_part(const std::complex<T>& x) {
  return x.real();
}

/// The type in which sums are collected: double for single precision, else T itself.
template <class T>
struct WideOf {
  using type = T;
};
template <>
struct WideOf<float> {
  using type = double;
};
template <class T>
using Wide = typename WideOf<T>::type;

}  // namespace likeness::kernels
