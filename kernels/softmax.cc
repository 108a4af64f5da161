#include "kernels/softmax.hpp"

#include <algorithm>

#include "base/parallel.hpp"
#include "kernels/softmax_simd.hpp"

namespace likeness::kernels {
namespace {

constexpr std::int64_t kChunk = 1024;     // columns of a task
constexpr std::int64_t kFewColumns = 16;  // that vectors would not be filled with

// body(offset of the first element, columns) for every chunk of columns.
template <class Body>
void for_columns(const MiddleShape& s, const Body& body) {
  const std::int64_t chunks = (s.inner + kChunk - 1) / kChunk;
  parallel_for(s.outer * chunks, [&](std::int64_t task) {
    const std::int64_t first = task % chunks * kChunk;
    body(task / chunks * s.n * s.inner + first, std::min(kChunk, s.inner - first));
  });
}

}  // namespace

void softmax(const MiddleShape& s, const float* x, double beta, float* y) {
  if (s.inner < kFewColumns) return reference::softmax(s, x, beta, y);
  for_columns(
      s, [&](std::int64_t at, std::int64_t columns) { simd::softmax(s.n, s.inner, columns, x + at, static_cast<float>(beta), y + at); });
}

void softmax_gradient(const MiddleShape& s, const float* y, const float* dy, double beta, float* dx) {
  if (s.inner < kFewColumns) return reference::softmax_gradient(s, y, dy, beta, dx);
  for_columns(s, [&](std::int64_t at, std::int64_t columns) {
    simd::softmax_gradient(s.n, s.inner, columns, y + at, dy + at, static_cast<float>(beta), dx + at);
  });
}

}  // namespace likeness::kernels
