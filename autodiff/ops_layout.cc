// The same numbers in another order: forward and gradient side by side.
#include <algorithm>

#include "autodiff/tape_state.hpp"

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

template <class T>
Var<T> concat(std::span<const Var<T>> parts) {
  Op<T> op("concat", parts);
  if (!op.ok()) return op.failed();
  std::int64_t size = 0;
  for (const Var<T>& part : parts) {
    if (part.shape().rank() != 1) return op.fail("the parts are vectors, not " + part.shape().text());
    size += part.shape()[0];
  }
  return op.record(
      {.shape = {size}},
      [](Forward<T>& f) {
        T* y = f.y();
        for (std::size_t i = 0; i < f.inputs(); ++i) y = std::copy_n(f.x(i), f.x_shape(i)[0], y);
      },
      [](Backward<T>& b) {
        const T* dy = b.dy();
        for (std::size_t i = 0; i < b.inputs(); ++i) {
          const std::int64_t n = b.x_shape(i)[0];
          b.into(i, [&](T* dx) { std::copy_n(dy, n, dx); });
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
  return op.record(
      {.shape = {end - begin}}, [=](Forward<T>& f) { std::copy_n(f.x(0) + begin, end - begin, f.y()); },
      [=](Backward<T>& b) {
        b.into(0, [&](T* dx) {
          std::fill_n(dx, shape[0], T(0));
          std::copy_n(b.dy(), end - begin, dx + begin);
        });
      });
}

#define LIKENESS_INSTANTIATE(T)                    \
  template Var<T> reshape(Var<T>, const Shape&);   \
  template Var<T> concat(std::span<const Var<T>>); \
  template Var<T> slice(Var<T>, std::int64_t, std::int64_t);
LIKENESS_FOR_EACH_NUMBER(LIKENESS_INSTANTIATE)

}  // namespace likeness
