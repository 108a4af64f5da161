// Softmax: forward and gradient side by side. Formulas: likeness/autodiff.hpp.
#include <algorithm>

#include "autodiff/dimensions.hpp"
#include "autodiff/operation.hpp"
#include "kernels/softmax.hpp"

namespace likeness {

template <class T>
Var<T> softmax(Var<T> x, std::int64_t begin, std::int64_t end, double beta) {
  Op<T> op("softmax", {x});
  if (!op.ok()) return op.failed();
  const Shape shape = x.shape();
  if (shape.rank() != 1) return op.fail("x is a vector, not " + shape.text());
  if (begin < 0 || begin >= end || end > shape[0]) {
    return op.fail("[" + std::to_string(begin) + ", " + std::to_string(end) + ") is not a part of " + shape.text());
  }
  const kernels::MiddleShape part{1, end - begin, 1};
  return op.record(
      {.shape = shape, .reads_output = true},
      [=](Forward<T>& f) {
        std::copy_n(f.x(0), shape[0], f.y());
        kernels::softmax(part, f.x(0) + begin, beta, f.y() + begin);
      },
      [=](Backward<T>& b) {
        b.into(0, [&](T* dx) {
          std::copy_n(b.dy(), shape[0], dx);
          kernels::softmax_gradient(part, b.y() + begin, b.dy() + begin, beta, dx + begin);
        });
      });
}

template <class T>
Var<T> softmax(Var<T> x, int dimension) {
  Op<T> op("softmax", {x});
  if (!op.ok()) return op.failed();
  const Shape shape = x.shape();
  const std::optional<int> along = dimension_of(shape, dimension);
  if (!along) return op.fail(shape.text() + " has no dimension " + std::to_string(dimension));
  const kernels::MiddleShape view = middle_of(shape, *along);
  return op.record(
      {.shape = shape, .reads_output = true}, [=](Forward<T>& f) { kernels::softmax(view, f.x(0), 1.0, f.y()); },
      [=](Backward<T>& b) { b.into(0, [&](T* dx) { kernels::softmax_gradient(view, b.y(), b.dy(), 1.0, dx); }); });
}

#define LIKENESS_INSTANTIATE(T)                                        \
  template Var<T> softmax(Var<T>, std::int64_t, std::int64_t, double); \
  template Var<T> softmax(Var<T>, int);
LIKENESS_FOR_EACH_NUMBER(LIKENESS_INSTANTIATE)

}  // namespace likeness
