#include <gtest/gtest.h>

#include "kernels/conv.hpp"
#include "kernels/conv_ref.hpp"
#include "kernels/elementwise.hpp"
#include "kernels_conv_support.hpp"

namespace likeness {
namespace {

using kernels::ConvShape;
using kernels::PackedConv;
using test::conv_reference;
using test::for_each_target;
using test::kNan;
using test::Random;
using test::random_conv;
using test::run_conv;
using test::text;

// The reference of the reference: the formula, one output at a time, nothing clever.
TEST(ConvReference, IsTheFormula) {
  Random random(1);
  for (int round = 0; round < 60; ++round) {
    const ConvShape s = random_conv(random);
    SCOPED_TRACE(testing::Message() << text(s));
    const auto x = test::to_double(random.reals(s.x_size()));
    const auto w = test::to_double(random.reals(s.weight_size()));
    const auto b = test::to_double(random.reals(s.out));
    const auto y = conv_reference(s, true, x, w, b);
    std::size_t at = 0;
    for (std::int64_t o = 0; o < s.out; ++o) {
      for (std::int64_t i = 0; i < s.out_height(); ++i) {
        for (std::int64_t j = 0; j < s.out_width(); ++j, ++at) {
          double sum = b[static_cast<std::size_t>(o)];
          for (std::int64_t c = 0; c < s.in / s.groups; ++c) {
            for (std::int64_t u = 0; u < s.kernel_h; ++u) {
              for (std::int64_t v = 0; v < s.kernel_w; ++v) {
                const std::int64_t row = i * s.stride + u * s.dilation - s.padding;
                const std::int64_t column = j * s.stride + v * s.dilation - s.padding;
                if (row < 0 || row >= s.height || column < 0 || column >= s.width) continue;
                const std::int64_t channel = o / (s.out / s.groups) * (s.in / s.groups) + c;
                sum += w[static_cast<std::size_t>(((o * s.in / s.groups + c) * s.kernel_h + u) * s.kernel_w + v)] *
                       x[static_cast<std::size_t>((channel * s.height + row) * s.width + column)];
              }
            }
          }
          ASSERT_NEAR(y[at], sum, 1e-12 * (1 + std::abs(sum)));
        }
      }
    }
  }
}

TEST(ConvReference, DirectionsAreAdjoint) {
  Random random(2);
  for (int round = 0; round < 200; ++round) {
    const ConvShape s = random_conv(random);
    const auto x = test::to_double(random.integers(s.x_size()));
    const auto y = test::to_double(random.integers(s.y_size()));
    const auto w = test::to_double(random.integers(s.weight_size()));
    const auto ax = conv_reference(s, true, x, w, std::vector<double>(static_cast<std::size_t>(s.out)));
    const auto ay = conv_reference(s, false, y, w, std::vector<double>(static_cast<std::size_t>(s.in)));
    std::vector<double> dw(w.size());
    kernels::reference::conv_weight_gradient(s, x.data(), y.data(), dw.data(), 0, s.out / 2);
    kernels::reference::conv_weight_gradient(s, x.data(), y.data(), dw.data(), s.out / 2, s.out);
    double left = 0;
    double right = 0;
    double weights = 0;
    for (std::size_t i = 0; i < y.size(); ++i) left += ax[i] * y[i];
    for (std::size_t i = 0; i < x.size(); ++i) right += ay[i] * x[i];
    for (std::size_t i = 0; i < w.size(); ++i) weights += dw[i] * w[i];
    ASSERT_EQ(left, right) << text(s);  // small integers: exact
    ASSERT_EQ(left, weights) << text(s);
  }
}

TEST(Conv, ExactOnSmallIntegersOnEveryTarget) {
  for_each_target([] {
    Random random(3);
    std::int64_t zeros = 0;
    std::int64_t all = 0;
    for (int round = 0; round < 250; ++round) {
      const ConvShape s = random_conv(random);
      SCOPED_TRACE(testing::Message() << "round " << round << ": " << text(s));
      const auto w = random.integers(s.weight_size());
      const PackedConv packed(s, w.data());
      for (const bool gather : {true, false}) {
        const auto from = random.integers(gather ? s.x_size() : s.y_size());
        const auto mask = random.integers(static_cast<std::int64_t>(from.size()));
        const auto bias = random.integers(gather ? s.out : s.in);
        const bool relu = round % 2 == 0;
        const bool masked = round % 3 == 0;
        auto seen = from;
        for (std::size_t i = 0; masked && i < seen.size(); ++i) seen[i] = mask[i] > 0 ? seen[i] : 0.0F;
        auto expected = conv_reference(s, gather, seen, w, bias);
        for (float& v : expected) v = relu ? std::max(0.0F, v) : v;
        ASSERT_EQ(run_conv(packed, s, gather, from, masked ? mask.data() : nullptr, bias, relu), expected)
            << (gather ? "gather" : "scatter");
        zeros += std::count(expected.begin(), expected.end(), 0.0F);
        all += static_cast<std::int64_t>(expected.size());
      }
    }
    EXPECT_LT(zeros, all / 2) << "the outputs are mostly zero: this test would not notice much";
  });
}

// What freeze() relies on: the fused step has the bits of convolution, sum and rectifier one after the other.
TEST(Conv, EpilogueHasTheBitsOfSeparateStepsOnEveryTarget) {
  for_each_target([] {
    Random random(7);
    for (int round = 0; round < 200; ++round) {
      const ConvShape s = random_conv(random);
      SCOPED_TRACE(testing::Message() << "round " << round << ": " << text(s));
      const PackedConv packed(s, random.reals(s.weight_size()).data());
      for (const bool gather : {true, false}) {
        const auto from = random.reals(gather ? s.x_size() : s.y_size());
        const auto bias = random.reals(gather ? s.out : s.in);
        const auto residual = random.reals(gather ? s.y_size() : s.x_size());
        const bool relu = round % 2 == 0;
        auto expected = run_conv(packed, s, gather, from, nullptr, bias, false);
        const auto n = static_cast<std::int64_t>(expected.size());
        kernels::add(expected.data(), residual.data(), expected.data(), n);
        if (relu) kernels::relu(expected.data(), expected.data(), n);
        ASSERT_EQ(run_conv(packed, s, gather, from, nullptr, bias, relu, residual), expected) << (gather ? "gather" : "scatter");
      }
    }
  });
}

TEST(Conv, WithinTheAPrioriBoundOnEveryTarget) {
  for_each_target([] {
    Random random(4);
    for (int round = 0; round < 200; ++round) {
      const ConvShape s = random_conv(random);
      SCOPED_TRACE(testing::Message() << "round " << round << ": " << text(s));
      const auto w = random.reals(s.weight_size());
      const PackedConv packed(s, w.data());
      for (const bool gather : {true, false}) {
        const auto from = random.reals(gather ? s.x_size() : s.y_size());
        const auto bias = random.reals(gather ? s.out : s.in);
        const auto got = run_conv(packed, s, gather, from, nullptr, bias, false);
        const auto expected = conv_reference(s, gather, test::to_double(from), test::to_double(w), test::to_double(bias));
        const auto size = conv_reference(s, gather, test::magnitudes(from), test::magnitudes(w), test::magnitudes(bias));
        const double bound = test::gamma((gather ? s.group_in() : s.group_out()) * s.taps() + 1);
        for (std::size_t i = 0; i < got.size(); ++i) ASSERT_LE(std::abs(static_cast<double>(got[i]) - expected[i]), bound * size[i]) << i;
      }
    }
  });
}

// The shapes that the shipped networks run, where tiles are full and tasks are many.
TEST(Conv, BitIdenticalForAnyNumberOfThreads) {
  Random random(5);
  const ConvShape shapes[] = {{16, 40, 64, 64, 4, 4, 2, 1}, {48, 48, 33, 31, 3, 3, 1, 1}, {3, 16, 90, 90, 4, 4, 2, 1},
                              {70, 64, 8, 8, 4, 4, 2, 1},   {3, 16, 65, 63, 7, 7, 2, 3},  {24, 36, 33, 31, 3, 3, 2, 2, 2, 6}};
  for (const ConvShape& s : shapes) {
    const auto w = random.reals(s.weight_size());
    const PackedConv packed(s, w.data());
    for (const bool gather : {true, false}) {
      const auto from = random.reals(gather ? s.x_size() : s.y_size());
      const auto bias = random.reals(gather ? s.out : s.in);
      std::vector<float> first;
      for (const int threads : {1, 3, 4}) {
        const test::ThreadRunner runner(threads);
        const auto got = run_conv(packed, s, gather, from, nullptr, bias, true);
        if (threads == 1) first = got;
        ASSERT_EQ(got, first) << text(s) << " with " << threads << " threads";
      }
    }
  }
}

#if HWY_ARCH_X86
// Each output is one chain of fused multiply-adds in a fixed order: the two targets with FMA agree bit for bit.
TEST(Conv, BitIdenticalOnAvx2AndAvx512) {
  Random random(6);
  const ConvShape s{24, 20, 21, 37, 3, 3, 1, 1};
  const auto w = random.reals(s.weight_size());
  const auto x = random.reals(s.x_size());
  const auto bias = random.reals(s.out);
  const PackedConv packed(s, w.data());
  std::vector<std::vector<float>> results;
  const std::vector<std::int64_t> targets = hwy::SupportedAndGeneratedTargets();
  for (const std::int64_t target : {std::int64_t{HWY_AVX2}, std::int64_t{HWY_AVX3}}) {
    if (std::find(targets.begin(), targets.end(), target) == targets.end()) continue;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    results.push_back(run_conv(packed, s, true, x, nullptr, bias, false));
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  for (const auto& result : results) EXPECT_EQ(result, results.front());
}
#endif

TEST(Conv, PacksAgainAndUnpacks) {
  Random random(8);
  for (int round = 0; round < 200; ++round) {
    const ConvShape s = random_conv(random);
    SCOPED_TRACE(text(s));
    const auto first = random.reals(s.weight_size());
    const auto second = random.reals(s.weight_size());
    PackedConv packed(s, first.data());
    std::vector<float> got(first.size());
    packed.unpack(got.data());
    ASSERT_EQ(got, first);
    packed.pack(second.data());
    packed.unpack(got.data());
    ASSERT_EQ(got, second);
    const PackedConv fresh(s, second.data());
    for (const bool gather : {true, false}) {
      const auto from = random.reals(gather ? s.x_size() : s.y_size());
      const std::vector<float> bias(static_cast<std::size_t>(gather ? s.out : s.in));
      ASSERT_EQ(run_conv(packed, s, gather, from, nullptr, bias, false), run_conv(fresh, s, gather, from, nullptr, bias, false));
    }
  }
}

TEST(Conv, TakesTheLargestKernelAndStride) {
  Random random(10);
  for (const ConvShape& s :
       {ConvShape{1, 2, 40, 35, 32, 32, 3, 5}, ConvShape{1, 1, 3, 1030, 1, 1024, 2, 0}, ConvShape{2, 1, 1500, 3, 2, 2, 1024, 0}}) {
    SCOPED_TRACE(text(s));
    ASSERT_TRUE(s.valid());
    const auto w = random.integers(s.weight_size());
    const PackedConv packed(s, w.data());
    for (const bool gather : {true, false}) {
      const auto from = random.integers(gather ? s.x_size() : s.y_size());
      const auto bias = random.integers(gather ? s.out : s.in);
      ASSERT_EQ(run_conv(packed, s, gather, from, nullptr, bias, false), conv_reference(s, gather, from, w, bias));
    }
  }
  EXPECT_FALSE((ConvShape{1, 1, 40, 40, 33, 32}).valid());
  EXPECT_FALSE((ConvShape{1, 1, 4000, 4000, 1, 1, 1025}).valid());
}

// Grids smaller than a picture that could be read as it is. A read behind its end changes no output: asan-ubsan notices it.
TEST(Conv, ReadsNothingBehindThePicture) {
  Random random(11);
  for (const ConvShape& s : {ConvShape{3, 4, 36, 30, 2, 3, 4, 2, 2}, ConvShape{2, 12, 4, 20, 1, 5}, ConvShape{2, 12, 8, 4, 3, 1},
                             ConvShape{12, 2, 4, 7, 1, 1, 2}, ConvShape{12, 12, 7, 8, 1, 2, 2}, ConvShape{12, 3, 4, 20, 1, 1},
                             ConvShape{3, 12, 24, 24, 1, 1}, ConvShape{5, 3, 48, 48, 1, 1}, ConvShape{5, 3, 2, 64, 1, 1}}) {
    SCOPED_TRACE(text(s));
    ASSERT_TRUE(s.valid());
    const auto w = random.integers(s.weight_size());
    for (const Precision precision : {Precision::fp32, Precision::bf16}) {
      const PackedConv packed(s, w.data(), precision);
      for (const bool gather : {true, false}) {
        const auto from = random.integers(gather ? s.x_size() : s.y_size());
        const auto bias = random.integers(gather ? s.out : s.in);
        ASSERT_EQ(run_conv(packed, s, gather, from, nullptr, bias, false), conv_reference(s, gather, from, w, bias));
      }
    }
  }
}

TEST(Conv, KeepsNanWhereItBelongs) {
  for_each_target([] {
    const ConvShape s{1, 1, 9, 9, 3, 3, 1, 1};
    const std::vector<float> w(9, 1.0F);
    const PackedConv packed(s, w.data());
    std::vector<float> x(81, 1.0F);
    x[40] = kNan;
    const auto y = run_conv(packed, s, true, x, nullptr, {0.0F}, true);
    for (int i = 0; i < 9; ++i) {
      for (int j = 0; j < 9; ++j) {
        EXPECT_EQ(std::isnan(y[static_cast<std::size_t>(9 * i + j)]), std::abs(i - 4) <= 1 && std::abs(j - 4) <= 1) << i << " " << j;
      }
    }
  });
}

}  // namespace
}  // namespace likeness
