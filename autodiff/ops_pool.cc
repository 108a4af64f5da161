// Max pooling: forward and gradient side by side. Formulas: likeness/autodiff.hpp.
#include "autodiff/dimensions.hpp"
#include "autodiff/operation.hpp"
#include "kernels/pool.hpp"

namespace likeness {
namespace {

using kernels::PoolAxis;

template <class T>
Var<T> record_max_pool(Op<T>& op, const kernels::PoolShape& pool, const Shape& shape) {
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

}  // namespace

template <class T>
Var<T> max_pool2d(Var<T> x, int kernel, int stride, int padding) {
  Op<T> op("max_pool2d", {x});
  if (!op.ok()) return op.failed();
  const Shape shape = x.shape();
  if (const std::string error = window_error(shape, kernel, stride, padding); !error.empty()) return op.fail(error);
  const auto axis = [&](std::int64_t size) { return PoolAxis::window(size, kernel, stride, padding); };
  return record_max_pool(op, {Planes(shape).count(), axis(shape[2]), axis(shape[3])}, shape);
}

template <class T>
Var<T> adaptive_max_pool2d(Var<T> x, std::int64_t height, std::int64_t width) {
  Op<T> op("adaptive_max_pool2d", {x});
  if (!op.ok()) return op.failed();
  const Shape shape = x.shape();
  if (const std::string error = target_error(shape, "pool", height, width); !error.empty()) return op.fail(error);
  return record_max_pool(op, {Planes(shape).count(), PoolAxis::adaptive(shape[2], height), PoolAxis::adaptive(shape[3], width)}, shape);
}

#define LIKENESS_INSTANTIATE(T)                      \
  template Var<T> max_pool2d(Var<T>, int, int, int); \
  template Var<T> adaptive_max_pool2d(Var<T>, std::int64_t, std::int64_t);
LIKENESS_FOR_EACH_NUMBER(LIKENESS_INSTANTIATE)

}  // namespace likeness
