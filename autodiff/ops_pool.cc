// Pooling and resampling: forward and gradient side by side. Formulas: likeness/autodiff.hpp.
#include "autodiff/tape_state.hpp"
#include "kernels/resample.hpp"

namespace likeness {

template <class T>
Var<T> max_pool2d(Var<T> x, int kernel, int stride, int padding) {
  Op<T> op("max_pool2d", {x});
  if (!op.ok()) return op.failed();
  const Shape shape = x.shape();
  if (shape.rank() != 4) return op.fail("x is [N, C, H, W], not " + shape.text());
  if (kernel < 1 || stride < 1 || padding < 0 || 2 * padding > kernel)
    return op.fail("needs kernel, stride >= 1 and 0 <= padding <= kernel / 2");
  const std::int64_t h = shape[2];
  const std::int64_t w = shape[3];
  if (h + 2 * padding < kernel || w + 2 * padding < kernel) return op.fail("the window is larger than the padded picture " + shape.text());
  const std::int64_t to_h = (h + 2 * padding - kernel) / stride + 1;
  const std::int64_t to_w = (w + 2 * padding - kernel) / stride + 1;
  const std::int64_t planes = Planes(shape).count();
  return op.record(
      {.shape = {shape[0], shape[1], to_h, to_w}, .reads_inputs = true},
      [=](Forward<T>& f) { kernels::max_pool(f.x(0), planes, h, w, kernel, stride, padding, to_h, to_w, f.y()); },
      [=](Backward<T>& b) {
        b.into(0, [&](T* dx) { kernels::max_pool_gradient(b.x(0), b.dy(), planes, h, w, kernel, stride, padding, to_h, to_w, dx); });
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
  const std::int64_t planes = Planes(shape).count();
  return op.record({.shape = to}, [=](Forward<T>& f) { kernels::resize(f.x(0), planes, shape[2], shape[3], height, width, f.y()); },
                   [=](Backward<T>& b) {
                     b.into(0, [&](T* dx) { kernels::resize_gradient(b.dy(), planes, shape[2], shape[3], height, width, dx); });
                   });
}

#define LIKENESS_INSTANTIATE(T)                      \
  template Var<T> max_pool2d(Var<T>, int, int, int); \
  template Var<T> resize_bilinear(Var<T>, std::int64_t, std::int64_t);
LIKENESS_INSTANTIATE(float)
LIKENESS_INSTANTIATE(double)

}  // namespace likeness
