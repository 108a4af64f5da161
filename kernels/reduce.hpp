// Sums, softmax and cross-entropy along the middle of an [outer, n, inner] view, on any number type, and copies between strided
// arrays. Sums of single precision are collected in double. Templates only: these are small beside the convolutions. Softmax of many
// single precision columns: softmax.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/number.hpp"

namespace likeness::kernels {

/// A view [outer, n, inner] of an array.
struct MiddleShape {
  std::int64_t outer = 1;
  std::int64_t n = 1;
  std::int64_t inner = 1;
  std::int64_t size() const { return outer * n * inner; }
};

/// y[outer, inner] = scale sum_n x
template <class T>
void sum_middle(const MiddleShape& s, const T* x, T scale, T* y) {
  for (std::int64_t o = 0; o < s.outer; ++o) {
    for (std::int64_t i = 0; i < s.inner; ++i) {
      Wide<T> sum(0);
      for (std::int64_t k = 0; k < s.n; ++k) sum += static_cast<Wide<T>>(x[(o * s.n + k) * s.inner + i]);
      y[o * s.inner + i] = static_cast<T>(static_cast<Wide<T>>(scale) * sum);
    }
  }
}

/// The transposed map: x[outer, n, inner] = scale y[outer, inner] for every n.
template <class T>
void repeat_middle(const MiddleShape& s, const T* y, T scale, T* x) {
  for (std::int64_t o = 0; o < s.outer; ++o) {
    for (std::int64_t k = 0; k < s.n; ++k) {
      for (std::int64_t i = 0; i < s.inner; ++i) x[(o * s.n + k) * s.inner + i] = scale * y[o * s.inner + i];
    }
  }
}

namespace reference {

/// y = exp(beta x) / sum_n exp(beta x). y may be x.
template <class T>
void softmax(const MiddleShape& s, const T* x, double beta, T* y) {
  using std::exp;
  for (std::int64_t o = 0; o < s.outer; ++o) {
    for (std::int64_t i = 0; i < s.inner; ++i) {
      const T* from = x + o * s.n * s.inner + i;
      T* to = y + o * s.n * s.inner + i;
      // The largest exponent is taken off, so that exp() cannot overflow.
      std::int64_t top = 0;
      for (std::int64_t k = 1; k < s.n; ++k) {
        if (beta * static_cast<double>(real_part(from[k * s.inner])) > beta * static_cast<double>(real_part(from[top * s.inner]))) top = k;
      }
      const T most = from[top * s.inner];
      Wide<T> sum(0);
      for (std::int64_t k = 0; k < s.n; ++k) {
        to[k * s.inner] = exp(T(beta) * (from[k * s.inner] - most));
        sum += static_cast<Wide<T>>(to[k * s.inner]);
      }
      const T scale = static_cast<T>(Wide<T>(1) / sum);
      for (std::int64_t k = 0; k < s.n; ++k) to[k * s.inner] *= scale;
    }
  }
}

/// dx = beta y (dy - sum_n y dy); y: softmax's output. dx may be dy.
template <class T>
void softmax_gradient(const MiddleShape& s, const T* y, const T* dy, double beta, T* dx) {
  for (std::int64_t o = 0; o < s.outer; ++o) {
    for (std::int64_t i = 0; i < s.inner; ++i) {
      const std::int64_t at = o * s.n * s.inner + i;
      Wide<T> sum(0);
      for (std::int64_t k = 0; k < s.n; ++k) {
        sum += static_cast<Wide<T>>(y[at + k * s.inner]) * static_cast<Wide<T>>(dy[at + k * s.inner]);
      }
      for (std::int64_t k = 0; k < s.n; ++k) {
        dx[at + k * s.inner] = T(beta) * y[at + k * s.inner] * (dy[at + k * s.inner] - static_cast<T>(sum));
      }
    }
  }
}

}  // namespace reference

/// Labels [outer, inner] that are not `ignore`.
inline std::int64_t count_labels(const std::int32_t* labels, std::int64_t n, std::int32_t ignore) {
  return n - std::count(labels, labels + n, ignore);
}

/// Mean over the counted places of log(sum_n exp(x)) - x[label]; x [outer, n, inner] logits, labels [outer, inner] in [0, n) or
/// `ignore`. At least one place must count.
template <class T>
Wide<T> cross_entropy(const MiddleShape& s, const T* x, const std::int32_t* labels, std::int32_t ignore) {
  using std::exp;
  using std::log;
  Wide<T> total(0);
  for (std::int64_t o = 0; o < s.outer; ++o) {
    for (std::int64_t i = 0; i < s.inner; ++i) {
      const std::int32_t label = labels[o * s.inner + i];
      if (label == ignore) continue;
      const T* from = x + o * s.n * s.inner + i;
      T most = from[0];
      for (std::int64_t k = 1; k < s.n; ++k) most = real_part(from[k * s.inner]) > real_part(most) ? from[k * s.inner] : most;
      Wide<T> sum(0);
      for (std::int64_t k = 0; k < s.n; ++k) sum += static_cast<Wide<T>>(exp(from[k * s.inner] - most));
      total += log(sum) - static_cast<Wide<T>>(from[label * s.inner] - most);
    }
  }
  return total / Wide<T>(static_cast<double>(count_labels(labels, s.outer * s.inner, ignore)));
}

/// dx = scale / counted (softmax(x) - [n = label]), 0 where ignored.
template <class T>
void cross_entropy_gradient(const MiddleShape& s, const T* x, const std::int32_t* labels, std::int32_t ignore, T scale, T* dx) {
  const T each = scale / T(static_cast<double>(count_labels(labels, s.outer * s.inner, ignore)));
  reference::softmax(s, x, 1.0, dx);
  for (std::int64_t o = 0; o < s.outer; ++o) {
    for (std::int64_t i = 0; i < s.inner; ++i) {
      const std::int32_t label = labels[o * s.inner + i];
      T* to = dx + o * s.n * s.inner + i;
      for (std::int64_t k = 0; k < s.n; ++k) {
        to[k * s.inner] = label == ignore ? T(0) : each * (to[k * s.inner] - (k == label ? T(1) : T(0)));
      }
    }
  }
}

/// Places of a copy between two arrays: sizes and, for each of them, the strides of both sides (0 repeats). Unused sizes are 1.
struct StridedShape {
  std::array<std::int64_t, 6> size{1, 1, 1, 1, 1, 1};
  std::array<std::int64_t, 6> from{};
  std::array<std::int64_t, 6> to{};
};

/// body(place in `from`, place in `to`) for every place, the last size fastest.
template <class Body>
void for_each_place(const StridedShape& s, const Body& body) {
  std::array<std::int64_t, 6> at{};
  std::int64_t from = 0;
  std::int64_t to = 0;
  while (true) {
    for (std::int64_t i = 0; i < s.size[5]; ++i) body(from + i * s.from[5], to + i * s.to[5]);
    std::size_t d = 5;
    while (d-- > 0) {
      from += s.from[d];
      to += s.to[d];
      if (++at[d] < s.size[d]) break;
      from -= s.size[d] * s.from[d];
      to -= s.size[d] * s.to[d];
      at[d] = 0;
      if (d == 0) return;
    }
  }
}

/// y = x at corresponding places; nothing else of y is touched.
template <class T>
void strided_copy(const StridedShape& s, const T* x, T* y) {
  for_each_place(s, [&](std::int64_t from, std::int64_t to) { y[to] = x[from]; });
}

}  // namespace likeness::kernels
