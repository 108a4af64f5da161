#include <gtest/gtest.h>

#include <cmath>

#include "fit/prior.hpp"
#include "fit_fixture.hpp"

namespace likeness {
namespace {

// x = tone, width, ancestry (3), hat (3), turn.
const std::vector<float> kX = {0.7F, 0.4F, 0.2F, 0.3F, 0.5F, 0, 1, 0, 0.9F};

TEST(Prior, HoldsEachKindByItsOwnWeight) {
  const Schema schema = test::small_schema();
  const ObjectiveWeights weights{.prior = 0.3, .nuisance_prior = 0.6};
  const Prior prior(schema, nullptr, weights);
  EXPECT_NEAR(prior.evaluate(kX, 1, {}), (0.3 * (0.04 + 0.01) + 0.6 * 0.16) / 3 / 0.0625, 1e-6);
  EXPECT_EQ(prior.evaluate(schema.default_vector(), 1, {}), 0);
}

TEST(Prior, LeansToTheGuessAndChargesForUnlikelyOptions) {
  const Schema schema = test::small_schema();
  Prior prior(schema, nullptr, {.prior = 0.3, .nuisance_prior = 0.3, .choice_prior = 0.2});
  std::vector<float> guess = {0.9F, 0.1F, 0.2F, 0.3F, 0.5F, 0.6F, 0.3F, -0.1F, 0.5F};
  prior.lean(guess, 0.5);
  std::vector<float> x = {0.7F, 0.3F, 0, 0, 1, 1, 0, 0, 0.5F};  // midway, and the likeliest hat
  EXPECT_NEAR(prior.evaluate(x, 1, {}), 0, 1e-9);
  x[5] = 0, x[6] = 1;
  EXPECT_NEAR(prior.evaluate(x, 1, {}), 0.5 * 0.2 * 0.5, 1e-6);
  x[6] = 0, x[7] = 1;
  EXPECT_NEAR(prior.evaluate(x, 1, {}), 0.5 * 0.2, 1e-6);
}

TEST(Prior, GradientAgreesWithDifferences) {
  const Schema schema = test::small_schema();
  Prior prior(schema, nullptr, {});
  prior.lean(std::vector<float>{0.9F, 0.1F, 0.2F, 0.3F, 0.5F, 0.6F, 0.3F, 0.1F, 0.2F}, 1);
  std::vector<float> gradient(kX.size());
  prior.evaluate(kX, 3, gradient);
  for (std::size_t i = 0; i < kX.size(); ++i) {
    std::vector<float> up = kX, down = kX;
    up[i] += 0.01F, down[i] -= 0.01F;
    EXPECT_NEAR(gradient[i], (prior.evaluate(up, 3, {}) - prior.evaluate(down, 3, {})) / 0.02, 1e-4) << i;
  }
}

}  // namespace
}  // namespace likeness
