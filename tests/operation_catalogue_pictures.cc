// Pooling, resampling, and the same numbers in other places.
#include <array>

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

Instance draw_avg_pool(Random& r) {
  const Window w = draw_window(r);
  const bool count_pad = r.chance(50);
  return {w.text() + (count_pad ? " counting padding" : ""), {r.numbers(w.x)}, [=]<class T>(Tape<T>&, std::span<const Var<T>> in) {
            return avg_pool2d(in[0], w.kernel, w.stride, w.padding, count_pad);
          }};
}

// A map of pictures to height x width: f(x, height, width).
template <class F>
Operation to_size(std::string name, std::vector<std::size_t> linear, F f) {
  return {std::move(name), std::move(linear), false, [f](Random& r) {
            const std::int64_t height = r.between(1, 7), width = r.between(1, 7);
            return Instance{"to " + std::to_string(height) + " x " + std::to_string(width),
                            {r.distinct(r.picture())},
                            [=]<class T>(Tape<T>&, std::span<const Var<T>> in) { return f(in[0], height, width); }};
          }};
}

Instance draw_pad(Random& r) {
  const Shape x = r.picture();
  const PadMode mode = std::array{PadMode::zeros, PadMode::replicate, PadMode::reflect}[static_cast<std::size_t>(r.between(0, 2))];
  const auto most = [&](int dimension) { return mode == PadMode::reflect ? x[dimension] - 1 : 3; };
  const auto draw = [&](int dimension) { return static_cast<int>(r.between(0, most(dimension))); };
  const Padding padding{.left = draw(3), .right = draw(3), .top = draw(2), .bottom = draw(2)};
  return {"mode " + std::to_string(static_cast<int>(mode)) + " left " + std::to_string(padding.left) + " right " +
              std::to_string(padding.right) + " top " + std::to_string(padding.top) + " bottom " + std::to_string(padding.bottom),
          {r.numbers(x)},
          [=]<class T>(Tape<T>&, std::span<const Var<T>> in) { return pad2d(in[0], padding, mode); }};
}

Instance draw_pixel_shuffle(Random& r) {
  const int factor = static_cast<int>(r.between(1, 3));
  const Shape x{r.between(1, 2), factor * factor * r.between(1, 2), r.between(1, 3), r.between(1, 2)};
  return {"factor " + std::to_string(factor), {r.numbers(x)}, [=]<class T>(Tape<T>&, std::span<const Var<T>> in) {
            return pixel_shuffle(in[0], factor);
          }};
}

Instance draw_reshape(Random& r) {
  const Shape x = r.picture();
  const Shape to = r.chance(50) ? Shape{x.size()} : Shape{x[3], x[1], x[0] * x[2]};
  return {"to " + to.text(), {r.numbers(x)}, [=]<class T>(Tape<T>&, std::span<const Var<T>> in) { return reshape(in[0], to); }};
}

// A dimension of a shape, half of the time counted from the end.
int draw_dimension(Random& r, const Shape& shape) {
  const auto d = static_cast<int>(r.between(0, shape.rank() - 1));
  return r.chance(50) ? d : d - shape.rank();
}

Shape with_size(const Shape& shape, int dimension, std::int64_t size) {
  std::vector<std::int64_t> sizes;
  for (int i = 0; i < shape.rank(); ++i) sizes.push_back(i == (dimension + shape.rank()) % shape.rank() ? size : shape[i]);
  return Shape(sizes);
}

Instance draw_concat(Random& r) {
  const Shape shape = r.any_shape();
  const int dimension = draw_dimension(r, shape);
  std::vector<Tensor<double>> parts(static_cast<std::size_t>(r.between(2, 4)));
  for (Tensor<double>& part : parts) part = r.numbers(with_size(shape, dimension, r.between(1, 3)));
  return {"dimension " + std::to_string(dimension), std::move(parts),
          [=]<class T>(Tape<T>&, std::span<const Var<T>> in) { return concat(in, dimension); }};
}

Instance draw_slice(Random& r) {
  const Shape shape = r.any_shape();
  const int dimension = draw_dimension(r, shape);
  const std::int64_t n = shape[(dimension + shape.rank()) % shape.rank()], begin = r.between(0, n - 1), end = r.between(begin + 1, n);
  return {"[" + std::to_string(begin) + ", " + std::to_string(end) + ") of dimension " + std::to_string(dimension),
          {r.numbers(shape)},
          [=]<class T>(Tape<T>&, std::span<const Var<T>> in) { return slice(in[0], begin, end, dimension); }};
}

}  // namespace

std::vector<Operation> pictures_and_parts() {
  return {
      {"max_pool2d", {}, false, draw_max_pool},
      to_size("adaptive_max_pool2d", {}, [](auto x, auto height, auto width) { return adaptive_max_pool2d(x, height, width); }),
      {"avg_pool2d", {0}, false, draw_avg_pool},
      to_size("adaptive_avg_pool2d", {0}, [](auto x, auto height, auto width) { return adaptive_avg_pool2d(x, height, width); }),
      to_size("resize_bilinear", {0}, [](auto x, auto height, auto width) { return resize_bilinear(x, height, width); }),
      to_size("resize_bilinear, aligned corners", {0},
              [](auto x, auto height, auto width) { return resize_bilinear(x, height, width, {.align_corners = true}); }),
      to_size("resize_bilinear, antialiased", {0},
              [](auto x, auto height, auto width) { return resize_bilinear(x, height, width, {.antialias = true}); }),
      {"pad2d", {0}, false, draw_pad},
      {"pixel_shuffle", {0}, false, draw_pixel_shuffle},
      {"reshape", {0}, false, draw_reshape},
      {"concat", {0, 1, 2, 3}, false, draw_concat},
      {"slice", {0}, true, draw_slice},
  };
}

}  // namespace likeness::test
