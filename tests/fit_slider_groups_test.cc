#include "fit/slider_groups.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace likeness {
namespace {

TEST(SliderGroups, GroupsAreWorthWhatTheJudgesLossRisesByWithoutThem) {
  const Schema s = *Schema::parse(R"({"format": "likeness-scene", "version": 1, "name": "groups", "size": 512, "parameters": [
    {"name": "a", "group": "nose", "type": "continuous", "role": "identity", "min": 0, "default": 0.5, "max": 1},
    {"name": "b", "group": "beard", "type": "continuous", "role": "identity", "min": 0, "default": 0.5, "max": 1},
    {"name": "c", "group": "hair", "type": "continuous", "role": "identity", "min": 0, "default": 0.5, "max": 1},
    {"name": "style", "group": "hair", "type": "choice", "role": "identity", "options": ["u", "v"], "default": "u"},
    {"name": "yaw", "group": "pose", "type": "continuous", "role": "nuisance", "min": 0, "default": 0.5, "max": 1}]})");
  // The judge likes the nose as it is, sees no use in the beard and a little in the hair's slider, and much in its style.
  class Groups : public SearchProblem {
   public:
    Result<Value> evaluate(std::span<const float>, std::span<float>) override { return Value{1, 0}; }
    Result<std::vector<double>> judge(std::span<const std::vector<float>> characters) override {
      std::vector<double> losses;
      judged += characters.size();
      for (const auto& x : characters)
        losses.push_back(1 - 0.1 * std::abs(x[0] - 0.5) + 0.1 * std::abs(x[1] - 0.5) - 0.005 * std::abs(x[2] - 0.5) + 0.2 * x[3]);
      return losses;
    }
    bool shapes(std::size_t entry) const override { return entry != painted; }
    std::size_t painted = 99, judged = 0;
  } problem;
  const std::vector<float> x = {0.9F, 0.8F, 0.1F, 0, 1, 0.7F};
  const auto judged = judge_groups(problem, s, x);
  ASSERT_TRUE(judged.ok()) << judged.status().message;
  EXPECT_EQ(judged->x, (std::vector<float>{0.9F, 0.5F, 0.1F, 0, 1, 0.7F}));
  EXPECT_NEAR(judged->loss, 1 - 0.04 - 0.002, 1e-6);
  ASSERT_EQ(judged->groups.size(), 3U);
  EXPECT_EQ(judged->groups[0].group, "nose");
  EXPECT_NEAR(judged->groups[0].rise, 0.04, 1e-6);
  EXPECT_NEAR(judged->groups[0].confidence, 0.8, 1e-4);
  EXPECT_EQ(judged->groups[1].rise, 0);
  EXPECT_NEAR(judged->groups[2].rise, 0.2 + 0.002, 1e-6);
  EXPECT_EQ(problem.judged, 1 + 3 + 1U);  // as it is; the hair twice, with its style and without; nothing twice that is the same

  // A nose that only paints stays for its 0.04, but not for less than 0.01.
  problem.painted = 0;
  EXPECT_EQ(judge_groups(problem, s, x)->x[0], 0.9F);
  EXPECT_EQ(judge_groups(problem, s, std::vector<float>{0.58F, 0.8F, 0.1F, 0, 1, 0.7F})->x[0], 0.5F);
  problem.painted = 99;
  EXPECT_EQ(judge_groups(problem, s, std::vector<float>{0.58F, 0.8F, 0.1F, 0, 1, 0.7F})->x[0], 0.58F);
}

