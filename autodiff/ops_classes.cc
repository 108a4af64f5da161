// Cross-entropy and cosine distance: forward and gradient side by side. Formulas: likeness/autodiff.hpp.
#include <cmath>
#include <memory>
#include <vector>

#include "autodiff/dimensions.hpp"
#include "autodiff/operation.hpp"
#include "kernels/elementwise.hpp"

namespace likeness {

template <class T>
Var<T> cross_entropy(Var<T> x, std::span<const std::int32_t> labels, std::int32_t ignore) {
  Op<T> op("cross_entropy", {x});
  if (!op.ok()) return op.failed();
  const Shape shape = x.shape();
  if (shape.rank() < 2) return op.fail("x is [N, C, ...], not " + shape.text());
  const kernels::MiddleShape view = middle_of(shape, 1);
  const auto places = static_cast<std::size_t>(view.outer * view.inner);
  if (labels.size() != places)
    return op.fail(std::to_string(labels.size()) + " labels for " + std::to_string(places) + " places of " + shape.text());
  for (const std::int32_t label : labels) {
    if (label != ignore && (label < 0 || label >= view.n))
      return op.fail("label " + std::to_string(label) + " is no class of " + shape.text());
  }
  if (kernels::count_labels(labels.data(), static_cast<std::int64_t>(places), ignore) == 0) return op.fail("every place is ignored");
  const auto kept = std::make_shared<const std::vector<std::int32_t>>(labels.begin(), labels.end());
  return op.record(
      {.shape = {}, .reads_inputs = true, .flops = 4.0 * static_cast<double>(shape.size())},
      [=](Forward<T>& f) { *f.y() = static_cast<T>(kernels::cross_entropy(view, f.x(0), kept->data(), ignore)); },
      [=](Backward<T>& b) { b.into(0, [&](T* dx) { kernels::cross_entropy_gradient(view, b.x(0), kept->data(), ignore, *b.dy(), dx); }); });
}

namespace {

template <class T>
struct Cosine {
  kernels::Wide<T> ab, aa, bb, lengths;
  bool clamped;  // the product of the lengths is held at kSmallest
};

template <class T>
Cosine<T> cosine(const T* a, const T* b, std::int64_t n) {
  using std::sqrt;
  constexpr double kSmallest = 1e-8;  // as in PyTorch
  Cosine<T> c{kernels::dot(a, b, n), kernels::dot(a, a, n), kernels::dot(b, b, n), {}, false};
  c.lengths = sqrt(c.aa) * sqrt(c.bb);
  c.clamped = kernels::real_part(c.lengths) < kSmallest;
  if (c.clamped) c.lengths = kSmallest;
  return c;
}

}  // namespace

template <class T>
Var<T> cosine_distance(Var<T> a, Var<T> b) {
  Op<T> op("cosine_distance", {a, b});
  if (!op.ok()) return op.failed();
  const std::int64_t n = a.shape().size();
  if (a.shape() != b.shape()) return op.fail("shapes " + a.shape().text() + " and " + b.shape().text() + " differ");
  return op.record(
      {.shape = {}, .reads_inputs = true, .flops = 6.0 * static_cast<double>(n)},
      [=](Forward<T>& f) {
        const Cosine<T> c = cosine(f.x(0), f.x(1), n);
        *f.y() = static_cast<T>(kernels::Wide<T>(1) - c.ab / c.lengths);
      },
      [=](Backward<T>& back) {
        const Cosine<T> c = cosine(back.x(0), back.x(1), n);
        for (const std::size_t i : {0U, 1U}) {
          back.into(i, [&](T* dx) {
            // d cos / da = b / (|a| |b|) - cos a / |a|^2; where the lengths are held, only the first term.
            const T across = static_cast<T>(-static_cast<kernels::Wide<T>>(*back.dy()) / c.lengths);
            const T along =
                c.clamped ? T(0) : static_cast<T>(static_cast<kernels::Wide<T>>(*back.dy()) * c.ab / c.lengths / (i == 0 ? c.aa : c.bb));
            const T* self = back.x(i);
            const T* other = back.x(1 - i);
            for (std::int64_t k = 0; k < n; ++k) dx[k] = across * other[k] + along * self[k];
          });
        }
      });
}

#define LIKENESS_INSTANTIATE(T)                                                       \
  template Var<T> cross_entropy(Var<T>, std::span<const std::int32_t>, std::int32_t); \
  template Var<T> cosine_distance(Var<T>, Var<T>);
LIKENESS_FOR_EACH_NUMBER(LIKENESS_INSTANTIATE)

}  // namespace likeness
