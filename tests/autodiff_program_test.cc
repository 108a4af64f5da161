// freeze(): what a program computes, what it leaves out, and that it allocates nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "allocation_counter.hpp"
#include "autodiff/arena.hpp"
#include "likeness/program.hpp"

namespace likeness {
namespace {

Tensor<float> random_tensor(const Shape& shape, unsigned seed, float low = -1, float high = 1) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> number(low, high);
  Tensor<float> t{shape, std::vector<float>(static_cast<std::size_t>(shape.size()))};
  for (float& v : t.data) v = number(random);
  return t;
}

// A little residual network with everything that freeze() rewrites, all weights on the tape.
struct Weights {
  Tensor<float> stem = random_tensor({4, 3, 3, 3}, 1), inner = random_tensor({6, 4, 3, 3}, 2), outer = random_tensor({6, 6, 3, 3}, 3),
                down = random_tensor({6, 4, 1, 1}, 4), up = random_tensor({6, 3, 4, 4}, 5), bias = random_tensor({6}, 6);
  Tensor<float> gamma = random_tensor({6}, 7), beta = random_tensor({6}, 8), mean = random_tensor({6}, 9),
                variance = random_tensor({6}, 10, 0.5F, 2);
  Tensor<float> target = random_tensor({2, 3, 8, 10}, 11);
};

struct Graph {
  Var<float> x, block, picture, loss;
};

Graph record(Tape<float>& tape, const Weights& w, bool norm) {
  Graph g;
  const Tensor<float> x = random_tensor({2, 3, 8, 10}, 20);
  g.x = tape.variable(x);
  Var<float> y = relu(conv2d(g.x, tape.constant(w.stem), {}, {.padding = 1}));
  Var<float> inner = conv2d(y, tape.constant(w.inner), tape.constant(w.bias), {.stride = 2, .padding = 1});
  if (norm) inner = batch_norm(inner, tape.constant(w.gamma), tape.constant(w.beta), tape.constant(w.mean), tape.constant(w.variance));
  inner = conv2d(relu(inner), tape.constant(w.outer), tape.constant(w.bias), {.padding = 1});
  g.block = relu(add(inner, conv2d(y, tape.constant(w.down), {}, {.stride = 2})));
  g.picture = sigmoid(conv_transpose2d(g.block, tape.constant(w.up), {}, {.stride = 2, .padding = 1}));
  g.loss = l1_mean(g.picture, tape.constant(w.target));
  return g;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && !a.empty() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

double largest_difference(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size() || a.empty()) return INFINITY;
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return worst;
}

TEST(Program, EqualsTheTapeBitForBit) {
  const Weights w;
  Tape<float> tape;
  const Graph g = record(tape, w, false);
  ASSERT_TRUE(tape.backward(g.loss).ok());
  Result<Program<float>> program = freeze<float>({.loss = g.loss, .gradients = {g.x}, .outputs = {g.block}});
  ASSERT_TRUE(program.ok()) << program.status().message;
  for (int round = 0; round < 3; ++round) {
    program->run();
    EXPECT_TRUE(same_bits(program->value(g.loss), g.loss.value()));
    EXPECT_TRUE(same_bits(program->value(g.block), g.block.value()));
    EXPECT_TRUE(same_bits(program->gradient(g.x), g.x.gradient())) << largest_difference(program->gradient(g.x), g.x.gradient());
  }
  EXPECT_TRUE(program->value(g.picture).empty()) << "not an output";
  EXPECT_TRUE(program->gradient(g.block).empty()) << "not a variable";
}

TEST(Program, FusesTheEarlierSummandAndKeepsGradientsWithinRounding) {
  // The convolution moves past another reader of y, so the three gradients of y are added in another order than on the tape.
  const Tensor<float> x = random_tensor({1, 3, 6, 7}, 1), a = random_tensor({3, 3, 3, 3}, 2);
  Tape<float> tape;
  const Var v = tape.variable(x);
  const Var y = tanh(v);
  const Var early = conv2d(y, tape.constant(a), {}, {.padding = 1});
  const Var middle = silu(y);
  const Var both = relu(add(early, sigmoid(v)));
  const Var loss = add(add(sum(multiply(both, both)), sum(multiply(middle, middle))), sum(sigmoid(y)));
  Result<Program<float>> program = freeze<float>({.loss = loss, .gradients = {v}});
  ASSERT_TRUE(program.ok());
  ASSERT_TRUE(tape.backward(loss).ok());
  program->run();
  EXPECT_EQ(program->value(loss)[0], loss.item());
  const std::vector<PlanStep> plan = program->plan();
  EXPECT_TRUE(std::ranges::any_of(plan, [](const PlanStep& s) { return s.detail == "3x3 + residual + relu"; }));
  for (std::size_t i = 0; i < v.gradient().size(); ++i)
    EXPECT_NEAR(program->gradient(v)[i], v.gradient()[i], 1e-5F * (1 + std::abs(v.gradient()[i])));
}

TEST(Program, FoldsBatchNormWithinRounding) {
  const Weights w;
  Tape<float> tape;
  const Graph g = record(tape, w, true);
  ASSERT_TRUE(tape.backward(g.loss).ok());
  Result<Program<float>> program = freeze<float>({.loss = g.loss, .gradients = {g.x}});
  ASSERT_TRUE(program.ok()) << program.status().message;
  program->run();
  EXPECT_NEAR(program->value(g.loss)[0], g.loss.item(), 1e-6);
  EXPECT_LE(largest_difference(program->gradient(g.x), g.x.gradient()), 1e-6);
  for (const PlanStep& step : program->plan()) EXPECT_NE(step.operation, "batch_norm");
}

TEST(Program, FoldsBatchNormIntoGroupsAndTransposedConvolutions) {
  for (const bool transposed : {false, true}) {
    for (const int groups : {1, 2}) {
      const Tensor<float> weight = random_tensor(transposed ? Shape{4, 6 / groups, 3, 3} : Shape{6, 4 / groups, 3, 3}, 1);
      const Weights w;
      const Tensor<float> x = random_tensor({1, 4, 5, 6}, 2);
      Tape<float> tape;
      const Var<float> in = tape.variable(x);
      const ConvOptions options{.stride = 2, .padding = 1, .groups = groups};
      const Var<float> conv = transposed ? conv_transpose2d(in, *FrozenConv<float>::conv_transpose2d(weight, w.bias, options))
                                         : conv2d(in, *FrozenConv<float>::conv2d(weight, w.bias, options));
      const Var<float> y =
          batch_norm(conv, tape.constant(w.gamma), tape.constant(w.beta), tape.constant(w.mean), tape.constant(w.variance));
      Result<Program<float>> program = freeze<float>({.outputs = {y}});
      ASSERT_TRUE(program.ok()) << program.status().message;
      program->run();
      EXPECT_EQ(program->plan().size(), 1U);
      EXPECT_LE(largest_difference(program->value(y), y.value()), 1e-5) << transposed << " " << groups;
    }
  }
}

TEST(Program, FusesBiasResidualAndActivation) {
  const Weights w;
  Tape<float> tape(Recording::deferred);
  const Graph g = record(tape, w, true);
  EXPECT_TRUE(g.loss.value().empty()) << "a deferred tape computes nothing";
  Result<Program<float>> program = freeze<float>({.loss = g.loss, .gradients = {g.x}});
  ASSERT_TRUE(program.ok()) << program.status().message;
  std::vector<std::string> forward;
  for (const PlanStep& step : program->plan()) {
    if (!step.backward) forward.push_back(step.operation + " " + step.detail);
  }
  const std::vector<std::string> expected{"conv2d 3x3 + relu",
                                          "conv2d 3x3 stride 2 + bias + relu",
                                          "conv2d 3x3 + bias",
                                          "conv2d 1x1 stride 2 + residual + relu",
                                          "conv_transpose2d 4x4 stride 2",
                                          "sigmoid ",
                                          "l1_mean "};
  EXPECT_EQ(forward, expected);
  EXPECT_NE(plan_text(program->plan(), program->bytes()).find("conv2d 1x1 stride 2 + residual + relu"), std::string::npos);
}

TEST(Program, LeavesOutWhatNobodyWants) {
  const Tensor<float> picture = random_tensor({1, 3, 6, 6}, 1), filter = random_tensor({2, 3, 3, 3}, 2);
  Tape<float> tape;
  const Var<float> x = tape.variable(picture), weight = tape.variable(filter);
  const Var<float> y = conv2d(x, weight, {});
  const Var<float> unused = sigmoid(y);
  const Var<float> loss = l2_mean(y, tape.copied(y.shape(), std::vector<double>(static_cast<std::size_t>(y.shape().size()), 0.25)));
  ASSERT_TRUE(tape.backward(loss).ok());
  Result<Program<float>> only_x = freeze<float>({.loss = loss, .gradients = {x}});
  Result<Program<float>> both = freeze<float>({.loss = loss, .gradients = {x, weight}});
  ASSERT_TRUE(only_x.ok() && both.ok());
  const std::vector<float> dx(x.gradient().begin(), x.gradient().end()), dw(weight.gradient().begin(), weight.gradient().end());
  tape.clear();
  only_x->run();
  both->run();
  EXPECT_EQ(only_x->plan().size(), 4U) << "convolution and loss, forward and back";
  EXPECT_TRUE(only_x->gradient(weight).empty());
  EXPECT_TRUE(same_bits(only_x->gradient(x), dx));
  EXPECT_TRUE(same_bits(both->gradient(x), dx));
  EXPECT_TRUE(same_bits(both->gradient(weight), dw));
  (void)unused;

  // Weights on the tape may change between runs.
  for (float& v : both->input(weight)) v *= 2;
  both->run();
  EXPECT_FALSE(same_bits(both->gradient(x), dx));
}

TEST(Program, RunsWithoutASingleAllocation) {
  const Weights w;
  Tape<float> tape(Recording::deferred);
  const Graph g = record(tape, w, true);
  Result<Program<float>> program = freeze<float>({.loss = g.loss, .gradients = {g.x}});
  ASSERT_TRUE(program.ok());
  program->run();  // threads, if any, start here
  const std::size_t before = test::allocations();
  for (int i = 0; i < 10; ++i) {
    program->run();
    for (std::size_t k = 0; k < program->input(g.x).size(); ++k) program->input(g.x)[k] -= 0.1F * program->gradient(g.x)[k];
  }
  EXPECT_EQ(test::allocations() - before, 0U);
  std::vector<float> seen(100);
  EXPECT_GT(test::allocations(), before) << "the counter counts";
}

TEST(Program, AProfileCountsEveryStepAndChangesNoBit) {
  const Weights w;
  Tape<float> tape(Recording::deferred);
  const Graph g = record(tape, w, true);
  Result<Program<float>> plain = freeze<float>({.loss = g.loss, .gradients = {g.x}});
  Result<Program<float>> measured = freeze<float>({.loss = g.loss, .gradients = {g.x}});
  ASSERT_TRUE(plain.ok() && measured.ok());
  EXPECT_TRUE(measured->times().empty());
  measured->run();  // threads, if any, start here
  EXPECT_TRUE(measured->times().empty());
  measured->profile(true);
  const std::size_t before = test::allocations();
  for (int i = 0; i < 3; ++i) measured->run();
  measured->forward();
  EXPECT_EQ(test::allocations() - before, 0U);
  measured->profile(false);
  measured->run();  // no longer counted
  plain->run();
  EXPECT_TRUE(same_bits(measured->value(g.loss), plain->value(g.loss)));
  EXPECT_TRUE(same_bits(measured->gradient(g.x), plain->gradient(g.x)));
  EXPECT_TRUE(plain->times().empty());

  const std::vector<PlanStep> plan = measured->plan();
  EXPECT_EQ(plan, plain->plan());
  ASSERT_EQ(measured->times().size(), plan.size());
  double seconds = 0;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    EXPECT_EQ(measured->times()[i].runs, plan[i].backward ? 3 : 4) << plan[i].name();
    EXPECT_GE(measured->times()[i].seconds, 0) << plan[i].name();
    seconds += measured->times()[i].seconds;
  }
  EXPECT_GT(seconds, 0);
  measured->profile(true);
  for (const StepTime& time : measured->times()) EXPECT_EQ(time.runs, 0) << "it begins anew";
}

