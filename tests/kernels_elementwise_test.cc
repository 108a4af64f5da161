#include <gtest/gtest.h>

#include <limits>

#include "kernels/elementwise.hpp"
#include "kernels/resample.hpp"
#include "kernels_support.hpp"

namespace likeness {
namespace {

using test::for_each_target;
using test::Random;

// Lengths around every vector width, and some that are split into tasks.
const std::vector<std::int64_t> kLengths{1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 1000, 4097, 33000, 70001};

std::vector<float> sized(std::int64_t n) { return std::vector<float>(static_cast<std::size_t>(n)); }

TEST(Elementwise, EqualsTheReferenceOnEveryTarget) {
  for_each_target([] {
    Random random(1);
    for (const std::int64_t n : kLengths) {
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

TEST(Elementwise, SumsStayWithinTheBoundAndDoNotDependOnThreadsOrTarget) {
  std::vector<std::vector<double>> all;
  for_each_target([&] {
    for (const int threads : {1, 2, 3}) {
      const test::ThreadRunner runner(threads);
      Random random(2);
      std::vector<double> sums;
      for (const std::int64_t n : kLengths) {
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
          sums.push_back(l1);
          sums.push_back(l2);
        }
      }
      all.push_back(sums);
    }
  });
  for (const auto& sums : all) EXPECT_EQ(sums, all.front());
}

TEST(Elementwise, MatrixVectorProductsOnEveryTarget) {
  for_each_target([] {
    Random random(3);
    for (int round = 0; round < 40; ++round) {
      const std::int64_t inputs = random.integer(1, 90);
      const std::int64_t outputs = round == 0 ? 5000 : random.integer(1, 1200);
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
    }
  });
}

// Values of PyTorch 1.13: interpolate(arange(4), size=..., mode="bilinear", align_corners=False).
TEST(Resize, FollowsPyTorch) {
  const std::vector<double> row{0, 1, 2, 3};
  std::vector<double> up(8);
  kernels::resize(row.data(), 1, 1, 4, 1, 8, up.data());
  EXPECT_EQ(up, (std::vector<double>{0.0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.0}));
  std::vector<double> down(2);
  kernels::resize(row.data(), 1, 1, 4, 1, 2, down.data());
  EXPECT_EQ(down, (std::vector<double>{0.5, 2.5}));
  std::vector<double> odd(3);
  kernels::resize(row.data(), 1, 1, 4, 1, 3, odd.data());
  EXPECT_NEAR(odd[0], 1.0 / 6, 1e-15);
  EXPECT_NEAR(odd[1], 1.5, 1e-15);
  EXPECT_NEAR(odd[2], 17.0 / 6, 1e-15);
}

TEST(Resize, FastEqualsReferenceAndDirectionsAreAdjoint) {
  Random random(4);
  for (int round = 0; round < 200; ++round) {
    const std::int64_t planes = random.integer(1, 3);
    const std::int64_t h = random.integer(1, 40);
    const std::int64_t w = random.integer(1, 40);
    const std::int64_t to_h = round % 4 == 0 ? std::max<std::int64_t>(1, h / 2) : random.integer(1, 60);
    const std::int64_t to_w = round % 4 == 0 ? std::max<std::int64_t>(1, w / 2) : random.integer(1, 60);
    SCOPED_TRACE(testing::Message() << h << "x" << w << " to " << to_h << "x" << to_w);
    const auto x = random.reals(planes * h * w);
    const auto dy = random.reals(planes * to_h * to_w);
    auto y = sized(planes * to_h * to_w);
    auto dx = sized(planes * h * w);
    kernels::resize(x.data(), planes, h, w, to_h, to_w, y.data());
    kernels::resize_gradient(dy.data(), planes, h, w, to_h, to_w, dx.data());
    const auto xd = test::to_double(x);
    const auto dyd = test::to_double(dy);
    std::vector<double> yd(y.size());
    std::vector<double> dxd(dx.size());
    kernels::resize(xd.data(), planes, h, w, to_h, to_w, yd.data());
    kernels::resize_gradient(dyd.data(), planes, h, w, to_h, to_w, dxd.data());
    for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], yd[i], 1e-5);
    // A pixel of x receives the weights of all outputs that read it: at most (2 to_h / h + 2) (2 to_w / w + 2) of them.
    const double most =
        (2.0 * static_cast<double>(to_h) / static_cast<double>(h) + 2) * (2.0 * static_cast<double>(to_w) / static_cast<double>(w) + 2);
    for (std::size_t i = 0; i < dx.size(); ++i) ASSERT_NEAR(dx[i], dxd[i], 1e-6 * most);
    double left = 0;
    double right = 0;
    for (std::size_t i = 0; i < yd.size(); ++i) left += yd[i] * dyd[i];
    for (std::size_t i = 0; i < dxd.size(); ++i) right += dxd[i] * xd[i];
    ASSERT_NEAR(left, right, 1e-11 * static_cast<double>(x.size() + y.size()));
  }
}

TEST(MaxPool, FastEqualsReferenceAndGoesToTheFirstLargest) {
  Random random(5);
  for (int round = 0; round < 100; ++round) {
    const std::int64_t kernel = random.integer(1, 4);
    const std::int64_t stride = random.integer(1, 3);
    const std::int64_t padding = random.integer(0, kernel / 2);
    const std::int64_t h = random.integer(kernel, 20);
    const std::int64_t w = random.integer(kernel, 20);
    const std::int64_t to_h = (h + 2 * padding - kernel) / stride + 1;
    const std::int64_t to_w = (w + 2 * padding - kernel) / stride + 1;
    const auto x = random.integers(2 * h * w);  // many ties
    const auto dy = random.integers(2 * to_h * to_w);
    auto y = sized(2 * to_h * to_w);
    auto expected = y;
    kernels::max_pool(x.data(), 2, h, w, kernel, stride, padding, to_h, to_w, y.data());
    kernels::reference::max_pool<float>(x.data(), 2, h, w, kernel, stride, padding, to_h, to_w, expected.data());
    ASSERT_EQ(y, expected);
    auto dx = sized(2 * h * w);
    auto expected_dx = dx;
    kernels::max_pool_gradient(x.data(), dy.data(), 2, h, w, kernel, stride, padding, to_h, to_w, dx.data());
    kernels::reference::max_pool_gradient<float>(x.data(), dy.data(), 2, h, w, kernel, stride, padding, to_h, to_w, expected_dx.data());
    ASSERT_EQ(dx, expected_dx);
  }
  const std::vector<double> tie{1, 5, 5, 2};
  double top = 0;
  kernels::max_pool(tie.data(), 1, 2, 2, 2, 2, 0, 1, 1, &top);
  EXPECT_EQ(top, 5);
  std::vector<double> dx(4);
  const double one = 1;
  kernels::max_pool_gradient(tie.data(), &one, 1, 2, 2, 2, 2, 0, 1, 1, dx.data());
  EXPECT_EQ(dx, (std::vector<double>{0, 1, 0, 0}));
}

}  // namespace
}  // namespace likeness
