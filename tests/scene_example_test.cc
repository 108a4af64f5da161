// The worked example's renderer, as the client that it is: what training and alignment need of a game.
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <set>

#include "fit/aligner.hpp"
#include "likeness/scene.hpp"

namespace likeness {
namespace {

class ExampleGame : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto client = open_client(std::filesystem::path(LIKENESS_SOURCE_DIR) / "examples" / "python-game" / "scene.json");
    ASSERT_TRUE(client.ok()) << client.status().message;
    client_ = std::move(*client);
  }
  static void TearDownTestSuite() { client_.reset(); }

  static Rendering draw(std::span<const float> x, const RenderOptions& options) {
    auto rendering = client_->render(x, options);
    EXPECT_TRUE(rendering.ok()) << rendering.status().message;
    return rendering.ok() ? std::move(*rendering) : Rendering{};
  }
  static std::vector<float> average() { return client_->schema().default_vector(); }

  static inline std::unique_ptr<GameClient> client_;
};

// Mean of landmarks first ... last.
Point middle(const Rendering& r, std::size_t first, std::size_t last) {
  Point sum{};
  for (std::size_t i = first; i <= last; ++i) sum[0] += r.landmarks[i][0], sum[1] += r.landmarks[i][1];
  const auto n = static_cast<float>(last - first + 1);
  return {sum[0] / n, sum[1] / n};
}

int label_at(const Rendering& r, const Point& p) {
  return r.labels[static_cast<std::size_t>(p[1]) * static_cast<std::size_t>(r.size) + static_cast<std::size_t>(p[0])];
}

TEST_F(ExampleGame, LandmarksLieOnTheLabelsOfTheirParts) {
  for (std::uint64_t i = 0; i < 12; ++i) {
    SCOPED_TRACE(i);
    const std::vector<float> x = i == 0 ? average() : draw_uniform(client_->schema(), 5, i);
    const Rendering r = draw(x, {.size = 256, .labels = true});
    EXPECT_EQ(label_at(r, middle(r, 36, 41)), 5);
    EXPECT_EQ(label_at(r, middle(r, 42, 47)), 6);
    EXPECT_EQ(label_at(r, r.landmarks[30]), 7);
    EXPECT_EQ(label_at(r, r.landmarks[19]), 3);
    EXPECT_EQ(label_at(r, r.landmarks[24]), 4);
    // Between the outer and the inner edge of each lip.
    EXPECT_EQ(label_at(r, {middle(r, 51, 51)[0], (r.landmarks[51][1] + r.landmarks[62][1]) / 2}), 8);
    EXPECT_EQ(label_at(r, {middle(r, 57, 57)[0], (r.landmarks[57][1] + r.landmarks[66][1]) / 2}), 10);
    for (std::size_t j = 1; j < 17; ++j) EXPECT_GT(r.landmarks[j][0], r.landmarks[j - 1][0]);
  }
}

TEST_F(ExampleGame, EveryLabelComesUp) {
  std::set<int> seen;
  for (std::uint64_t i = 0; i < 12; ++i) {
    for (const std::uint8_t label : draw(draw_uniform(client_->schema(), 5, i), {.size = 128, .labels = true}).labels) seen.insert(label);
  }
  EXPECT_EQ(seen, (std::set<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

TEST_F(ExampleGame, EveryParameterShows) {
  for (const Parameter& p : client_->schema().parameters()) {
    SCOPED_TRACE(p.name);
    std::vector<float> low = average(), high = average();
    if (p.type == ParameterType::continuous) {
      low[p.offset] = 0;
      high[p.offset] = 1;
    } else {
      for (std::size_t i = 0; i < p.size(); ++i) {
        low[p.offset + i] = i == 0 ? 1.0F : 0.0F;
        high[p.offset + i] = i == 1 ? 1.0F : 0.0F;
      }
    }
    EXPECT_NE(draw(low, {.size = 128}).rgb, draw(high, {.size = 128}).rgb);
    const bool same = draw(low, {.size = 128, .neutral = true}).rgb == draw(high, {.size = 128, .neutral = true}).rgb;
    EXPECT_EQ(same, p.role == ParameterRole::nuisance);
  }
}

TEST_F(ExampleGame, DrawsTheSameAtEverySizeAndAgain) {
  const std::vector<float> x = draw_uniform(client_->schema(), 1, 1);
  const Rendering reference = draw(x, {.size = 128});
  EXPECT_EQ(draw(x, {.size = 128}).rgb, reference.rgb);
  for (const int supersample : {1, 2, 3, 4}) {
    for (const int size : {64, 128, 200}) {
      const Rendering r = draw(x, {.size = size, .supersample = supersample});
      for (std::size_t i = 0; i < 68; ++i) {
        EXPECT_NEAR(r.landmarks[i][0] / static_cast<float>(size), reference.landmarks[i][0] / 128, 1e-4);
        EXPECT_NEAR(r.landmarks[i][1] / static_cast<float>(size), reference.landmarks[i][1] / 128, 1e-4);
      }
      double sum = 0, expected = 0;
      for (const std::uint8_t v : r.rgb) sum += v;
      for (const std::uint8_t v : reference.rgb) expected += v;
      EXPECT_NEAR(sum / static_cast<double>(r.rgb.size()), expected / static_cast<double>(reference.rgb.size()), 2);
    }
  }
}

TEST_F(ExampleGame, PhotosCanBeAlignedToIt) {
  const auto aligner = Aligner::create(*client_, Status{Code::unavailable, "no finder in this test"});
  ASSERT_TRUE(aligner.ok()) << aligner.status().message;
  for (std::uint64_t i = 0; i < 12; ++i) {
    const Rendering r = draw(draw_uniform(client_->schema(), 9, i), {.size = 256});
    Image photo(256, 256, 3);
    photo.pixels = r.rgb;
    const auto aligned = aligner->align(photo, r.landmarks, AlignKind::similarity);
    EXPECT_TRUE(aligned.ok()) << aligned.status().message;
  }
}

}  // namespace
}  // namespace likeness
