// Activations, arithmetic, distances and matrix-vector products: vectorised and threaded for float, the reference for any other
// number type. Formulas: elementwise_ref.hpp, distance_ref.hpp. Outputs may be one of the inputs, but not overlap them
// otherwise. Work is split in fixed chunks, so results do not depend on the number of threads. Calls allocate nothing.
#pragma once

#include <cstdint>

#include "kernels/distance_ref.hpp"
#include "kernels/elementwise_ref.hpp"

namespace likeness::kernels {

using reference::add;
using reference::add_relu;
using reference::divide;
using reference::dot;
using reference::l1_gradient;
using reference::l1_sum;
using reference::l2_gradient;
using reference::l2_sum;
using reference::leaky_relu;
using reference::leaky_relu_gradient;
using reference::matvec;
using reference::matvec_transposed;
using reference::multiply;
using reference::relu;
using reference::relu_gradient;
using reference::scale_shift;
using reference::sigmoid;
using reference::sigmoid_gradient;
using reference::silu;
using reference::silu_gradient;
using reference::smooth_l1_gradient;
using reference::smooth_l1_sum;
using reference::subtract;
using reference::tanh;
using reference::tanh_gradient;

void relu(const float* x, float* y, std::int64_t n);
void relu_gradient(const float* y, const float* dy, float* dx, std::int64_t n);
void leaky_relu(const float* x, double slope, float* y, std::int64_t n);
void leaky_relu_gradient(const float* x, const float* dy, double slope, float* dx, std::int64_t n);
/// Within 4 ulp.
void sigmoid(const float* x, float* y, std::int64_t n);
void sigmoid_gradient(const float* y, const float* dy, float* dx, std::int64_t n);
/// Within 5 ulp where x > -87; below, where |y| < 1.5e-36, the result is x 1.6e-38.
void silu(const float* x, float* y, std::int64_t n);
void silu_gradient(const float* x, const float* dy, float* dx, std::int64_t n);
/// Within 6 ulp.
void tanh(const float* x, float* y, std::int64_t n);
void tanh_gradient(const float* y, const float* dy, float* dx, std::int64_t n);
void add(const float* a, const float* b, float* y, std::int64_t n);
void subtract(const float* a, const float* b, float* y, std::int64_t n);
void multiply(const float* a, const float* b, float* y, std::int64_t n);
void divide(const float* a, const float* b, float* y, std::int64_t n);
void add_relu(const float* a, const float* b, float* y, std::int64_t n);
void scale_shift(const float* x, float scale, float shift, float* y, std::int64_t n);
/// Sums of up to 2^12 terms in float (64 interleaved sums of 64), the rest in double.
double dot(const float* a, const float* b, std::int64_t n);
double l1_sum(const float* a, const float* b, const float* w, std::int64_t n);
double l2_sum(const float* a, const float* b, const float* w, std::int64_t n);
double smooth_l1_sum(const float* a, const float* b, const float* w, double beta, std::int64_t n);
void l1_gradient(const float* a, const float* b, const float* w, float scale, float* da, std::int64_t n);
void l2_gradient(const float* a, const float* b, const float* w, float scale, float* da, std::int64_t n);
void smooth_l1_gradient(const float* a, const float* b, const float* w, double beta, float scale, float* da, std::int64_t n);
void matvec(const float* w, const float* bias, const float* x, std::int64_t inputs, std::int64_t outputs, float* y);
void matvec_transposed(const float* w, const float* dy, std::int64_t inputs, std::int64_t outputs, float* dx);

}  // namespace likeness::kernels
