#include "kernels/winograd.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>

#include "kernels/conv.hpp"
#include "kernels/elementwise.hpp"
#include "kernels_conv_support.hpp"

namespace likeness {
namespace {

using kernels::ConvShape;
using kernels::Winograd;
using test::for_each_target;
using test::Random;

std::string text(const ConvShape& s, bool gather) { return (gather ? "gather " : "scatter ") + test::text(s); }

// Both kinds, odd sizes, pictures smaller than a window, rows of windows longer than a tile.
ConvShape random_shape(Random& random) {
  while (true) {
    ConvShape s{random.integer(1, 40), random.integer(1, 40), random.integer(1, 30), random.integer(1, 30), 3, 3, 1, random.integer(0, 2)};
    if (random.integer(0, 1) == 0) s.kernel_h = s.kernel_w = 4, s.stride = 2, s.padding = 1;
    if (random.integer(0, 5) == 0) s.width = random.integer(90, 330);
    if (random.integer(0, 5) == 0) s.in = random.integer(129, 150);
    if (s.valid()) return s;
  }
}

std::vector<float> run(const Winograd& windows, const ConvShape& s, bool gather, const std::vector<float>& from, const float* mask,
                       const std::vector<float>& bias, bool relu, const std::vector<float>& residual = {}) {
  return test::run_guarded(windows.workspace(s), gather ? s.y_size() : s.x_size(), residual,
                           [&](const float* add, float* to, float* workspace) {
                             windows.run(s, from.data(), mask, {bias.data(), add, relu}, to, workspace);
                           });
}

TEST(Winograd, ExactOnSmallIntegersOnEveryTarget) {
  for_each_target([] {
    Random random(1);
    std::size_t zeros = 0;
    std::size_t all = 0;
    for (int round = 0; round < 120; ++round) {
      const ConvShape s = random_shape(random);
      const auto w = random.integers(s.weight_size());
      for (const bool gather : {true, false}) {
        SCOPED_TRACE(testing::Message() << "round " << round << ": " << text(s, gather));
        Winograd windows(s, gather);
        windows.pack(w.data());
        const auto from = random.integers(gather ? s.x_size() : s.y_size());
        const auto mask = random.integers(static_cast<std::int64_t>(from.size()));
        const auto bias = random.integers(gather ? s.out : s.in);
        const bool relu = round % 2 == 0;
        const bool masked = round % 3 == 0;
        auto seen = test::to_double(from);
        for (std::size_t i = 0; masked && i < seen.size(); ++i) seen[i] = mask[i] > 0 ? seen[i] : 0.0;
        auto expected = test::conv_reference(s, gather, seen, test::to_double(w), test::to_double(bias));
        for (double& v : expected) v = relu ? std::max(0.0, v) : v;
        const auto got = run(windows, s, gather, from, masked ? mask.data() : nullptr, bias, relu);
        ASSERT_EQ(test::to_double(got), expected);
        zeros += static_cast<std::size_t>(std::count(expected.begin(), expected.end(), 0.0));
        all += expected.size();
      }
    }
    EXPECT_LT(zeros, all / 2) << "the outputs are mostly zero: this test would not notice much";
  });
}

TEST(Winograd, EpilogueHasTheBitsOfSeparateStepsOnEveryTarget) {
  for_each_target([] {
    Random random(2);
    for (int round = 0; round < 40; ++round) {
      const ConvShape s = random_shape(random);
      for (const bool gather : {true, false}) {
        SCOPED_TRACE(text(s, gather));
        Winograd windows(s, gather);
        windows.pack(random.reals(s.weight_size()).data());
        const auto from = random.reals(gather ? s.x_size() : s.y_size());
        const auto bias = random.reals(gather ? s.out : s.in);
        const auto residual = random.reals(gather ? s.y_size() : s.x_size());
        auto expected = run(windows, s, gather, from, nullptr, bias, false);
        const auto n = static_cast<std::int64_t>(expected.size());
        kernels::add(expected.data(), residual.data(), expected.data(), n);
        if (round % 2 == 0) kernels::relu(expected.data(), expected.data(), n);
        ASSERT_EQ(run(windows, s, gather, from, nullptr, bias, round % 2 == 0, residual), expected);
      }
    }
  });
}

// The formula of winograd.hpp with the magnitudes of all its numbers, for correlations of 3 (step 2) or 2 taps (step 3).
class Magnitudes {
 public:
  explicit Magnitudes(int taps) : taps_(taps), step_(taps == 3 ? 2 : 3) {}
  // Bound of output (i, j) of a window of 4 x 4 numbers and taps x taps weights.
  double operator()(const std::array<double, 16>& d, const std::array<double, 9>& g, int i, int j) const {
    double sum = 0;
    for (int a = 0; a < 4; ++a) {
      for (int b = 0; b < 4; ++b) {
        double window = 0;
        double weight = 0;
        for (int u = 0; u < 4; ++u) {
          for (int v = 0; v < 4; ++v) window += kB[a][u] * kB[b][v] * std::abs(d[static_cast<std::size_t>(4 * u + v)]);
        }
        for (int u = 0; u < taps_; ++u) {
          for (int v = 0; v < taps_; ++v) weight += filter(a, u) * filter(b, v) * std::abs(g[static_cast<std::size_t>(3 * u + v)]);
        }
        sum += output(i, a) * output(j, b) * window * weight;
      }
    }
    return sum;
  }
  int step() const { return step_; }

