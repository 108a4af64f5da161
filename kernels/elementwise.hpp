// Activations, sums and matrix-vector products: vectorised and threaded for float, the reference for any other number type.
// Formulas: elementwise_ref.hpp. Outputs may be one of the inputs, but not overlap them otherwise. Work is split in fixed
// chunks, so results do not depend on the number of threads.
#pragma once

#include <cstdint>

#include "kernels/elementwise_ref.hpp"

namespace likeness::kernels {

using reference::add;
using reference::add_relu;
using reference::l1_gradient;
using reference::l1_sum;
using reference::l2_gradient;
using reference::l2_sum;
using reference::matvec;
using reference::matvec_transposed;
using reference::relu;
using reference::relu_gradient;
using reference::scale_shift;
using reference::sigmoid;
using reference::sigmoid_gradient;

void relu(const float* x, float* y, std::int64_t n);
void relu_gradient(const float* y, const float* dy, float* dx, std::int64_t n);
/// Within 4 ulp.
void sigmoid(const float* x, float* y, std::int64_t n);
void sigmoid_gradient(const float* y, const float* dy, float* dx, std::int64_t n);
void add(const float* a, const float* b, float* y, std::int64_t n);
void add_relu(const float* a, const float* b, float* y, std::int64_t n);
void scale_shift(const float* x, float scale, float shift, float* y, std::int64_t n);
/// Sums of up to 2^12 terms in float (64 interleaved sums of 64), the rest in double.
double l1_sum(const float* a, const float* b, const float* w, std::int64_t n);
double l2_sum(const float* a, const float* b, const float* w, std::int64_t n);
void l1_gradient(const float* a, const float* b, const float* w, float scale, float* da, std::int64_t n);
void l2_gradient(const float* a, const float* b, const float* w, float scale, float* da, std::int64_t n);
void matvec(const float* w, const float* bias, const float* x, std::int64_t inputs, std::int64_t outputs, float* y);
void matvec_transposed(const float* w, const float* dy, std::int64_t inputs, std::int64_t outputs, float* dx);

}  // namespace likeness::kernels
