// Pooling and resampling: forward and gradient side by side. Formulas: likeness/autodiff.hpp.
#include "autodiff/tape_state.hpp"
#include "kernels/axis_map.hpp"
#include "kernels/pool.hpp"

namespace likeness {

template <class T>
Var<T> max_pool2d(Var<T> x, int kernel, int stride, int padding) {
  Op<T> op("max_pool2d", {x});
  if (!op.ok()) return op.failed();
  const Shape shape = x.shape();
  if (shape.rank() != 4) return op.fail("x is [N, C, H, W], not " + shape.text());
  if (kernel < 1 || stride < 1 || padding < 0 || 2 * padding > kernel)
    return op.fail("needs kernel, stride >= 1 and 0 <= padding <= kernel / 2");
  if (shape[2] + 2 * padding < kernel || shape[3] + 2 * padding < kernel)
    return op.fail("the window is larger than the padded picture " + shape.text());
  const kernels::PoolShape pool{Planes(shape).count(), kernels::PoolAxis::window(shape[2], kernel, stride, padding),
                                kernels::PoolAxis::window(shape[3], kernel, stride, padding)};
  return op.record(
      {.shape = {shape[0], shape[1], pool.rows.outputs, pool.columns.outputs}, .reads_inputs = true},
      [=](Forward<T>& f) {
        if (f.decider_x(0) != nullptr) {
          kernels::max_pool(pool, f.x(0), f.decider_x(0), f.y());
        } else {
          kernels::max_pool(pool, f.x(0), f.x(0), f.y());
        }
      },
      [=](Backward<T>& b) {
        b.into(0, [&](T* dx) {
          if (b.decider_x(0) != nullptr) {
            kernels::max_pool_gradient(pool, b.decider_x(0), b.dy(), dx);
          } else {
            kernels::max_pool_gradient(pool, b.x(0), b.dy(), dx);
          }
        });
      });
}

// y = R x C^T, and dx = R^T dy C: one map with its tables turned round.
template <class T>
Var<T> record_axes(Op<T>& op, const Shape& x, kernels::AxisMap rows, kernels::AxisMap columns) {
  struct Maps {
    kernels::AxisMap rows, columns, rows_back, columns_back;
    std::int64_t planes;
  };
  const std::int64_t planes = Planes(x).count();
  auto m = std::make_shared<Maps>(Maps{rows, columns, rows.transposed(), columns.transposed(), planes});
  const std::int64_t workspace =
      std::max(kernels::axes_workspace(m->rows, m->columns, planes), kernels::axes_workspace(m->rows_back, m->columns_back, planes));
  return op.record(
      {.shape = {x[0], x[1], rows.outputs, columns.outputs}, .workspace = workspace},
      [m](Forward<T>& f) { kernels::apply_axes(m->rows, m->columns, f.x(0), m->planes, f.y(), f.workspace()); },
      [m](Backward<T>& b) {
        b.into(0, [&](T* dx) { kernels::apply_axes(m->rows_back, m->columns_back, b.dy(), m->planes, dx, b.workspace()); });
      });
}

template <class T>
Var<T> resize_bilinear(Var<T> x, std::int64_t height, std::int64_t width) {
  Op<T> op("resize_bilinear", {x});
  if (!op.ok()) return op.failed();
  const Shape shape = x.shape();
  if (shape.rank() != 4) return op.fail("x is [N, C, H, W], not " + shape.text());
  const Shape to({shape[0], shape[1], height, width});
  if (to.rank() < 0) return op.fail("cannot resize to " + std::to_string(height) + " x " + std::to_string(width));
  return record_axes(op, shape, kernels::AxisMap::bilinear(shape[2], height), kernels::AxisMap::bilinear(shape[3], width));
}

#define LIKENESS_INSTANTIATE(T)                      \
  template Var<T> max_pool2d(Var<T>, int, int, int); \
  template Var<T> resize_bilinear(Var<T>, std::int64_t, std::int64_t);
LIKENESS_FOR_EACH_NUMBER(LIKENESS_INSTANTIATE)

}  // namespace likeness
