// A picture with its border of zeros, split so that what a stride keeps apart lies side by side.
#pragma once

#include <cstdint>

namespace likeness::kernels {

/// Floats behind a source that may be read (and ignored).
inline constexpr std::int64_t kSourceSlack = 128;

/// `channels` x `phases` x `phases` planes of height x width;
/// plane (c, u, v) [i, j] = from[c, step i + u - top, step j + v - left], zero outside and where mask <= 0.
struct PaddedSource {
  std::int64_t channels, phases, step, height, width, top, left;

  std::int64_t plane() const { return height * width; }
  std::int64_t channel_stride() const { return phases * phases * plane(); }
  /// Floats, with the slack behind the last plane.
  std::int64_t size() const { return channels * channel_stride() + kSourceSlack; }
};

/// Writes source.size() floats. from (and mask, unless it is nullptr): [channels, from_height, from_width].
void fill_source(const PaddedSource& source, const float* from, const float* mask, std::int64_t from_height, std::int64_t from_width,
                 float* to);

}  // namespace likeness::kernels
