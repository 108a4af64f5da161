// Max pooling on the calling thread with the widest vectors of the machine. Results are those of pool_ref.hpp, bit for bit.
#pragma once

#include "kernels/pool_ref.hpp"

namespace likeness::kernels::simd {

/// kernels::max_pool(); planes of fewer than 2^31 numbers (places are held in 32 bits).
void max_pool(const PoolShape& s, const float* x, const float* by, float* y);
/// kernels::max_pool_gradient(); planes of fewer than 2^31 numbers.
void max_pool_gradient(const PoolShape& s, const float* by, const float* dy, float* dx);

}  // namespace likeness::kernels::simd
