#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "fit/notes.hpp"
#include "fit_fixture.hpp"

namespace likeness {
namespace {

// Skin, with a bar of another grey across the bridge of the nose if `glasses`.
Image face(bool glasses) {
  Image image(512, 512, 3);
  std::ranges::fill(image.pixels, std::uint8_t{170});
  for (int y = 214; y < 222 && glasses; ++y) std::fill_n(image.at(200, y), 3 * 112, std::uint8_t{60});
  return image;
}

FitResult result_of(const Image& aligned, std::vector<float> x) {
  FitResult result;
  result.aligned = {512, aligned.pixels};
  result.framed = test::schematic_landmarks();
  result.character.x = std::move(x);
  return result;
}

TEST(Notes, SayNothingOfAPlainFit) {
  EXPECT_LT(bridge_contrast(face(false), test::schematic_landmarks()), 0.01);
  EXPECT_TRUE(fit_notes(result_of(face(false), test::small_schema().default_vector()), test::small_schema()).empty());
}

TEST(Notes, SeeWhatCrossesTheBridgeOfTheNose) {
  EXPECT_GT(bridge_contrast(face(true), test::schematic_landmarks()), 0.4);
  const auto notes = fit_notes(result_of(face(true), test::small_schema().default_vector()), test::small_schema());
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(notes[0].find("glasses"), std::string::npos);
}

TEST(Notes, LandmarksAnywhereAreHarmless) {
  Landmarks landmarks = test::schematic_landmarks();
  for (Point& p : landmarks) p[0] += 1e6F;
  EXPECT_EQ(bridge_contrast(face(true), landmarks), 0);
  landmarks[40][1] = std::nanf("");
  EXPECT_EQ(bridge_contrast(face(true), landmarks), 0);
}

TEST(Notes, NameSlidersAtTheirEnds) {
  std::vector<float> x = test::small_schema().default_vector();
  x[1] = 1, x[8] = 1;  // width; turn is no identity
  const auto notes = fit_notes(result_of(face(false), x), test::small_schema());
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(notes[0].find("width"), std::string::npos);
  EXPECT_EQ(notes[0].find("turn"), std::string::npos);
}

TEST(Notes, MeasureHairThatOnlyOneOfThemHas) {
  FitResult result = result_of(face(false), test::small_schema().default_vector());
  result.photo_labels = {8, std::vector<std::uint8_t>(64, 1)};
  result.posed_labels = {16, {}};  // of a client that draws none
  EXPECT_TRUE(fit_notes(result, test::small_schema()).empty());
  result.posed_labels = {16, std::vector<std::uint8_t>(256, 1)};
  std::fill_n(result.photo_labels.classes.begin(), 32, std::uint8_t{2});  // the upper half
  std::fill_n(result.posed_labels.classes.begin(), 64, std::uint8_t{2});  // the upper quarter
  EXPECT_TRUE(fit_notes(result, test::small_schema()).empty());           // half of it differs, no more
  std::fill_n(result.posed_labels.classes.begin() + 32, 32, std::uint8_t{1});
  const auto notes = fit_notes(result, test::small_schema());
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(notes[0].find("75 %"), std::string::npos) << notes[0];
}

}  // namespace
}  // namespace likeness
