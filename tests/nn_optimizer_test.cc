#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <vector>

#include "golden.hpp"
#include "likeness/optimizer.hpp"

namespace likeness {
namespace {

// The paths of torch.optim with given gradients (train/fixture_operations.py).
template <class T>
void expect_torch_paths(double tolerance) {
  const Safetensors file = test::golden_file("operations.safetensors");
  const auto runs = nlohmann::json::parse(file.metadata("optimizers"));
  ASSERT_EQ(runs.size(), 4U);
  for (const auto& run : runs) {
    const std::string name = run["name"];
    const StepDecay decay{run.value("factor", 1.0), run.value("every", 0)};
    Sgd<T> sgd({.rate = run["rate"], .momentum = run.value("momentum", 0.0), .decay = decay});
    Adam<T> adam({.rate = run["rate"],
                  .beta1 = run.value("beta1", 0.9),
                  .beta2 = run.value("beta2", 0.999),
                  .epsilon = run.value("epsilon", 1e-8),
                  .decay = decay});
    std::vector<T> x = test::golden<T>(file, name + ".start").data;
    const Tensor<T> gradients = test::golden<T>(file, name + ".gradients"), path = test::golden<T>(file, name + ".path");
    const std::size_t n = x.size();
    ASSERT_EQ(path.data.size(), 8 * n);
    for (std::size_t step = 0; step < 8; ++step) {
      const std::span<const T> gradient = std::span(gradients.data).subspan(step * n, n);
      name.starts_with("sgd") ? sgd.step(x, gradient) : adam.step(x, gradient);
      const std::vector<T> expected(path.data.begin() + static_cast<std::ptrdiff_t>(step * n),
                                    path.data.begin() + static_cast<std::ptrdiff_t>((step + 1) * n));
      EXPECT_LE(test::max_norm_error(std::span<const T>(x), expected), tolerance) << name << ", step " << step;
    }
  }
}

TEST(Optimizers, FollowTorchInDoublePrecision) { expect_torch_paths<double>(1e-14); }
TEST(Optimizers, FollowTorchInSinglePrecision) { expect_torch_paths<float>(1e-6); }

TEST(Optimizers, TheRateFallsInSteps) {
  Sgd<float> sgd({.rate = 10, .decay = {0.8, 2}});
  Adam<float> adam({.rate = 10, .decay = {0.8, 2}});
  std::vector<float> x{1.0F};
  const std::vector<float> g{0.0F};
  for (const double expected : {10.0, 10.0, 8.0, 8.0, 6.4}) {
    EXPECT_DOUBLE_EQ(sgd.rate(), expected);
    EXPECT_DOUBLE_EQ(adam.rate(), expected);
    sgd.step(x, g);
    adam.step(x, g);
  }
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
template <class T>
void expect_nearest_point(double tolerance) {
  std::mt19937 random(1);
  std::uniform_real_distribution<T> numbers(T(-2), T(3));
  for (int round = 0; round < 500; ++round) {
    std::vector<T> x(1 + static_cast<std::size_t>(round % 9));
    for (T& v : x) v = numbers(random);
    std::vector<T> p = x;
    project_simplex(std::span(p));
    EXPECT_NEAR(std::accumulate(p.begin(), p.end(), 0.0), 1.0, tolerance);
    double along = 0.0;
    for (std::size_t i = 0; i < p.size(); ++i) {
      EXPECT_GE(p[i], T(0));
      along += (static_cast<double>(x[i]) - p[i]) * p[i];
    }
    for (std::size_t corner = 0; corner < p.size(); ++corner) EXPECT_LE(static_cast<double>(x[corner]) - p[corner] - along, 10 * tolerance);
    std::vector<T> again = p;
    project_simplex(std::span(again));
    EXPECT_LE(test::max_norm_error(std::span<const T>(again), p), tolerance);
  }
}

TEST(Projection, OntoTheSimplexIsTheNearestPoint) {
  expect_nearest_point<float>(1e-6);
  expect_nearest_point<double>(1e-14);
}

TEST(Projection, OntoTheSimplexOfLargeNumbers) {
  // Where 1 is lost beside the entries.
  std::vector<float> single{1e20F, -1e20F, 3};
  project_simplex<float>(single);
  EXPECT_EQ(single, (std::vector<float>{1, 0, 0}));
  std::vector<double> both{1e18, 1e18};
  project_simplex<double>(both);
  EXPECT_EQ(both, (std::vector<double>{0.5, 0.5}));
  const double most = std::numeric_limits<double>::max();
  std::vector<double> ends{-most, most, most, -most};
  project_simplex<double>(ends);
  EXPECT_EQ(ends, (std::vector<double>{0, 0.5, 0.5, 0}));
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
