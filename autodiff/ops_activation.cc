// Activations: forward and gradient side by side. Formulas: likeness/autodiff.hpp.
#include "autodiff/operation.hpp"
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
Var<T> leaky_relu(Var<T> x, double slope) {
  Op<T> op("leaky_relu", {x});
  if (!op.ok()) return op.failed();
  return op.record(
      {.shape = x.shape(), .reads_inputs = true},
      [slope](Forward<T>& f) {
        if (f.decider_x(0) != nullptr) {
          kernels::leaky_relu_gradient(f.decider_x(0), f.x(0), slope, f.y(), f.size());
        } else {
          kernels::leaky_relu(f.x(0), slope, f.y(), f.size());
        }
      },
      [slope](Backward<T>& b) {
        b.into(0, [&](T* dx) {
          if (b.decider_x(0) != nullptr) {
            kernels::leaky_relu_gradient(b.decider_x(0), b.dy(), slope, dx, b.size());
          } else {
            kernels::leaky_relu_gradient(b.x(0), b.dy(), slope, dx, b.size());
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

template <class T>
Var<T> silu(Var<T> x) {
  Op<T> op("silu", {x});
  if (!op.ok()) return op.failed();
  return op.record(
      {.shape = x.shape(), .reads_inputs = true}, [](Forward<T>& f) { kernels::silu(f.x(0), f.y(), f.size()); },
      [](Backward<T>& b) { b.into(0, [&](T* dx) { kernels::silu_gradient(b.x(0), b.dy(), dx, b.size()); }); });
}

template <class T>
Var<T> tanh(Var<T> x) {
  Op<T> op("tanh", {x});
  if (!op.ok()) return op.failed();
  return op.record(
      {.shape = x.shape(), .reads_output = true}, [](Forward<T>& f) { kernels::tanh(f.x(0), f.y(), f.size()); },
      [](Backward<T>& b) { b.into(0, [&](T* dx) { kernels::tanh_gradient(b.y(), b.dy(), dx, b.size()); }); });
}

#define LIKENESS_INSTANTIATE(T)               \
  template Var<T> relu(Var<T>);               \
  template Var<T> leaky_relu(Var<T>, double); \
  template Var<T> sigmoid(Var<T>);            \
  template Var<T> silu(Var<T>);               \
  template Var<T> tanh(Var<T>);
LIKENESS_FOR_EACH_NUMBER(LIKENESS_INSTANTIATE)

}  // namespace likeness
