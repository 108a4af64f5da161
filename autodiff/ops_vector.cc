// Pooling, resampling and vectors: forward and gradient side by side. Formulas: likeness/autodiff.hpp.
#include <algorithm>
#include <cmath>

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
  const std::int64_t h = shape[2];
  const std::int64_t w = shape[3];
  if (h + 2 * padding < kernel || w + 2 * padding < kernel) return op.fail("the window is larger than the padded picture " + shape.text());
  const kernels::PoolShape pool{Planes(shape).count(), kernels::PoolAxis::window(h, kernel, stride, padding),
                                kernels::PoolAxis::window(w, kernel, stride, padding)};
  const T* from = op.value(x);
  T* y = op.output({shape[0], shape[1], pool.rows.outputs, pool.columns.outputs});
  kernels::max_pool(pool, from, from, y);
  return op.done([=](Backward<T>& b) { b.into(x, [&](T* dx) { kernels::max_pool_gradient(pool, from, b.dy(), dx); }); });
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
  T* y = op.output(to);
  const kernels::AxisMap rows = kernels::AxisMap::bilinear(shape[2], height);
  const kernels::AxisMap columns = kernels::AxisMap::bilinear(shape[3], width);
  const Scratch<T> workspace(op.pool(), kernels::axes_workspace(rows, columns, planes));
  kernels::apply_axes(rows, columns, op.value(x), planes, y, workspace.data());
  return op.done([=, back_rows = rows.transposed(), back_columns = columns.transposed()](Backward<T>& b) {
    b.into(x, [&](T* dx) {
      const Scratch<T> more(b.pool(), kernels::axes_workspace(back_rows, back_columns, planes));
      kernels::apply_axes(back_rows, back_columns, b.dy(), planes, dx, more.data());
    });
  });
}

template <class T>
Var<T> reshape(Var<T> x, const Shape& shape) {
  Op<T> op("reshape", {x});
  if (!op.ok()) return op.failed();
  if (shape.size() != x.shape().size()) return op.fail(x.shape().text() + " and " + shape.text() + " differ in size");
  T* y = op.output(shape);
  std::copy_n(op.value(x), op.size(), y);
  return op.done([x, n = op.size()](Backward<T>& b) { b.into(x, [&](T* dx) { std::copy_n(b.dy(), n, dx); }); });
}

template <class T>
Var<T> concat(std::span<const Var<T>> parts) {
  Op<T> op("concat", parts);
  if (!op.ok()) return op.failed();
  std::int64_t size = 0;
  for (const Var<T>& part : parts) {
    if (part.shape().rank() != 1) return op.fail("the parts are vectors, not " + part.shape().text());
    size += part.shape()[0];
  }
  T* y = op.output({size});
  for (const Var<T>& part : parts) y = std::copy_n(op.value(part), part.shape()[0], y);
  return op.done([kept = std::vector<Var<T>>(parts.begin(), parts.end())](Backward<T>& b) {
    const T* dy = b.dy();
    for (const Var<T>& part : kept) {
      const std::int64_t n = part.shape()[0];
      b.into(part, [&](T* dx) { std::copy_n(dy, n, dx); });
      dy += n;
    }
  });
}

template <class T>
Var<T> slice(Var<T> x, std::int64_t begin, std::int64_t end) {
  Op<T> op("slice", {x});
  if (!op.ok()) return op.failed();
  const Shape shape = x.shape();
  if (shape.rank() != 1) return op.fail("x is a vector, not " + shape.text());
  if (begin < 0 || begin >= end || end > shape[0]) {
    return op.fail("[" + std::to_string(begin) + ", " + std::to_string(end) + ") is not a part of " + shape.text());
  }
  T* y = op.output({end - begin});
  std::copy_n(op.value(x) + begin, end - begin, y);
  return op.done([=](Backward<T>& b) {
    b.into(x, [&](T* dx) {
      std::fill_n(dx, shape[0], T(0));
      std::copy_n(b.dy(), end - begin, dx + begin);
    });
  });
}

