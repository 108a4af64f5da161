#include <gtest/gtest.h>

#include <cmath>

#include "likeness/autodiff.hpp"

namespace likeness {
namespace {

std::vector<float> ramp(std::int64_t n, float from = 0.0F, float step = 1.0F) {
  std::vector<float> v;
  for (std::int64_t i = 0; i < n; ++i) v.push_back(from + step * static_cast<float>(i));
  return v;
}

std::vector<float> copy(std::span<const float> values) { return {values.begin(), values.end()}; }

TEST(Shape, KnowsItsSize) {
  EXPECT_EQ(Shape().size(), 1);
  EXPECT_EQ(Shape({2, 3}).size(), 6);
  EXPECT_EQ(Shape({1, 2, 3, 4}).text(), "[1, 2, 3, 4]");
  EXPECT_EQ(Shape({2, 0}).rank(), -1);
  EXPECT_EQ(Shape({2, -1}).size(), 0);
  EXPECT_EQ(Shape({1, 1, 1, 1, 1}).rank(), -1);
  EXPECT_EQ(Shape({1 << 30, 1 << 30, 1 << 30}).size(), 0) << "sizes whose product overflows";
}

TEST(Tape, AccumulatesWhereAValueIsUsedTwice) {
  Tape<float> tape;
  const std::vector<float> weights{1, 10, 100};
  const Var x = tape.variable(Shape({3}), std::vector<float>{1, 2, 3});
  const Var y = add(add(x, x), x);
  const Var loss = linear(y, tape.constant(Shape({1, 3}), weights), {});
  EXPECT_EQ(loss.item(), 963.0F);
}

TEST(Tape, GradientsOfVariablesOnly) {
  const std::vector<float> numbers{1, -2, 3};
  const std::vector<float> ones{1, 1, 1};
  Tape<float> tape;
  const Var x = tape.variable(Shape({3}), numbers);
  const Var unused = tape.variable(Shape({3}), numbers);
  const Var c = tape.constant(Shape({3}), numbers);
  const Var weight = tape.constant(Shape({1, 3}), ones);
  const Var loss = linear(add(relu(x), add(x, c)), weight, {});
  ASSERT_TRUE(tape.backward(loss).ok());
  EXPECT_EQ(copy(x.gradient()), (std::vector<float>{2, 1, 2}));
  EXPECT_EQ(copy(unused.gradient()), (std::vector<float>{0, 0, 0}));
  EXPECT_TRUE(c.gradient().empty());
  EXPECT_TRUE(weight.gradient().empty());
}

TEST(Tape, WithoutVariablesNothingFlows) {
  const std::vector<float> numbers{1, 2};
  Tape<float> tape;
  const Var loss = l1_mean(tape.constant(Shape({2}), numbers), relu(tape.constant(Shape({2}), numbers)));
  EXPECT_TRUE(tape.backward(loss).ok());
  EXPECT_EQ(loss.item(), 0.0F);
}

TEST(Tape, KeepsTheFirstErrorAndLaterOperationsDoNothing) {
  const std::vector<float> numbers = ramp(12);
  Tape<float> tape;
  const Var a = tape.variable(Shape({3, 4}), numbers);
  const Var b = tape.variable(Shape({4, 3}), numbers);
  const Var wrong = add(a, b);
  EXPECT_FALSE(wrong.valid());
  EXPECT_EQ(tape.status().code, Code::invalid_argument);
  EXPECT_EQ(tape.status().message, "add: shapes [3, 4] and [4, 3] do not broadcast");
  const Var later = relu(wrong);
  EXPECT_FALSE(later.valid());
  EXPECT_TRUE(later.value().empty());
  EXPECT_EQ(later.item(), 0.0F);
  (void)slice(a, 5, 2);
  EXPECT_EQ(tape.backward(later).message, "add: shapes [3, 4] and [4, 3] do not broadcast");
  tape.clear();
  EXPECT_TRUE(tape.status().ok());
  const Var again = tape.variable(Shape({3, 4}), numbers);
  EXPECT_TRUE(again.valid());
}

TEST(Tape, VarsFromBeforeClearAreRefused) {
  const std::vector<float> numbers = ramp(4);
  Tape<float> tape;
  const Var old = tape.variable(Shape({4}), numbers);
  const Var wrong = slice(old, 3, 9);
  tape.clear();
  EXPECT_FALSE(old.valid());
  EXPECT_TRUE(old.value().empty());
  const Var present = tape.variable(Shape({2, 2}), numbers);
  EXPECT_FALSE(old.valid()) << "another value has its place now";
  EXPECT_FALSE(add(present, old).valid());
  EXPECT_EQ(tape.status().message, "add: an input was recorded before clear()");
  tape.clear();
  EXPECT_FALSE(relu(wrong).valid());
  EXPECT_EQ(tape.status().message, "relu: an input was recorded before clear()");
  tape.clear();
  EXPECT_EQ(tape.backward(old).message, "backward: the loss is not on this tape");
}

TEST(Tape, RefusesWhatDoesNotFit) {
  const std::vector<float> many = ramp(64);
  const auto message = [&](auto&& build) {
    Tape<float> tape;
    build(tape);
    EXPECT_FALSE(tape.status().ok());
    return tape.status().message;
  };
  const auto picture = [&](Tape<float>& t) { return t.variable(Shape({1, 4, 4, 4}), many); };
  const auto vector = [&](Tape<float>& t, std::int64_t n) {
    return t.variable(Shape({n}), std::span(many).first(static_cast<std::size_t>(n)));
  };
  EXPECT_EQ(message([&](auto& t) { (void)t.variable(Shape({3}), std::span(many).first(2)); }),
            "tape input: shape [3] needs 3 numbers, not 2");
  EXPECT_EQ(message([&](auto& t) { (void)t.variable(Shape({0}), {}); }),
            "tape input: a shape has at most 4 sizes, each at least 1, and at most 2^40 numbers");
  EXPECT_EQ(message([&](auto& t) { (void)add(vector(t, 2), Var<float>()); }), "add: an input is missing");
  EXPECT_EQ(message([&](auto& t) { (void)add(Var<float>(), vector(t, 2)); }), "add: an input is missing");
  EXPECT_EQ(message([&](auto& t) {
              Tape<float> other;
              (void)add(vector(t, 2), vector(other, 2));
            }),
            "add: the inputs are on different tapes");
  EXPECT_EQ(message([&](auto& t) { (void)conv2d(vector(t, 4), FrozenConv<float>()); }), "conv2d: the filter has no weights");
  EXPECT_EQ(message([&](auto& t) {
              (void)conv2d(picture(t), t.variable(Shape({2, 3, 1, 1}), std::span(many).first(6)), {});
            }),
            "conv2d: the weights are for 3 channels, x is [1, 4, 4, 4]");
  EXPECT_EQ(message([&](auto& t) {
              (void)conv2d(picture(t), t.variable(Shape({1, 4, 1, 5}), std::span(many).first(20)), {});
            }),
            "conv2d: the kernel is larger than the padded picture [1, 4, 4, 4]");
  EXPECT_EQ(message([&](auto& t) {
              (void)conv2d(picture(t), t.variable(Shape({2, 4, 1, 1}), std::span(many).first(8)), vector(t, 3));
            }),
            "conv2d: the bias is [2], not [3]");
  EXPECT_EQ(message([&](auto& t) {
              (void)conv2d(picture(t), t.variable(Shape({2, 4, 1, 1}), std::span(many).first(8)), {}, {.stride = 0});
            }),
            "conv2d: needs stride, dilation, groups >= 1 and padding >= 0");
  EXPECT_EQ(message([&](auto& t) {
              (void)conv_transpose2d(picture(t), t.variable(Shape({4, 2, 1, 1}), std::span(many).first(8)), {}, {.padding = 2});
            }),
            "conv_transpose2d: padding leaves nothing of [1, 4, 4, 4]");
  EXPECT_EQ(message([&](auto& t) { (void)max_pool2d(picture(t), 2, 1, 2); }),
            "max_pool2d: needs kernel, stride >= 1 and 0 <= padding <= kernel / 2");
  EXPECT_EQ(message([&](auto& t) { (void)resize_bilinear(picture(t), 0, 3); }), "resize_bilinear: cannot resize to 0 x 3");
  EXPECT_EQ(message([&](auto& t) { (void)softmax(vector(t, 4), 2, 5); }), "softmax: [2, 5) is not a part of [4]");
  EXPECT_EQ(message([&](auto& t) { (void)reshape(vector(t, 4), Shape({5})); }), "reshape: [4] and [5] differ in size");
  EXPECT_EQ(message([&](auto& t) { (void)l1_mean(picture(t), picture(t), vector(t, 4)); }),
            "l1_mean: weights [4] do not broadcast over [1, 4, 4, 4]");
  const std::vector<float> zeros(16, 0.0F);
  EXPECT_EQ(message([&](auto& t) {
              (void)l2_mean(picture(t), picture(t), t.constant(Shape({1, 1, 4, 4}), zeros));
            }),
            "l2_mean: the weights must have a positive sum");
  EXPECT_EQ(message([&](auto& t) { (void)t.backward(picture(t)); }), "backward: the loss is a scalar, not of shape [1, 4, 4, 4]");
  EXPECT_EQ(message([&](auto& t) { (void)t.backward(Var<float>()); }), "backward: the loss is not on this tape");
  EXPECT_EQ(message([&](auto& t) {
              const Var loss = l1_mean(vector(t, 2), vector(t, 2));
              EXPECT_TRUE(t.backward(loss).ok());
              (void)t.backward(loss);
            }),
            "backward: runs once a recording; call clear() and record again");
}

TEST(Tape, FrozenWeightsRefuseWrongShapes) {
  const Tensor<float> weight{Shape({2, 3, 1, 1}), ramp(6)};
  EXPECT_TRUE(FrozenConv<float>::conv2d(weight, {}, {}).ok());
  EXPECT_EQ(FrozenConv<float>::conv2d({Shape({2, 3}), ramp(6)}, {}, {}).status().code, Code::invalid_argument);
  EXPECT_EQ(FrozenConv<float>::conv2d({Shape({2, 3, 1, 1}), ramp(5)}, {}, {}).status().code, Code::invalid_argument);
  EXPECT_EQ(FrozenConv<float>::conv2d(weight, {Shape({3}), ramp(3)}, {}).status().code, Code::invalid_argument);
  EXPECT_TRUE(FrozenConv<float>::conv_transpose2d(weight, {Shape({3}), ramp(3)}, {}).ok());
  EXPECT_EQ(FrozenConv<float>::conv2d(weight, {}, {.stride = 0}).status().code, Code::invalid_argument);
  EXPECT_EQ(FrozenLinear<float>::create({Shape({2, 3, 1, 1}), ramp(6)}, {}).status().code, Code::invalid_argument);
  EXPECT_EQ(FrozenLinear<float>::create({Shape({2, 3}), ramp(6)}, {Shape({3}), ramp(3)}).status().code, Code::invalid_argument);
}

TEST(Tape, TakesNoNewMemoryAfterTheFirstIteration) {
  const Tensor<float> weight{Shape({4, 3, 3, 3}), ramp(108, -0.5F, 0.01F)};
  const auto filter = FrozenConv<float>::conv2d(weight, {}, {.stride = 2, .padding = 1});
  ASSERT_TRUE(filter.ok());
  const std::vector<float> pixels = ramp(3 * 40 * 40, 0.0F, 0.001F);
  const std::vector<float> target(4 * 20 * 20, 0.3F);
  Tape<float> tape;
  std::size_t held = 0;
  std::vector<float> first;
  for (int i = 0; i < 50; ++i) {
    const Var x = tape.variable(Shape({1, 3, 40, 40}), pixels);
    const Var y = relu(conv2d(resize_bilinear(resize_bilinear(x, 80, 80), 40, 40), *filter));
    const Var loss = l1_mean(add(y, sigmoid(y)), tape.constant(Shape({1, 4, 20, 20}), target));
    ASSERT_TRUE(tape.backward(loss).ok());
    if (i == 0) {
      held = tape.bytes();
      first = copy(x.gradient());
    }
    EXPECT_EQ(tape.bytes(), held);
    EXPECT_EQ(copy(x.gradient()), first) << "iteration " << i;
    tape.clear();
  }
}

TEST(Loss, WeightsAreAWeightedMean) {
  const std::vector<float> a{1, 2, 3, 4, 5, 6, 7, 8};
  const std::vector<float> b(8, 0.0F);
  const std::vector<float> place{1, 0, 0, 3};
  const std::vector<float> channel{2, 1};
  Tape<float> tape;
  const Var x = tape.variable(Shape({1, 2, 2, 2}), a);
  const Var y = tape.constant(Shape({1, 2, 2, 2}), b);
  EXPECT_FLOAT_EQ(l1_mean(x, y).item(), 4.5F);
  EXPECT_FLOAT_EQ(l2_mean(x, y).item(), 25.5F);
  EXPECT_FLOAT_EQ(l1_mean(x, y, tape.constant(Shape({1, 1, 2, 2}), place)).item(), (1 + 12 + 5 + 24) / 8.0F);
  EXPECT_FLOAT_EQ(l2_mean(x, y, tape.constant(Shape({1, 2, 1, 1}), channel)).item(), (2 * 30 + 174) / 12.0F);
  EXPECT_TRUE(tape.status().ok()) << tape.status().message;
}

TEST(Softmax, IsStableAndSumsToOne) {
  const std::vector<float> x{5, 1000, 990, -1000, 7};
  Tape<float> tape;
  const std::vector<float> y = copy(softmax(tape.variable(Shape({5}), x), 1, 4, 0.1).value());
  EXPECT_EQ(y[0], 5.0F);
  EXPECT_EQ(y[4], 7.0F);
  EXPECT_NEAR(y[1] + y[2] + y[3], 1.0F, 1e-6F);
  EXPECT_NEAR(y[1], 1.0 / (1.0 + std::exp(-1.0)), 1e-6);
}

}  // namespace
}  // namespace likeness
