#include <gtest/gtest.h>

#include <limits>

#include "kernels/elementwise.hpp"
#include "kernels_support.hpp"

namespace likeness {
namespace {

using test::for_each_target;
using test::Random;

// Every tail of every vector width, many lengths without a pattern, and some that are split into tasks.
std::vector<std::int64_t> lengths() {
  std::vector<std::int64_t> all;
  for (std::int64_t n = 1; n <= 33; ++n) all.push_back(n);
  Random random(9);
  while (all.size() < 200) all.push_back(random.integer(34, 2000));
  for (const std::int64_t n : {4095, 4096, 4097, 33000, 70001, 300001}) all.push_back(n);
  return all;
}

std::vector<float> sized(std::int64_t n) { return std::vector<float>(static_cast<std::size_t>(n)); }

TEST(Elementwise, EqualsTheReferenceOnEveryTarget) {
  for_each_target([] {
    Random random(1);
    for (const std::int64_t n : lengths()) {
      SCOPED_TRACE(n);
      auto a = random.reals(n);
      const auto b = random.reals(n);
      const auto w = random.reals(n, 0.0, 2.0);
      for (std::size_t i = 0; i < a.size(); i += 5) a[i] = i % 2 == 0 ? 0.0F : b[i];  // kinks
      auto got = sized(n);
      auto expected = sized(n);
      const auto check = [&](const char* name) { ASSERT_EQ(got, expected) << name; };

      kernels::relu(a.data(), got.data(), n);
      kernels::reference::relu<float>(a.data(), expected.data(), n);
      check("relu");
      kernels::relu_gradient(a.data(), b.data(), got.data(), n);
      kernels::reference::relu_gradient<float>(a.data(), b.data(), expected.data(), n);
      check("relu_gradient");
      kernels::add(a.data(), b.data(), got.data(), n);
      kernels::reference::add<float>(a.data(), b.data(), expected.data(), n);
      check("add");
      kernels::add_relu(a.data(), b.data(), got.data(), n);
      kernels::reference::add_relu<float>(a.data(), b.data(), expected.data(), n);
      check("add_relu");
      kernels::l1_gradient(a.data(), b.data(), nullptr, 0.3F, got.data(), n);
      kernels::reference::l1_gradient<float>(a.data(), b.data(), nullptr, 0.3F, expected.data(), n);
      check("l1_gradient");
      kernels::l1_gradient(a.data(), b.data(), w.data(), 0.3F, got.data(), n);
      kernels::reference::l1_gradient<float>(a.data(), b.data(), w.data(), 0.3F, expected.data(), n);
      check("weighted l1_gradient");
      kernels::l2_gradient(a.data(), b.data(), nullptr, 0.3F, got.data(), n);
      kernels::reference::l2_gradient<float>(a.data(), b.data(), nullptr, 0.3F, expected.data(), n);
      check("l2_gradient");
      kernels::l2_gradient(a.data(), b.data(), w.data(), 0.3F, got.data(), n);
      kernels::reference::l2_gradient<float>(a.data(), b.data(), w.data(), 0.3F, expected.data(), n);
      check("weighted l2_gradient");
      kernels::sigmoid_gradient(a.data(), b.data(), got.data(), n);
      kernels::reference::sigmoid_gradient<float>(a.data(), b.data(), expected.data(), n);
      check("sigmoid_gradient");

      kernels::leaky_relu(a.data(), 0.125, got.data(), n);
      kernels::reference::leaky_relu<float>(a.data(), 0.125, expected.data(), n);
      check("leaky_relu");
      kernels::leaky_relu_gradient(a.data(), b.data(), 0.125, got.data(), n);
      kernels::reference::leaky_relu_gradient<float>(a.data(), b.data(), 0.125, expected.data(), n);
      check("leaky_relu_gradient");
      kernels::tanh_gradient(a.data(), b.data(), got.data(), n);
      kernels::reference::tanh_gradient<float>(a.data(), b.data(), expected.data(), n);
      check("tanh_gradient");
      kernels::subtract(a.data(), b.data(), got.data(), n);
      kernels::reference::subtract<float>(a.data(), b.data(), expected.data(), n);
      check("subtract");
      kernels::multiply(a.data(), b.data(), got.data(), n);
      kernels::reference::multiply<float>(a.data(), b.data(), expected.data(), n);
      check("multiply");
      kernels::divide(b.data(), w.data(), got.data(), n);
      kernels::reference::divide<float>(b.data(), w.data(), expected.data(), n);
      check("divide");
      kernels::smooth_l1_gradient(a.data(), b.data(), nullptr, 0.25, 0.3F, got.data(), n);
      kernels::reference::smooth_l1_gradient<float>(a.data(), b.data(), nullptr, 0.25, 0.3F, expected.data(), n);
      check("smooth_l1_gradient");
      kernels::smooth_l1_gradient(a.data(), b.data(), w.data(), 0.25, 0.3F, got.data(), n);
      kernels::reference::smooth_l1_gradient<float>(a.data(), b.data(), w.data(), 0.25, 0.3F, expected.data(), n);
      check("weighted smooth_l1_gradient");

      kernels::scale_shift(a.data(), 1.7F, -0.3F, got.data(), n);
      for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(got[i], 1.7 * a[i] - 0.3, 2 * test::gamma(2) * (1.7 * std::abs(a[i]) + 0.3));
    }
  });
}

TEST(Elementwise, SigmoidIsAccurateAndSaturates) {
  for_each_target([] {
    std::vector<float> x;
    for (double v = -87.0; v < 90.0; v += 0.0371) x.push_back(static_cast<float>(v));
    auto y = x;
    kernels::sigmoid(x.data(), y.data(), static_cast<std::int64_t>(x.size()));
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double exact = 1.0 / (1.0 + std::exp(-static_cast<double>(x[i])));
      ASSERT_NEAR(y[i], exact, 4 * 0x1p-23 * exact) << x[i];
    }
    const std::vector<float> far{-1e30F, -200.0F, 200.0F, 1e30F, std::numeric_limits<float>::quiet_NaN()};
    auto edge = far;
    kernels::sigmoid(far.data(), edge.data(), 5);
    EXPECT_LT(edge[0], 1e-30F);
    EXPECT_LT(edge[1], 1e-30F);
    EXPECT_EQ(edge[2], 1.0F);
    EXPECT_EQ(edge[3], 1.0F);
    EXPECT_TRUE(std::isnan(edge[4]));
  });
}

TEST(Elementwise, SiluAndTanhAreAccurateAndSaturate) {
  constexpr double kUlp = 0x1p-23;
  for_each_target([&] {
    std::vector<float> x;
    for (double v = -86.0; v < 90.0; v += 0.0371) x.push_back(static_cast<float>(v));
    for (double v = 1e-30; v < 1.0; v *= 1.7) x.push_back(static_cast<float>(v)), x.push_back(static_cast<float>(-v));
    const auto n = static_cast<std::int64_t>(x.size());
    std::vector<float> y(x.size());
    kernels::silu(x.data(), y.data(), n);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double exact = static_cast<double>(x[i]) / (1.0 + std::exp(-static_cast<double>(x[i])));
      ASSERT_NEAR(y[i], exact, 5 * kUlp * std::abs(exact)) << x[i];
    }
    kernels::tanh(x.data(), y.data(), n);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double exact = std::tanh(static_cast<double>(x[i]));
      ASSERT_NEAR(y[i], exact, 6 * kUlp * std::abs(exact)) << x[i];
    }
    // dx = dy s (1 + x (1 - s)): three roundings and the error of s, which the bracket magnifies by at most 1 + |x|.
    const std::vector<float> ones(x.size(), 1.0F);
    kernels::silu_gradient(x.data(), ones.data(), y.data(), n);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double v = static_cast<double>(x[i]);
      const double s = 1.0 / (1.0 + std::exp(-v));
      ASSERT_NEAR(y[i], s * (1.0 + v * (1.0 - s)), 8 * kUlp * s * (1.0 + std::abs(v))) << v;
    }
    const std::vector<float> far{-1e30F, 1e30F, std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()};
    std::vector<float> edge(4);
    kernels::tanh(far.data(), edge.data(), 4);
    EXPECT_EQ(edge[0], -1.0F);
    EXPECT_EQ(edge[1], 1.0F);
    EXPECT_TRUE(std::isnan(edge[2]));
    EXPECT_EQ(edge[3], -1.0F);
    kernels::silu(far.data(), edge.data(), 3);
    EXPECT_EQ(edge[1], 1e30F);
    EXPECT_TRUE(std::isnan(edge[2]));
  });
}

