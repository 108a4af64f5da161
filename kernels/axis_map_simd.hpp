// The two passes of apply_axes() on the calling thread with the widest vectors of the machine. Terms are added in the tables'
// order, each product and each sum rounded: every instruction set gives the same bits.
#pragma once

#include "kernels/axis_map.hpp"

namespace likeness::kernels::simd {

/// x [rows, columns.inputs] -> y [rows, columns.outputs], each row by the table.
void map_columns(const AxisMap& columns, const float* x, std::int64_t rows, float* y);

/// y [width] = the sum over k < terms of weight[k] times row index[k] of x [., width].
void combine_rows(const float* weight, const std::int64_t* index, std::int64_t terms, const float* x, std::int64_t width, float* y);

}  // namespace likeness::kernels::simd
