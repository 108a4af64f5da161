// Activations: forward and gradient side by side. Formulas: likeness/autodiff.hpp.
#include "autodiff/frozen.hpp"
#include "autodiff/tape_state.hpp"
#include "kernels/elementwise.hpp"

namespace likeness {

template <class T>
Var<T> relu(Var<T> x) {
  Op<T> op("relu", {x});
  if (!op.ok()) return op.failed();
  return op.record(
      {.shape = x.shape(), .reads_output = true, .pattern = Pattern::relu},
      [](Forward<T>& f) {
        if (f.decider_y() != nullptr) {
          kernels::relu_gradient(f.decider_y(), f.x(0), f.y(), f.size());
        } else {
          kernels::relu(f.x(0), f.y(), f.size());
        }
      },
      [](Backward<T>& b) {
        b.into(0, [&](T* dx) {
          if (b.decider_y() != nullptr) {
            kernels::relu_gradient(b.decider_y(), b.dy(), dx, b.size());
          } else {
            kernels::relu_gradient(b.y(), b.dy(), dx, b.size());
          }
        });
      });
}

template <class T>
Var<T> sigmoid(Var<T> x) {
  Op<T> op("sigmoid", {x});
  if (!op.ok()) return op.failed();
  return op.record(
      {.shape = x.shape(), .reads_output = true}, [](Forward<T>& f) { kernels::sigmoid(f.x(0), f.y(), f.size()); },
      [](Backward<T>& b) { b.into(0, [&](T* dx) { kernels::sigmoid_gradient(b.y(), b.dy(), dx, b.size()); }); });
}

#define LIKENESS_INSTANTIATE(T) \
  template Var<T> relu(Var<T>); \
  template Var<T> sigmoid(Var<T>);
LIKENESS_FOR_EACH_NUMBER(LIKENESS_INSTANTIATE)

}  // namespace likeness
