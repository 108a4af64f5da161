#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "likeness/optimizer.hpp"

namespace likeness {
namespace {

TEST(Sgd, FollowsTheFormula) {
  Sgd<float> sgd({.rate = 0.5, .momentum = 0.9, .decay = {0.8, 2}});
  std::vector<float> x{1.0F};
  const std::vector<float> g{2.0F};
  sgd.step(x, g);  // v = 2
  EXPECT_FLOAT_EQ(x[0], 0.0F);
  sgd.step(x, g);  // v = 3.8
  EXPECT_FLOAT_EQ(x[0], -1.9F);
  EXPECT_DOUBLE_EQ(sgd.rate(), 0.4);
  sgd.step(x, g);  // v = 5.42
  EXPECT_FLOAT_EQ(x[0], -1.9F - 0.4F * 5.42F);
}

// Two steps of torch.optim.Adam(lr=0.1) from x = 1 with gradients 0.5 and -0.2.
TEST(Adam, FollowsTheFormula) {
  Adam<float> adam({.rate = 0.1});
  std::vector<float> x{1.0F};
  adam.step(x, std::vector<float>{0.5F});
  EXPECT_NEAR(x[0], 0.9, 1e-6);
  adam.step(x, std::vector<float>{-0.2F});
  const double m = (0.9 * 0.05 - 0.02) / (1 - 0.81);
  const double v = (0.999 * 0.00025 + 0.001 * 0.04) / (1 - 0.998001);
  EXPECT_NEAR(x[0], 0.9 - 0.1 * m / std::sqrt(v), 1e-6);
}

TEST(Optimizers, FindTheMinimumOfAQuadratic) {
  const auto minimise = [](auto optimizer) {
    std::vector<float> x{0.9F, -0.7F};
    for (int i = 0; i < 400; ++i) {
      const std::vector<float> g{2 * (x[0] - 0.25F), 20 * (x[1] - 0.5F)};
      optimizer.step(x, g);
    }
    return std::hypot(x[0] - 0.25F, x[1] - 0.5F);
  };
  EXPECT_LT(minimise(Sgd<float>({.rate = 0.02, .momentum = 0.9})), 1e-4);
  EXPECT_LT(minimise(Adam<float>({.rate = 0.05, .decay = {0.9, 20}})), 1e-3);
}

TEST(Projection, OntoTheBox) {
  std::vector<float> x{-1.0F, 0.0F, 0.3F, 1.0F, 7.0F, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()};
  project_box(std::span(x));
  EXPECT_EQ(x, (std::vector<float>{0.0F, 0.0F, 0.3F, 1.0F, 1.0F, 0.0F, 1.0F}));
}

// The projection p of x is the only point of the simplex with <x - p, q - p> <= 0 for every q of it, so for every corner.
TEST(Projection, OntoTheSimplexIsTheNearestPoint) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> numbers(-2.0F, 3.0F);
  for (int round = 0; round < 500; ++round) {
    std::vector<float> x(1 + round % 9);
    for (float& v : x) v = numbers(random);
    std::vector<float> p = x;
    project_simplex(std::span(p));
    EXPECT_NEAR(std::accumulate(p.begin(), p.end(), 0.0), 1.0, 1e-6);
    double along = 0.0;
    for (std::size_t i = 0; i < p.size(); ++i) {
      EXPECT_GE(p[i], 0.0F);
      along += (static_cast<double>(x[i]) - p[i]) * p[i];
    }
    for (std::size_t corner = 0; corner < p.size(); ++corner) EXPECT_LE(static_cast<double>(x[corner]) - p[corner] - along, 1e-5);
  }
}

TEST(Projection, OntoTheSimplexOfOddInput) {
  std::vector<float> inside{0.2F, 0.3F, 0.5F};
  project_simplex(std::span(inside));
  EXPECT_NEAR(inside[0], 0.2F, 1e-6F);
  EXPECT_NEAR(inside[2], 0.5F, 1e-6F);
  std::vector<float> bad{0.2F, std::numeric_limits<float>::quiet_NaN()};
  project_simplex(std::span(bad));
  EXPECT_EQ(bad, (std::vector<float>{0.5F, 0.5F}));
  std::vector<float> none;
  project_simplex(std::span(none));
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace likeness