TEST(Program, ProgramsShareFrozenWeights) {
  const Tensor<float> weight = random_tensor({64, 64, 3, 3}, 1);
  const Result<FrozenConv<float>> filter = FrozenConv<float>::conv2d(weight, {}, {.padding = 1});
  ASSERT_TRUE(filter.ok());
  const Tensor<float> picture = random_tensor({1, 64, 4, 4}, 2);
  Tape<float> tape(Recording::deferred);
  const Var<float> y = relu(conv2d(tape.variable(picture), *filter));
  const std::size_t before = test::allocated_bytes();
  Result<Program<float>> first = freeze<float>({.outputs = {y}}), second = freeze<float>({.outputs = {y}});
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_LT(test::allocated_bytes() - before, weight.data.size() * sizeof(float));
  first->run();
  second->run();
  EXPECT_TRUE(same_bits(first->value(y), second->value(y)));
}

TEST(Program, VariablesThatDoNotMatterHaveNoGradient) {
  const Tensor<float> numbers = random_tensor({4}, 1);
  Tape<float> tape;
  const Var<float> a = tape.variable(numbers), b = tape.variable(numbers);
  const Var<float> loss = l2_mean(a, tape.constant(numbers));
  Result<Program<float>> program = freeze<float>({.loss = loss, .gradients = {a, b}});
  ASSERT_TRUE(program.ok());
  program->input(a)[2] += 1;
  program->run();
  EXPECT_FLOAT_EQ(program->gradient(a)[2], 0.5F);
  EXPECT_EQ(std::vector<float>(program->gradient(b).begin(), program->gradient(b).end()), std::vector<float>(4, 0.0F));
}

