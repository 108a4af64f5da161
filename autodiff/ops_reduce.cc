// Sums and means over dimensions: forward and gradient side by side. Formulas: likeness/autodiff.hpp.
#include <vector>

#include "autodiff/dimensions.hpp"
#include "autodiff/operation.hpp"

namespace likeness {
namespace {

template <class T>
Var<T> reduce(const char* name, Var<T> x, std::initializer_list<int> dimensions, bool keep, bool mean) {
  Op<T> op(name, {x});
  if (!op.ok()) return op.failed();
  const Shape shape = x.shape();
  std::array<bool, 4> summed{};
  for (const int d : dimensions) {
    const std::optional<int> found = dimension_of(shape, d);
    if (!found) return op.fail(shape.text() + " has no dimension " + std::to_string(d));
    if (summed[static_cast<std::size_t>(*found)]) return op.fail("dimension " + std::to_string(d) + " is named twice");
    summed[static_cast<std::size_t>(*found)] = true;
  }
  if (dimensions.size() == 0) summed.fill(true);
  std::vector<std::int64_t> sizes;
  for (int i = 0; i < shape.rank(); ++i) {
    if (!summed[static_cast<std::size_t>(i)]) {
      sizes.push_back(shape[i]);
    } else if (keep) {
      sizes.push_back(1);
    }
  }
  const Reduction reduction(shape, summed);
  const T scale = mean ? T(static_cast<double>(reduction.outputs()) / static_cast<double>(shape.size())) : T(1);
  return op.record(
      {.shape = Shape(std::span<const std::int64_t>(sizes)), .workspace = reduction.workspace()},
      [=](Forward<T>& f) { reduction.sum(f.x(0), scale, f.y(), f.workspace()); },
      [=](Backward<T>& b) { b.into(0, [&](T* dx) { reduction.repeat(b.dy(), scale, dx, b.workspace()); }); });
}

}  // namespace

template <class T>
Var<T> sum(Var<T> x, std::initializer_list<int> dimensions, bool keep) {
  return reduce("sum", x, dimensions, keep, false);
}

template <class T>
Var<T> mean(Var<T> x, std::initializer_list<int> dimensions, bool keep) {
  return reduce("mean", x, dimensions, keep, true);
}

#define LIKENESS_INSTANTIATE(T)                                  \
  template Var<T> sum(Var<T>, std::initializer_list<int>, bool); \
  template Var<T> mean(Var<T>, std::initializer_list<int>, bool);
LIKENESS_FOR_EACH_NUMBER(LIKENESS_INSTANTIATE)

}  // namespace likeness
