// Max pooling: threaded over planes for float, the reference for any other number type. Formulas: pool_ref.hpp.
// Average pooling: axis_map.hpp.
#pragma once

#include "kernels/pool_ref.hpp"

namespace likeness::kernels {

using reference::max_pool;
using reference::max_pool_gradient;

void max_pool(const PoolShape& s, const float* x, const float* by, float* y);
void max_pool_gradient(const PoolShape& s, const float* by, const float* dy, float* dx);

}  // namespace likeness::kernels
