#include "kernels/elementwise.hpp"

#include <algorithm>
#include <array>

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

// Chunks in order, in at most kParts tasks whose bounds depend on n alone.
double sum_chunks(simd::Sum kind, const float* a, const float* b, const float* w, float p, std::int64_t n) {
  constexpr std::int64_t kParts = 64;
  constexpr std::int64_t kChunksPerPart = 8;
  const std::int64_t chunks = (n + kSumChunk - 1) / kSumChunk;
  const std::int64_t parts = std::min(kParts, (chunks + kChunksPerPart - 1) / kChunksPerPart);
  std::array<double, kParts> sums{};
  parallel_for(parts, [&](std::int64_t part) {
    double sum = 0.0;
    for (std::int64_t chunk = chunks * part / parts; chunk < chunks * (part + 1) / parts; ++chunk) {
      const std::int64_t i = chunk * kSumChunk;
      sum += simd::sum(kind, a + i, b + i, w != nullptr ? w + i : nullptr, p, std::min(kSumChunk, n - i));
    }
    sums[static_cast<std::size_t>(part)] = sum;
  });
  double total = 0.0;
  for (const double sum : sums) total += sum;
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
void leaky_relu(const float* x, double slope, float* y, std::int64_t n) {
  map_chunks(simd::Map::leaky_relu_gradient, x, x, nullptr, static_cast<float>(slope), 0, y, n);
}
void leaky_relu_gradient(const float* x, const float* dy, double slope, float* dx, std::int64_t n) {
  map_chunks(simd::Map::leaky_relu_gradient, x, dy, nullptr, static_cast<float>(slope), 0, dx, n);
}
void silu(const float* x, float* y, std::int64_t n) { map_chunks(simd::Map::silu, x, nullptr, nullptr, 0, 0, y, n); }
void silu_gradient(const float* x, const float* dy, float* dx, std::int64_t n) {
  map_chunks(simd::Map::silu_gradient, x, dy, nullptr, 0, 0, dx, n);
}
void tanh(const float* x, float* y, std::int64_t n) { map_chunks(simd::Map::tanh, x, nullptr, nullptr, 0, 0, y, n); }
void tanh_gradient(const float* y, const float* dy, float* dx, std::int64_t n) {
  map_chunks(simd::Map::tanh_gradient, y, dy, nullptr, 0, 0, dx, n);
}
void subtract(const float* a, const float* b, float* y, std::int64_t n) { map_chunks(simd::Map::subtract, a, b, nullptr, 0, 0, y, n); }
void multiply(const float* a, const float* b, float* y, std::int64_t n) { map_chunks(simd::Map::multiply, a, b, nullptr, 0, 0, y, n); }
void divide(const float* a, const float* b, float* y, std::int64_t n) { map_chunks(simd::Map::divide, a, b, nullptr, 0, 0, y, n); }
void smooth_l1_gradient(const float* a, const float* b, const float* w, double beta, float scale, float* da, std::int64_t n) {
  map_chunks(simd::Map::smooth_l1_gradient, a, b, w, scale, static_cast<float>(1.0 / beta), da, n);
}
double dot(const float* a, const float* b, std::int64_t n) { return sum_chunks(simd::Sum::product, a, b, nullptr, 0, n); }
double smooth_l1_sum(const float* a, const float* b, const float* w, double beta, std::int64_t n) {
  return sum_chunks(simd::Sum::smooth_difference, a, b, w, static_cast<float>(beta), n);
}
double l1_sum(const float* a, const float* b, const float* w, std::int64_t n) {
  return sum_chunks(simd::Sum::absolute_difference, a, b, w, 0, n);
}
double l2_sum(const float* a, const float* b, const float* w, std::int64_t n) {
  return sum_chunks(simd::Sum::squared_difference, a, b, w, 0, n);
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
        total += simd::sum(simd::Sum::product, w + i * outputs + o, dy + o, nullptr, 0, std::min(kSumChunk, outputs - o));
      }
      dx[i] = static_cast<float>(total);
    }
  });
}

}  // namespace likeness::kernels
