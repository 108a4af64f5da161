#include "kernels/pool.hpp"

#include <algorithm>
#include <limits>

#include "base/parallel.hpp"
#include "kernels/pool_simd.hpp"

namespace likeness::kernels {
namespace {

// body(p, shape) for runs of planes from p, of at least 2^12 inputs each.
template <class Body>
void for_planes(const PoolShape& s, const Body& body) {
  const std::int64_t together = std::max<std::int64_t>(1, (1 << 12) / s.x_plane());
  parallel_for((s.planes + together - 1) / together, [&](std::int64_t task) {
    const std::int64_t first = task * together;
    body(first, PoolShape{std::min(together, s.planes - first), s.rows, s.columns});
  });
}

bool fits(const PoolShape& s) { return s.x_plane() <= std::numeric_limits<std::int32_t>::max(); }

}  // namespace

void max_pool(const PoolShape& s, const float* x, const float* by, float* y) {
  if (!fits(s)) return reference::max_pool<float, float>(s, x, by, y);
  for_planes(s, [&](std::int64_t p, const PoolShape& part) {
    simd::max_pool(part, x + p * s.x_plane(), by + p * s.x_plane(), y + p * s.y_plane());
  });
}

void max_pool_gradient(const PoolShape& s, const float* by, const float* dy, float* dx) {
  if (!fits(s)) return reference::max_pool_gradient<float, float>(s, by, dy, dx);
  for_planes(s, [&](std::int64_t p, const PoolShape& part) {
    simd::max_pool_gradient(part, by + p * s.x_plane(), dy + p * s.y_plane(), dx + p * s.x_plane());
  });
}

}  // namespace likeness::kernels
