#include "kernels/resample.hpp"

#include <vector>

#include "base/parallel.hpp"

namespace likeness::kernels {
namespace {

// One axis of the resizing map and of its transpose, as tables.
struct Axis {
  std::vector<std::int64_t> low, high;  // [to]
  std::vector<float> fraction;          // [to]
  // Transpose: input i receives weight[k] * output target[k] for k in [start[i], start[i + 1]), outputs ascending.
  std::vector<std::int64_t> start;   // [from + 1]
  std::vector<std::int64_t> target;  // [2 to]
  std::vector<float> weight;         // [2 to]

  Axis(std::int64_t from, std::int64_t to, bool transpose) {
    const auto count = static_cast<std::size_t>(to);
    low.resize(count);
    high.resize(count);
    fraction.resize(count);
    for (std::size_t o = 0; o < count; ++o) {
      const reference::Bilinear b = reference::bilinear(from, to, static_cast<std::int64_t>(o));
      low[o] = b.low;
      high[o] = b.high;
      fraction[o] = static_cast<float>(b.fraction);
    }
    if (!transpose) return;
    start.assign(static_cast<std::size_t>(from) + 1, 0);
    const auto add = [&](std::int64_t i) { ++start[static_cast<std::size_t>(i) + 1]; };
    for (std::size_t o = 0; o < count; ++o) {
      add(low[o]);
      add(high[o]);
    }
    for (std::size_t i = 1; i < start.size(); ++i) start[i] += start[i - 1];
    target.resize(2 * count);
    weight.resize(2 * count);
    std::vector<std::int64_t> next(start.begin(), start.end() - 1);
    const auto put = [&](std::int64_t i, std::size_t o, float w) {
      const auto k = static_cast<std::size_t>(next[static_cast<std::size_t>(i)]++);
      target[k] = static_cast<std::int64_t>(o);
      weight[k] = w;
    };
    for (std::size_t o = 0; o < count; ++o) {
      put(low[o], o, 1.0F - fraction[o]);
      put(high[o], o, fraction[o]);
    }
  }
};

constexpr std::int64_t kRowsPerTask = 16;

// body(plane, row) for all rows of all planes.
template <class Body>
void for_rows(std::int64_t planes, std::int64_t rows, const Body& body) {
  const std::int64_t all = planes * rows;
  parallel_for((all + kRowsPerTask - 1) / kRowsPerTask, [&](std::int64_t task) {
    for (std::int64_t r = task * kRowsPerTask; r < std::min(all, (task + 1) * kRowsPerTask); ++r) body(r / rows, r % rows);
  });
}

}  // namespace

void resize(const float* x, std::int64_t planes, std::int64_t h, std::int64_t w, std::int64_t to_h, std::int64_t to_w, float* y) {
  const Axis rows(h, to_h, false);
  const Axis columns(w, to_w, false);
  for_rows(planes, to_h, [&](std::int64_t c, std::int64_t i) {
    const auto row = static_cast<std::size_t>(i);
    const float* low = x + (c * h + rows.low[row]) * w;
    const float* high = x + (c * h + rows.high[row]) * w;
    const float u = rows.fraction[row];
    float* out = y + (c * to_h + i) * to_w;
    for (std::size_t j = 0; j < static_cast<std::size_t>(to_w); ++j) {
      const std::int64_t a = columns.low[j];
      const std::int64_t b = columns.high[j];
      const float v = columns.fraction[j];
      out[j] = (low[a] * (1.0F - v) + low[b] * v) * (1.0F - u) + (high[a] * (1.0F - v) + high[b] * v) * u;
    }
  });
}

void resize_gradient(const float* dy, std::int64_t planes, std::int64_t h, std::int64_t w, std::int64_t to_h, std::int64_t to_w,
                     float* dx) {
  const Axis rows(h, to_h, true);
  const Axis columns(w, to_w, true);
  for_rows(planes, h, [&](std::int64_t c, std::int64_t i) {
    float* out = dx + (c * h + i) * w;
    std::fill_n(out, w, 0.0F);
    for (std::int64_t r = rows.start[static_cast<std::size_t>(i)]; r < rows.start[static_cast<std::size_t>(i) + 1]; ++r) {
      const float u = rows.weight[static_cast<std::size_t>(r)];
      const float* from = dy + (c * to_h + rows.target[static_cast<std::size_t>(r)]) * to_w;
      for (std::int64_t j = 0; j < w; ++j) {
        float sum = 0.0F;
        for (std::int64_t k = columns.start[static_cast<std::size_t>(j)]; k < columns.start[static_cast<std::size_t>(j) + 1]; ++k) {
          sum += columns.weight[static_cast<std::size_t>(k)] * from[columns.target[static_cast<std::size_t>(k)]];
        }
        out[j] += u * sum;
      }
    }
  });
}

void max_pool(const float* x, std::int64_t planes, std::int64_t h, std::int64_t w, std::int64_t kernel, std::int64_t stride,
              std::int64_t padding, std::int64_t to_h, std::int64_t to_w, float* y) {
  parallel_for(planes, [&](std::int64_t c) {
    reference::max_pool(x + c * h * w, 1, h, w, kernel, stride, padding, to_h, to_w, y + c * to_h * to_w);
  });
}

void max_pool_gradient(const float* x, const float* dy, std::int64_t planes, std::int64_t h, std::int64_t w, std::int64_t kernel,
                       std::int64_t stride, std::int64_t padding, std::int64_t to_h, std::int64_t to_w, float* dx) {
  parallel_for(planes, [&](std::int64_t c) {
    reference::max_pool_gradient(x + c * h * w, dy + c * to_h * to_w, 1, h, w, kernel, stride, padding, to_h, to_w, dx + c * h * w);
  });
}

}  // namespace likeness::kernels
