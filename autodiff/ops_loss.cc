// Losses: forward and gradient side by side. Formulas: likeness/autodiff.hpp.
#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "autodiff/operation.hpp"
#include "base/parallel.hpp"
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

// body(part, first element, weights of the run or nullptr where they are one number, that number, elements) for every run. Runs are shared
// out to at most kParts parts whose bounds depend on their number alone; a part's come one after the other. Of few runs each is split
// inside the body instead.
constexpr std::int64_t kParts = 64, kFewRuns = 8;
template <class T, class Body>
void for_runs(const Broadcast& run, const T* weights, Body body) {
  const std::int64_t parts = run.segments < kFewRuns ? 1 : std::min(kParts, run.segments);
  parallel_for(parts, [&](std::int64_t part) {
    for (std::int64_t k = run.segments * part / parts; k < run.segments * (part + 1) / parts; ++k) {
      const T* w = weights == nullptr ? nullptr : weights + run.offset(k);
      if (run.vector()) {
        body(part, k * run.length, w, T(1), run.length);
      } else {
        body(part, k * run.length, static_cast<const T*>(nullptr), w == nullptr ? T(1) : *w, run.length);
      }
    }
  });
}

// Sum of the weights over all elements of a; each counts for as many of them. nullptr: ones.
template <class T>
kernels::Wide<T> norm(const Shape& a, const T* weights, const Shape& of_weights) {
  kernels::Wide<T> sum(weights == nullptr ? 1 : 0);
  for (std::int64_t i = 0; weights != nullptr && i < of_weights.size(); ++i) sum += static_cast<kernels::Wide<T>>(weights[i]);
  return sum * kernels::Wide<T>(static_cast<double>(a.size()) / static_cast<double>(weights == nullptr ? 1 : of_weights.size()));
}

// sum w distance(a, b) / sum w. sum(step, first element, weights, elements) adds distances up, gradient(step, input, first element,
// weights, scale, dx, elements) is their gradient.
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
  const Shape of_weights = weighted ? weights.shape() : one;
  const std::optional<Broadcast> found = Broadcast::create(shape, of_weights);
  if (!found) return op.fail("weights " + weights.shape().text() + " do not broadcast over " + shape.text());
  if (op.wants_gradient(weights)) return op.fail("the weights must be a constant");
  const Broadcast run = *found;
  if (weighted && op.value(weights) != nullptr && !(kernels::real_part(norm(shape, op.value(weights), of_weights)) > 0))
    return op.fail("the weights must have a positive sum");
  return op.record(
      {.shape = {}, .reads_inputs = true, .flops = 3.0 * static_cast<double>(shape.size())},
      [=](Forward<T>& f) {
        std::array<kernels::Wide<T>, kParts> sums{};
        for_runs(run, f.x(2), [&](std::int64_t part, std::int64_t at, const T* w, T scale, std::int64_t n) {
          sums[static_cast<std::size_t>(part)] += static_cast<kernels::Wide<T>>(scale) * sum(f, at, w, n);
        });
        kernels::Wide<T> total(0);
        for (const kernels::Wide<T>& part : sums) total += part;
        *f.y() = static_cast<T>(total / norm(shape, f.x(2), of_weights));
      },
      [=](Backward<T>& back) {
        const kernels::Wide<T> factor = static_cast<kernels::Wide<T>>(*back.dy()) / norm(shape, back.x(2), of_weights);
        for (const std::size_t i : {0, 1}) {
          back.into(i, [&](T* dx) {
            for_runs(run, back.x(2), [&](std::int64_t, std::int64_t at, const T* w, T scale, std::int64_t n) {
              gradient(back, i, at, w, static_cast<T>(factor * static_cast<kernels::Wide<T>>(scale)), dx + at, n);
            });
          });
        }
      });
}

}  // namespace

template <class T>
Var<T> l1_mean(Var<T> a, Var<T> b, Var<T> weights) {
  return mean_loss<T>(
      "l1_mean", a, b, weights,
      [](const Forward<T>& f, std::int64_t at, const T* w, std::int64_t n) -> kernels::Wide<T> {
        if (f.decider_x(0) != nullptr)
          return kernels::reference::l1_sum(f.x(0) + at, f.x(1) + at, w, f.decider_x(0) + at, f.decider_x(1) + at, n);
        return kernels::l1_sum(f.x(0) + at, f.x(1) + at, w, n);
      },
      [](const Backward<T>& back, std::size_t i, std::int64_t at, const T* w, T scale, T* dx, std::int64_t n) {
        if (back.decider_x(0) != nullptr) {
          kernels::l1_gradient(back.decider_x(i) + at, back.decider_x(1 - i) + at, w, scale, dx, n);
        } else {
          kernels::l1_gradient(back.x(i) + at, back.x(1 - i) + at, w, scale, dx, n);
        }
      });
}

