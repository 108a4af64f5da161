// Max pooling as the formula says it, on any number type, and the windows that all pooling shares.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/number.hpp"

namespace likeness::kernels {

/// The windows of pooling along one axis, as in PyTorch (ceil_mode=False): output o covers the inputs [begin(o), end(o)).
struct PoolAxis {
  std::int64_t size = 1;  ///< Inputs.
  std::int64_t outputs = 1;
  std::int64_t kernel = 0;  ///< 0: adaptive, the windows divide the axis evenly (and overlap where they must).
  std::int64_t stride = 1;
  std::int64_t padding = 0;  ///< At most kernel / 2, so that every window meets the picture.

  static PoolAxis window(std::int64_t size, std::int64_t kernel, std::int64_t stride, std::int64_t padding) {
    return {size, (size + 2 * padding - kernel) / stride + 1, kernel, stride, padding};
  }
  static PoolAxis adaptive(std::int64_t size, std::int64_t outputs) { return {size, outputs, 0, 1, 0}; }

  std::int64_t begin(std::int64_t o) const { return kernel == 0 ? o * size / outputs : std::max<std::int64_t>(0, o * stride - padding); }
  std::int64_t end(std::int64_t o) const {
    return kernel == 0 ? ((o + 1) * size + outputs - 1) / outputs : std::min(size, o * stride - padding + kernel);
  }
};

/// x [planes, rows.size, columns.size] -> y [planes, rows.outputs, columns.outputs]
struct PoolShape {
  std::int64_t planes = 1;
  PoolAxis rows, columns;
  std::int64_t x_plane() const { return rows.size * columns.size; }
  std::int64_t y_plane() const { return rows.outputs * columns.outputs; }
};

namespace reference {

/// Place in the plane `by` of the first largest value in output (i, j)'s window; NaN counts as the largest, as in PyTorch.
template <class M>
std::int64_t window_max(const PoolShape& s, const M* by, std::int64_t i, std::int64_t j) {
  std::int64_t best = -1;
  for (std::int64_t r = s.rows.begin(i); r < s.rows.end(i); ++r) {
    for (std::int64_t c = s.columns.begin(j); c < s.columns.end(j); ++c) {
      const std::int64_t at = r * s.columns.size + c;
      const auto value = real_part(by[at]);
      if (best < 0 || value > real_part(by[best]) || value != value) best = at;
    }
  }
  return best;
}

/// y = x at the place where `by` [like x] is largest: `by` is x itself, or another run's x whose winners are to be reused.
template <class M, class T>
void max_pool(const PoolShape& s, const T* x, const M* by, T* y) {
  for (std::int64_t p = 0; p < s.planes; ++p) {
    for (std::int64_t i = 0; i < s.rows.outputs; ++i) {
      for (std::int64_t j = 0; j < s.columns.outputs; ++j) {
        y[p * s.y_plane() + i * s.columns.outputs + j] = x[p * s.x_plane() + window_max(s, by + p * s.x_plane(), i, j)];
      }
    }
  }
}

/// dx: dy goes to the place that won.
template <class M, class T>
void max_pool_gradient(const PoolShape& s, const M* by, const T* dy, T* dx) {
  std::fill_n(dx, s.planes * s.x_plane(), T(0));
  for (std::int64_t p = 0; p < s.planes; ++p) {
    for (std::int64_t i = 0; i < s.rows.outputs; ++i) {
      for (std::int64_t j = 0; j < s.columns.outputs; ++j) {
        dx[p * s.x_plane() + window_max(s, by + p * s.x_plane(), i, j)] += dy[p * s.y_plane() + i * s.columns.outputs + j];
      }
    }
  }
}

}  // namespace reference
}  // namespace likeness::kernels
