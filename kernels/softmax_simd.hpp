// The vector loops behind softmax.hpp: one thread, any number of columns, run-time choice of the instruction set.
#pragma once

#include <cstdint>

namespace likeness::kernels::simd {

/// y = exp(beta x) / sum exp(beta x) over the n numbers of each column, which lie `stride` apart. y may be x.
void softmax(std::int64_t n, std::int64_t stride, std::int64_t columns, const float* x, float beta, float* y);
/// dx = beta y (dy - sum y dy). dx may be dy.
void softmax_gradient(std::int64_t n, std::int64_t stride, std::int64_t columns, const float* y, const float* dy, float beta, float* dx);

}  // namespace likeness::kernels::simd
