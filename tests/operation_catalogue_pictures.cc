// Pooling, resampling, and the same numbers in other places.
#include "operation_catalogue.hpp"

namespace likeness::test {
namespace {

// A window that fits its picture, often leaving it at a border.
struct Window {
  Shape x;
  int kernel = 1, stride = 1, padding = 0;
  std::string text() const {
    return "kernel " + std::to_string(kernel) + " stride " + std::to_string(stride) + " padding " + std::to_string(padding);
  }
};

Window draw_window(Random& r) {
  Window w;
  do {
    w.x = r.picture();
    w.kernel = static_cast<int>(r.between(1, 4));
    w.stride = static_cast<int>(r.between(1, 3));
    w.padding = static_cast<int>(r.between(0, w.kernel / 2));
  } while (std::min(w.x[2], w.x[3]) + 2 * w.padding < w.kernel);
  return w;
}

Instance draw_max_pool(Random& r) {
  const Window w = draw_window(r);
  return {w.text(), {r.distinct(w.x)}, [=]<class T>(Tape<T>&, std::span<const Var<T>> in) {
            return max_pool2d(in[0], w.kernel, w.stride, w.padding);
          }};
}

Instance draw_resize(Random& r) {
  const std::int64_t height = r.between(1, 7), width = r.between(1, 7);
  return {"to " + std::to_string(height) + " x " + std::to_string(width),
          {r.numbers(r.picture())},
          [=]<class T>(Tape<T>&, std::span<const Var<T>> in) { return resize_bilinear(in[0], height, width); }};
}

Instance draw_reshape(Random& r) {
  const Shape x = r.picture();
  const Shape to = r.chance(50) ? Shape{x.size()} : Shape{x[3], x[1], x[0] * x[2]};
  return {"to " + to.text(), {r.numbers(x)}, [=]<class T>(Tape<T>&, std::span<const Var<T>> in) { return reshape(in[0], to); }};
}

Instance draw_concat(Random& r) {
  std::vector<Tensor<double>> parts(static_cast<std::size_t>(r.between(1, 4)));
  for (Tensor<double>& part : parts) part = r.numbers({r.between(1, 5)});
  return {"", std::move(parts), []<class T>(Tape<T>&, std::span<const Var<T>> in) { return concat(in); }};
}

Instance draw_slice(Random& r) {
  const std::int64_t n = r.between(1, 12), begin = r.between(0, n - 1), end = r.between(begin + 1, n);
  return {"[" + std::to_string(begin) + ", " + std::to_string(end) + ")",
          {r.numbers({n})},
          [=]<class T>(Tape<T>&, std::span<const Var<T>> in) { return slice(in[0], begin, end); }};
}

}  // namespace

std::vector<Operation> pictures_and_parts() {
  return {
      {"max_pool2d", {}, false, draw_max_pool}, {"resize_bilinear", {0}, false, draw_resize},
      {"reshape", {0}, false, draw_reshape},    {"concat", {0, 1, 2, 3}, false, draw_concat},
      {"slice", {0}, false, draw_slice},
  };
}

}  // namespace likeness::test
