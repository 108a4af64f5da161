// Bilinear resizing and max pooling: threaded for float, the reference for any other number type. Formulas: resample_ref.hpp.
// Pooling's few comparisons are not vectorised: it is under 1 % of the networks that have it.
#pragma once

#include <cstdint>

#include "kernels/resample_ref.hpp"

namespace likeness::kernels {

using reference::max_pool;
using reference::max_pool_gradient;
using reference::resize;
using reference::resize_gradient;

void resize(const float* x, std::int64_t planes, std::int64_t h, std::int64_t w, std::int64_t to_h, std::int64_t to_w, float* y);
void resize_gradient(const float* dy, std::int64_t planes, std::int64_t h, std::int64_t w, std::int64_t to_h, std::int64_t to_w, float* dx);
void max_pool(const float* x, std::int64_t planes, std::int64_t h, std::int64_t w, std::int64_t kernel, std::int64_t stride,
              std::int64_t padding, std::int64_t to_h, std::int64_t to_w, float* y);
void max_pool_gradient(const float* x, const float* dy, std::int64_t planes, std::int64_t h, std::int64_t w, std::int64_t kernel,
                       std::int64_t stride, std::int64_t padding, std::int64_t to_h, std::int64_t to_w, float* dx);

}  // namespace likeness::kernels
