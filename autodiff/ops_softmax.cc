// Softmax: forward and gradient side by side. Formulas: likeness/autodiff.hpp.
#include <algorithm>
#include <cmath>

#include "autodiff/tape_state.hpp"

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
  const T scale = static_cast<T>(beta);
  return op.record(
      {.shape = shape, .reads_output = true},
      [=](Forward<T>& f) {
        const T* from = f.x(0);
        T* y = f.y();
        std::copy_n(from, shape[0], y);
        T highest = scale * from[begin];
        for (std::int64_t i = begin; i < end; ++i) highest = std::max(highest, scale * from[i]);
        T sum(0);
        for (std::int64_t i = begin; i < end; ++i) sum += y[i] = std::exp(scale * from[i] - highest);
        for (std::int64_t i = begin; i < end; ++i) y[i] /= sum;
      },
      [=](Backward<T>& b) {
        b.into(0, [&](T* dx) {
          const T* dy = b.dy();
          const T* y = b.y();
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
  return op.record(
      {.shape = shape, .reads_output = true},
      [p = Planes(shape)](Forward<T>& f) {
        const T* from = f.x(0);
        T* y = f.y();
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
      },
      [p = Planes(shape)](Backward<T>& b) {
        b.into(0, [&](T* dx) {
          const T* dy = b.dy();
          const T* y = b.y();
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
  template Var<T> softmax(Var<T>, std::int64_t, std::int64_t, double); \
  template Var<T> softmax_channels(Var<T>);
LIKENESS_INSTANTIATE(float)
LIKENESS_INSTANTIATE(double)

}  // namespace likeness
