#include <gtest/gtest.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "align/landmark_forest.hpp"
#include "base/file.hpp"
#include "base/sha256.hpp"

namespace likeness {
namespace {

// dlib's serialisation of numbers, as its serialize.h describes it.
class Writer {
 public:
  void integer(std::int64_t value) {
    auto rest = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    std::string digits;
    do {
      digits += static_cast<char>(rest & 0xFF);
      rest >>= 8;
    } while (rest != 0);
    bytes += static_cast<char>(digits.size() | (value < 0 ? 0x80U : 0U));
    bytes += digits;
  }
  void real(float value) {
    int exponent = 0;
    auto mantissa = static_cast<std::int64_t>(std::ldexp(std::frexp(value, &exponent), 24));
    exponent -= 24;
    for (int i = 0; i < 8 && (mantissa & 0xFF) == 0; ++i) mantissa >>= 8, exponent += 8;
    integer(mantissa);
    integer(exponent);
  }
  void column(const std::vector<float>& values) {
    integer(-static_cast<std::int64_t>(values.size()));
    integer(-1);
    for (const float v : values) real(v);
  }
  std::string bytes;
};

class LandmarkForestFile : public testing::Test {
 protected:
  static constexpr std::size_t kSize = 6, kCascades = 2, kTrees = 300, kSplits = 3, kPixels = 5;

  LandmarkForestFile() {
    writer_.integer(1);
    writer_.column(shape_ = some(kSize));
    writer_.integer(kCascades);
    for (std::size_t c = 0; c < kCascades; ++c) {
      writer_.integer(kTrees);
      for (std::size_t t = 0; t < kTrees; ++t) {
        writer_.integer(kSplits);
        for (std::size_t s = 0; s < kSplits; ++s) {
          writer_.integer(static_cast<std::int64_t>(s));
          writer_.integer(4);
          writer_.real(0);
        }
        writer_.integer(kSplits + 1);
        for (std::size_t leaf = 0; leaf <= kSplits; ++leaf) {
          leaves_.push_back(some(kSize));
          writer_.column(leaves_.back());
        }
      }
    }
    for (const bool anchors : {true, false}) {
      writer_.integer(kCascades);
      for (std::size_t c = 0; c < kCascades; ++c) {
        writer_.integer(kPixels);
        for (std::size_t p = 0; p < kPixels; ++p) {
          if (anchors) {
            writer_.integer(2);
          } else {
            writer_.real(0.5F), writer_.real(-0.25F);
          }
        }
      }
    }
  }
  ~LandmarkForestFile() override { std::filesystem::remove(path_); }

  // Numbers of all sizes, those included that float as whole numbers, zeros and the least that there are.
  std::vector<float> some(std::size_t count) {
    std::vector<float> values(count);
    for (float& v : values) {
      const auto bits = static_cast<std::uint32_t>(random_());
      v = std::bit_cast<float>(bits);
      if (bits % 4 == 0) v = static_cast<float>(bits % 64) - 32;
      if (!std::isfinite(v)) v = std::ldexp(1.0F, -149);
    }
    return values;
  }
  Result<LandmarkForest> read(const std::string& bytes) {
    EXPECT_TRUE(write_file_atomic(path_, bytes).ok());
    return read_landmark_forest(path_, sha256_hex(bytes));
  }

  std::mt19937_64 random_{7};
  Writer writer_;
  std::vector<float> shape_;
  std::vector<std::vector<float>> leaves_;
  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("likeness_align_forest_test_" + std::to_string(::getpid()) + ".dat");
};

TEST_F(LandmarkForestFile, GivesEveryNumber) {
  const Result<LandmarkForest> forest = read(writer_.bytes);
  ASSERT_TRUE(forest.ok()) << forest.status().message;
  EXPECT_EQ(forest->shape, shape_);
  ASSERT_EQ(forest->cascades.size(), kCascades);
  std::size_t next = 0;
  for (const LandmarkForest::Cascade& cascade : forest->cascades) {
    ASSERT_EQ(cascade.trees.size(), kTrees);
    EXPECT_EQ(cascade.anchors, std::vector<std::uint32_t>(kPixels, 2));
    EXPECT_EQ(cascade.deltas.back(), (std::array<float, 2>{0.5F, -0.25F}));
    // Pixels 0 and 1 or 2 against 4: to the left where they are brighter.
    const std::vector<std::vector<float>> pixels = {{9, 9, 0, 0, 5}, {9, 5, 9, 0, 5}, {5, 0, 9, 0, 5}, {5, 9, 5, 0, 5}};
    for (std::size_t t = 0; t < kTrees; ++t) {
      for (const std::vector<float>& p : pixels) {
        const std::span<const float> leaf = cascade.leaf(t, p, kSize);
        EXPECT_EQ(std::vector<float>(leaf.begin(), leaf.end()), leaves_[next++]);
      }
    }
  }
}

TEST_F(LandmarkForestFile, IsRefusedWithAnotherDigest) {
  EXPECT_TRUE(write_file_atomic(path_, writer_.bytes).ok());
  const Status status = read_landmark_forest(path_, std::string(64, '0')).status();
  EXPECT_EQ(status.code, Code::corrupt_model);
  EXPECT_NE(status.message.find(sha256_hex(writer_.bytes)), std::string::npos);
}

TEST_F(LandmarkForestFile, EndsOrLiesAnywhere) {
  for (std::size_t size = 0; size < writer_.bytes.size(); size += 1 + size / 3) {
    EXPECT_EQ(read(writer_.bytes.substr(0, size)).status().code, Code::corrupt_model) << size;
  }
  for (std::size_t at = 0; at < writer_.bytes.size(); at += 1 + at / 3) {
    for (const char byte : {'\0', '\x08', '\x80', '\x88', '\xFF'}) {
      std::string bytes = writer_.bytes;
      bytes[at] = byte;
      const Result<LandmarkForest> forest = read(bytes);
      EXPECT_EQ(forest.status().code, forest.ok() ? Code::ok : Code::corrupt_model) << at;
    }
  }
}

}  // namespace
}  // namespace likeness
