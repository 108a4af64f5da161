#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "fit/frame_lines.hpp"
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
  EXPECT_LT(frame_lines(face(false), test::schematic_landmarks()).bridge, 0.01);
  EXPECT_TRUE(fit_notes(result_of(face(false), test::small_schema().default_vector()), test::small_schema()).empty());
}

TEST(Notes, SeeWhatCrossesTheBridgeOfTheNose) {
  EXPECT_GT(frame_lines(face(true), test::schematic_landmarks()).bridge, 0.4);
  const auto notes = fit_notes(result_of(face(true), test::small_schema().default_vector()), test::small_schema());
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(notes[0].find("glasses"), std::string::npos);
}

TEST(Notes, GlassesThatTheCharacterWearsAreNoLack) {
  FitResult result = result_of(face(true), test::small_schema().default_vector());
  result.drawn = test::schematic_landmarks();
  result.posed = {512, face(false).pixels};
  EXPECT_EQ(fit_notes(result, test::small_schema()).size(), 1U);
  result.posed.rgb = face(true).pixels;
  EXPECT_TRUE(fit_notes(result, test::small_schema()).empty());
}

TEST(Notes, LandmarksAnywhereAreHarmless) {
  Landmarks landmarks = test::schematic_landmarks();
  for (Point& p : landmarks) p[0] += 1e6F;
  EXPECT_EQ(frame_lines(face(true), landmarks).bridge, 0);
  landmarks[40][1] = std::nanf("");
  EXPECT_EQ(frame_lines(face(true), landmarks).bridge, 0);
}

// Dark rims `thick` pixels high, their lower edge `drop` pixels below the eyes, and a bridge.
Image wearing(int drop, int thick) {
  Image image = face(true);
  const Landmarks landmarks = test::schematic_landmarks();
  for (const std::size_t eye : {36U, 42U}) {
    Point middle{};
    for (std::size_t i = eye; i < eye + 6; ++i) middle[0] += landmarks[i][0] / 6, middle[1] += landmarks[i][1] / 6;
    for (int y = 0; y < thick; ++y)
      std::fill_n(image.at(static_cast<int>(middle[0]) - 40, static_cast<int>(middle[1]) + drop + y), 3 * 80, std::uint8_t{40});
  }
  return image;
}

TEST(FrameLines, TellGlassesFromNoneAndLargeOnesFromNarrow) {
  const auto lines = [](const Image& image) { return frame_lines(image, test::schematic_landmarks()); };
  const FrameLines none = lines(face(false)), narrow = lines(wearing(28, 5)), large = lines(wearing(48, 5)), light = lines(wearing(28, 1));
  EXPECT_NEAR(narrow.bottom, 30 / 115.0, 0.03);  // 115 px between the eyes
  EXPECT_NEAR(large.bottom, 50 / 115.0, 0.03);
  EXPECT_LT(none.bridge, FrameLines::kWorn);
  EXPECT_GT(narrow.bridge, FrameLines::kWorn);
  EXPECT_EQ(frame_distance(narrow, narrow), 0);
  EXPECT_EQ(frame_distance(narrow, large), frame_distance(large, narrow));
  EXPECT_GT(frame_distance(narrow, large), 0.1);
  EXPECT_GT(frame_distance(narrow, none), 2 * frame_distance(narrow, large));
  EXPECT_EQ(frame_distance(narrow, light), frame_distance(light, narrow));
  // Of a picture half as large the same.
  Image half(256, 256, 3);
  const Image full = wearing(28, 6);
  for (int y = 0; y < 256; ++y) {
    for (int x = 0; x < 256; ++x) std::copy_n(full.at(2 * x, 2 * y), 3, half.at(x, y));
  }
  Landmarks small = test::schematic_landmarks();
  for (Point& p : small) p = {p[0] / 2, p[1] / 2};
  EXPECT_LT(frame_distance(lines(full), frame_lines(half, small)), 0.15);
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
