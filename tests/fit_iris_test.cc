// The colour of the irises: what is measured, and whose eyes are taken for whose.
#include "fit/iris.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "fit/objective.hpp"
#include "fit_fixture.hpp"
#include "image/color.hpp"

namespace likeness {
namespace {

using Colour = std::array<double, 3>;

constexpr Colour kBrown = {0.12, 0.06, 0.03}, kBlue = {0.12, 0.18, 0.25}, kWhite = {0.6, 0.55, 0.5};

// A dark face whose eyes are white between the lids but for the iris, which holds a pupil and a catch light; under a light.
Image eyes(const Colour& iris, const Colour& light, const Colour& white = kWhite) {
  Image image(512, 512, 3);
  const Landmarks face = test::schematic_landmarks();
  const double unit = interocular_distance(face);
  for (int y = 0; y < 512; ++y) {
    for (int x = 0; x < 512; ++x) {
      Colour colour = {0.2, 0.1, 0.05};
      for (const std::size_t eye : {36U, 42U}) {
        Point middle{};
        for (std::size_t i = eye; i < eye + 6; ++i) middle[0] += face[i][0] / 6, middle[1] += face[i][1] / 6;
        const double dx = x + 0.5 - middle[0], dy = y + 0.5 - middle[1], r = std::hypot(dx, dy) / unit;
        if (std::hypot(dx, dy) > 0.3 * unit) continue;
        if (r < 0.3) colour = white;
        if (r < 0.093) colour = iris;
        if (r < 0.03) colour = {0.005, 0.005, 0.005};
        if (std::hypot(dx - 0.06 * unit, dy) < 0.02 * unit) colour = {0.99, 0.99, 0.99};
      }
      for (std::size_t c = 0; c < 3; ++c) image.at(x, y)[c] = srgb8_from_linear(static_cast<float>(colour[c] * light[c]));
    }
  }
  return image;
}

IrisColour seen(const Colour& iris, const Colour& light, const Colour& white = kWhite) {
  return iris_colour(eyes(iris, light, white), test::schematic_landmarks()).value_or(IrisColour{99, 99, 99});
}

TEST(Iris, ColourIsTheIrisesOverTheWhites) {
  const IrisColour colour = seen(kBrown, {1, 1, 1});
  const auto light = [](const Colour& c) { return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]; };
  EXPECT_NEAR(colour[0], std::log(light(kBrown) / light(kWhite)), 0.05);
  EXPECT_NEAR(colour[1], std::log(kBrown[0] / kBrown[1]) - std::log(kWhite[0] / kWhite[1]), 0.05);
  EXPECT_NEAR(colour[2], std::log(kBrown[1] / kBrown[2]) - std::log(kWhite[1] / kWhite[2]), 0.05);
}

TEST(Iris, TheLightCancels) {
  const IrisColour plain = seen(kBrown, {1, 1, 1}), dim = seen(kBrown, {0.9, 0.8, 0.7});
  for (std::size_t c = 0; c < plain.size(); ++c) EXPECT_NEAR(plain[c], dim[c], 0.05) << c;
  EXPECT_LT(iris_distance(plain, dim, PictureDomain::render), 0.1);
  EXPECT_GT(iris_distance(plain, seen(kBlue, {0.9, 0.8, 0.7}), PictureDomain::render), 1);
}

TEST(Iris, DistanceIsNothingToItselfAndGrowsWithEachPart) {
  const IrisColour brown = {-2, 0.5, 0.4};
  EXPECT_EQ(iris_distance(brown, brown, PictureDomain::render), 0);
  // Of steps from what photographs show of these, by 1: lengths of the columns of W. Rows, or W transposed, have others.
  const IrisColour shown = {-1.057 - 0.283 * 2 - 0.275 * 0.5 - 0.036 * 0.4, -0.073 + 0.024 * 2 + 0.143 * 0.5 + 0.080 * 0.4,
                            0.090 - 0.086 * 2 + 0.019 * 0.5 + 0.154 * 0.4};
  EXPECT_NEAR(iris_distance(shown, brown, PictureDomain::photo), 0, 1e-9);
  const std::array<double, 3> lengths = {std::hypot(2.583, 0.738, 0.697), std::hypot(5.963, 4.601), 10.178};
  for (std::size_t c = 0; c < brown.size(); ++c) {
    for (const double step : {-0.3, 0.15, 0.3}) {
      IrisColour apart = shown;
      apart[c] += step;
      EXPECT_NEAR(iris_distance(apart, brown, PictureDomain::photo), std::abs(step) * lengths[c], 1e-6) << c;
    }
  }
}

// The eyes of a portrait in yellow light, seen brown: all colours are 7 and more deviations away, and green is nearest by chance.
TEST(Iris, AColourCastDoesNotDecide) {
  const IrisColour cast = {-1.98, 0.40, 0.88}, brown = {-2.00, 0.55, 0.46}, green = {-1.23, -0.81, 0.75};
  EXPECT_LT(iris_distance(cast, brown, PictureDomain::photo) + 0.5, iris_distance(cast, green, PictureDomain::photo));
  // Light does: eyes that are darker than all others are brown, whatever their hue.
  const IrisColour black = {-3.45, 0.08, -0.29}, blue = {-1.37, -0.84, -0.37};
  EXPECT_LT(iris_distance(black, brown, PictureDomain::photo) + 0.5, iris_distance(black, blue, PictureDomain::photo));
}

TEST(Iris, RendersAreComparedAsTheirPhotographsWouldBe) {
  const IrisColour brown = {-2, 0.5, 0.4}, blue = {-1.4, -0.8, -0.4};
  const double apart = iris_distance(brown, blue, PictureDomain::render);
  EXPECT_EQ(apart, iris_distance(blue, brown, PictureDomain::render));
  EXPECT_GT(apart, 1.5);
  EXPECT_LT(apart, 3);
}

// The means of training portraits whose eyes were looked at, and of the client's pictures: what train/fit_irises.py starts from.
TEST(Iris, PhotographsOfEyesComeNearestToTheirColour) {
  const std::array<IrisColour, 3> drawn = {{{-2.00, 0.55, 0.46}, {-1.23, -0.81, 0.75}, {-1.37, -0.84, -0.37}}};  // brown, green, blue
  const std::array<IrisColour, 3> photos = {{{-2.05, 0.17, 0.01}, {-1.26, -0.11, 0.12}, {-1.25, -0.18, -0.09}}};
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    for (std::size_t k = 0; k < drawn.size(); ++k) {
      if (k == i) continue;
      EXPECT_LT(iris_distance(photos[i], drawn[i], PictureDomain::photo) + 0.5, iris_distance(photos[i], drawn[k], PictureDomain::photo))
          << i << " " << k;
    }
  }
}

