// Losses: forward and gradient side by side. Formulas: likeness/autodiff.hpp.
#include <array>

#include "autodiff/tape_state.hpp"
#include "kernels/elementwise.hpp"

namespace likeness {
namespace {

// How weights of sizes 1 or full broadcast over a: a is `segments` runs of `length` elements; run k has the weights
// w[offset(k) ... + length) where `vector`, else the one number w[offset(k)].
class Broadcast {
 public:
  // nullopt where the sizes do not fit.
  static std::optional<Broadcast> create(const Shape& a, const Shape& w) {
    if (w.rank() != a.rank()) return std::nullopt;
    Broadcast b;
    std::int64_t stride = 1;
    for (int i = a.rank() - 1, k = 3; i >= 0; --i, --k) {
      const auto at = static_cast<std::size_t>(k);
      if (w[i] != a[i] && w[i] != 1) return std::nullopt;
      b.size_[at] = a[i];
      b.stride_[at] = w[i] == 1 ? 0 : stride;
      stride *= w[i];
    }
    // The longest run of innermost dimensions over which w is one number, or over which it runs along with a.
    b.vector_ = w.size() > 1 && b.stride_[3] == 1;
    for (b.outer_ = 3; b.outer_ >= 0; --b.outer_) {
      const auto at = static_cast<std::size_t>(b.outer_);
      const bool joins = b.size_[at] == 1 || b.stride_[at] == (b.vector_ ? b.length : 0);
      if (!joins) break;
      b.length *= b.size_[at];
    }
    b.segments = a.size() / b.length;
    return b;
  }
  // Offset into w of run k.
  std::int64_t offset(std::int64_t k) const {
    std::int64_t sum = 0;
    for (int i = outer_; i >= 0; --i) {
      const auto at = static_cast<std::size_t>(i);
      sum += k % size_[at] * stride_[at];
      k /= size_[at];
    }
    return sum;
  }
  bool vector() const { return vector_; }

  std::int64_t segments = 1;
  std::int64_t length = 1;

 private:
  std::array<std::int64_t, 4> size_{1, 1, 1, 1};
  std::array<std::int64_t, 4> stride_{0, 0, 0, 0};
  int outer_ = 3;
  bool vector_ = false;
};

// sum w distance(a, b) / sum w; the two losses differ in distance() and its gradient.
template <class T, class Sum, class Gradient>
Var<T> mean_loss(const char* name, Var<T> a, Var<T> b, Var<T> weights, Sum sum, Gradient gradient) {
  Op<T> op(name, {a, b}, {weights});
  if (!op.ok()) return op.failed();
  const Shape shape = a.shape();
  if (shape != b.shape()) return op.fail("shapes " + shape.text() + " and " + b.shape().text() + " differ");
  const Shape one = [&] {
    std::array<std::int64_t, 4> sizes{1, 1, 1, 1};
    return Shape(std::span<const std::int64_t>(sizes.data(), static_cast<std::size_t>(shape.rank())));
  }();
  const bool weighted = weights.valid();
  const std::optional<Broadcast> found = Broadcast::create(shape, weighted ? weights.shape() : one);
  if (!found) return op.fail("weights " + weights.shape().text() + " do not broadcast over " + shape.text());
  const Broadcast run = *found;
  const T* w = weighted ? op.value(weights) : nullptr;
  if (weighted && TapeAccess<T>::node(weights).wants_gradient) return op.fail("the weights must be a constant");
  const T* va = op.value(a);
  const T* vb = op.value(b);
  double total = 0.0;
  double norm = 0.0;
  for (std::int64_t k = 0; k < run.segments; ++k) {
    const std::int64_t at = k * run.length;
    const T* v = weighted ? w + run.offset(k) : nullptr;
    const double scale = weighted && !run.vector() ? static_cast<double>(*v) : 1.0;
    total += scale * sum(va + at, vb + at, run.vector() ? v : nullptr, run.length);
    double segment_norm = static_cast<double>(run.length);
    if (run.vector()) {
      segment_norm = 0.0;
      for (std::int64_t i = 0; i < run.length; ++i) segment_norm += static_cast<double>(v[i]);
    }
    norm += scale * segment_norm;
  }
  if (!(norm > 0.0)) return op.fail("the weights must have a positive sum");
  T* y = op.output({});
  y[0] = static_cast<T>(total / norm);
  return op.done([=](Backward<T>& back) {
    const auto flow = [&](const Var<T>& x, const T* from, const T* to) {
      back.into(x, [&](T* dx) {
        for (std::int64_t k = 0; k < run.segments; ++k) {
          const std::int64_t at = k * run.length;
          const T* v = weighted ? w + run.offset(k) : nullptr;
          const double scale = static_cast<double>(back.dy()[0]) / norm * (weighted && !run.vector() ? static_cast<double>(*v) : 1.0);
          gradient(from + at, to + at, run.vector() ? v : nullptr, scale, dx + at, run.length);
        }
      });
    };
    flow(a, va, vb);
    flow(b, vb, va);
  });
}

}  // namespace

template <class T>
Var<T> l1_mean(Var<T> a, Var<T> b, Var<T> weights) {
  return mean_loss<T>(
      "l1_mean", a, b, weights,
      [](const T* x, const T* to, const T* w, std::int64_t n) { return static_cast<double>(kernels::l1_sum(x, to, w, n)); },
      [](const T* x, const T* to, const T* w, double scale, T* dx, std::int64_t n) {
        kernels::l1_gradient(x, to, w, static_cast<T>(scale), dx, n);
      });
}

template <class T>
Var<T> l2_mean(Var<T> a, Var<T> b, Var<T> weights) {
  return mean_loss<T>(
      "l2_mean", a, b, weights,
      [](const T* x, const T* to, const T* w, std::int64_t n) { return static_cast<double>(kernels::l2_sum(x, to, w, n)); },
      [](const T* x, const T* to, const T* w, double scale, T* dx, std::int64_t n) {
        kernels::l2_gradient(x, to, w, static_cast<T>(2.0 * scale), dx, n);
      });
}

template <class T>
Var<T> weighted_sum(std::span<const Var<T>> terms, std::span<const T> weights) {
  Op<T> op("weighted_sum", terms);
  if (!op.ok()) return op.failed();
  if (terms.size() != weights.size()) return op.fail("needs as many weights as terms");
  T sum(0);
  for (std::size_t i = 0; i < terms.size(); ++i) {
    if (terms[i].shape().size() != 1) return op.fail("the terms are scalars, not " + terms[i].shape().text());
    sum += weights[i] * terms[i].item();
  }
  *op.output({}) = sum;
  return op.done(
      [kept = std::vector<Var<T>>(terms.begin(), terms.end()), factors = std::vector<T>(weights.begin(), weights.end())](Backward<T>& b) {
        for (std::size_t i = 0; i < kept.size(); ++i) {
          b.into(kept[i], [&](T* dx) { dx[0] = factors[i] * b.dy()[0]; });
        }
      });
}

#define LIKENESS_INSTANTIATE(T)                    \
  template Var<T> l1_mean(Var<T>, Var<T>, Var<T>); \
  template Var<T> l2_mean(Var<T>, Var<T>, Var<T>); \
  template Var<T> weighted_sum(std::span<const Var<T>>, std::span<const T>);
LIKENESS_INSTANTIATE(float)
LIKENESS_INSTANTIATE(double)

}  // namespace likeness
