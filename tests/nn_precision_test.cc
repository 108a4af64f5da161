// What bfloat16 does to whole networks: the fit step of the benchmarks (bench/fit_nets.hpp), with random weights.
#include <gtest/gtest.h>

#include <cmath>

#include "fit_nets.hpp"
#include "likeness/precision.hpp"

namespace likeness {
namespace {

struct Step {
  std::vector<float> gradient;
  double loss;
  std::int64_t weight_bytes;
};

Step run_step(Precision precision) {
  const Result<bench::Nets> nets = bench::make_nets(bench::kCompact, precision);
  EXPECT_TRUE(nets.ok()) << nets.status().message;
  const auto targets = bench::make_targets(*nets);
  EXPECT_TRUE(targets.ok()) << targets.status().message;
  Result<bench::FitStep> step = bench::make_fit_step(*nets, *targets);
  EXPECT_TRUE(step.ok()) << step.status().message;
  step->program.run();
  const auto gradient = step->program.gradient(step->sliders);
  return {{gradient.begin(), gradient.end()},
          step->program.value(step->loss)[0],
          nets->generator.weight_bytes() + nets->extractor.weight_bytes()};
}

TEST(Precision, GradientInBf16IsNearlyThatOfSinglePrecision) {
  const Step single = run_step(Precision::fp32);
  const Step bf16 = run_step(Precision::bf16);
  double product = 0, a = 0, b = 0;
  for (std::size_t i = 0; i < single.gradient.size(); ++i) {
    const auto x = static_cast<double>(single.gradient[i]), y = static_cast<double>(bf16.gradient[i]);
    product += x * y, a += x * x, b += y * y;
  }
  EXPECT_GT(a, 1e-8) << "the gradient vanishes: this test would not notice much";
  EXPECT_GE(product / std::sqrt(a * b), 0.999);
  EXPECT_NEAR(std::sqrt(b / a), 1, 0.01);
  EXPECT_NEAR(bf16.loss, single.loss, 0.01 * single.loss);
  if (has_bf16()) {
    EXPECT_NE(bf16.gradient, single.gradient) << "nothing was rounded";
    EXPECT_LT(bf16.weight_bytes, 6 * single.weight_bytes / 10);
  } else {
    EXPECT_EQ(bf16.gradient, single.gradient) << "falls back to fp32";
    EXPECT_EQ(bf16.weight_bytes, single.weight_bytes);
  }
}

TEST(Precision, DoublesAreNotRounded) {
  const Tensor<double> weight{Shape({8, 1, 1, 1}), std::vector<double>(8, 1.0 + 0x1p-20)};
  const auto filter = FrozenConv<double>::conv2d(weight, {}, {.precision = Precision::bf16});
  ASSERT_TRUE(filter.ok());
  Tape<double> tape;
  const auto y = conv2d(tape.variable(Shape({1, 1, 1, 1}), std::vector<double>{1.0}), *filter);
  EXPECT_EQ(y.value()[0], 1.0 + 0x1p-20);
}

}  // namespace
}  // namespace likeness
