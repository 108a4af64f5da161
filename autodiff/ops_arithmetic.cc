// Arithmetic of two arrays with broadcasting: forward and gradient side by side. Formulas: likeness/autodiff.hpp.
#include <algorithm>
#include <optional>

#include "autodiff/dimensions.hpp"
#include "autodiff/frozen.hpp"
#include "autodiff/operation.hpp"
#include "kernels/elementwise.hpp"

namespace likeness {
namespace {

// Two shapes, aligned at their last dimensions; sizes of 1 repeat.
struct Pair {
  Shape shape;
  kernels::StridedShape places;                  // of y: `from` in a, `to` in b
  std::array<std::array<bool, 4>, 2> repeats{};  // the dimensions of y along which a (b) repeats

  bool whole(std::size_t i) const {
    return std::none_of(repeats[i].begin(), repeats[i].end(), [](bool r) { return r; });
  }
  bool equal() const { return whole(0) && whole(1); }
  static std::optional<Pair> create(const Shape& a, const Shape& b);
};

std::optional<Pair> Pair::create(const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  Pair pair;
  std::array<std::int64_t, 4> sizes{};
  std::array<std::int64_t, 2> strides{1, 1};
  for (int i = rank - 1; i >= 0; --i) {
    const auto size = [&](const Shape& s) { return i - (rank - s.rank()) < 0 ? 1 : s[i - (rank - s.rank())]; };
    const std::array<std::int64_t, 2> both{size(a), size(b)};
    const auto at = static_cast<std::size_t>(i);
    const auto place = static_cast<std::size_t>(i + 6 - rank);
    sizes[at] = std::max(both[0], both[1]);
    pair.places.size[place] = sizes[at];
    for (const std::size_t k : {0U, 1U}) {
      if (both[k] != 1 && both[k] != sizes[at]) return std::nullopt;
      pair.repeats[k][at] = both[k] != sizes[at];
      (k == 0 ? pair.places.from : pair.places.to)[place] = both[k] == 1 ? 0 : strides[k];
      strides[k] *= both[k];
    }
  }
  pair.shape = Shape(std::span<const std::int64_t>(sizes.data(), static_cast<std::size_t>(rank)));
  return pair;
}

// y = value(a, b); the gradients are the sums of slope(i, dy, a, b) over the places that a number was repeated to.
template <class T, class Flat, class Value, class Slope>
Var<T> arithmetic(const char* name, Var<T> a, Var<T> b, bool reads_inputs, Pattern pattern, Flat flat, Value value, Slope slope) {
  Op<T> op(name, {a, b});
  if (!op.ok()) return op.failed();
  const std::optional<Pair> found = Pair::create(a.shape(), b.shape());
  if (!found) return op.fail("shapes " + a.shape().text() + " and " + b.shape().text() + " do not broadcast");
  const Pair pair = *found;
  const std::array<Reduction, 2> reductions{Reduction(pair.shape, pair.repeats[0]), Reduction(pair.shape, pair.repeats[1])};
  const std::int64_t n = pair.shape.size();
  const std::int64_t workspace = pair.equal() ? 0 : n + std::max(reductions[0].workspace(), reductions[1].workspace());
  return op.record(
      {.shape = pair.shape, .reads_inputs = reads_inputs, .workspace = workspace, .pattern = pair.equal() ? pattern : Pattern::none},
      [=](Forward<T>& f) {
        if (pair.equal()) return flat(f.x(0), f.x(1), f.y(), n);
        T* y = f.y();
        kernels::for_each_place(pair.places, [&, va = f.x(0), vb = f.x(1)](std::int64_t i, std::int64_t j) { *y++ = value(va[i], vb[j]); });
      },
      [=](Backward<T>& back) {
        const T* va = back.x(0);
        const T* vb = back.x(1);
        for (const std::size_t side : {0U, 1U}) {
          back.into(side, [&](T* dx) {
            T* terms = pair.whole(side) ? dx : back.workspace();
            T* to = terms;
            const T* dy = back.dy();
            kernels::for_each_place(pair.places, [&](std::int64_t i, std::int64_t j) {
              *to++ = reads_inputs ? slope(side, *dy, va[i], vb[j]) : slope(side, *dy, T(0), T(0));
              ++dy;
            });
            if (!pair.whole(side)) reductions[side].sum(static_cast<const T*>(terms), T(1), dx, terms + n);
          });
        }
      });
}

}  // namespace

template <class T>
Var<T> add(Var<T> a, Var<T> b) {
  return arithmetic<T>(
      "add", a, b, false, Pattern::add, [](const T* x, const T* z, T* y, std::int64_t n) { kernels::add(x, z, y, n); },
      [](T x, T z) { return x + z; }, [](std::size_t, T dy, T, T) { return dy; });
}

template <class T>
Var<T> subtract(Var<T> a, Var<T> b) {
  return arithmetic<T>(
      "subtract", a, b, false, Pattern::none, [](const T* x, const T* z, T* y, std::int64_t n) { kernels::subtract(x, z, y, n); },
      [](T x, T z) { return x - z; }, [](std::size_t side, T dy, T, T) { return side == 0 ? dy : -dy; });
}

template <class T>
Var<T> multiply(Var<T> a, Var<T> b) {
  return arithmetic<T>(
      "multiply", a, b, true, Pattern::none, [](const T* x, const T* z, T* y, std::int64_t n) { kernels::multiply(x, z, y, n); },
      [](T x, T z) { return x * z; }, [](std::size_t side, T dy, T x, T z) { return side == 0 ? dy * z : dy * x; });
}

template <class T>
Var<T> divide(Var<T> a, Var<T> b) {
  return arithmetic<T>(
      "divide", a, b, true, Pattern::none, [](const T* x, const T* z, T* y, std::int64_t n) { kernels::divide(x, z, y, n); },
      [](T x, T z) { return x / z; }, [](std::size_t side, T dy, T x, T z) { return side == 0 ? dy / z : -dy * x / (z * z); });
}

namespace detail {

template <class T>
Node<T> add_relu_node(const Shape& shape) {
  Node<T> node;
  node.name = "add + relu";
  node.traits = {.shape = shape, .reads_output = true};
  node.forward = [](Forward<T>& f) { kernels::add_relu(f.x(0), f.x(1), f.y(), f.size()); };
  node.backward = [](Backward<T>& b) {
    for (const std::size_t i : {0, 1}) b.into(i, [&](T* dx) { kernels::relu_gradient(b.y(), b.dy(), dx, b.size()); });
  };
  return node;
}

}  // namespace detail

#define LIKENESS_INSTANTIATE(T)                                 \
  template detail::Node<T> detail::add_relu_node(const Shape&); \
  template Var<T> add(Var<T>, Var<T>);                          \
  template Var<T> subtract(Var<T>, Var<T>);                     \
  template Var<T> multiply(Var<T>, Var<T>);                     \
  template Var<T> divide(Var<T>, Var<T>);
LIKENESS_FOR_EACH_NUMBER(LIKENESS_INSTANTIATE)

}  // namespace likeness
