#include "kernels/softmax.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "kernels_support.hpp"

namespace likeness {
namespace {

using kernels::MiddleShape;
using test::for_each_target;
using test::Random;

// Columns of every tail, and some that are split into tasks.
MiddleShape draw_shape(Random& random, int round) {
  const std::int64_t inner = round % 20 == 0 ? random.integer(1020, 2100) : random.integer(1, 70);
  return {random.integer(1, 3), random.integer(1, round % 7 == 0 ? 60 : 12), inner};
}

TEST(Softmax, StaysWithinItsBoundOnEveryTarget) {
  for_each_target([] {
    Random random(1);
    for (int round = 0; round < 200; ++round) {
      const MiddleShape s = draw_shape(random, round);
      const double beta = random.real(-3, 3);
      SCOPED_TRACE(testing::Message() << s.outer << " x " << s.n << " x " << s.inner << ", beta " << beta);
      const std::vector<float> x = random.reals(s.size(), -20, 20);
      std::vector<float> y = x;  // in place
      kernels::softmax(s, y.data(), beta, y.data());
      const std::vector<double> exact_x = test::to_double(x);
      std::vector<double> exact(x.size());
      const double rounded_beta = static_cast<double>(static_cast<float>(beta));
      kernels::reference::softmax<double>(s, exact_x.data(), rounded_beta, exact.data());
      for (std::size_t i = 0; i < x.size(); ++i) {
        // How far the exponent lies below the column's largest.
        const std::size_t inner = static_cast<std::size_t>(s.inner), n = static_cast<std::size_t>(s.n);
        const std::size_t column = i / (n * inner) * n * inner + i % inner;
        double below = 0;
        for (std::size_t k = 0; k < n; ++k) below = std::max(below, rounded_beta * (exact_x[column + k * inner] - exact_x[i]));
        if (exact[i] < 1e-37) {  // beyond the normal numbers
          ASSERT_LE(y[i], 2e-37) << i;
        } else {
          ASSERT_NEAR(y[i], exact[i], 2 * (static_cast<double>(s.n) + 5 + 2 * below) * 0x1p-24 * exact[i]) << i;
        }
      }
    }
  });
}

TEST(Softmax, EveryColumnAddsUpToOne) {
  Random random(2);
  const MiddleShape s{2, 11, 1500};
  std::vector<float> y = random.reals(s.size(), -90, 90);
  kernels::softmax(s, y.data(), 1.0, y.data());
  for (std::int64_t o = 0; o < s.outer; ++o) {
    for (std::int64_t i = 0; i < s.inner; ++i) {
      double sum = 0;
      for (std::int64_t k = 0; k < s.n; ++k) sum += y[static_cast<std::size_t>((o * s.n + k) * s.inner + i)];
      ASSERT_NEAR(sum, 1.0, 2e-6) << o << " " << i;
    }
  }
}

TEST(Softmax, FarApartAndNotANumber) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();
  for_each_target([&] {
    const MiddleShape s{1, 3, 20};
    // By column: far apart, one impossible class, a NaN, an infinity, the largest numbers, then ordinary ones.
    std::vector<float> x(60, 0.5F);
    const auto set = [&x](std::size_t column, float a, float b, float c) { x[column] = a, x[20 + column] = b, x[40 + column] = c; };
    set(0, 1000, -1000, 0);
    set(1, -kInfinity, 2, 2);
    set(2, kNan, 1, 2);
    set(3, 1, kInfinity, 2);
    set(4, 3e38F, -3e38F, 3e38F);
    set(19, 1, 2, kNan);  // in the tail
    std::vector<float> y(60);
    kernels::softmax(s, x.data(), 1.0, y.data());
    const auto column = [&y](std::size_t i) { return std::array{y[i], y[20 + i], y[40 + i]}; };
    EXPECT_EQ(column(0), (std::array{1.0F, 0.0F, 0.0F}));
    EXPECT_EQ(column(1), (std::array{0.0F, 0.5F, 0.5F}));
    EXPECT_EQ(column(4), (std::array{0.5F, 0.0F, 0.5F}));
    for (const std::size_t i : {std::size_t{2}, std::size_t{3}, std::size_t{19}}) {
      for (const float v : column(i)) EXPECT_TRUE(std::isnan(v)) << i;
    }
    EXPECT_NEAR(y[5], 1.0F / 3, 1e-7);
  });
}

TEST(Softmax, GradientStaysWithinItsBoundOnEveryTarget) {
  for_each_target([] {
    Random random(3);
    for (int round = 0; round < 200; ++round) {
      const MiddleShape s = draw_shape(random, round);
      const auto beta = static_cast<double>(static_cast<float>(random.real(-3, 3)));
      SCOPED_TRACE(testing::Message() << s.outer << " x " << s.n << " x " << s.inner << ", beta " << beta);
      const std::vector<float> y = random.reals(s.size(), 0, 1), dy = random.reals(s.size());
      std::vector<float> dx = dy;  // in place
      kernels::softmax_gradient(s, y.data(), dx.data(), beta, dx.data());
      std::vector<double> exact(y.size());
      kernels::reference::softmax_gradient<double>(s, test::to_double(y).data(), test::to_double(dy).data(), beta, exact.data());
      const double most = std::abs(beta) * static_cast<double>(s.n + 1);  // |y| and |dy| are at most 1
      for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(dx[i], exact[i], test::gamma(s.n + 4) * most) << i;
    }
  });
}

TEST(Softmax, DoesNotDependOnThreads) {
  Random random(4);
  const MiddleShape s{3, 11, 5000};
  const std::vector<float> x = random.reals(s.size(), -8, 8), dy = random.reals(s.size());
  std::vector<std::vector<float>> all;
  for (const int threads : {1, 3, 4}) {
    const test::ThreadRunner runner(threads);
    std::vector<float> y(x.size()), dx(x.size());
    kernels::softmax(s, x.data(), 1.5, y.data());
    kernels::softmax_gradient(s, y.data(), dy.data(), 1.5, dx.data());
    all.push_back(y), all.push_back(dx);
  }
  for (std::size_t i = 2; i < all.size(); ++i) EXPECT_EQ(all[i], all[i % 2]);
}

}  // namespace
}  // namespace likeness