template <class T>
Var<T> l2_mean(Var<T> a, Var<T> b, Var<T> weights) {
  return mean_loss<T>(
      "l2_mean", a, b, weights,
      [](const Forward<T>& f, std::int64_t at, const T* w, std::int64_t n) { return kernels::l2_sum(f.x(0) + at, f.x(1) + at, w, n); },
      [](const Backward<T>& back, std::size_t i, std::int64_t at, const T* w, T scale, T* dx, std::int64_t n) {
        kernels::l2_gradient(back.x(i) + at, back.x(1 - i) + at, w, T(2) * scale, dx, n);
      });
}

template <class T>
Var<T> smooth_l1_mean(Var<T> a, Var<T> b, double beta, Var<T> weights) {
  if (!(beta >= 1e-30 && beta <= 1e30)) return Op<T>("smooth_l1_mean", {a, b}).fail("needs beta from 1e-30 to 1e30");
  return mean_loss<T>(
      "smooth_l1_mean", a, b, weights,
      [beta](const Forward<T>& f, std::int64_t at, const T* w, std::int64_t n) -> kernels::Wide<T> {
        if (f.decider_x(0) != nullptr)
          return kernels::smooth_l1_sum(f.x(0) + at, f.x(1) + at, w, f.decider_x(0) + at, f.decider_x(1) + at, beta, n);
        return kernels::smooth_l1_sum(f.x(0) + at, f.x(1) + at, w, beta, n);
      },
      [beta](const Backward<T>& back, std::size_t i, std::int64_t at, const T* w, T scale, T* dx, std::int64_t n) {
        if (back.decider_x(0) != nullptr) {
          kernels::smooth_l1_gradient(back.x(i) + at, back.x(1 - i) + at, w, back.decider_x(i) + at, back.decider_x(1 - i) + at, beta,
                                      scale, dx, n);
        } else {
          kernels::smooth_l1_gradient(back.x(i) + at, back.x(1 - i) + at, w, beta, scale, dx, n);
        }
      });
}

template <class T>
Var<T> weighted_sum(std::span<const Var<T>> terms, std::span<const T> weights) {
  Op<T> op("weighted_sum", terms);
  if (!op.ok()) return op.failed();
  if (terms.size() != weights.size()) return op.fail("needs as many weights as terms");
  for (const Var<T>& term : terms) {
    if (term.shape().size() != 1) return op.fail("the terms are scalars, not " + term.shape().text());
  }
  const std::vector<T> factors(weights.begin(), weights.end());
  return op.record(
      {.shape = {}},
      [factors](Forward<T>& f) {
        T sum(0);
        for (std::size_t i = 0; i < factors.size(); ++i) sum += factors[i] * *f.x(i);
        *f.y() = sum;
      },
      [factors](Backward<T>& b) {
        for (std::size_t i = 0; i < factors.size(); ++i) b.into(i, [&](T* dx) { *dx = factors[i] * *b.dy(); });
      });
}

template <class T>
Var<T> feature_l1(std::span<const Var<T>> a, std::span<const Var<T>> b, std::span<const T> depth_weights,
                  std::span<const Var<T>> place_weights) {
  if (a.empty() || a.size() != b.size() || a.size() != depth_weights.size() ||
      (!place_weights.empty() && place_weights.size() != a.size())) {
    return Op<T>("feature_l1", a).fail("needs as many features, weights and place weights on each side");
  }
  std::vector<Var<T>> terms;
  for (std::size_t k = 0; k < a.size(); ++k) {
    terms.push_back(l1_mean(a[k], b[k], place_weights.empty() ? Var<T>() : place_weights[k]));
  }
  return weighted_sum(std::span<const Var<T>>(terms), depth_weights);
}

#define LIKENESS_INSTANTIATE(T)                                                                                              \
  template Var<T> l1_mean(Var<T>, Var<T>, Var<T>);                                                                           \
  template Var<T> l2_mean(Var<T>, Var<T>, Var<T>);                                                                           \
  template Var<T> smooth_l1_mean(Var<T>, Var<T>, double, Var<T>);                                                            \
  template Var<T> feature_l1(std::span<const Var<T>>, std::span<const Var<T>>, std::span<const T>, std::span<const Var<T>>); \
  template Var<T> weighted_sum(std::span<const Var<T>>, std::span<const T>);
LIKENESS_FOR_EACH_NUMBER(LIKENESS_INSTANTIATE)

}  // namespace likeness
