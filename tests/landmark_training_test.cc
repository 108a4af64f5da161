// The trainer of landmark files: its reader, its rounding, and that what it writes finds landmarks through dlib.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "align/face_finder.hpp"
#include "base/file.hpp"
#include "base/sha256.hpp"
#include "train/landmarks/boosting.hpp"
#include "train/landmarks/dlib_file.hpp"
#include "train/landmarks/samples.hpp"

namespace likeness::landmarks {
namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() { std::filesystem::create_directories(path_); }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  const std::filesystem::path path_ = std::filesystem::temp_directory_path() / ("likeness_landmark_training_" + std::to_string(getpid()));
};

constexpr int kSize = 96;  // of the samples made here

std::string sample_file(const std::string& head, const std::vector<Shape>& shapes, int size) {
  std::string bytes = head;
  for (const Shape& shape : shapes) {
    bytes.append(reinterpret_cast<const char*>(shape.data()), sizeof shape);
    bytes.append(static_cast<std::size_t>(size) * static_cast<std::size_t>(size), static_cast<char>(7));
  }
  return bytes;
}

Shape filled(float value) {
  Shape shape;
  shape.fill(value);
  return shape;
}

TEST(LandmarkSamples, AreReadInShapeUnits) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "a.samples";
  Shape second = filled(24);
  second[5] = std::numeric_limits<float>::quiet_NaN();
  ASSERT_TRUE(write_file_atomic(file, sample_file("likeness-landmark-samples 1 2 48\n", {filled(24), second}, 48)).ok());
  Samples samples;
  ASSERT_TRUE(append_samples(file, samples).ok());
  ASSERT_TRUE(append_samples(file, samples).ok());
  ASSERT_EQ(samples.count(), 4U);
  EXPECT_EQ(samples.size, 48);
  // The middle of the picture is the middle of the box.
  EXPECT_NEAR(samples.shapes[0][0], 0.5, 1e-6);
  EXPECT_TRUE(std::isnan(samples.shapes[1][5]));
  EXPECT_NEAR(to_crop(from_crop(123.25F)), 123.25, 1e-4);
  EXPECT_EQ(samples.at(3, 479.9F, 0.1F), 7);
  EXPECT_EQ(samples.at(3, 480.1F, 0.1F), 0) << "outside, as dlib has it";
}

TEST(LandmarkSamples, DamagedFilesAreRefused) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "a.samples";
  const std::string right = sample_file("likeness-landmark-samples 1 2 48\n", {filled(24), filled(20)}, 48);
  const auto code = [&](const std::string& bytes) {
    EXPECT_TRUE(write_file_atomic(file, bytes).ok());
    Samples samples;
    return append_samples(file, samples).code;
  };
  EXPECT_EQ(code(right), Code::ok);
  EXPECT_EQ(code(right.substr(0, right.size() - 1)), Code::corrupt_model);
  EXPECT_EQ(code(right + "x"), Code::corrupt_model);
  EXPECT_EQ(code(""), Code::corrupt_model);
  EXPECT_EQ(code(sample_file("likeness-landmark-samples 2 1 48\n", {filled(24)}, 48)), Code::corrupt_model);
  EXPECT_EQ(code(sample_file("likeness-landmark-samples 1 1 48 more\n", {filled(24)}, 48)), Code::corrupt_model);
  EXPECT_EQ(code(sample_file("likeness-landmark-samples 1 999999999 48\n", {filled(24)}, 48)), Code::corrupt_model);
  EXPECT_EQ(code(sample_file("likeness-landmark-samples 1 1 8\n", {filled(4)}, 8)), Code::corrupt_model);
  EXPECT_EQ(code(sample_file("likeness-landmark-samples 1 1 48\n", {filled(1e6F)}, 48)), Code::corrupt_model);
  Samples samples;
  EXPECT_EQ(append_samples(folder.path() / "none", samples).code, Code::not_found);
  samples.size = 64;
  ASSERT_TRUE(write_file_atomic(file, right).ok());
  EXPECT_EQ(append_samples(file, samples).code, Code::corrupt_model) << "another size than the samples before";
}

