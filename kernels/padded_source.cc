#include "kernels/padded_source.hpp"

#include <algorithm>

#include "base/parallel.hpp"
#include "kernels/conv_tiles.hpp"

namespace likeness::kernels {
namespace {

constexpr std::int64_t kCopyChunk = 1 << 14;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

void copy_row(const float* from, const float* mask, std::int64_t from_width, std::int64_t first, std::int64_t step, std::int64_t width,
              float* to) {
  // Columns j with 0 <= first + step j < from_width.
  const std::int64_t begin = std::clamp<std::int64_t>(first >= 0 ? 0 : divide_up(-first, step), 0, width);
  const std::int64_t end = std::clamp<std::int64_t>(from_width > first ? divide_up(from_width - first, step) : 0, begin, width);
  std::fill(to, to + begin, 0.0F);
  const std::int64_t shift = first + begin * step;
  if (end > begin) copy_places(from + shift, mask != nullptr ? mask + shift : nullptr, step, end - begin, to + begin);
  std::fill(to + end, to + width, 0.0F);
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
        for (std::int64_t v = 0; v < s.phases; ++v) {
          float* out = to + c * s.channel_stride() + ((u * s.phases + v) * s.height + i) * s.width;
          if (row < 0 || row >= from_height) {
            std::fill_n(out, s.width, 0.0F);
          } else {
            const std::int64_t offset = (c * from_height + row) * from_width;
            copy_row(from + offset, mask != nullptr ? mask + offset : nullptr, from_width, v - s.left, s.step, s.width, out);
          }
        }
      }
    }
  });
  std::fill_n(to + s.channels * s.channel_stride(), kSourceSlack, 0.0F);
}

}  // namespace likeness::kernels
