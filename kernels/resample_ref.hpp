// Bilinear resizing and max pooling as the formulas say them, on any number type.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace likeness::kernels::reference {

/// Source of output o of one axis: from[low] (1 - fraction) + from[high] fraction.
struct Bilinear {
  std::int64_t low, high;
  double fraction;
};

/// PyTorch's interpolate(align_corners=False): coordinate (o + 0.5) from / to - 0.5, not below 0; the last pixel repeats.
inline Bilinear bilinear(std::int64_t from, std::int64_t to, std::int64_t o) {
  const double ratio = static_cast<double>(from) / static_cast<double>(to);
  const double place = std::max(0.0, (static_cast<double>(o) + 0.5) * ratio - 0.5);
  const auto low = std::min(static_cast<std::int64_t>(place), from - 1);
  return {low, std::min(low + 1, from - 1), place - static_cast<double>(low)};
}

/// x [planes, h, w] -> y [planes, to_h, to_w]
template <class T>
void resize(const T* x, std::int64_t planes, std::int64_t h, std::int64_t w, std::int64_t to_h, std::int64_t to_w, T* y) {
  for (std::int64_t c = 0; c < planes; ++c) {
    for (std::int64_t i = 0; i < to_h; ++i) {
      const Bilinear r = bilinear(h, to_h, i);
      for (std::int64_t j = 0; j < to_w; ++j) {
        const Bilinear s = bilinear(w, to_w, j);
        const T* low = x + (c * h + r.low) * w;
        const T* high = x + (c * h + r.high) * w;
        const T u(r.fraction), v(s.fraction);
        y[(c * to_h + i) * to_w + j] =
            (low[s.low] * (T(1) - v) + low[s.high] * v) * (T(1) - u) + (high[s.low] * (T(1) - v) + high[s.high] * v) * u;
      }
    }
  }
}

/// The transposed map: dy [planes, to_h, to_w] -> dx [planes, h, w]
template <class T>
void resize_gradient(const T* dy, std::int64_t planes, std::int64_t h, std::int64_t w, std::int64_t to_h, std::int64_t to_w, T* dx) {
  std::fill_n(dx, planes * h * w, T(0));
  for (std::int64_t c = 0; c < planes; ++c) {
    for (std::int64_t i = 0; i < to_h; ++i) {
      const Bilinear r = bilinear(h, to_h, i);
      for (std::int64_t j = 0; j < to_w; ++j) {
        const Bilinear s = bilinear(w, to_w, j);
        T* low = dx + (c * h + r.low) * w;
        T* high = dx + (c * h + r.high) * w;
        const T u(r.fraction), v(s.fraction), d = dy[(c * to_h + i) * to_w + j];
        low[s.low] += d * (T(1) - u) * (T(1) - v);
        low[s.high] += d * (T(1) - u) * v;
        high[s.low] += d * u * (T(1) - v);
        high[s.high] += d * u * v;
      }
    }
  }
}

/// Index in the plane x [h, w] of the first largest value in output (i, j)'s window; NaN counts as the largest, as in PyTorch.
template <class T>
std::int64_t window_max(const T* x, std::int64_t h, std::int64_t w, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                        std::int64_t i, std::int64_t j) {
  std::int64_t best = -1;
  for (std::int64_t r = std::max<std::int64_t>(0, i * stride - padding); r < std::min(h, i * stride - padding + kernel); ++r) {
    for (std::int64_t s = std::max<std::int64_t>(0, j * stride - padding); s < std::min(w, j * stride - padding + kernel); ++s) {
      const T value = x[r * w + s];
      if (best < 0 || value > x[best] || value != value) best = r * w + s;
    }
  }
  return best;
}

/// x [planes, h, w] -> y [planes, to_h, to_w]. Needs padding <= kernel / 2, so that every window meets the picture.
template <class T>
void max_pool(const T* x, std::int64_t planes, std::int64_t h, std::int64_t w, std::int64_t kernel, std::int64_t stride,
              std::int64_t padding, std::int64_t to_h, std::int64_t to_w, T* y) {
  for (std::int64_t c = 0; c < planes; ++c) {
    for (std::int64_t i = 0; i < to_h; ++i) {
      for (std::int64_t j = 0; j < to_w; ++j) {
        y[(c * to_h + i) * to_w + j] = x[c * h * w + window_max(x + c * h * w, h, w, kernel, stride, padding, i, j)];
      }
    }
  }
}

/// dy goes to the place that won.
template <class T>
void max_pool_gradient(const T* x, const T* dy, std::int64_t planes, std::int64_t h, std::int64_t w, std::int64_t kernel,
                       std::int64_t stride, std::int64_t padding, std::int64_t to_h, std::int64_t to_w, T* dx) {
  std::fill_n(dx, planes * h * w, T(0));
  for (std::int64_t c = 0; c < planes; ++c) {
    for (std::int64_t i = 0; i < to_h; ++i) {
      for (std::int64_t j = 0; j < to_w; ++j) {
        dx[c * h * w + window_max(x + c * h * w, h, w, kernel, stride, padding, i, j)] += dy[(c * to_h + i) * to_w + j];
      }
    }
  }
}

}  // namespace likeness::kernels::reference
