// The same numbers in another order: forward and gradient side by side.
#include <algorithm>
#include <utility>

#include "autodiff/dimensions.hpp"
#include "autodiff/operation.hpp"

namespace likeness {

template <class T>
Var<T> reshape(Var<T> x, const Shape& shape) {
  Op<T> op("reshape", {x});
  if (!op.ok()) return op.failed();
  if (shape.size() != x.shape().size()) return op.fail(x.shape().text() + " and " + shape.text() + " differ in size");
  return op.record(
      {.shape = shape}, [](Forward<T>& f) { std::copy_n(f.x(0), f.size(), f.y()); },
      [](Backward<T>& b) { b.into(0, [&](T* dx) { std::copy_n(b.dy(), b.size(), dx); }); });
}

namespace {

// Copies `rows` runs of `count` numbers; runs begin `from_step` and `to_step` numbers apart.
template <class T>
void copy_runs(std::int64_t rows, std::int64_t count, const T* from, std::int64_t from_step, T* to, std::int64_t to_step) {
  for (std::int64_t r = 0; r < rows; ++r) std::copy_n(from + r * from_step, count, to + r * to_step);
}

}  // namespace

template <class T>
Var<T> concat(std::span<const Var<T>> parts, int dimension) {
  Op<T> op("concat", parts);
  if (!op.ok()) return op.failed();
  const Shape first = parts[0].shape();
  const std::optional<int> found = dimension_of(first, dimension);
  if (!found) return op.fail(first.text() + " has no dimension " + std::to_string(dimension));
  const int along = *found;
  std::int64_t size = first[along];
  for (const Var<T>& part : parts.subspan(1)) {
    const Shape shape = part.shape();
    if (shape.rank() != first.rank() || with_size(shape, along, 1) != with_size(first, along, 1)) {
      return op.fail(shape.text() + " does not continue " + first.text() + " along dimension " + std::to_string(along));
    }
    size += shape[along];
  }
  const Shape shape = with_size(first, along, size);
  const kernels::MiddleShape whole = middle_of(shape, along);
  const std::int64_t step = whole.n * whole.inner;
  return op.record(
      {.shape = shape},
      [=](Forward<T>& f) {
        T* y = f.y();
        for (std::size_t i = 0; i < f.inputs(); ++i) {
          const std::int64_t count = f.x_shape(i)[along] * whole.inner;
          copy_runs(whole.outer, count, f.x(i), count, y, step);
          y += count;
        }
      },
      [=](Backward<T>& b) {
        const T* dy = b.dy();
        for (std::size_t i = 0; i < b.inputs(); ++i) {
          const std::int64_t count = b.x_shape(i)[along] * whole.inner;
          b.into(i, [&](T* dx) { copy_runs(whole.outer, count, dy, step, dx, count); });
          dy += count;
        }
      });
}

template <class T>
Var<T> slice(Var<T> x, std::int64_t begin, std::int64_t end, int dimension) {
  Op<T> op("slice", {x});
  if (!op.ok()) return op.failed();
  const Shape shape = x.shape();
  const std::optional<int> along = dimension_of(shape, dimension);
  if (!along) return op.fail(shape.text() + " has no dimension " + std::to_string(dimension));
  if (begin < 0 || begin >= end || end > shape[*along]) {
    return op.fail("[" + std::to_string(begin) + ", " + std::to_string(end) + ") is not a part of dimension " + std::to_string(*along) +
                   " of " + shape.text());
  }
  const kernels::MiddleShape whole = middle_of(shape, *along);
  const std::int64_t step = whole.n * whole.inner;
  const std::int64_t first = begin * whole.inner;
  const std::int64_t count = (end - begin) * whole.inner;
  return op.record(
      {.shape = with_size(shape, *along, end - begin)},
      [=](Forward<T>& f) { copy_runs(whole.outer, count, f.x(0) + first, step, f.y(), count); },
      [=](Backward<T>& b) {
        b.into(0, [&](T* dx) {
          std::fill_n(dx, whole.size(), T(0));
          copy_runs(whole.outer, count, b.dy(), count, dx + first, step);
        });
      });
}

template <class T>
Var<T> pixel_shuffle(Var<T> x, int factor) {
  Op<T> op("pixel_shuffle", {x});
  if (!op.ok()) return op.failed();
  const Shape shape = x.shape();
  if (shape.rank() != 4) return op.fail("x is [N, C, H, W], not " + shape.text());
  const std::int64_t r = factor;
  if (factor < 1 || shape[1] % (r * r) != 0) {
    return op.fail("the square of the factor " + std::to_string(factor) + " does not divide the channels of " + shape.text());
  }
  const std::int64_t plane = shape[2] * shape[3];
  kernels::StridedShape places;  // image and channel, i, j, h, w
  places.size = {1, shape[0] * shape[1] / (r * r), r, r, shape[2], shape[3]};
  places.from = {0, r * r * plane, r * plane, plane, shape[3], 1};
  places.to = {0, r * r * plane, r * shape[3], 1, r * r * shape[3], r};
  kernels::StridedShape back = places;
  std::swap(back.from, back.to);
  return op.record(
      {.shape = {shape[0], shape[1] / (r * r), r * shape[2], r * shape[3]}},
      [places](Forward<T>& f) { kernels::strided_copy(places, f.x(0), f.y()); },
      [back](Backward<T>& b) { b.into(0, [&](T* dx) { kernels::strided_copy(back, b.dy(), dx); }); });
}

#define LIKENESS_INSTANTIATE(T)                                   \
  template Var<T> reshape(Var<T>, const Shape&);                  \
  template Var<T> concat(std::span<const Var<T>>, int);           \
  template Var<T> slice(Var<T>, std::int64_t, std::int64_t, int); \
  template Var<T> pixel_shuffle(Var<T>, int);
LIKENESS_FOR_EACH_NUMBER(LIKENESS_INSTANTIATE)

}  // namespace likeness
