// Convolutions in bfloat16: by the instruction where the machine has it and the target uses it, else emulated.
#include <bit>

#include "base/bfloat16.hpp"
#include "kernels/conv.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/tile_bf16.hpp"
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

float rounded(float x) { return float_from_bfloat16(bfloat16_from_float(x)); }

std::vector<float> rounded(std::vector<float> v) {
  for (float& x : v) x = rounded(x);
  return v;
}

// Output channels of a group's direction; with few of them it stays in single precision.
bool in_bf16(const ConvShape& s, bool gather) { return (gather ? s.group_out() : s.group_in()) > kernels::kDirectRows; }

TEST(Bf16Conv, ExactOnSmallIntegersOnEveryTarget) {
  for_each_target([] {
    Random random(1);
    for (int round = 0; round < 250; ++round) {
      const ConvShape s = random_conv(random);
      SCOPED_TRACE(testing::Message() << "round " << round << ": " << text(s));
      const auto w = random.integers(s.weight_size());
      const PackedConv packed(s, w.data(), Precision::bf16);
      for (const bool gather : {true, false}) {
        const auto from = random.integers(gather ? s.x_size() : s.y_size());
        const auto mask = random.integers(static_cast<std::int64_t>(from.size()));
        const auto bias = random.integers(gather ? s.out : s.in);
        const auto residual = random.integers(round % 5 == 0 ? 0 : gather ? s.y_size() : s.x_size());
        const bool relu = round % 2 == 0;
        const bool masked = round % 3 == 0;
        auto seen = from;
        for (std::size_t i = 0; masked && i < seen.size(); ++i) seen[i] = mask[i] > 0 ? seen[i] : 0.0F;
        auto expected = conv_reference(s, gather, seen, w, bias);
        for (std::size_t i = 0; i < residual.size(); ++i) expected[i] += residual[i];
        for (float& v : expected) v = relu ? std::max(0.0F, v) : v;
        ASSERT_EQ(run_conv(packed, s, gather, from, masked ? mask.data() : nullptr, bias, relu, residual), expected)
            << (gather ? "gather" : "scatter");
      }
    }
  });
}

