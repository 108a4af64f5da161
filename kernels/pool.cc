#include "kernels/pool.hpp"

#include "base/parallel.hpp"

namespace likeness::kernels {

void max_pool(const PoolShape& s, const float* x, const float* by, float* y) {
  const PoolShape one{1, s.rows, s.columns};
  parallel_for(s.planes, [&](std::int64_t p) {
    reference::max_pool<float, float>(one, x + p * s.x_plane(), by + p * s.x_plane(), y + p * s.y_plane());
  });
}

void max_pool_gradient(const PoolShape& s, const float* by, const float* dy, float* dx) {
  const PoolShape one{1, s.rows, s.columns};
  parallel_for(s.planes, [&](std::int64_t p) {
    reference::max_pool_gradient<float, float>(one, by + p * s.x_plane(), dy + p * s.y_plane(), dx + p * s.x_plane());
  });
}

}  // namespace likeness::kernels
