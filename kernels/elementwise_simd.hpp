// The vector loops behind elementwise.hpp: one thread, any length, run-time choice of the instruction set.
#pragma once

#include <cstdint>

namespace likeness::kernels::simd {

/// Loops y[i] = f(a[i], b[i], c[i]; p, q); unused inputs are nullptr.
enum class Map : int { relu, relu_gradient, sigmoid, sigmoid_gradient, add, add_relu, scale_shift, l1_gradient, l2_gradient, multiply_add };
void map(Map kind, const float* a, const float* b, const float* c, float p, float q, float* y, std::int64_t n);

/// Sums of f(a[i], b[i]) w[i] in 64 interleaved float sums, added up in double in a fixed order. w may be nullptr.
enum class Sum : int { absolute_difference, squared_difference, product };
double sum(Sum kind, const float* a, const float* b, const float* w, std::int64_t n);

}  // namespace likeness::kernels::simd
