// Random characters: the same everywhere, always valid, and with the statistics that training relies on.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/file.hpp"
#include "likeness/scene.hpp"

namespace likeness {
namespace {

const Schema& head() {
  static const Schema schema = [] {
    const auto text = read_text_file(std::filesystem::path(LIKENESS_SOURCE_DIR) / "weights/models/makehuman-head/scene.json");
    auto parsed = Schema::parse(text.ok() ? *text : std::string());
    EXPECT_TRUE(parsed.ok());
    return std::move(parsed).value();
  }();
  return schema;
}

using Draw = std::vector<float> (*)(const Schema&, std::uint64_t, std::uint64_t);

class Sampling : public testing::TestWithParam<Draw> {};

TEST_P(Sampling, IsAFunctionOfSeedAndIndex) {
  for (const std::uint64_t index : {0ULL, 1ULL, 77ULL, ~0ULL}) {
    const auto x = GetParam()(head(), 9, index);
    EXPECT_EQ(x, GetParam()(head(), 9, index));
    EXPECT_NE(x, GetParam()(head(), 10, index));
    EXPECT_NE(x, GetParam()(head(), 9, index + 1));
  }
}

TEST_P(Sampling, IsAlwaysValid) {
  for (std::uint64_t i = 0; i < 500; ++i) {
    const auto x = GetParam()(head(), 3, i);
    ASSERT_EQ(x.size(), head().size());
    for (const Parameter& p : head().parameters()) {
      const auto begin = x.begin() + static_cast<std::ptrdiff_t>(p.offset), end = begin + static_cast<std::ptrdiff_t>(p.size());
      float sum = 0;
      for (auto v = begin; v != end; ++v) {
        ASSERT_TRUE(*v >= 0 && *v <= 1) << p.name;
        sum += *v;
      }
      if (p.type != ParameterType::continuous) {
        ASSERT_NEAR(sum, 1, 1e-5) << p.name;
      }
      if (p.type == ParameterType::choice) {
        ASSERT_EQ(std::count(begin, end, 1.0F), 1) << p.name;
      }
    }
  }
}

TEST_P(Sampling, ReachesEveryOption) {
  std::vector<int> count(head().size(), 0);
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const auto x = GetParam()(head(), 4, i);
    for (std::size_t k = 0; k < x.size(); ++k) count[k] += x[k] > 0.5F ? 1 : 0;
  }
  for (const Parameter& p : head().parameters()) {
    for (std::size_t k = 0; k < p.size(); ++k) EXPECT_GT(count[p.offset + k], 20) << p.name << " entry " << k;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, Sampling, testing::Values(&draw_uniform, &draw_human));

TEST(SamplingUniform, HasUniformMoments) {
  const Parameter& p = *head().find("nose_vert");
  double sum = 0, square = 0;
  const int n = 4000;
  for (int i = 0; i < n; ++i) {
    const double v = draw_uniform(head(), 1, static_cast<std::uint64_t>(i))[p.offset];
    sum += v;
    square += v * v;
  }
  EXPECT_NEAR(sum / n, 0.5, 0.02);
  EXPECT_NEAR(square / n - sum / n * sum / n, 1 / 12.0, 0.005);
}

TEST(SamplingHuman, LooksFollowThePerson) {
  const Schema& s = head();
  const auto at = [&](const char* name) { return s.find(name)->offset; };
  int bearded_men = 0, bearded_women = 0, receding_women = 0;
  double eyes = 0;
  int grey_old = 0, old_people = 0, grey_young = 0, young_people = 0, smiles = 0, without_glasses = 0;
  double agreement = 0, spread = 0;
  const int n = 3000;
  for (int i = 0; i < n; ++i) {
    const auto x = draw_human(s, 2, static_cast<std::uint64_t>(i));
    const bool grey = x[at("hair_gray")] > 0.6F;
    if (x[at("age")] > 0.9F) ++old_people, grey_old += grey;
    if (x[at("age")] < 0.6F) ++young_people, grey_young += grey;
    smiles += x[at("smile")] > 0.7F;
    without_glasses += s.find("glasses")->options[s.chosen(*s.find("glasses"), x)] == "none";
    (x[at("gender")] > 0.5F ? bearded_men : bearded_women) += x[at("beard_chin")] > 0.55F;
    if (x[at("gender")] < 0.2F) receding_women += x[at("hairline_recession")] > 0.6F;
    eyes += (x[at("eye_height_inner")] - 0.5) * (x[at("eye_height_mid")] - 0.5) / n;
    for (std::size_t k = 0; k < 3; ++k) agreement += x[at("ethnicity") + k] * x[at("skin_type") + k] / n;
    spread += std::pow(x[at("nose_vert")] - 0.5, 2) / n;
  }
  EXPECT_GT(static_cast<double>(grey_old) / old_people, 3.0 * grey_young / young_people);
  EXPECT_GT(bearded_men, 8 * bearded_women);
  EXPECT_LT(receding_women, n / 40);
  EXPECT_NEAR(eyes / spread, 0.49, 0.1);  // sliders that share a trait go together
  EXPECT_GT(smiles, n / 4);
  EXPECT_LT(smiles, n / 2);
  EXPECT_NEAR(static_cast<double>(without_glasses) / n, 0.75, 0.03);
  EXPECT_GT(agreement, 0.55);  // independent draws give 1/3
  EXPECT_NEAR(std::sqrt(spread), 0.19, 0.03);
}

TEST(SamplingHuman, IsTheSameOnEveryMachine) {
  // Pinned: a published training set is its seed, so the characters of a seed must never change unnoticed.
  const auto x = draw_human(head(), 1, 5);
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += static_cast<double>(x[i]) * static_cast<double>(i % 7 + 1);
  EXPECT_DOUBLE_EQ(sum, 249.97195192788422);
}

}  // namespace
}  // namespace likeness