TEST(LandmarkBoosting, LeavesAreRoundedToEightBits) {
  for (const float v : {1.0F, -0.3F, 3.3e-5F, 255.0F, -1e-20F}) {
    EXPECT_LE(std::abs(rounded(v) - v), std::abs(v) / 256);
    EXPECT_EQ(rounded(rounded(v)), rounded(v));
    int exponent = 0;
    const float mantissa = 256 * std::frexp(rounded(v), &exponent);
    EXPECT_EQ(mantissa, std::round(mantissa));
  }
  EXPECT_EQ(rounded(0), 0);
  EXPECT_NE(rounded(0.1F), 0.1F);
}

TEST(LandmarkBoosting, ATurnIsFound) {
  Shape from, to;
  std::mt19937 random(3);
  for (float& v : from) v = std::uniform_real_distribution<float>(0, 1)(random);
  for (std::size_t k = 0; k < kCoordinates; k += 2) {
    to[k] = 1.5F * from[k] - 0.5F * from[k + 1] + 3;
    to[k + 1] = 0.5F * from[k] + 1.5F * from[k + 1] - 2;
  }
  const Turn turn = turn_between(from, to);
  EXPECT_NEAR(turn.a, 1.5, 1e-5);
  EXPECT_NEAR(turn.b, 0.5, 1e-5);
}

// A made-up face: two dark eyes, a dark mouth and bright brows on grey; landmarks on rings around them. It moves in the crop as faces move
// in the detector's box.
struct Drawing {
  Shape shape{};  // pixels of the kSize picture
  std::vector<std::uint8_t> pixels;
};

Drawing draw(std::mt19937& random) {
  std::uniform_real_distribution<float> shift(-6, 6), grow(0.9F, 1.1F), part(-2, 2);
  const float x = 48 + shift(random), y = 48 + shift(random), scale = grow(random);
  const std::array<std::array<float, 2>, 5> centres = {{{x, y},  // jaw: around everything
                                                        {x, y - 18 * scale + part(random)},
                                                        {x - 12 * scale, y - 8 * scale},
                                                        {x + 12 * scale, y - 8 * scale},
                                                        {x, y + 14 * scale + part(random)}}};
  Drawing out;
  out.pixels.assign(std::size_t{kSize} * kSize, 128);
  const auto disc = [&](std::array<float, 2> c, float radius, std::uint8_t grey) {
    for (int v = 0; v < kSize; ++v) {
      for (int u = 0; u < kSize; ++u) {
        if (std::hypot(static_cast<float>(u) + 0.5F - c[0], static_cast<float>(v) + 0.5F - c[1]) < radius) {
          out.pixels[static_cast<std::size_t>(v * kSize + u)] = grey;
        }
      }
    }
  };
  disc(centres[0], 28 * scale, 160);
  disc(centres[1], 5 * scale, 230);
  disc(centres[2], 5 * scale, 40);
  disc(centres[3], 5 * scale, 40);
  disc(centres[4], 6 * scale, 60);
  for (std::size_t p = 0; p < 68; ++p) {
    const std::size_t c = p < 17 ? 0 : p < 36 ? 1 : p < 42 ? 2 : p < 48 ? 3 : 4;
    const float angle = static_cast<float>(p), radius = (c == 0 ? 28 : 5) * scale;
    out.shape[2 * p] = centres[c][0] + radius * std::cos(angle);
    out.shape[2 * p + 1] = centres[c][1] + radius * std::sin(angle);
  }
  return out;
}

Samples draw_samples(int count, unsigned seed) {
  std::mt19937 random(seed);
  Samples samples;
  samples.size = kSize;
  for (int i = 0; i < count; ++i) {
    Drawing drawing = draw(random);
    for (float& v : drawing.shape) v = from_crop(v * kCrop / kSize);
    samples.shapes.push_back(drawing.shape);
    samples.pixels.insert(samples.pixels.end(), drawing.pixels.begin(), drawing.pixels.end());
  }
  return samples;
}