TEST(Elementwise, SumsStayWithinTheBoundAndDoNotDependOnThreadsOrTarget) {
  std::vector<std::vector<double>> all;
  for_each_target([&] {
    for (const int threads : {1, 3, 4}) {
      const test::ThreadRunner runner(threads);
      Random random(2);
      std::vector<double> sums;
      for (const std::int64_t n : lengths()) {
        const auto a = random.reals(n);
        const auto b = random.reals(n);
        const auto w = random.reals(n, 0.0, 2.0);
        const auto da = test::to_double(a);
        const auto db = test::to_double(b);
        const auto dw = test::to_double(w);
        for (const bool weighted : {false, true}) {
          const double l1 = kernels::l1_sum(a.data(), b.data(), weighted ? w.data() : nullptr, n);
          const double l2 = kernels::l2_sum(a.data(), b.data(), weighted ? w.data() : nullptr, n);
          const double e1 = kernels::reference::l1_sum(da.data(), db.data(), weighted ? dw.data() : nullptr, n);
          const double e2 = kernels::reference::l2_sum(da.data(), db.data(), weighted ? dw.data() : nullptr, n);
          EXPECT_NEAR(l1, e1, test::gamma(68) * e1) << n;  // 64 terms of three roundings each, in float
          EXPECT_NEAR(l2, e2, test::gamma(70) * e2) << n;
          const double smooth = kernels::smooth_l1_sum(a.data(), b.data(), weighted ? w.data() : nullptr, 0.375, n);
          const double es = kernels::reference::smooth_l1_sum(da.data(), db.data(), weighted ? dw.data() : nullptr, 0.375, n);
          // Beyond beta |d| - beta / 2 is at least |d| / 2: its rounding error counts twice.
          EXPECT_NEAR(smooth, es, test::gamma(74) * es) << n;
          sums.push_back(l1);
          sums.push_back(l2);
          sums.push_back(smooth);
        }
        double product = 0.0;
        double size = 0.0;
        for (std::size_t i = 0; i < a.size(); ++i) {
          product += da[i] * db[i];
          size += std::abs(da[i] * db[i]);
        }
        EXPECT_NEAR(kernels::dot(a.data(), b.data(), n), product, test::gamma(66) * size) << n;
        sums.push_back(kernels::dot(a.data(), b.data(), n));
      }
      all.push_back(sums);
    }
  });
  for (const auto& sums : all) EXPECT_EQ(sums, all.front());
}

