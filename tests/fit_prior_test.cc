#include <gtest/gtest.h>

#include <cmath>

#include "fit/iris.hpp"
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

// A face of one colour whose irises have another, under a light.
Image eyes(std::array<double, 3> iris, std::array<double, 3> skin, std::array<double, 3> light) {
  Image image(512, 512, 3);
  const Landmarks face = test::schematic_landmarks();
  for (int y = 0; y < 512; ++y) {
    for (int x = 0; x < 512; ++x) {
      bool inside = false;
      for (const std::size_t eye : {36U, 42U}) {
        Point middle{};
        for (std::size_t i = eye; i < eye + 6; ++i) middle[0] += face[i][0] / 6, middle[1] += face[i][1] / 6;
        inside = inside || std::hypot(x + 0.5 - middle[0], y + 0.5 - middle[1]) < 14;
      }
      for (std::size_t c = 0; c < 3; ++c) {
        const double linear = (inside ? iris[c] : skin[c]) * light[c];
        image.at(x, y)[c] = static_cast<std::uint8_t>(255 * std::pow(linear, 1 / 2.2) + 0.5);
      }
    }
  }
  return image;
}

TEST(Iris, HueIsThatOfTheEyesWhateverTheLight) {
  const Landmarks face = test::schematic_landmarks();
  const std::array<double, 3> skin = {0.5, 0.3, 0.2}, brown = {0.12, 0.06, 0.03}, blue = {0.1, 0.16, 0.25};
  const auto hue = [&](const std::array<double, 3>& iris, const std::array<double, 3>& light) {
    return *iris_hue(eyes(iris, skin, light), face, PictureDomain::render);
  };
  const IrisHue plain = hue(brown, {1, 1, 1}), dim = hue(brown, {0.6, 0.5, 0.4}), other = hue(blue, {0.6, 0.5, 0.4});
  EXPECT_NEAR(plain[0], std::log(0.12 / 0.06) - std::log(0.5 / 0.3), 0.1);
  EXPECT_LT(iris_distance(plain, dim), 0.1);
  EXPECT_GT(iris_distance(dim, other), 0.8);
}

TEST(Iris, ClosedEyesAndPlacesOutsideHaveNone) {
  Landmarks face = test::schematic_landmarks();
  const Image image = eyes({0.1, 0.1, 0.1}, {0.5, 0.3, 0.2}, {1, 1, 1});
  Landmarks outside = face;
  for (Point& p : outside) p[0] += 2000;
  EXPECT_FALSE(iris_hue(image, outside, PictureDomain::photo));
  for (std::size_t i = 36; i < 48; ++i) face[i][1] = face[36][1];
  EXPECT_FALSE(iris_hue(image, face, PictureDomain::photo));
  face[40][0] = std::nanf("");
  EXPECT_FALSE(iris_hue(image, face, PictureDomain::photo));
}

}  // namespace
}  // namespace likeness