TrainOptions small_options() {
  TrainOptions options;
  options.levels = 4;
  options.trees = 25;
  options.depth = 3;
  options.pixels = 150;
  options.candidates = 30;
  options.rate = 0.2F;
  return options;
}

double mean_error(const Cascade& cascade, const Samples& samples) {
  double sum = 0;
  for (std::size_t i = 0; i < samples.count(); ++i) {
    sum += inner_error(apply(cascade, samples, i, cascade.mean), samples.shapes[i]) / static_cast<double>(samples.count());
  }
  return sum;
}

TEST(LandmarkBoosting, LearnsAndTheFaceFinderAgrees) {
  const Samples samples = draw_samples(400, 1), held = draw_samples(20, 2);
  const Cascade cascade = train(samples, small_options());
  Cascade untrained = cascade;
  untrained.levels.clear();
  EXPECT_LT(mean_error(cascade, held), 0.25 * mean_error(untrained, held));
  EXPECT_EQ(to_dlib(cascade), to_dlib(train(samples, small_options()))) << "the same seed gives the same file";

  const std::string bytes = to_dlib(cascade);
  EXPECT_LT(bytes.size(), 4 * 25 * (8 * (kCoordinates * 4 + 8) + 7 * 16) + 4 * 150 * 16 + 2000U) << "a leaf's number takes four bytes";
  const TemporaryFolder folder;
  const auto file = folder.path() / "trained.dat";
  ASSERT_TRUE(write_file_atomic(file, bytes).ok());
  const auto finder = FaceFinder::open(file, sha256_hex(std::string_view(bytes)));
  ASSERT_TRUE(finder.ok()) << finder.status().message;
  for (std::size_t i = 0; i < held.count(); ++i) {
    Image photo(kCrop, kCrop, 3);
    for (int v = 0; v < kCrop; ++v) {
      for (int u = 0; u < kCrop; ++u) {
        std::fill_n(photo.at(u, v), 3, held.at(i, static_cast<float>(u) + 0.5F, static_cast<float>(v) + 0.5F));
      }
    }
    const Result<Landmarks> found = finder->landmarks(photo, {100, 100, 380, 380});
    ASSERT_TRUE(found.ok()) << found.status().message;
    Shape shape;
    for (std::size_t k = 0; k < kCoordinates; ++k) shape[k] = from_crop((*found)[k / 2][k % 2]);
    // The finder averages five boxes, so it is not the same number, but no worse than the trainer's own error allows.
    EXPECT_LT(inner_error(shape, apply(cascade, held, i, cascade.mean)), 0.025);
  }
  EXPECT_EQ(finder->landmarks(Image(kCrop, kCrop, 3), {100, 100, 100, 380}).status().code, Code::invalid_argument);
  EXPECT_EQ(finder->landmarks(Image(kCrop, kCrop, 3), {100, NAN, 380, 380}).status().code, Code::invalid_argument);
  EXPECT_EQ(finder->landmarks(Image(kCrop, kCrop, 1), {100, 100, 380, 380}).status().code, Code::invalid_argument);
}

TEST(LandmarkBoosting, UnknownLandmarksAreLeftOut) {
  Samples samples = draw_samples(300, 1);
  const Samples held = draw_samples(20, 2);
  for (std::size_t i = 0; i < samples.count(); i += 2) {
    for (std::size_t k = 100; k < 110; ++k) samples.shapes[i][k] = std::numeric_limits<float>::quiet_NaN();
  }
  const Cascade cascade = train(samples, small_options());
  for (const float v : cascade.mean) ASSERT_TRUE(std::isfinite(v));
  Cascade untrained = cascade;
  untrained.levels.clear();
  EXPECT_LT(mean_error(cascade, held), 0.3 * mean_error(untrained, held));
}

}  // namespace
}  // namespace likeness::landmarks