 private:
  static constexpr double kB[4][4] = {{1, 0, 1, 0}, {0, 1, 1, 0}, {0, 1, 1, 0}, {0, 1, 0, 1}};
  double filter(int a, int u) const { return a == 0 ? u == 0 : a == 3 ? u == taps_ - 1 : 0.5; }
  double output(int i, int a) const { return a == 0 ? i == 0 : a == 3 ? i == step_ - 1 : 1; }
  int taps_, step_;
};

// x -> y with 3 x 3: window (t, s) has its corner at (2 t - padding, 2 s - padding).
TEST(Winograd, WithinItsBoundOnEveryTarget) {
  for_each_target([] {
    Random random(3);
    const Magnitudes magnitudes(3);
    for (int round = 0; round < 12; ++round) {
      const ConvShape s{random.integer(1, 24), random.integer(1, 6), random.integer(3, 12), random.integer(3, 12), 3, 3, 1,
                        random.integer(0, 2)};
      SCOPED_TRACE(text(s, true));
      const auto w = random.reals(s.weight_size());
      const auto x = random.reals(s.x_size());
      const std::vector<float> bias(static_cast<std::size_t>(s.out));
      Winograd windows(s, true);
      windows.pack(w.data());
      const auto got = run(windows, s, true, x, nullptr, bias, false);
      const auto expected = test::conv_reference(s, true, test::to_double(x), test::to_double(w), test::to_double(bias));
      for (std::int64_t o = 0; o < s.out; ++o) {
        for (std::int64_t i = 0; i < s.out_height(); ++i) {
          for (std::int64_t j = 0; j < s.out_width(); ++j) {
            double size = 0;
            for (std::int64_t c = 0; c < s.in; ++c) {
              std::array<double, 16> d{};
              std::array<double, 9> g{};
              for (std::int64_t a = 0; a < 16; ++a) {
                const std::int64_t row = i / 2 * 2 - s.padding + a / 4;
                const std::int64_t column = j / 2 * 2 - s.padding + a % 4;
                if (row < 0 || row >= s.height || column < 0 || column >= s.width) continue;
                d[static_cast<std::size_t>(a)] = static_cast<double>(x[static_cast<std::size_t>((c * s.height + row) * s.width + column)]);
              }
              for (std::int64_t k = 0; k < 9; ++k)
                g[static_cast<std::size_t>(k)] = static_cast<double>(w[static_cast<std::size_t>((o * s.in + c) * 9 + k)]);
              size += magnitudes(d, g, static_cast<int>(i % 2), static_cast<int>(j % 2));
            }
            const auto at = static_cast<std::size_t>((o * s.out_height() + i) * s.out_width() + j);
            ASSERT_LE(std::abs(static_cast<double>(got[at]) - expected[at]), test::gamma(s.in + 20) * size) << i << " " << j;
          }
        }
      }
    }
  });
}

// 4 x 4 with stride 2, both directions, against a bound that holds for any window.
TEST(Winograd, TransposedStaysNearTheReference) {
  for_each_target([] {
    Random random(4);
    for (int round = 0; round < 30; ++round) {
      ConvShape s = random_shape(random);
      s.kernel_h = s.kernel_w = 4, s.stride = 2, s.padding = 1;
      if (!s.valid()) continue;
      for (const bool gather : {true, false}) {
        SCOPED_TRACE(text(s, gather));
        const auto w = random.reals(s.weight_size());
        const auto from = random.reals(gather ? s.x_size() : s.y_size());
        const std::vector<float> bias(static_cast<std::size_t>(gather ? s.out : s.in));
        Winograd windows(s, gather);
        windows.pack(w.data());
        const auto got = run(windows, s, gather, from, nullptr, bias, false);
        const auto expected = test::conv_reference(s, gather, test::to_double(from), test::to_double(w), test::to_double(bias));
        const std::int64_t channels = gather ? 4 * s.in : s.out;
        // |A'| has rows of 3 at most, |B'| of 2, |G| of 1, along both axes; all numbers are at most 1.
        const double bound = test::gamma(channels + 20) * 9 * 4 * static_cast<double>(channels);
        for (std::size_t i = 0; i < got.size(); ++i) ASSERT_LE(std::abs(static_cast<double>(got[i]) - expected[i]), bound) << i;
      }
    }
  });
}

TEST(Winograd, BitIdenticalForAnyNumberOfThreadsAndOnAvx2AndAvx512) {
  Random random(5);
  for (const ConvShape& s : {ConvShape{40, 70, 40, 50, 3, 3, 1, 1}, ConvShape{33, 65, 64, 64, 4, 4, 2, 1}}) {
    for (const bool gather : {true, false}) {
      Winograd windows(s, gather);
      windows.pack(random.reals(s.weight_size()).data());
      const auto from = random.reals(gather ? s.x_size() : s.y_size());
      const auto bias = random.reals(gather ? s.out : s.in);
      const auto first = run(windows, s, gather, from, nullptr, bias, true);
      for (const int threads : {1, 3, 20}) {
        const test::ThreadRunner runner(threads);
        ASSERT_EQ(run(windows, s, gather, from, nullptr, bias, true), first) << text(s, gather) << " with " << threads << " threads";
      }
#if HWY_ARCH_X86
      for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
        if (target != HWY_AVX2 && target != HWY_AVX3) continue;
        hwy::SetSupportedTargetsForTest(target);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
        EXPECT_EQ(run(windows, s, gather, from, nullptr, bias, true), first) << hwy::TargetName(target);
      }
      hwy::SetSupportedTargetsForTest(0);
      hwy::GetChosenTarget().Update(hwy::SupportedTargets());
#endif
    }
  }
}

// PackedConv hands it the pictures that gain, with the same results as without.
TEST(Winograd, IsTakenByConvolutionsThatGain) {
  Random random(6);
  for (const ConvShape& s : {ConvShape{32, 40, 20, 40, 3, 3, 1, 1}, ConvShape{40, 32, 40, 60, 4, 4, 2, 1}}) {
    ASSERT_TRUE(Winograd::takes(s) && Winograd::gains(s));
    const auto w = random.reals(s.weight_size());
    const kernels::PackedConv packed(s, w.data());
    for (const bool gather : {true, false}) {
      Winograd windows(s, gather);
      windows.pack(w.data());
      ASSERT_TRUE(Winograd::pays(s, gather));
      const auto from = random.reals(gather ? s.x_size() : s.y_size());
      const auto bias = random.reals(gather ? s.out : s.in);
      const auto got = test::run_conv(packed, s, gather, from, nullptr, bias, false);
      EXPECT_EQ(got, run(windows, s, gather, from, nullptr, bias, false));
    }
    // Made for pictures that are too small, it has no weights for that, and works all the same.
    ConvShape small = s;
    small.height = small.width = 4;
    const kernels::PackedConv direct(small, w.data());
    EXPECT_LT(direct.bytes(), packed.bytes() / 2);
    const auto from = random.integers(s.x_size());
    const auto weight = random.integers(s.weight_size());
    const kernels::PackedConv other(small, weight.data());
    const auto got = test::run_conv(other, s, true, from, nullptr, std::vector<float>(static_cast<std::size_t>(s.out)), false);
    EXPECT_EQ(test::to_double(got),
              test::conv_reference(s, true, test::to_double(from), test::to_double(weight), std::vector<double>(static_cast<std::size_t>(s.out))));
  }
}

}  // namespace
}  // namespace likeness
