// Group normalisation (Wu and He, "Group Normalization", 2018), on any number type:
//   y = (x - mean) / sqrt(variance + eps) * weight[c] + bias[c],
// mean and (biased) variance over the channels of one group and all their places. Sums of single precision in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/parallel.hpp"
#include "kernels/number.hpp"

namespace likeness::kernels {

/// x [batch, channels, plane]; groups divides channels.
struct GroupNormShape {
  std::int64_t batch = 1;
  std::int64_t channels = 1;
  std::int64_t plane = 1;
  std::int64_t groups = 1;
  double eps = 1e-5;

  std::int64_t group_channels() const { return channels / groups; }
  std::int64_t stats() const { return 2 * batch * groups; }  ///< Numbers that the forward step leaves for the gradient.
};

/// stats [batch, groups, 2]: mean and 1 / sqrt(variance + eps). weight, bias [channels] or nullptr (ones, zeros).
template <class T>
void group_norm(const GroupNormShape& s, const T* x, const T* weight, const T* bias, T* y, Wide<T>* stats) {
  using std::sqrt;
  using W = Wide<T>;
  const std::int64_t n = s.group_channels() * s.plane;
  parallel_for(s.batch * s.groups, [&](std::int64_t g) {
    const T* from = x + g * n;
    W sum(0);
    for (std::int64_t i = 0; i < n; ++i) sum += static_cast<W>(from[i]);
    const W mean = sum / W(static_cast<double>(n));
    W squares(0);
    for (std::int64_t i = 0; i < n; ++i) {
      const W d = static_cast<W>(from[i]) - mean;
      squares += d * d;
    }
    const W inverse = W(1) / sqrt(squares / W(static_cast<double>(n)) + W(s.eps));
    stats[2 * g] = mean;
    stats[2 * g + 1] = inverse;
    for (std::int64_t k = 0; k < s.group_channels(); ++k) {
      const std::int64_t c = g % s.groups * s.group_channels() + k;
      const W scale = weight != nullptr ? inverse * static_cast<W>(weight[c]) : inverse;
      const W shift = bias != nullptr ? static_cast<W>(bias[c]) : W(0);
      for (std::int64_t i = k * s.plane; i < (k + 1) * s.plane; ++i) {
        y[g * n + i] = static_cast<T>((static_cast<W>(from[i]) - mean) * scale + shift);
      }
    }
  });
}

/// dx = inverse (e - mean(e) - u mean(e u)), u = (x - mean) inverse, e = dy weight, means over the group. dx may be dy.
template <class T>
void group_norm_gradient(const GroupNormShape& s, const T* x, const T* weight, const Wide<T>* stats, const T* dy, T* dx) {
  using W = Wide<T>;
  const std::int64_t n = s.group_channels() * s.plane;
  parallel_for(s.batch * s.groups, [&](std::int64_t g) {
    const W mean = stats[2 * g];
    const W inverse = stats[2 * g + 1];
    const auto factor = [&](std::int64_t k) {
      return weight != nullptr ? static_cast<W>(weight[g % s.groups * s.group_channels() + k]) : W(1);
    };
    W sum(0);
    W along(0);
    for (std::int64_t k = 0; k < s.group_channels(); ++k) {
      for (std::int64_t i = g * n + k * s.plane; i < g * n + (k + 1) * s.plane; ++i) {
        const W e = static_cast<W>(dy[i]) * factor(k);
        sum += e;
        along += e * (static_cast<W>(x[i]) - mean) * inverse;
      }
    }
    const W count(static_cast<double>(n));
    for (std::int64_t k = 0; k < s.group_channels(); ++k) {
      for (std::int64_t i = g * n + k * s.plane; i < g * n + (k + 1) * s.plane; ++i) {
        const W u = (static_cast<W>(x[i]) - mean) * inverse;
        dx[i] = static_cast<T>(inverse * (static_cast<W>(dy[i]) * factor(k) - sum / count - u * along / count));
      }
    }
  });
}

/// dweight[c] = sum dy u, dbias[c] = sum dy over the batch and the places; either may be nullptr.
template <class T>
void group_norm_affine_gradient(const GroupNormShape& s, const T* x, const Wide<T>* stats, const T* dy, T* dweight, T* dbias) {
  using W = Wide<T>;
  parallel_for(s.channels, [&](std::int64_t c) {
    W along(0);
    W sum(0);
    for (std::int64_t b = 0; b < s.batch; ++b) {
      const W* of_group = stats + 2 * (b * s.groups + c / s.group_channels());
      for (std::int64_t i = (b * s.channels + c) * s.plane; i < (b * s.channels + c + 1) * s.plane; ++i) {
        along += static_cast<W>(dy[i]) * (static_cast<W>(x[i]) - of_group[0]) * of_group[1];
        sum += static_cast<W>(dy[i]);
      }
    }
    if (dweight != nullptr) dweight[c] = static_cast<T>(along);
    if (dbias != nullptr) dbias[c] = static_cast<T>(sum);
  });
}

}  // namespace likeness::kernels
