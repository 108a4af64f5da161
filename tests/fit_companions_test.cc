#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "fit/companions.hpp"
#include "fit_fixture.hpp"
#include "weights/safetensors.hpp"

namespace likeness {
namespace {

constexpr std::size_t kSize = 9;  // entries of the small scene
constexpr std::size_t kInputs = 3;
constexpr std::size_t kFeatures = 1 + kInputs + kInputs * (kInputs + 1) / 2;

std::vector<float> random_values(std::size_t n, unsigned seed, float spread) {
  std::mt19937 random(seed);
  std::vector<float> values(n);
  for (float& v : values) v = spread * (static_cast<float>(random() % 2001) / 1000 - 1);
  return values;
}

struct Parts {
  std::vector<float> weight = random_values(136 * kSize, 1, 10), bias = random_values(136, 2, 200), render = random_values(136, 3, 200),
                     photo = random_values(136, 4, 200), deviation = std::vector<float>(136, 3.0F), inputs = {0, 1, 3},
                     colours = random_values(12 * kFeatures, 5, 0.3F), routed = {1, 0, 0, 1, 0, 0, 0, 0, 0};
  std::vector<float> strangers = {};
  std::string schema = test::small_schema().hash();
  bool photos = true;

  Result<Companions> load() const {
    SafetensorsWriter writer;
    const auto add = [&writer](const char* name, const std::vector<float>& values) {
      EXPECT_TRUE(writer.add(name, {static_cast<std::int64_t>(values.size())}, values).ok());
    };
    add("landmarks.weight", weight), add("landmarks.bias", bias), add("landmarks.render_mean", render);
    if (photos) add("landmarks.photo_mean", photo), add("landmarks.photo_deviation", deviation);
    add("colours.inputs", inputs), add("colours.weight", colours), add("colours.routed", routed);
    if (!strangers.empty()) add("similarity.strangers", strangers);
    writer.set_metadata("schema", schema);
    const auto file = Safetensors::parse(*writer.bytes());
    EXPECT_TRUE(file.ok());
    return Companions::load(*file, test::small_schema());
  }
};

const std::vector<float> kX = {0.3F, 0.7F, 0.5F, 0.2F, 0.3F, 0, 1, 0, 0.4F};

TEST(Companions, CorrectedTermsSayWhatTheClientsLandmarksAndColoursWould) {
  const Companions c = *Parts{}.load();
  Landmarks photo;
  for (std::size_t i = 0; i < 136; ++i) photo[i / 2][i % 2] = static_cast<float>(3 * i);
  LandmarkTerm landmarks(c, photo);
  std::array<double, 136> client{};
  for (std::size_t i = 0; i < 136; ++i) client[i] = 100 + static_cast<double>(i % 7);
  EXPECT_GT(std::abs(landmarks.evaluate(c, kX, 1, {}) - landmarks.distance(client)), 0.1);
  landmarks.correct(c, kX, client);
  EXPECT_NEAR(landmarks.evaluate(c, kX, 1, {}), landmarks.distance(client), 1e-9);

  ColourTerm colours({0.5, 0.4, 0.3, 0.2, 0.2, 0.2, 0.6, 0.3, 0.3, 0.1, 0.1, 0.1}, {1, 1, 0.3, 0.3});
  std::vector<std::uint8_t> rgb(3 * 100, 0), labels(100, 0);
  for (std::size_t i = 0; i < 60; ++i) labels[i] = i < 50 ? 1 : 8, rgb[3 * i] = i < 50 ? 102 : 204;  // skin and lips, no hair, no brows
  const RegionColours seen = region_colours(rgb, labels);
  EXPECT_EQ(seen.there, (std::array<bool, kColourRegions>{true, false, true, false}));
  EXPECT_NEAR(seen.colours[0], 0.4, 1e-9);
  EXPECT_NEAR(seen.colours[6], 0.8, 1e-9);
  EXPECT_GT(std::abs(colours.evaluate(c, kX, 1, {}) - colours.distance(seen.colours)), 0.01);
  colours.correct(c, kX, seen.colours);
  EXPECT_NEAR(colours.evaluate(c, kX, 1, {}), colours.distance(seen.colours), 1e-9);
}

TEST(Companions, SayHowAlikeStrangersAre) {
  const Companions without = *Parts{}.load();
  EXPECT_TRUE(without.strangers().empty());
  Parts parts;
  parts.strangers = {0.4F, 0.05F};
  EXPECT_EQ(parts.load()->strangers()[0], 0.4F);
  parts.strangers = {0.4F, 0};
  EXPECT_EQ(parts.load().status().code, Code::corrupt_model);
  parts.strangers = {0.4F};
  EXPECT_EQ(parts.load().status().code, Code::corrupt_model);
}

TEST(Companions, ComputeWhatTheirTensorsSay) {
  const Parts parts;
  const Companions c = *parts.load();
  double expected = parts.bias[41];
  for (std::size_t j = 0; j < kSize; ++j) expected += parts.weight[41 * kSize + j] * kX[j];
  EXPECT_NEAR(c.landmarks(kX)[41], expected, 1e-4);
  const double a = kX[0], b = kX[1], d = kX[3];
  const float* w = parts.colours.data() + 7 * kFeatures;
  expected =
      w[0] + w[1] * a + w[2] * b + w[3] * d + w[4] * a * a + w[5] * a * b + w[6] * a * d + w[7] * b * b + w[8] * b * d + w[9] * d * d;
  EXPECT_NEAR(c.colours(kX)[7], expected, 1e-5);
}

TEST(Companions, GradientsAgreeWithDifferences) {
  const Companions c = *Parts().load();
  Landmarks photo;
  for (std::size_t i = 0; i < 68; ++i) photo[i] = {static_cast<float>(10 * i), static_cast<float>(5 * i)};
  const LandmarkTerm landmarks(c, photo);
  const ColourTerm colours({0.5, 0.4, 0.3, 0.9, 0.1, 0.2, 0.6, 0.2, 0.2, 0.1, 0.1, 0.1}, {1, 0.5, 0, 0.2});
  std::vector<float> gradient_l(kSize), gradient_c(kSize);
  landmarks.evaluate(c, kX, 2, gradient_l);
  colours.evaluate(c, kX, 2, gradient_c);
  for (std::size_t i = 0; i < kSize; ++i) {
    constexpr float h = 1e-3F;
    std::vector<float> up = kX, down = kX;
    up[i] += h, down[i] -= h;
    EXPECT_NEAR(gradient_l[i], 2 * (landmarks.evaluate(c, up, 1, {}) - landmarks.evaluate(c, down, 1, {})) / (2 * h), 2e-3) << i;
    const double slope = 2 * (colours.evaluate(c, up, 1, {}) - colours.evaluate(c, down, 1, {})) / (2 * h);
    if (i == 0 || i == 3) {
      EXPECT_NEAR(gradient_c[i], slope, 2e-3) << i;
      EXPECT_GT(std::abs(slope), 1e-3);
    } else {
      EXPECT_EQ(gradient_c[i], 0) << i;  // not routed: colours do not move it
    }
  }
}

TEST(Companions, CentredLandmarksForgetWhatAllPhotosShare) {
  Parts parts;
  const Companions centred = *parts.load();
  Landmarks mean;
  for (std::size_t i = 0; i < 136; ++i) mean[i / 2][i % 2] = parts.photo[i];
  // The mean photo asks for the mean render.
  parts.bias = parts.render;
  std::ranges::fill(parts.weight, 0.0F);
  EXPECT_NEAR(LandmarkTerm(*parts.load(), mean).evaluate(*parts.load(), kX, 1, {}), 0, 1e-5);
  Landmarks render;
  for (std::size_t i = 0; i < 136; ++i) render[i / 2][i % 2] = parts.render[i];
  // A render asks for itself.
  EXPECT_NEAR(LandmarkTerm(*parts.load(), render, PictureDomain::render).evaluate(*parts.load(), kX, 1, {}), 0, 1e-5);
  EXPECT_GT(LandmarkTerm(*parts.load(), render).evaluate(*parts.load(), kX, 1, {}), 1);
  parts.photos = false;
  const Companions bare = *parts.load();
  EXPECT_NEAR(LandmarkTerm(bare, render).evaluate(bare, kX, 1, {}), 0, 1e-5);
  EXPECT_GT(LandmarkTerm(bare, mean).evaluate(bare, kX, 1, {}), 1);
}

TEST(Companions, RegionColoursComeFromTheirClasses) {
  constexpr std::size_t places = 100;
  std::vector<float> rgb(3 * places), p(11 * places), covered(places, 1.0F);
  for (std::size_t i = 0; i < places; ++i) {
    const std::size_t region = i < 40 ? 1 : (i < 60 ? 2 : 0);
    p[region * places + i] = 1;
    for (std::size_t c = 0; c < 3; ++c) rgb[c * places + i] = region == 1 ? 0.6F : (region == 2 ? 0.2F : 0.9F);
  }
  Parts parts;
  std::ranges::fill(parts.colours, 0.0F);  // every colour 0
  const Companions black = *parts.load();
  // Skin 0.6 and hair 0.2 weigh alike; lips and brows are not there.
  EXPECT_NEAR(colour_term(rgb, p, covered).evaluate(black, kX, 1, {}), 0.4, 1e-5);
  std::fill(covered.begin() + 40, covered.begin() + 60, 0.0F);  // hair outside the photo
  EXPECT_NEAR(colour_term(rgb, p, covered).evaluate(black, kX, 1, {}), 0.6, 1e-5);
  std::ranges::fill(covered, 0.0F);
  EXPECT_FALSE(colour_term(rgb, p, covered).active());
}

TEST(Companions, RefuseWrongFiles) {
  Parts parts;
  parts.schema = "another";
  EXPECT_EQ(parts.load().status().code, Code::schema_mismatch);
  for (int i = 0; i < 5; ++i) {
    Parts bad;
    if (i == 0) bad.weight.pop_back();
    if (i == 1) bad.colours.push_back(0);
    if (i == 2) bad.inputs[1] = 9;
    if (i == 3) bad.inputs[1] = -1;
    if (i == 4) bad.routed.push_back(0);
    EXPECT_EQ(bad.load().status().code, Code::corrupt_model) << i;
  }
}

}  // namespace
}  // namespace likeness
