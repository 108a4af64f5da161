#include "kernels/padded_source.hpp"

#include <algorithm>

#include "base/parallel.hpp"
#include "kernels/conv_shape.hpp"
#include "kernels/copy_places.hpp"

namespace likeness::kernels {
namespace {

constexpr std::int64_t kCopyChunk = 1 << 14;

// A row of all column phases: to[v * to_stride + j] = from[step j + v - left], zero outside.
void copy_row(const PaddedSource& s, const float* from, const float* mask, std::int64_t from_width, float* to, std::int64_t to_stride) {
  // Columns j with all of 0 <= step j + v - left < from_width.
  const std::int64_t begin = std::min(s.width, divide_up(s.left, s.step));
  const std::int64_t room = from_width + s.left - s.phases;  // left of the last window's first number
  const std::int64_t end = room < 0 ? begin : std::clamp(room / s.step + 1, begin, s.width);
  for (std::int64_t v = 0; v < s.phases; ++v) {
    float* row = to + v * to_stride;
    const auto edge = [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t j = first; j < last; ++j) {
        const std::int64_t at = s.step * j + v - s.left;
        row[j] = at >= 0 && at < from_width && (mask == nullptr || mask[at] > 0.0F) ? from[at] : 0.0F;
      }
    };
    edge(0, begin);
    edge(end, s.width);
  }
  if (begin == end) return;
  const std::int64_t shift = s.step * begin - s.left;
  from += shift;
  if (mask != nullptr) mask += shift;
  for (std::int64_t v = 0; v < s.phases; ++v)
    copy_places(from + v, mask == nullptr ? nullptr : mask + v, s.step, end - begin, to + v * to_stride + begin);
}

}  // namespace

void fill_source(const PaddedSource& s, const float* from, const float* mask, std::int64_t from_height, std::int64_t from_width,
                 float* to) {
  const std::int64_t rows = std::max<std::int64_t>(1, kCopyChunk / (s.width * s.phases * s.phases));  // of one task
  parallel_for(divide_up(s.channels * s.height, rows), [&](std::int64_t task) {
    for (std::int64_t r = task * rows; r < std::min(s.channels * s.height, (task + 1) * rows); ++r) {
      const std::int64_t c = r / s.height;
      const std::int64_t i = r % s.height;
      for (std::int64_t u = 0; u < s.phases; ++u) {
        const std::int64_t row = s.step * i + u - s.top;
        float* out = to + c * s.channel_stride() + (u * s.phases * s.height + i) * s.width;
        if (row < 0 || row >= from_height) {
          for (std::int64_t v = 0; v < s.phases; ++v) std::fill_n(out + v * s.plane(), s.width, 0.0F);
        } else {
          const std::int64_t offset = (c * from_height + row) * from_width;
          copy_row(s, from + offset, mask != nullptr ? mask + offset : nullptr, from_width, out, s.plane());
        }
      }
    }
  });
  std::fill_n(to + s.channels * s.channel_stride(), kSourceSlack, 0.0F);
}

}  // namespace likeness::kernels
