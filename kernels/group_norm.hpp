// Group normalisation (Wu and He, "Group Normalization", 2018), on any number type:
//   y = (x - mean) / sqrt(variance + eps) * weight[c] + bias[c],
// mean and (biased) variance over the channels of one group and all their places. Sums of single precision in double.
// The gradient takes the statistics from x again: one more pass instead of memory between the two.
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
  std::int64_t group_size() const { return group_channels() * plane; }
};

template <class T>
struct GroupStatistics {
  Wide<T> mean, inverse;  ///< inverse: 1 / sqrt(variance + eps)
};

/// Of the numbers of one group of one picture.
template <class T>
GroupStatistics<T> group_statistics(const GroupNormShape& s, const T* x) {
  using std::sqrt;
  using W = Wide<T>;
  const W count(static_cast<double>(s.group_size()));
  W sum(0);
  for (std::int64_t i = 0; i < s.group_size(); ++i) sum += static_cast<W>(x[i]);
  const W mean = sum / count;
  W squares(0);
  for (std::int64_t i = 0; i < s.group_size(); ++i) {
    const W d = static_cast<W>(x[i]) - mean;
    squares += d * d;
  }
  return {mean, W(1) / sqrt(squares / count + W(s.eps))};
}

/// body(g) for every g < groups, in tasks of at least 2^14 of the numbers that they have each.
template <class Body>
void for_groups(std::int64_t groups, std::int64_t numbers, const Body& body) {
  const std::int64_t together = std::max<std::int64_t>(1, (1 << 14) / numbers);
  parallel_for((groups + together - 1) / together, [&](std::int64_t task) {
    for (std::int64_t g = task * together; g < std::min(groups, (task + 1) * together); ++g) body(g);
  });
}

/// weight, bias [channels] or nullptr (ones, zeros). y may be x.
template <class T>
void group_norm(const GroupNormShape& s, const T* x, const T* weight, const T* bias, T* y) {
  using W = Wide<T>;
  for_groups(s.batch * s.groups, s.group_size(), [&](std::int64_t g) {
    const T* from = x + g * s.group_size();
    T* to = y + g * s.group_size();
    const GroupStatistics<T> of = group_statistics(s, from);
    for (std::int64_t k = 0; k < s.group_channels(); ++k) {
      const std::int64_t c = g % s.groups * s.group_channels() + k;
      const W scale = weight != nullptr ? of.inverse * static_cast<W>(weight[c]) : of.inverse;
      const W shift = bias != nullptr ? static_cast<W>(bias[c]) : W(0);
      for (std::int64_t i = k * s.plane; i < (k + 1) * s.plane; ++i)
        to[i] = static_cast<T>((static_cast<W>(from[i]) - of.mean) * scale + shift);
    }
  });
}

/// With u = (x - mean) inverse and e = dy weight, means and sums over the group (dx) or the batch and the places (the others):
///   dx = inverse (e - mean(e) - u mean(e u)), dweight[c] = sum dy u, dbias[c] = sum dy.
/// Any of the three may be nullptr. dx may be dy.
template <class T>
void group_norm_gradient(const GroupNormShape& s, const T* x, const T* weight, const T* dy, T* dx, T* dweight, T* dbias) {
  using W = Wide<T>;
  // A task owns the channels of its group in all pictures, so that no sum depends on the threads.
  for_groups(s.groups, s.batch * s.group_size(), [&](std::int64_t g) {
    const std::int64_t first = g * s.group_channels();
    if (dweight != nullptr) std::fill_n(dweight + first, s.group_channels(), T(0));
    if (dbias != nullptr) std::fill_n(dbias + first, s.group_channels(), T(0));
    for (std::int64_t b = 0; b < s.batch; ++b) {
      const std::int64_t start = (b * s.channels + first) * s.plane;
      const GroupStatistics<T> of = group_statistics(s, x + start);
      W sum(0);
      W along(0);
      for (std::int64_t k = 0; k < s.group_channels(); ++k) {
        W channel_sum(0);
        W channel_along(0);
        for (std::int64_t i = start + k * s.plane; i < start + (k + 1) * s.plane; ++i) {
          channel_sum += static_cast<W>(dy[i]);
          channel_along += static_cast<W>(dy[i]) * (static_cast<W>(x[i]) - of.mean) * of.inverse;
        }
        if (dweight != nullptr) dweight[first + k] += static_cast<T>(channel_along);
        if (dbias != nullptr) dbias[first + k] += static_cast<T>(channel_sum);
        const W factor = weight != nullptr ? static_cast<W>(weight[first + k]) : W(1);
        sum += factor * channel_sum;
        along += factor * channel_along;
      }
      if (dx == nullptr) continue;
      const W count(static_cast<double>(s.group_size()));
      for (std::int64_t k = 0; k < s.group_channels(); ++k) {
        const W factor = weight != nullptr ? static_cast<W>(weight[first + k]) : W(1);
        for (std::int64_t i = start + k * s.plane; i < start + (k + 1) * s.plane; ++i) {
          const W u = (static_cast<W>(x[i]) - of.mean) * of.inverse;
          dx[i] = static_cast<T>(of.inverse * (static_cast<W>(dy[i]) * factor - sum / count - u * along / count));
        }
      }
    }
  });
}

}  // namespace likeness::kernels
