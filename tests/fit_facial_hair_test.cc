#include "fit/facial_hair.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "fit/objective.hpp"
#include "fit/report.hpp"
#include "fit_fixture.hpp"

namespace likeness {
namespace {

const Landmarks& face() {
  static const Landmarks landmarks = test::schematic_landmarks();
  return landmarks;
}

Image skin() {
  Image image(512, 512, 3);
  std::ranges::fill(image.pixels, std::uint8_t{180});
  return image;
}

void paint(Image& image, float x1, float y1, float x2, float y2, std::uint8_t grey) {
  for (int y = static_cast<int>(y1); y < static_cast<int>(y2); ++y)
    std::fill_n(image.at(static_cast<int>(x1), y), 3 * static_cast<std::ptrdiff_t>(x2 - x1), grey);
}

void add_moustache(Image& image, std::uint8_t grey) { paint(image, face()[48][0], face()[33][1], face()[54][0], face()[51][1], grey); }
void add_chin(Image& image, std::uint8_t grey) { paint(image, face()[6][0], face()[57][1], face()[10][0], face()[8][1], grey); }
// Left of the mouth, or on both sides.
void add_jaw(Image& image, std::uint8_t grey, bool both) {
  paint(image, face()[4][0], face()[48][1], face()[48][0] - 2, face()[8][1], grey);
  if (both) paint(image, face()[54][0] + 2, face()[54][1], face()[12][0], face()[8][1], grey);
}

TEST(FacialHair, TellsWhereItIsDark) {
  const FacialHair none = *facial_hair(skin(), face());
  EXPECT_EQ(none.moustache, 0);
  EXPECT_EQ(none.chin, 0);
  EXPECT_EQ(none.jaw, 0);
  Image image = skin();
  add_moustache(image, 40);
  EXPECT_EQ(facial_hair(image, face())->moustache, 1);
  EXPECT_EQ(facial_hair(image, face())->chin, 0);
  EXPECT_EQ(facial_hair(image, face())->jaw, 0);
  add_chin(image, 125);  // 0.38 of the light
  const FacialHair shaded = *facial_hair(image, face());
  EXPECT_GT(shaded.chin, 0.3);
  EXPECT_LT(shaded.chin, 0.9);
  add_jaw(image, 40, false);
  EXPECT_EQ(facial_hair(image, face())->jaw, 0);  // one side is in the shade
  add_jaw(image, 40, true);
  EXPECT_EQ(facial_hair(image, face())->jaw, 1);
}

TEST(FacialHair, DoesNotDependOnLightAndSize) {
  const auto full = [](double light) {
    Image image = skin();
    add_moustache(image, 110), add_chin(image, 120);
    for (std::uint8_t& v : image.pixels)
      v = static_cast<std::uint8_t>(std::lround(255 * std::pow(light * std::pow(v / 255.0, 2.2), 1 / 2.2)));
    return image;
  };
  const FacialHair bright = *facial_hair(full(1), face()), dim = *facial_hair(full(0.4), face());
  EXPECT_GT(bright.moustache, 0.2);
  EXPECT_NEAR(bright.moustache, dim.moustache, 0.08);
  EXPECT_NEAR(bright.chin, dim.chin, 0.08);
  const Image large = full(1);
  Image half(256, 256, 3);
  for (int y = 0; y < 256; ++y) {
    for (int x = 0; x < 256; ++x) std::copy_n(large.at(2 * x, 2 * y), 3, half.at(x, y));
  }
  Landmarks small = face();
  for (Point& p : small) p = {p[0] / 2, p[1] / 2};
  EXPECT_NEAR(facial_hair(half, small)->moustache, bright.moustache, 0.05);
  EXPECT_NEAR(facial_hair(half, small)->chin, bright.chin, 0.05);
}

TEST(FacialHair, AsksForWhatThePhotoHasAndForNothingElse) {
  const FacialHair none, moustache{1, 0, 0}, beard{1, 1, 1}, shade{0, 1, 1};
  EXPECT_EQ(facial_hair_distance(none, none), 0);
  EXPECT_EQ(facial_hair_distance(none, beard), 0);  // the photo's may be fair
  EXPECT_EQ(facial_hair_distance(moustache, none), 1);
  EXPECT_EQ(facial_hair_distance(beard, none), 3);
  EXPECT_EQ(facial_hair_distance(beard, beard), 0);
  EXPECT_EQ(facial_hair_distance(shade, none), 0);  // chin and jaw alone lie in the shade
  // Too dark counts half, once the photo's is dark beyond doubt.
  EXPECT_DOUBLE_EQ(facial_hair_distance({0.5, 0, 0}, {0.9, 0, 0}), 0.2);
  EXPECT_LT(facial_hair_distance({0.03, 0, 0}, {0.43, 0, 0}), 0.03);
}

// The crown is a moustache.
class BarberClient final : public test::SmallClient {
 public:
  Result<Rendering> render(std::span<const float> x, const RenderOptions& options) const override {
    std::vector<float> bare(x.begin(), x.end());
    std::copy_n(std::array<float, 3>{1, 0, 0}.begin(), 3, bare.begin() + 5);
    Result<Rendering> r = SmallClient::render(bare, options);
    const auto at = [&](double v) { return static_cast<std::size_t>(v * options.size / 512); };
    for (std::size_t y = at(304); y < at(334) && x[7] == 1; ++y)
      std::fill_n(r->rgb.begin() + static_cast<std::ptrdiff_t>(3 * (y * at(512) + at(210))), 3 * at(92), std::uint8_t{20});
    return r;
  }
};

TEST(FacialHair, IsMissedByTheJudgeWhereThePhotoHasSome) {
  const BarberClient client;
  const Schema schema = test::small_schema();
  const Generator<float> generator = test::small_generator(1);
  const ResidualNet<float> extractor = test::small_extractor(2, true);
  std::vector<float> shaved = schema.default_vector(), bearded = shaved;
  bearded[5] = 0, bearded[7] = 1;
  const std::vector<std::vector<float>> characters = {shaved, bearded};
  const auto losses = [&](const std::vector<float>& person, double weight) {
    const auto objective = std::move(*Objective::create(generator, extractor, schema, nullptr));
    const Image photo = image_from({512, client.render(person, {.size = 512, .neutral = true})->rgb});
    ObjectiveOptions options{.judge = &client};
    options.weights.beard = weight;
    Image coverage(512, 512, 1);
    std::ranges::fill(coverage.pixels, 255);
    EXPECT_TRUE(objective->set_photo({photo, coverage, &face()}, options).ok());
    return *objective->judge(characters);
  };
  // More by what is lacking, over the sum of the weights; a photo without dark hair asks for nothing.
  const auto without = losses(bearded, 0), with = losses(bearded, 1);
  EXPECT_GT(with[0] - without[0], 0.2);
  EXPECT_NEAR(with[1], without[1], 0.02);
  EXPECT_EQ(losses(shaved, 0), losses(shaved, 1));
}

TEST(FacialHair, LandmarksAnywhereAreHarmless) {
  Image image = skin();
  add_moustache(image, 40);
  Landmarks landmarks = face();
  landmarks[8][1] = 600;
  EXPECT_FALSE(facial_hair(image, landmarks));
  landmarks = face();
  landmarks[33][0] = std::nanf("");
  EXPECT_FALSE(facial_hair(image, landmarks));
  landmarks.fill({100, 100});
  EXPECT_FALSE(facial_hair(image, landmarks));
}

}  // namespace
}  // namespace likeness