TEST(Program, VarsOfOtherRecordingsNameNothing) {
  const std::vector<float> numbers(3, 1.0F);
  Tape<float> tape(Recording::deferred), another(Recording::deferred);
  const Var x = tape.variable({3}, numbers);
  const Var loss = sum(x);
  const Var stranger = another.variable({3}, numbers);
  Result<Program<float>> program = freeze<float>({.loss = loss, .gradients = {x}});
  ASSERT_TRUE(program.ok());
  program->run();
  EXPECT_TRUE(program->input(stranger).empty());
  EXPECT_TRUE(program->gradient(stranger).empty());
  tape.clear();
  const Var later = tape.variable({3}, numbers);
  EXPECT_TRUE(program->value(later).empty());
  ASSERT_EQ(program->gradient(x).size(), 3U) << "its own recording's names stay";
  EXPECT_EQ(program->value(loss)[0], 3.0F);
  // A program is not made of what the tape has forgotten.
  const std::string forgotten = "freeze: a wanted value was recorded before clear()";
  EXPECT_EQ(freeze<float>({.outputs = {x}}).status().message, forgotten);
  EXPECT_EQ(freeze<float>({.loss = loss}).status().message, forgotten);
  EXPECT_EQ(freeze<float>({.loss = sum(later), .gradients = {x}}).status().message, forgotten);
}