TEST(Iris, ClosedEyesAndPlacesOutsideHaveNone) {
  const Image image = eyes(kBrown, {1, 1, 1});
  Landmarks outside = test::schematic_landmarks(), closed = outside;
  for (Point& p : outside) p[0] += 2000;
  EXPECT_FALSE(iris_colour(image, outside));
  for (std::size_t i = 36; i < 48; ++i) closed[i][1] = closed[36][1];
  EXPECT_FALSE(iris_colour(image, closed));
  for (const float to : {-1e30F, -40.0F, 600.0F, 1e30F, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    for (std::size_t i = 36; i < 48; ++i) {
      for (const std::size_t c : {0U, 1U}) {
        Landmarks face = test::schematic_landmarks();
        face[i][c] = to;
        EXPECT_FALSE(iris_colour(image, face)) << i << " " << c << " " << to;
      }
    }
  }
}

TEST(Iris, CrossedLidsAndCornersAreReadInside) {
  const Image image = eyes(kBrown, {1, 1, 1});
  for (std::size_t i = 36; i < 48; ++i) {
    for (std::size_t k = 36; k < 48; ++k) {
      Landmarks face = test::schematic_landmarks();
      std::swap(face[i], face[k]);
      const std::optional<IrisColour> colour = iris_colour(image, face);
      const IrisColour read = colour.value_or(IrisColour{});
      EXPECT_TRUE(std::isfinite(read[0] + read[1] + read[2])) << i << " " << k;
    }
  }
}

// In pictures of 64 pixels no iris can be seen, which is charged; behind the photo's glasses a quarter of it.
TEST(Iris, HiddenOnesAreChargedByTheJudgeAndLessBehindGlasses) {
  const test::SmallClient client;
  const Schema schema = test::small_schema();
  const Generator<float> generator = test::small_generator(1);
  const ResidualNet<float> extractor = test::small_extractor(2, true);
  const Landmarks face = test::schematic_landmarks();
  const Image plain = eyes(kBrown, {1, 1, 1});
  Image glasses = plain;
  for (int y = 222; y < 228; ++y) {
    for (int x = 236; x < 277; ++x) std::fill_n(glasses.at(x, y), 3, std::uint8_t{0});
  }
  const auto charged = [&](const Image& photo) {
    const auto loss = [&](double weight) {
      const auto objective = std::move(*Objective::create(generator, extractor, schema, nullptr));
      ObjectiveOptions options{.judge = &client};
      options.weights.iris = weight;
      Image coverage(512, 512, 1);
      std::ranges::fill(coverage.pixels, 255);
      EXPECT_TRUE(objective->set_photo({photo, coverage, &face}, options).ok());
      return objective->judge(std::vector<std::vector<float>>{schema.default_vector()})->at(0);
    };
    return loss(1) - loss(0);
  };
  const double all = charged(plain);
  EXPECT_GT(all, 0.3);
  EXPECT_NEAR(charged(glasses), kThroughLenses * all, 1e-9);
}

}  // namespace
}  // namespace likeness