TEST(Elementwise, MatrixVectorProductsOnEveryTarget) {
  for_each_target([] {
    Random random(3);
    for (int round = 0; round < 200; ++round) {
      const std::int64_t inputs = random.integer(1, 90);
      const std::int64_t outputs = round == 0 ? 5000 : random.integer(1, round % 10 == 0 ? 1200 : 70);
      const auto w = random.integers(inputs * outputs);
      const auto x = random.integers(inputs);
      const auto dy = random.integers(outputs);
      const auto bias = random.integers(outputs);
      auto got = sized(outputs);
      auto expected = sized(outputs);
      kernels::matvec(w.data(), bias.data(), x.data(), inputs, outputs, got.data());
      kernels::reference::matvec<float>(w.data(), bias.data(), x.data(), inputs, outputs, expected.data());
      ASSERT_EQ(got, expected);
      got = sized(inputs);
      expected = sized(inputs);
      kernels::matvec_transposed(w.data(), dy.data(), inputs, outputs, got.data());
      kernels::reference::matvec_transposed<float>(w.data(), dy.data(), inputs, outputs, expected.data());
      ASSERT_EQ(got, expected);

      const auto wr = random.reals(inputs * outputs);
      const auto xr = random.reals(inputs);
      got = sized(outputs);
      kernels::matvec(wr.data(), bias.data(), xr.data(), inputs, outputs, got.data());
      std::vector<double> exact(got.size());
      std::vector<double> size(got.size());
      kernels::reference::matvec(test::to_double(wr).data(), test::to_double(bias).data(), test::to_double(xr).data(), inputs, outputs,
                                 exact.data());
      kernels::reference::matvec(test::magnitudes(wr).data(), test::magnitudes(bias).data(), test::magnitudes(xr).data(), inputs, outputs,
                                 size.data());
      for (std::size_t o = 0; o < got.size(); ++o) ASSERT_LE(std::abs(got[o] - exact[o]), test::gamma(inputs + 1) * size[o]);
    }
  });
}

}  // namespace
}  // namespace likeness