TEST(Bf16Conv, EpilogueHasTheBitsOfSeparateStepsOnEveryTarget) {
  for_each_target([] {
    Random random(2);
    for (int round = 0; round < 150; ++round) {
      const ConvShape s = random_conv(random);
      SCOPED_TRACE(testing::Message() << "round " << round << ": " << text(s));
      const PackedConv packed(s, random.reals(s.weight_size()).data(), Precision::bf16);
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

// Of direct sums (Winograd's bounds, where it stays in single precision: kernels_winograd_test.cc). Rounding both factors is the only error
// beside that of a sum in single precision: u = 2^-8 for each, so (1 + u)^2 - 1 for a product.
TEST(Bf16Conv, WithinTheAPrioriBoundsOnEveryTarget) {
  for_each_target([] {
    Random random(3);
    for (int round = 0; round < 150; ++round) {
      const ConvShape s = random_conv(random);
      if (kernels::Winograd::takes(s) && kernels::Winograd::gains(s)) continue;
      SCOPED_TRACE(testing::Message() << "round " << round << ": " << text(s));
      const auto w = random.reals(s.weight_size());
      const PackedConv packed(s, w.data(), Precision::bf16);
      for (const bool gather : {true, false}) {
        const auto from = random.reals(gather ? s.x_size() : s.y_size());
        const auto bias = random.reals(gather ? s.out : s.in);
        const auto got = run_conv(packed, s, gather, from, nullptr, bias, false);
        const bool bf16 = in_bf16(s, gather);
        const auto b = test::to_double(bias);
        const auto exact = conv_reference(s, gather, test::to_double(from), test::to_double(w), b);
        const auto of_rounded = bf16 ? conv_reference(s, gather, test::to_double(rounded(from)), test::to_double(rounded(w)), b) : exact;
        const auto size = conv_reference(s, gather, test::magnitudes(from), test::magnitudes(w), test::magnitudes(bias));
        const double u = bf16 ? 0x1p-8 : 0;
        const double products = u * (2 + u);
        const double sum = test::gamma((gather ? s.group_in() : s.group_out()) * s.taps() + 1) * (1 + products);
        for (std::size_t i = 0; i < got.size(); ++i) {
          ASSERT_LE(std::abs(static_cast<double>(got[i]) - of_rounded[i]), sum * size[i]) << i;
          ASSERT_LE(std::abs(static_cast<double>(got[i]) - exact[i]), (products + sum) * size[i]) << i;
        }
      }
    }
  });
}

// One product with a weight of 1: the source as it was rounded. Subnormal numbers may become zero.
TEST(Bf16Conv, RoundsToTheNearestEvenOnEveryTarget) {
  for_each_target([] {
    Random random(4);
    const ConvShape s{1, 8, 40, 50, 1, 1};
    std::vector<float> x;
    while (static_cast<std::int64_t>(x.size()) < s.x_size()) {
      auto bits = static_cast<std::uint32_t>(random.integer(0, 0xFFFFFFFFLL));
      if (x.size() % 3 == 0) bits = (bits & 0xFFFF0000U) | 0x8000U;  // half way between two
      const auto v = std::bit_cast<float>(bits);
      if (!std::isnan(v) && std::abs(v) >= std::numeric_limits<float>::min()) x.push_back(v);
    }
    x[0] = std::numeric_limits<float>::infinity();
    x[1] = std::numeric_limits<float>::max();  // becomes infinity
    const PackedConv packed(s, std::vector<float>(8, 1.0F).data(), Precision::bf16);
    const auto y = run_conv(packed, s, true, x, nullptr, std::vector<float>(8), false);
    for (std::size_t i = 0; i < y.size(); ++i) ASSERT_EQ(y[i], rounded(x[i % x.size()])) << x[i % x.size()];
  });
}

TEST(Bf16Conv, BitIdenticalForAnyNumberOfThreads) {
  Random random(5);
  const ConvShape shapes[] = {{16, 40, 64, 64, 4, 4, 2, 1}, {48, 48, 33, 31, 3, 3, 1, 1}, {3, 16, 90, 90, 4, 4, 2, 1},
                              {70, 64, 8, 8, 4, 4, 2, 1},   {3, 16, 65, 63, 7, 7, 2, 3},  {24, 36, 33, 31, 3, 3, 2, 2, 2, 6},
                              {300, 64, 16, 16, 1, 1}};
  for (const ConvShape& s : shapes) {
    const PackedConv packed(s, random.reals(s.weight_size()).data(), Precision::bf16);
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

TEST(Bf16Conv, PacksAgainAndUnpacksRounded) {
  Random random(6);
  for (int round = 0; round < 200; ++round) {
    const ConvShape s = random_conv(random);
    SCOPED_TRACE(text(s));
    const auto first = random.reals(s.weight_size());
    const auto second = random.reals(s.weight_size());
    PackedConv packed(s, first.data(), Precision::bf16);
    std::vector<float> got(first.size());
    packed.unpack(got.data());
    ASSERT_EQ(got, in_bf16(s, true) ? rounded(first) : first);
    packed.pack(second.data());
    packed.unpack(got.data());
    ASSERT_EQ(got, in_bf16(s, true) ? rounded(second) : second);
    const PackedConv fresh(s, second.data(), Precision::bf16);
    for (const bool gather : {true, false}) {
      const auto from = random.reals(gather ? s.x_size() : s.y_size());
      const std::vector<float> bias(static_cast<std::size_t>(gather ? s.out : s.in));
      ASSERT_EQ(run_conv(packed, s, gather, from, nullptr, bias, false), run_conv(fresh, s, gather, from, nullptr, bias, false));
    }
  }
}

TEST(Bf16Conv, TakesHalfTheMemory) {
  Random random(7);
  const auto bytes = [&](const ConvShape& s, Precision precision) {
    return PackedConv(s, random.reals(s.weight_size()).data(), precision).bytes();
  };
  for (const ConvShape& s : {ConvShape{64, 48, 9, 9, 1, 1}, ConvShape{8, 24, 9, 9, 3, 3}, ConvShape{24, 16, 9, 9, 5, 5, 2, 2}}) {
    EXPECT_EQ(bytes(s, Precision::fp32), 2 * 4 * s.weight_size()) << text(s);
    EXPECT_EQ(bytes(s, Precision::bf16), 2 * 2 * s.weight_size()) << text(s);
  }
  // No single-precision weights stay beside those in bfloat16, nor Winograd's where they would be many.
  const ConvShape s{128, 128, 32, 32, 3, 3, 1, 1};
  EXPECT_EQ(bytes(s, Precision::bf16), 2 * 2 * s.weight_size());
  // Few output channels: one direction in single precision, in a panel of eight.
  const ConvShape few{64, 3, 32, 32, 1, 1};
  EXPECT_EQ(bytes(few, Precision::bf16), 4 * 8 * 64 + 2 * 4 * 64);
}

TEST(Bf16Conv, FewOutputChannelsStayInSinglePrecision) {
  Random random(8);
  const ConvShape s{20, 4, 21, 37, 3, 3, 1, 1};
  const auto w = random.reals(s.weight_size());
  const auto x = random.reals(s.x_size());
  const auto bias = random.reals(s.out);
  EXPECT_EQ(run_conv(PackedConv(s, w.data(), Precision::bf16), s, true, x, nullptr, bias, false),
            run_conv(PackedConv(s, w.data()), s, true, x, nullptr, bias, false));
}

TEST(Bf16Conv, TakesTheLargestKernelAndStride) {
  Random random(9);
  for (const ConvShape& s :
       {ConvShape{5, 6, 40, 35, 32, 32, 3, 5}, ConvShape{5, 5, 3, 1030, 1, 1024, 2, 0}, ConvShape{6, 5, 1500, 3, 2, 2, 1024, 0}}) {
    SCOPED_TRACE(text(s));
    ASSERT_TRUE(s.valid());
    const auto w = random.integers(s.weight_size());
    const PackedConv packed(s, w.data(), Precision::bf16);
    for (const bool gather : {true, false}) {
      const auto from = random.integers(gather ? s.x_size() : s.y_size());
      const auto bias = random.integers(gather ? s.out : s.in);
      ASSERT_EQ(run_conv(packed, s, gather, from, nullptr, bias, false), conv_reference(s, gather, from, w, bias));
    }
  }
}

TEST(Bf16Conv, KeepsNanWhereItBelongs) {
  for_each_target([] {
    const ConvShape s{1, 5, 9, 9, 3, 3, 1, 1};
    const PackedConv packed(s, std::vector<float>(45, 1.0F).data(), Precision::bf16);
    std::vector<float> x(81, 1.0F);
    x[40] = kNan;
    const auto y = run_conv(packed, s, true, x, nullptr, std::vector<float>(5), true);
    for (int o = 0; o < 5; ++o) {
      for (int i = 0; i < 9; ++i) {
        for (int j = 0; j < 9; ++j) {
          EXPECT_EQ(std::isnan(y[static_cast<std::size_t>(81 * o + 9 * i + j)]), std::abs(i - 4) <= 1 && std::abs(j - 4) <= 1)
              << o << " " << i << " " << j;
        }
      }
    }
  });
}

}  // namespace
}  // namespace likeness
