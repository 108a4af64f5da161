// Convolution as the formula says it, on any number type: what the fast kernels are held against, and the double path.
//   y[o, i, j] = bias[o] + sum_{c, u, v} weight[o, c, u, v] x[c, i s + u d - p, j s + v d - p]   (zero outside the picture; c over o's
//   group)
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/conv_shape.hpp"

namespace likeness::kernels::reference {

/// Outputs o of one axis whose tap at distance u meets the picture: o * stride + u - padding in [0, size).
struct TapRange {
  std::int64_t begin, end;
};
inline TapRange tap_range(std::int64_t size, std::int64_t outputs, std::int64_t stride, std::int64_t padding, std::int64_t u) {
  const std::int64_t first = padding - u;  // o * stride >= first
  const std::int64_t last = size - 1 + padding - u;
  const std::int64_t begin = first <= 0 ? 0 : (first + stride - 1) / stride;
  const std::int64_t end = last < 0 ? 0 : std::min(outputs, last / stride + 1);
  return {begin, std::max(begin, end)};
}

/// Calls body(x offset, y offset, count, weight offset) for every row of products of the output channels [first_out, last_out);
/// along a row x steps by stride, y by 1.
template <class Body>
void for_each_row(const ConvShape& s, std::int64_t first_out, std::int64_t last_out, Body&& body) {
  const std::int64_t oh = s.out_height();
  const std::int64_t ow = s.out_width();
  for (std::int64_t o = first_out; o < last_out; ++o) {
    const std::int64_t first_channel = o / s.group_out() * s.group_in();
    for (std::int64_t c = 0; c < s.group_in(); ++c) {
      for (std::int64_t u = 0; u < s.kernel_h; ++u) {
        const TapRange rows = tap_range(s.height, oh, s.stride, s.padding, u * s.dilation);
        for (std::int64_t v = 0; v < s.kernel_w; ++v) {
          const TapRange columns = tap_range(s.width, ow, s.stride, s.padding, v * s.dilation);
          if (columns.begin == columns.end) continue;
          for (std::int64_t i = rows.begin; i < rows.end; ++i) {
            const std::int64_t row = i * s.stride + u * s.dilation - s.padding;
            const std::int64_t column = columns.begin * s.stride + v * s.dilation - s.padding;
            body(((first_channel + c) * s.height + row) * s.width + column, (o * oh + i) * ow + columns.begin, columns.end - columns.begin,
                 ((o * s.group_in() + c) * s.kernel_h + u) * s.kernel_w + v);
          }
        }
      }
    }
  }
}

template <class T>
void fill_planes(const T* bias, std::int64_t planes, std::int64_t plane, T* out) {
  for (std::int64_t c = 0; c < planes; ++c) std::fill_n(out + c * plane, plane, bias != nullptr ? bias[c] : T(0));
}

/// x -> y; bias [out] or nullptr.
template <class T>
void conv_gather(const ConvShape& s, const T* x, const T* weight, const T* bias, T* y) {
  fill_planes(bias, s.out, s.out_height() * s.out_width(), y);
  for_each_row(s, 0, s.out, [&](std::int64_t xo, std::int64_t yo, std::int64_t count, std::int64_t wo) {
    for (std::int64_t k = 0; k < count; ++k) y[yo + k] += weight[wo] * x[xo + k * s.stride];
  });
}

/// y -> x by the transposed map (data gradient of the convolution, or the transposed convolution); bias [in] or nullptr.
template <class T>
void conv_scatter(const ConvShape& s, const T* y, const T* weight, const T* bias, T* x) {
  fill_planes(bias, s.in, s.height * s.width, x);
  for_each_row(s, 0, s.out, [&](std::int64_t xo, std::int64_t yo, std::int64_t count, std::int64_t wo) {
    for (std::int64_t k = 0; k < count; ++k) x[xo + k * s.stride] += weight[wo] * y[yo + k];
  });
}

/// Adds to dweight[o, c, u, v] the sum of x dy over the places that the tap connects, for o in [first_out, last_out).
template <class T>
void conv_weight_gradient(const ConvShape& s, const T* x, const T* dy, T* dweight, std::int64_t first_out, std::int64_t last_out) {
  for_each_row(s, first_out, last_out, [&](std::int64_t xo, std::int64_t yo, std::int64_t count, std::int64_t wo) {
    T sum(0);
    for (std::int64_t k = 0; k < count; ++k) sum += x[xo + k * s.stride] * dy[yo + k];
    dweight[wo] += sum;
  });
}

}  // namespace likeness::kernels::reference