TEST(SliderGroups, PaintThatTheJudgeMissesIsAdded) {
  const Schema s = *Schema::parse(R"({"format": "likeness-scene", "version": 1, "name": "paint", "size": 512, "parameters": [
    {"name": "moustache", "group": "beard", "type": "continuous", "role": "identity", "min": 0, "default": 0.1, "max": 1},
    {"name": "chin", "group": "beard", "type": "continuous", "role": "identity", "min": 0, "default": 0.1, "max": 1},
    {"name": "shade", "group": "beard", "type": "continuous", "role": "identity", "min": -1, "default": 0, "max": 1},
    {"name": "scale", "group": "skin", "type": "continuous", "role": "identity", "min": 0, "default": 0.1, "max": 1}]})");
  // The photo has a moustache of `wanted` and, where `chin` is negative, a beard on the chin that shows only below a moustache; the judge
  // sees no shade, and likes scales, which are shapes.
  class Paint : public SearchProblem {
   public:
    Result<Value> evaluate(std::span<const float>, std::span<float>) override { return Value{1, 0}; }
    Result<std::vector<double>> judge(std::span<const std::vector<float>> characters) override {
      std::vector<double> losses;
      judged += characters.size();
      for (const auto& x : characters) losses.push_back(1 + 0.1 * std::abs(x[0] - wanted) + chin * (x[1] - 0.5) - 0.1 * x[3]);
      return losses;
    }
    bool shapes(std::size_t entry) const override { return entry == 3; }
    double wanted = 0.8, chin = 0.02;
    std::size_t judged = 0;
  } problem;
  const std::vector<float> x = {0.55F, 0.5F, 0.5F, 0.6F};
  const auto judged = judge_groups(problem, s, x);
  ASSERT_TRUE(judged.ok()) << judged.status().message;
  EXPECT_NEAR(judged->x[0], 0.8, 0.051);  // one of those that are tried
  EXPECT_EQ(judged->x[1], 0.5F);
  EXPECT_EQ(judged->x[2], 0.5F);
  EXPECT_EQ(judged->x[3], 0.6F);  // shapes are the search's
  EXPECT_GT(judged->groups[0].rise, 0.02);
  // Of somebody who shaves only the two amounts are tried.
  problem.wanted = 0.5, problem.judged = 0;
  EXPECT_EQ(judge_groups(problem, s, std::vector<float>{0.5F, 0.5F, 0.5F, 0.6F})->x[0], 0.5F);
  EXPECT_EQ(problem.judged, 1 + 2 + 1U);  // as it is, both amounts, and without the scales
  // Two amounts one after the other, the second as much as there is; never less of what there is already.
  problem.wanted = 0.8, problem.chin = -0.1;
  const std::vector<float> both = judge_groups(problem, s, x)->x;
  EXPECT_NEAR(both[0], 0.8, 0.051);
  EXPECT_EQ(both[1], 0.95F);
  problem.wanted = 0.88, problem.chin = 0.02;
  EXPECT_EQ(judge_groups(problem, s, std::vector<float>{0.92F, 0.5F, 0.5F, 0.6F})->x[0], 0.92F);
  // A gain that is hardly one adds nothing, and neither does a judge without numbers.
  problem.wanted = 0.6;
  EXPECT_EQ(judge_groups(problem, s, std::vector<float>{0.55F, 0.5F, 0.5F, 0.6F})->x[0], 0.5F);
  problem.wanted = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(judge_groups(problem, s, x)->x, x);
}

TEST(SliderGroups, MarksThatTheJudgeSeesNoUseInGoBackOneByOne) {
  const Schema s = *Schema::parse(R"({"format": "likeness-scene", "version": 1, "name": "marks", "size": 512, "parameters": [
    {"name": "nose", "group": "face", "type": "continuous", "role": "identity", "min": 0, "default": 0.5, "max": 1},
    {"name": "furrows", "group": "face", "type": "continuous", "role": "identity", "mark": true, "min": 0, "default": 0.5, "max": 1},
    {"name": "scar", "group": "face", "type": "continuous", "role": "identity", "mark": true, "min": 0, "default": 0.5, "max": 1}]})");
  // Without its furrows the loss rises by `furrows` for each unit, without the scar by 0.1.
  class Marks : public SearchProblem {
   public:
    Result<Value> evaluate(std::span<const float>, std::span<float>) override { return Value{1, 0}; }
    Result<std::vector<double>> judge(std::span<const std::vector<float>> characters) override {
      std::vector<double> losses;
      for (const auto& x : characters) losses.push_back(1 - 0.1 * (x[0] - 0.5) - furrows * (x[1] - 0.5) - 0.1 * (x[2] - 0.5));
      return losses;
    }
    double furrows = 0.02;
  } problem;
  const std::vector<float> x = {0.9F, 0.9F, 0.9F};
  EXPECT_EQ(judge_groups(problem, s, x)->x, (std::vector<float>{0.9F, 0.5F, 0.9F}));
  EXPECT_NEAR(judge_groups(problem, s, x)->loss, 1 - 0.04 - 0.04, 1e-6);
  problem.furrows = 0.03;
  EXPECT_EQ(judge_groups(problem, s, x)->x, x);
  // Less of a mark than the average has is one too: a smoothness that must be seen.
  problem.furrows = 0;
  EXPECT_EQ(judge_groups(problem, s, std::vector<float>{0.9F, 0.2F, 0.9F})->x[1], 0.5F);
  problem.furrows = -0.04;
  EXPECT_EQ(judge_groups(problem, s, std::vector<float>{0.9F, 0.2F, 0.9F})->x[1], 0.2F);
}

}  // namespace
}  // namespace likeness
