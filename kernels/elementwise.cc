#include "kernels/elementwise.hpp"

#include <algorithm>
#include <vector>

#include "base/parallel.hpp"
#include "kernels/elementwise_simd.hpp"

namespace likeness::kernels {
namespace {

constexpr std::int64_t kMapChunk = 1 << 15;
constexpr std::int64_t kSumChunk = 1 << 12;

void map_chunks(simd::Map kind, const float* a, const float* b, const float* c, float p, float q, float* y, std::int64_t n) {
  parallel_for((n + kMapChunk - 1) / kMapChunk, [&](std::int64_t chunk) {
    const std::int64_t i = chunk * kMapChunk;
    simd::map(kind, a + i, b != nullptr ? b + i : nullptr, c != nullptr ? c + i : nullptr, p, q, y + i, std::min(kMapChunk, n - i));
  });
}

double sum_chunks(simd::Sum kind, const float* a, const float* b, const float* w, std::int64_t n) {
  constexpr std::int64_t kChunksPerTask = 8;
  const std::int64_t chunks = (n + kSumChunk - 1) / kSumChunk;
  std::vector<double> parts(static_cast<std::size_t>(chunks));
  parallel_for((chunks + kChunksPerTask - 1) / kChunksPerTask, [&](std::int64_t task) {
    for (std::int64_t chunk = task * kChunksPerTask; chunk < std::min(chunks, (task + 1) * kChunksPerTask); ++chunk) {
      const std::int64_t i = chunk * kSumChunk;
      parts[static_cast<std::size_t>(chunk)] = simd::sum(kind, a + i, b + i, w != nullptr ? w + i : nullptr, std::min(kSumChunk, n - i));
    }
  });
  double total = 0.0;
  for (const double part : parts) total += part;
  return total;
}

}  // namespace

void relu(const float* x, float* y, std::int64_t n) { map_chunks(simd::Map::relu, x, nullptr, nullptr, 0, 0, y, n); }
void relu_gradient(const float* y, const float* dy, float* dx, std::int64_t n) {
  map_chunks(simd::Map::relu_gradient, y, dy, nullptr, 0, 0, dx, n);
}
void sigmoid(const float* x, float* y, std::int64_t n) { map_chunks(simd::Map::sigmoid, x, nullptr, nullptr, 0, 0, y, n); }
void sigmoid_gradient(const float* y, const float* dy, float* dx, std::int64_t n) {
  map_chunks(simd::Map::sigmoid_gradient, y, dy, nullptr, 0, 0, dx, n);
}
void add(const float* a, const float* b, float* y, std::int64_t n) { map_chunks(simd::Map::add, a, b, nullptr, 0, 0, y, n); }
void add_relu(const float* a, const float* b, float* y, std::int64_t n) { map_chunks(simd::Map::add_relu, a, b, nullptr, 0, 0, y, n); }
void scale_shift(const float* x, float scale, float shift, float* y, std::int64_t n) {
  map_chunks(simd::Map::scale_shift, x, nullptr, nullptr, scale, shift, y, n);
}
void l1_gradient(const float* a, const float* b, const float* w, float scale, float* da, std::int64_t n) {
  map_chunks(simd::Map::l1_gradient, a, b, w, scale, 0, da, n);
}
void l2_gradient(const float* a, const float* b, const float* w, float scale, float* da, std::int64_t n) {
  map_chunks(simd::Map::l2_gradient, a, b, w, scale, 0, da, n);
}
double l1_sum(const float* a, const float* b, const float* w, std::int64_t n) {
  return sum_chunks(simd::Sum::absolute_difference, a, b, w, n);
}
double l2_sum(const float* a, const float* b, const float* w, std::int64_t n) {
  return sum_chunks(simd::Sum::squared_difference, a, b, w, n);
}

void matvec(const float* w, const float* bias, const float* x, std::int64_t inputs, std::int64_t outputs, float* y) {
  constexpr std::int64_t kBlock = 1024;  // outputs that stay in the first-level cache while all inputs pass
  parallel_for((outputs + kBlock - 1) / kBlock, [&](std::int64_t block) {
    const std::int64_t begin = block * kBlock;
    const std::int64_t count = std::min(kBlock, outputs - begin);
    if (bias != nullptr) {
      std::copy_n(bias + begin, count, y + begin);
    } else {
      std::fill_n(y + begin, count, 0.0F);
    }
    for (std::int64_t i = 0; i < inputs; ++i) {
      simd::map(simd::Map::multiply_add, y + begin, w + i * outputs + begin, nullptr, x[i], 0, y + begin, count);
    }
  });
}

void matvec_transposed(const float* w, const float* dy, std::int64_t inputs, std::int64_t outputs, float* dx) {
  constexpr std::int64_t kRows = 16;
  parallel_for((inputs + kRows - 1) / kRows, [&](std::int64_t block) {
    for (std::int64_t i = block * kRows; i < std::min(inputs, (block + 1) * kRows); ++i) {
      double total = 0.0;
      for (std::int64_t o = 0; o < outputs; o += kSumChunk) {
        total += simd::sum(simd::Sum::product, w + i * outputs + o, dy + o, nullptr, std::min(kSumChunk, outputs - o));
      }
      dx[i] = static_cast<float>(total);
    }
  });
}

}  // namespace likeness::kernels
