// What single operations refuse, in words, and rare cases. Everything that holds for all operations: autodiff_gradient_test.cc.
#include <gtest/gtest.h>

#include <numeric>

#include "likeness/gradcheck.hpp"

namespace likeness {
namespace {

// Distinct multiples of 1/32 in a fixed disorder: exact in single precision, off zero and apart from one another and from those
// of another `which`, so that no kink is within reach.
Tensor<double> numbers(const Shape& shape, int which = 0) {
  Tensor<double> t{shape, {}};
  const std::int64_t n = shape.size();
  std::int64_t step = 1 + n * 5 / 8;
  while (std::gcd(step, n) != 1) ++step;
  for (std::int64_t i = 0; i < n; ++i) t.data.push_back(static_cast<double>(i * step % n - n / 2) / 8 + (3 + 2 * which) / 32.0);
  return t;
}

// The product of the lengths is held at a smallest value there.
TEST(Operations, CosineDistanceOfTinyVectors) {
  Tensor<double> a = numbers({2, 3, 2, 3}), b = numbers({2, 3, 2, 3}, 1);
  for (double& v : a.data) v *= 1e-6;
  for (double& v : b.data) v *= 1e-4;
  const GradientReport held = check_gradient([](auto&, auto in) { return cosine_distance(in[0], in[1]); }, {a, b}, {.step = 1e-9});
  EXPECT_TRUE(held.ok()) << held.text();
}

TEST(Operations, PixelShuffleFollowsItsFormula) {
  const Tensor<double> x = numbers({2, 18, 2, 3});
  Tape<double> tape;
  const Var<double> y = pixel_shuffle(tape.variable(x), 3);
  ASSERT_EQ(y.shape(), (Shape{2, 2, 6, 9}));
  for (std::int64_t n = 0; n < 2; ++n) {
    for (std::int64_t c = 0; c < 2; ++c) {
      for (std::int64_t row = 0; row < 6; ++row) {
        for (std::int64_t column = 0; column < 9; ++column) {
          const std::int64_t from = ((n * 18 + c * 9 + row % 3 * 3 + column % 3) * 2 + row / 3) * 3 + column / 3;
          const std::int64_t to = ((n * 2 + c) * 6 + row) * 9 + column;
          EXPECT_EQ(y.value()[static_cast<std::size_t>(to)], x.data[static_cast<std::size_t>(from)]);
        }
      }
    }
  }
}

// The message of the first error of a graph on one variable.
template <class Graph>
std::string refusal(const Shape& shape, const Graph& graph) {
  Tape<double> tape;
  const Var<double> y = graph(tape, tape.variable(numbers(shape)));
  EXPECT_FALSE(y.valid());
  EXPECT_EQ(tape.status().code, tape.status().ok() ? Code::ok : Code::invalid_argument);
  return tape.status().message;
}

TEST(Operations, RefuseWhatDoesNotFit) {
  const Shape picture{1, 4, 5, 6};
  const auto number = [](auto& tape, const Shape& shape) { return tape.variable(numbers(shape)); };
  EXPECT_EQ(refusal({2, 3},
                    [&](auto& t, auto x) {
                      return multiply(x, number(t, {2, 2}));
                    }),
            "multiply: shapes [2, 3] and [2, 2] do not broadcast");
  EXPECT_EQ(refusal({2, 3}, [](auto&, auto x) { return sum(x, {2}); }), "sum: [2, 3] has no dimension 2");
  EXPECT_EQ(refusal({2, 3}, [](auto&, auto x) { return mean(x, {1, -1}); }), "mean: dimension -1 is named twice");
  EXPECT_EQ(refusal({2, 3}, [](auto&, auto x) { return softmax(x, -3); }), "softmax: [2, 3] has no dimension -3");
  EXPECT_EQ(refusal({2, 3},
                    [&](auto& t, auto x) {
                      const std::vector<Var<double>> parts{x, number(t, {3, 3})};
                      return concat(std::span<const Var<double>>(parts), 1);
                    }),
            "concat: [3, 3] does not continue [2, 3] along dimension 1");
  EXPECT_EQ(refusal({2, 3}, [](auto&, auto x) { return slice(x, 2, 4, 1); }), "slice: [2, 4) is not a part of dimension 1 of [2, 3]");
  EXPECT_EQ(refusal(picture, [](auto&, auto x) { return pixel_shuffle(x, 3); }),
            "pixel_shuffle: the square of the factor 3 does not divide the channels of [1, 4, 5, 6]");
  EXPECT_EQ(refusal(picture, [](auto&, auto x) { return pad2d(x, {.top = 5}, PadMode::reflect); }),
            "pad2d: a reflection is narrower than the picture [1, 4, 5, 6]");
  EXPECT_EQ(refusal(picture, [](auto&, auto x) { return pad2d(x, {.left = -1}); }), "pad2d: needs padding >= 0");
  EXPECT_EQ(refusal(picture, [](auto&, auto x) { return resize_bilinear(x, 3, 3, {.align_corners = true, .antialias = true}); }),
            "resize_bilinear: align_corners and antialias exclude each other");
  EXPECT_EQ(refusal(picture, [](auto&, auto x) { return resize_bilinear(x, 0, 3); }), "resize_bilinear: cannot resize to 0 x 3");
  EXPECT_EQ(refusal(picture, [](auto&, auto x) { return avg_pool2d(x, 2, 1, 2); }),
            "avg_pool2d: needs kernel, stride >= 1 and 0 <= padding <= kernel / 2");
  EXPECT_EQ(refusal(picture, [](auto&, auto x) { return avg_pool2d(x, 6, 1, 0); }),
            "avg_pool2d: the window is larger than the padded picture [1, 4, 5, 6]");
  EXPECT_EQ(refusal(picture, [](auto&, auto x) { return adaptive_max_pool2d(x, 2, 0); }), "adaptive_max_pool2d: cannot pool to 2 x 0");
  EXPECT_EQ(refusal(picture, [](auto&, auto x) { return group_norm(x, 3); }),
            "group_norm: 3 groups do not divide the channels of [1, 4, 5, 6]");
  EXPECT_EQ(refusal(picture, [&](auto& t, auto x) { return group_norm(x, 2, number(t, {3})); }),
            "group_norm: weight and bias are [4], not [3]");
  EXPECT_EQ(refusal({2, 3}, [](auto&, auto x) { return smooth_l1_mean(x, x, 0.0); }), "smooth_l1_mean: needs beta > 0");
  EXPECT_EQ(refusal({2, 3}, [&](auto& t, auto x) { return cosine_distance(x, number(t, {6})); }),
            "cosine_distance: shapes [2, 3] and [6] differ");
  const std::vector<std::int32_t> labels{0, 3};
  EXPECT_EQ(refusal({2, 3}, [&](auto&, auto x) { return cross_entropy(x, labels); }), "cross_entropy: label 3 is no class of [2, 3]");
  EXPECT_EQ(refusal({3, 3}, [&](auto&, auto x) { return cross_entropy(x, labels); }), "cross_entropy: 2 labels for 3 places of [3, 3]");
  EXPECT_EQ(refusal({2, 4},
                    [&](auto&, auto x) {
                      return cross_entropy(x, std::vector<std::int32_t>{7, 7}, 7);
                    }),
            "cross_entropy: every place is ignored");
  EXPECT_EQ(refusal({2, 3}, [&](auto& t, auto x) { return linear(x, number(t, {4, 2}), {}); }), "linear: x is [2] or [N, 2], not [2, 3]");
}

}  // namespace
}  // namespace likeness
