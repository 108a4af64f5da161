#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <random>
#include <vector>

#include "align/affine.hpp"
#include "align/face_finder.hpp"
#include "align/warp.hpp"
#include "base/file.hpp"
#include "base/sha256.hpp"

namespace likeness {
namespace {

std::vector<Point> scatter(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> place(50, 450);
  std::vector<Point> points(n);
  for (Point& p : points) p = {place(random), place(random)};
  return points;
}

std::vector<Point> map_all(const Affine& map, const std::vector<Point>& points) {
  std::vector<Point> mapped;
  for (const Point& p : points) {
    const auto q = map.apply(p[0], p[1]);
    mapped.push_back({static_cast<float>(q[0]), static_cast<float>(q[1])});
  }
  return mapped;
}

void expect_near(const Affine& map, const Affine& truth, double linear, double shift) {
  for (const std::size_t i : {0U, 1U, 3U, 4U}) EXPECT_NEAR(map.a[i], truth.a[i], linear) << "coefficient " << i;
  for (const std::size_t i : {2U, 5U}) EXPECT_NEAR(map.a[i], truth.a[i], shift) << "coefficient " << i;
}

// A schematic frontal face: 100 px between the eyes, made of the landmarks that the checks look at.
Landmarks schematic_face(double turn = 0, double scale = 1) {
  Landmarks face;
  const auto ring = [&face](int first, int count, double cx, double cy, double rx, double ry) {
    for (int i = 0; i < count; ++i) {
      const double angle = 2 * M_PI * i / count + M_PI;
      face[static_cast<std::size_t>(first + i)] = {static_cast<float>(cx + rx * std::cos(angle)),
                                                   static_cast<float>(cy - ry * std::sin(angle))};
    }
  };
  for (int i = 0; i < 17; ++i) {
    const double angle = M_PI * i / 16;
    face[static_cast<std::size_t>(i)] = {static_cast<float>(256 - 120 * std::cos(angle)), static_cast<float>(230 + 150 * std::sin(angle))};
  }
  for (int i = 0; i < 10; ++i) face[static_cast<std::size_t>(17 + i)] = {static_cast<float>(166 + 20 * i), 190};
  for (int i = 0; i < 4; ++i)
    face[static_cast<std::size_t>(27 + i)] = {static_cast<float>(256 + turn * 70 * i / 3), static_cast<float>(220 + 20 * i)};
  for (int i = 0; i < 5; ++i) face[static_cast<std::size_t>(31 + i)] = {static_cast<float>(236 + 10 * i), 290};
  ring(36, 6, 206, 220, 20, 8);
  ring(42, 6, 306, 220, 20, 8);
  std::swap(face[42], face[45]);
  ring(48, 12, 256, 330, 40, 16);
  ring(60, 8, 256, 330, 30, 6);
  std::swap(face[45], face[42]);
  for (Point& p : face) p = {static_cast<float>(p[0] * scale), static_cast<float>(p[1] * scale)};
  return face;
}

TEST(Affine, EstimateIsExactOnExactPoints) {
  const Affine truth{{1.2, -0.3, 17, 0.2, 0.8, -42}};
  const auto from = scatter(51, 1);
  const auto map = estimate_map(AlignKind::affine, from, map_all(truth, from));
  ASSERT_TRUE(map.ok());
  expect_near(*map, truth, 1e-6, 1e-4);  // the points themselves are rounded to binary32
}

TEST(Affine, SimilarityIsExactOnExactPoints) {
  const Affine truth{{0.9 * std::cos(0.4), -0.9 * std::sin(0.4), 100, 0.9 * std::sin(0.4), 0.9 * std::cos(0.4), 5}};
  const auto from = scatter(51, 2);
  const auto map = estimate_map(AlignKind::similarity, from, map_all(truth, from));
  ASSERT_TRUE(map.ok());
  expect_near(*map, truth, 1e-6, 1e-4);
}

TEST(Affine, NoiseMovesTheEstimateAsLittleAsTheorySays) {
  // 51 points spread 115 px (standard deviation) about their mean with 3 px of noise: coefficients have 3 / (115 sqrt 51) = 0.0037.
  const Affine truth{{1, 0, 0, 0, 1, 0}};
  for (const AlignKind kind : {AlignKind::affine, AlignKind::similarity}) {
    double worst = 0;
    for (unsigned seed = 0; seed < 100; ++seed) {
      std::mt19937 random(seed);
      std::normal_distribution<float> noise(0, 3);
      const auto from = scatter(51, seed + 100);
      auto to = from;
      for (Point& p : to) p = {p[0] + noise(random), p[1] + noise(random)};
      const auto map = estimate_map(kind, from, to);
      ASSERT_TRUE(map.ok());
      for (const std::size_t i : {0U, 1U, 3U, 4U}) worst = std::max(worst, std::abs(map->a[i] - truth.a[i]));
      EXPECT_LT(map_residual(*map, from, to), 3 * std::sqrt(2.0) * 1.25);
    }
    EXPECT_LT(worst, 5 * 0.0037);
    EXPECT_GT(worst, 0.0037);  // the noise was there
  }
}

TEST(Affine, AffineFitsNoWorseThanSimilarityAndStretchesWhereSimilarityCannot) {
  const Affine stretch{{1.3, 0, 0, 0, 0.8, 0}};
  const auto from = scatter(51, 3);
  const auto to = map_all(stretch, from);
  const auto affine = estimate_map(AlignKind::affine, from, to), similarity = estimate_map(AlignKind::similarity, from, to);
  ASSERT_TRUE(affine.ok() && similarity.ok());
  EXPECT_LT(map_residual(*affine, from, to), 1e-3);
  EXPECT_GT(map_residual(*similarity, from, to), 10);
  EXPECT_NEAR(similarity->a[0], similarity->a[4], 1e-12);
  EXPECT_NEAR(similarity->a[1], -similarity->a[3], 1e-12);
}

TEST(Affine, SimilarityNeverMirrors) {
  const auto from = scatter(20, 4);
  const auto map = estimate_map(AlignKind::similarity, from, map_all(Affine{{-1, 0, 500, 0, 1, 0}}, from));
  ASSERT_TRUE(map.ok());
  EXPECT_GT(map->determinant(), 0);
}

TEST(Affine, InverseAndComposition) {
  const Affine first{{1.1, 0.2, 3, -0.1, 0.9, 7}}, second{{0.5, 0, -20, 0.3, 2, 1}};
  const auto there = second.after(first).apply(12, 34), step = first.apply(12, 34), expected = second.apply(step[0], step[1]);
  EXPECT_NEAR(there[0], expected[0], 1e-12);
  EXPECT_NEAR(there[1], expected[1], 1e-12);
  const auto back = first.inverse().apply(step[0], step[1]);
  EXPECT_NEAR(back[0], 12, 1e-12);
  EXPECT_NEAR(back[1], 34, 1e-12);
}

TEST(Affine, RefusesWhatHasNoAnswer) {
  const auto from = scatter(10, 5);
  const std::vector<Point> one_place(10, Point{5, 5});
  std::vector<Point> line, broken = from;
  for (int i = 0; i < 10; ++i) line.push_back({static_cast<float>(i), static_cast<float>(2 * i)});
  broken[3][1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(estimate_map(AlignKind::affine, line, from).status().code, Code::landmarks_bad);
  EXPECT_EQ(estimate_map(AlignKind::affine, one_place, from).status().code, Code::landmarks_bad);
  EXPECT_EQ(estimate_map(AlignKind::similarity, one_place, from).status().code, Code::landmarks_bad);
  EXPECT_EQ(estimate_map(AlignKind::affine, broken, from).status().code, Code::landmarks_bad);
  EXPECT_EQ(estimate_map(AlignKind::similarity, from, std::span(from).first(9)).status().code, Code::invalid_argument);
  EXPECT_EQ(estimate_map(AlignKind::affine, std::span(from).first(2), std::span(from).first(2)).status().code, Code::invalid_argument);
}

TEST(Landmarks, ChecksTellFacesFromTheRest) {
  const Landmarks reference = schematic_face();
  EXPECT_NEAR(interocular_distance(reference), 100, 1e-3);
  EXPECT_TRUE(check_landmarks(reference, reference).ok());
  EXPECT_TRUE(check_landmarks(schematic_face(0.3), reference).ok());
  EXPECT_EQ(check_landmarks(schematic_face(0.9), reference).code, Code::pose);
  EXPECT_EQ(check_landmarks(schematic_face(-0.9), reference).code, Code::pose);
  EXPECT_EQ(check_landmarks(schematic_face(0, 0.15), reference).code, Code::face_too_small);
  Landmarks upside_down = reference;
  for (Point& p : upside_down) p[1] = 512 - p[1];
  EXPECT_EQ(check_landmarks(upside_down, reference).code, Code::landmarks_bad);
  Landmarks shuffled = reference;
  std::shuffle(shuffled.begin() + 46, shuffled.end(), std::mt19937(1));
  std::shuffle(shuffled.begin() + 17, shuffled.begin() + 30, std::mt19937(1));
  EXPECT_FALSE(check_landmarks(shuffled, reference).ok());
  Landmarks infinite = reference;
  infinite[40][0] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(check_landmarks(infinite, reference).code, Code::landmarks_bad);
}

// A smooth picture with known values everywhere.
double wave(double x, double y, int c) { return 128 + 60 * std::sin(x / (11.0 + c)) + 50 * std::cos(y / (13.0 + c)); }

Image wave_picture(int width, int height, double scale) {
  Image image(width, height, 3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) image.at(x, y)[c] = static_cast<std::uint8_t>(std::lround(wave((x + 0.5) * scale, (y + 0.5) * scale, c)));
    }
  }
  return image;
}

TEST(Warp, IdentityCopies) {
  const Image photo = wave_picture(64, 64, 1);
  const auto warped = warp_photo(photo, Affine{}, 64);
  ASSERT_TRUE(warped.ok());
  EXPECT_EQ(warped->picture.pixels, photo.pixels);
  EXPECT_EQ(std::ranges::count(warped->coverage.pixels, 255), 64 * 64);
}

TEST(Warp, AgreesWithAnAnalyticPicture) {
  // The same wave photographed at 1/2, 1 and 5 pixels per frame pixel, turned and shifted: the frame must show the wave in frame units.
  for (const double pixels_per_unit : {0.5, 1.0, 5.0}) {
    const Image photo = wave_picture(static_cast<int>(300 * pixels_per_unit), static_cast<int>(260 * pixels_per_unit), 1 / pixels_per_unit);
    const Affine unit_to_frame{{std::cos(0.3), -std::sin(0.3), 20, std::sin(0.3), std::cos(0.3), -60}};
    const Affine photo_to_frame = unit_to_frame.after(Affine{{1 / pixels_per_unit, 0, 0, 0, 1 / pixels_per_unit, 0}});
    const auto warped = warp_photo(photo, photo_to_frame, 200);
    ASSERT_TRUE(warped.ok());
    const Affine frame_to_unit = unit_to_frame.inverse();
    double worst = 0, covered = 0;
    for (int y = 0; y < 200; ++y) {
      for (int x = 0; x < 200; ++x) {
        const auto p = frame_to_unit.apply(x + 0.5, y + 0.5);
        const bool inside = p[0] >= 0 && p[1] >= 0 && p[0] <= 300 && p[1] <= 260;
        ASSERT_EQ(*warped->coverage.at(x, y), inside ? 255 : 0);
        if (p[0] < 4 || p[1] < 4 || p[0] > 296 || p[1] > 256) continue;
        ++covered;
        for (int c = 0; c < 3; ++c) worst = std::max(worst, std::abs(warped->picture.at(x, y)[c] - wave(p[0], p[1], c)));
      }
    }
    EXPECT_GT(covered, 20000);
    EXPECT_LT(worst, 2.5) << pixels_per_unit << " pixels per unit";
  }
}

TEST(Warp, ShrinkingAveragesInsteadOfAliasing) {
  Image stripes(800, 800, 3);
  for (int y = 0; y < 800; ++y) {
    for (int x = 0; x < 800; ++x) std::fill_n(stripes.at(x, y), 3, static_cast<std::uint8_t>(x % 2 == 0 ? 0 : 255));
  }
  const auto warped = warp_photo(stripes, Affine{{0.125, 0, 0, 0, 0.125, 0}}, 100);
  ASSERT_TRUE(warped.ok());
  for (const std::uint8_t v : warped->picture.pixels) ASSERT_NEAR(v, 127.5, 12);
}

TEST(Warp, OutsideRepeatsTheEdgeAndIsNotCovered) {
  Image photo(10, 10, 3);
  std::ranges::fill(photo.pixels, 200);
  const auto warped = warp_photo(photo, Affine{{1, 0, 5, 0, 1, 5}}, 20);
  ASSERT_TRUE(warped.ok());
  EXPECT_EQ(std::ranges::count(warped->coverage.pixels, 255), 100);
  EXPECT_EQ(std::ranges::count(warped->picture.pixels, 200), 20 * 20 * 3);
  const auto far = warp_photo(photo, Affine{{0.01, 0, 5000, 0, 0.01, 5000}}, 20);
  ASSERT_TRUE(far.ok());
  EXPECT_EQ(std::ranges::count(far->coverage.pixels, 0), 400);
}

TEST(Warp, LabelsKeepTheirValues) {
  Image labels(40, 40, 1);
  for (int y = 0; y < 40; ++y) {
    for (int x = 0; x < 40; ++x) *labels.at(x, y) = static_cast<std::uint8_t>(x < 20 ? 3 : 7);
  }
  const auto warped = warp_labels(labels, Affine{{2, 0, -10, 0, 2, 10}}, 100, 255);
  ASSERT_TRUE(warped.ok());
  EXPECT_EQ(*warped->at(0, 5), 255);
  EXPECT_EQ(*warped->at(0, 20), 3);
  EXPECT_EQ(*warped->at(29, 50), 3);
  EXPECT_EQ(*warped->at(30, 50), 7);
  EXPECT_EQ(*warped->at(80, 50), 255);
}

TEST(Warp, RefusesNonsense) {
  const Image photo(10, 10, 3), gray(10, 10, 1);
  EXPECT_EQ(warp_photo(gray, Affine{}, 10).status().code, Code::invalid_argument);
  EXPECT_EQ(warp_photo(photo, Affine{}, 0).status().code, Code::invalid_argument);
  EXPECT_EQ(warp_photo(photo, Affine{{0, 0, 0, 0, 0, 0}}, 10).status().code, Code::invalid_argument);
  EXPECT_EQ(warp_photo(photo, Affine{{NAN, 0, 0, 0, 1, 0}}, 10).status().code, Code::invalid_argument);
  EXPECT_EQ(warp_labels(photo, Affine{}, 10, 0).status().code, Code::invalid_argument);
}

TEST(FaceFinder, TheSpareFileOfAModelIsNoDefault) {
  const auto folder = std::filesystem::temp_directory_path() / "likeness_align_spare_test";
  std::filesystem::create_directories(folder);
  const auto spare = folder / "landmarks68-small.dat";
  EXPECT_EQ(landmark_file(folder, "own"), folder / "landmarks68.dat") << "this name is reported as missing";
  ASSERT_TRUE(write_file_atomic(spare, std::string_view("spare")).ok());
  EXPECT_EQ(landmark_file(folder, "own"), spare);
  const std::filesystem::path published = landmark_file(folder, "dlib");
  EXPECT_EQ(landmark_file(folder), std::filesystem::exists(published) ? published : spare);
  std::filesystem::remove_all(folder);
}

TEST(FaceFinder, TrustsOnlyTheFileItKnows) {
  const auto folder = std::filesystem::temp_directory_path() / "likeness_align_test";
  std::filesystem::create_directories(folder);
  const auto file = folder / "landmarks68.dat";
  ASSERT_TRUE(write_file_atomic(file, std::string_view("not landmarks")).ok());
  EXPECT_EQ(landmark_file(folder), file);
  EXPECT_EQ(landmark_file(folder, "own"), file);
  EXPECT_EQ(landmark_file(folder, "elsewhere/x.dat"), "elsewhere/x.dat");
  EXPECT_NE(landmark_file(folder, "dlib"), file);
  const auto opened = FaceFinder::open(file);
  ASSERT_FALSE(opened.ok());
  const auto missing = FaceFinder::open(folder / "nothing.dat");
  ASSERT_FALSE(missing.ok());
  if (opened.status().code != Code::unavailable) {
    EXPECT_EQ(opened.status().code, Code::corrupt_model);
    EXPECT_EQ(missing.status().code, Code::not_found);
    // With the right digest of wrong bytes the parser runs, and its exception becomes a status.
    EXPECT_EQ(FaceFinder::open(file, sha256_hex(std::string_view("not landmarks"))).status().code, Code::corrupt_model);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace likeness
