// The vector loops behind elementwise.hpp: one thread, any length, run-time choice of the instruction set.
#pragma once

#include <cstdint>

namespace likeness::kernels::simd {

/// Loops y[i] = f(a[i], b[i], c[i]; p, q); unused inputs are nullptr.
enum class Map : int {
  relu,
  relu_gradient,
  leaky_relu_gradient,
  sigmoid,
  sigmoid_gradient,
  silu,
  silu_gradient,
  tanh,
  tanh_gradient,
  add,
  subtract,
  multiply,
  divide,
  add_relu,
  scale_shift,
  multiply_add,
  l1_gradient,
  l2_gradient,
  smooth_l1_gradient
};
void map(Map kind, const float* a, const float* b, const float* c, float p, float q, float* y, std::int64_t n);

/// Sums of f(a[i], b[i]; p) w[i] in 64 interleaved float sums, added up in double in a fixed order. w may be nullptr.
enum class Sum : int { absolute_difference, squared_difference, smooth_difference, product };
double sum(Sum kind, const float* a, const float* b, const float* w, float p, std::int64_t n);

}  // namespace likeness::kernels::simd