TEST(Program, DeliversConstantsVariablesAndALossThatIsOne) {
  const std::vector<float> numbers{1, -2, 3}, one{5};
  Tape<float> tape(Recording::deferred);
  const Var x = tape.variable({}, one);
  const Var constant = tape.constant({3}, numbers);
  const Var copied = tape.copied({2}, std::vector<double>{7, 8});
  Result<Program<float>> program = freeze<float>({.loss = x, .gradients = {x, x}, .outputs = {x, constant, copied, x, constant}});
  ASSERT_TRUE(program.ok());
  tape.clear();
  program->run();
  program->run();
  EXPECT_EQ(program->gradient(x)[0], 1.0F);
  EXPECT_EQ(program->value(x)[0], 5.0F);
  EXPECT_TRUE(std::ranges::equal(program->value(constant), numbers));
  EXPECT_EQ(program->value(copied)[1], 8.0F);
  EXPECT_TRUE(program->plan().empty());
}

TEST(Program, RefusesWhatCannotBe) {
  const Tensor<float> numbers = random_tensor({4}, 1);
  Tape<float> tape, other;
  const Var<float> x = tape.variable(numbers), y = sigmoid(x), far = other.variable(numbers);
  const auto message = [](const Wanted<float>& wanted) {
    const Result<Program<float>> program = freeze(wanted);
    EXPECT_FALSE(program.ok());
    return program.status().message;
  };
  EXPECT_EQ(message({}), "freeze: nothing is wanted");
  EXPECT_EQ(message({.gradients = {x}}), "freeze: gradients need a loss");
  EXPECT_EQ(message({.gradients = {x}, .outputs = {y}}), "freeze: gradients need a loss");
  EXPECT_EQ(message({.loss = y, .gradients = {x}}), "freeze: the loss is not a scalar");
  EXPECT_EQ(message({.loss = l2_mean(x, x), .gradients = {y}}), "freeze: a gradient is wanted of something that is not a variable");
  EXPECT_EQ(message({.outputs = {y, far}}), "freeze: the wanted values are on different tapes, or on none");
  const Var<float> bad = add(x, tape.variable({3}, std::span(numbers.data).first(3)));
  EXPECT_NE(message({.outputs = {bad}}).find("add: "), std::string::npos);
}

TEST(Arena, ContemporariesDoNotOverlap) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<detail::Lifetime> buffers(1 + random() % 40);
    for (detail::Lifetime& b : buffers) {
      b.size = 1 + random() % 5000;
      b.first = random() % 30;
      b.last = b.first + random() % 8;
    }
    const std::size_t total = detail::plan_arena(buffers);
    std::size_t sum = 0, most = 0;
    for (std::size_t step = 0; step < 40; ++step) {
      std::size_t alive = 0;
      for (const detail::Lifetime& b : buffers) alive += b.first <= step && step <= b.last ? b.size : 0;
      most = std::max(most, alive);
    }
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      const detail::Lifetime& a = buffers[i];
      sum += a.size;
      EXPECT_EQ(a.offset % detail::kArenaAlignment, 0U);
      EXPECT_LE(a.offset + a.size, total);
      for (std::size_t k = 0; k < i; ++k) {
        const detail::Lifetime& b = buffers[k];
        const bool together = a.first <= b.last && b.first <= a.last;
        const bool overlap = a.offset < b.offset + b.size && b.offset < a.offset + a.size;
        EXPECT_FALSE(together && overlap) << "round " << round;
      }
    }
    EXPECT_LE(total, sum);
    EXPECT_GE(total, most);
  }
}

}  // namespace
}  // namespace likeness