template <class T>
Var<T> softmax(Var<T> x, std::int64_t begin, std::int64_t end, double beta) {
  Op<T> op("softmax", {x});
  if (!op.ok()) return op.failed();
  const Shape shape = x.shape();
  if (shape.rank() != 1) return op.fail("x is a vector, not " + shape.text());
  if (begin < 0 || begin >= end || end > shape[0]) {
    return op.fail("[" + std::to_string(begin) + ", " + std::to_string(end) + ") is not a part of " + shape.text());
  }
  const T scale = static_cast<T>(beta);
  const T* from = op.value(x);
  T* y = op.output(shape);
  std::copy_n(from, shape[0], y);
  T highest = scale * from[begin];
  for (std::int64_t i = begin; i < end; ++i) highest = std::max(highest, scale * from[i]);
  T sum(0);
  for (std::int64_t i = begin; i < end; ++i) sum += y[i] = std::exp(scale * from[i] - highest);
  for (std::int64_t i = begin; i < end; ++i) y[i] /= sum;
  return op.done([=](Backward<T>& b) {
    b.into(x, [&](T* dx) {
      const T* dy = b.dy();
      std::copy_n(dy, shape[0], dx);
      T mean(0);
      for (std::int64_t i = begin; i < end; ++i) mean += y[i] * dy[i];
      for (std::int64_t i = begin; i < end; ++i) dx[i] = scale * y[i] * (dy[i] - mean);
    });
  });
}

template <class T>
Var<T> softmax_channels(Var<T> x) {
  Op<T> op("softmax_channels", {x});
  if (!op.ok()) return op.failed();
  const Shape shape = x.shape();
  if (shape.rank() != 4) return op.fail("x is [N, C, H, W], not " + shape.text());
  const Planes p(shape);
  const T* from = op.value(x);
  T* y = op.output(shape);
  for (std::int64_t n = 0; n < p.batch; ++n) {
    for (std::int64_t i = 0; i < p.plane; ++i) {
      const std::int64_t first = n * p.channels * p.plane + i, last = first + p.channels * p.plane;
      T highest = from[first];
      for (std::int64_t k = first; k < last; k += p.plane) highest = std::max(highest, from[k]);
      T sum(0);
      for (std::int64_t k = first; k < last; k += p.plane) sum += y[k] = std::exp(from[k] - highest);
      for (std::int64_t k = first; k < last; k += p.plane) y[k] /= sum;
    }
  }
  return op.done([=](Backward<T>& b) {
    b.into(x, [&](T* dx) {
      const T* dy = b.dy();
      for (std::int64_t n = 0; n < p.batch; ++n) {
        for (std::int64_t i = 0; i < p.plane; ++i) {
          const std::int64_t first = n * p.channels * p.plane + i, last = first + p.channels * p.plane;
          T mean(0);
          for (std::int64_t k = first; k < last; k += p.plane) mean += y[k] * dy[k];
          for (std::int64_t k = first; k < last; k += p.plane) dx[k] = y[k] * (dy[k] - mean);
        }
      }
    });
  });
}

#define LIKENESS_INSTANTIATE(T)                                        \
  template Var<T> max_pool2d(Var<T>, int, int, int);                   \
  template Var<T> resize_bilinear(Var<T>, std::int64_t, std::int64_t); \
  template Var<T> reshape(Var<T>, const Shape&);                       \
  template Var<T> concat(std::span<const Var<T>>);                     \
  template Var<T> slice(Var<T>, std::int64_t, std::int64_t);           \
  template Var<T> softmax(Var<T>, std::int64_t, std::int64_t, double); \
  template Var<T> softmax_channels(Var<T>);
LIKENESS_INSTANTIATE(float)
LIKENESS_INSTANTIATE(double)

}  // namespace likeness
