// Softmax along the middle of an [outer, n, inner] view: vectorised and threaded for float, the reference (reduce.hpp) for any other number
// type. Work is split in fixed chunks, so results do not depend on the number of threads.
#pragma once

#include "kernels/reduce.hpp"

namespace likeness::kernels {

using reference::softmax;
using reference::softmax_gradient;

/// Within 2 (n + 5 + 2 |beta (x - most)|) rounding errors of the exact result, most being the column's x with the largest exponent: sums
/// of n numbers are collected in single precision, as beta is. 0 where the exponent is 104 and more below the largest. y may be x.
void softmax(const MiddleShape& s, const float* x, double beta, float* y);
/// The sum of n products is collected in single precision. dx may be dy.
void softmax_gradient(const MiddleShape& s, const float* y, const float* dy, double beta, float* dx);

}  // namespace likeness::kernels
