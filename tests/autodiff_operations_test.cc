// What the catalogue's tests leave open: no operation allocates in a frozen program, what refusals say, and a case between two formulas.
#include <gtest/gtest.h>

#include "allocation_counter.hpp"
#include "base/parallel.hpp"
#include "likeness/gradcheck.hpp"
#include "likeness/program.hpp"
#include "operation_catalogue.hpp"

namespace likeness {
namespace {

// On one thread without a team: the tasks of a team are the runner's, not the operations'.
class Serial final : public Runner {
 public:
  void run(std::int64_t count, const std::function<void(std::int64_t)>& body) override {
    for (std::int64_t i = 0; i < count; ++i) body(i);
  }
};

TEST(Operations, NoneAllocatesInAProgram) {
  ASSERT_GT(test::operation_catalogue().size(), 30U);
  Serial serial;
  set_runner(&serial);
  for (const test::Operation& operation : test::operation_catalogue()) {
    for (std::uint64_t seed = test::first_seed(); seed < test::first_seed() + 5; ++seed) {
      const test::Question q = test::ask(operation, seed);
      SCOPED_TRACE(q.text);
      Tape<float> tape;
      std::vector<Var<float>> in;
      for (const Tensor<double>& x : q.variables) in.push_back(tape.variable(test::converted<float>(x)));
      const Var<float> loss = q.loss(tape, std::span<const Var<float>>(in));
      Result<Program<float>> program = freeze<float>({.loss = loss, .gradients = in});
      ASSERT_TRUE(program.ok()) << program.status().message;
      const std::size_t before = test::allocations();
      program->run();
      const std::size_t made = test::allocations() - before;
      EXPECT_EQ(made, 0U);
    }
  }
  set_runner(nullptr);
}

// Below 1e-8 the product of the lengths is held: the distance is linear in each vector.
TEST(Operations, CosineDistanceOfTinyVectors) {
  const Tensor<double> a{Shape({3}), {1e-6, -2e-6, 3e-6}};
  const Tensor<double> b{Shape({3}), {2e-4, 1e-4, -1e-4}};
  Tape<double> tape;
  const Var<double> x = tape.variable(a);
  const Var<double> distance = cosine_distance(x, tape.constant(b));
  EXPECT_NEAR(distance.item(), 1.0 - (2e-10 - 2e-10 - 3e-10) / 1e-8, 1e-15);
  ASSERT_TRUE(tape.backward(distance).ok());
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(x.gradient()[i], -b.data[i] / 1e-8, 1e-9);
  const Tensor<double> zero{Shape({3}), {0, 0, 0}};
  // At zero too: no length is divided by.
  const GradientReport report =
      check_gradient([&](auto& t, auto in) { return cosine_distance(in[0], t.copied(b.shape, b.data)); }, {zero}, {.step = 1e-9});
  EXPECT_TRUE(report.ok()) << report.text();
}

Tensor<double> numbers(const Shape& shape) { return {shape, std::vector<double>(static_cast<std::size_t>(shape.size()), 0.5)}; }

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
  // Beyond these 1 / beta is no number of single precision.
  for (const double beta : {0.0, 1e-40, 1e40}) {
    EXPECT_EQ(refusal({2, 3}, [&](auto&, auto x) { return smooth_l1_mean(x, x, beta); }), "smooth_l1_mean: needs beta from 1e-30 to 1e30");
  }
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
  EXPECT_EQ(refusal(picture,
                    [&](auto& t, auto x) {
                      return conv_transpose2d(x, number(t, {4, 1, 33, 32}), {});
                    }),
            "conv_transpose2d: at most 1024 taps and stride 1024, not [4, 1, 33, 32] and 1");
  EXPECT_EQ(refusal(picture,
                    [&](auto& t, auto x) {
                      return conv2d(x, number(t, {1, 4, 1, 1}), {}, {.stride = 1 << 30});
                    }),
            "conv2d: at most 1024 taps and stride 1024, not [1, 4, 1, 1] and 1073741824");
  const Result<FrozenConv<double>> filter = FrozenConv<double>::conv2d({{4, 4, 1, 1}, std::vector<double>(16)}, {}, {});
  ASSERT_TRUE(filter.ok());
  EXPECT_EQ(refusal(picture, [&](auto&, auto x) { return conv_transpose2d(x, *filter); }),
            "conv_transpose2d: the weights were made for conv2d");
  EXPECT_EQ(FrozenConv<float>::conv_transpose2d({{4, 4, 1, 1}, std::vector<float>(16)}, {{3}, std::vector<float>(3)}, {}).status().message,
            "conv_transpose2d: the bias is [4], not [3]");
  EXPECT_EQ(refusal({2, 3}, [&](auto& t, auto x) { return linear(x, number(t, {4, 2}), {}); }), "linear: x is [2] or [N, 2], not [2, 3]");
}

}  // namespace
}  // namespace likeness
