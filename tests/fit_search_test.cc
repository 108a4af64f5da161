#include <gtest/gtest.h>

#include <algorithm>

#include <cmath>
#include <limits>
#include <numeric>

#include "fit/search.hpp"

namespace likeness {
namespace {

Schema schema() {
  return *Schema::parse(R"({"format": "likeness-scene", "version": 1, "name": "numbers", "size": 512, "parameters": [
    {"name": "a", "group": "g", "type": "continuous", "role": "identity", "min": 0, "default": 0.5, "max": 1},
    {"name": "b", "group": "g", "type": "continuous", "role": "identity", "min": 0, "default": 0.5, "max": 1},
    {"name": "s", "group": "g", "type": "simplex", "role": "identity", "components": ["p", "q", "r"]},
    {"name": "weak", "group": "g", "type": "choice", "role": "identity", "options": ["u", "v"], "default": "u"},
    {"name": "strong", "group": "g", "type": "choice", "role": "identity", "options": ["k", "l", "m", "n"], "default": "k"}]})");
}

// Squared distance from a target, with a weight for each entry. x = a, b, s (3), weak (2), strong (4).
class Bowl : public SearchProblem {
 public:
  std::vector<float> target = {0.3F, 1.4F, 0.1F, 0.7F, 0.2F, 0, 1, 0, 0, 1, 0};
  std::vector<double> weight = {1, 1, 1, 1, 1, 0.05, 0.05, 1, 1, 1, 1};
  int evaluations = 0, pure_steps = 0, bad_pure_from = std::numeric_limits<int>::max(), bad_from = std::numeric_limits<int>::max(),
      bad_until = std::numeric_limits<int>::max();
  float lowest = 1, highest = 0, worst_sum = 1;

  Result<Value> evaluate(std::span<const float> x, std::span<float> gradient) override {
    ++evaluations;
    for (const float v : x) lowest = std::min(lowest, v), highest = std::max(highest, v);
    for (const auto& [begin, n] : {std::pair<std::size_t, std::size_t>{2, 3}, {5, 2}, {7, 4}}) {
      const float sum = std::accumulate(x.begin() + static_cast<int>(begin), x.begin() + static_cast<int>(begin + n), 0.0F);
      if (std::abs(sum - 1) > std::abs(worst_sum - 1)) worst_sum = sum;
    }
    double loss = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double d = x[i] - target[i];
      loss += weight[i] * d * d;
      if (!gradient.empty()) gradient[i] = static_cast<float>(2 * weight[i] * d);
    }
    const bool pure = std::ranges::all_of(x.subspan(5), [](float v) { return v == 0 || v == 1; });
    if (pure && !gradient.empty()) ++pure_steps;
    if ((evaluations >= bad_from && evaluations < bad_until) || pure_steps > bad_pure_from) loss = std::numeric_limits<double>::quiet_NaN();
    return Value{loss, std::exp(-loss)};
  }
};

TEST(Search, FindsTheConstrainedMinimumAndTheRightOptions) {
  Bowl bowl;
  const Schema s = schema();
  const auto result = search(bowl, s, s.default_vector(), {.iterations = 400, .step = 0.05});
  ASSERT_TRUE(result.ok()) << result.status().message;
  EXPECT_NEAR(result->x[0], 0.3, 0.02);
  EXPECT_FLOAT_EQ(result->x[1], 1);  // the target lies outside the box
  EXPECT_NEAR(result->x[2], 0.1, 0.02);
  EXPECT_NEAR(result->x[3], 0.7, 0.02);
  EXPECT_NEAR(result->x[4], 0.2, 0.02);
  EXPECT_EQ(std::vector<float>(result->x.begin() + 5, result->x.end()), (std::vector<float>{0, 1, 0, 0, 1, 0}));
  EXPECT_NEAR(result->loss, 0.16, 0.002);
  EXPECT_NEAR(result->similarity, std::exp(-result->loss), 1e-6);
  EXPECT_LT(result->losses.back(), result->losses.front());
}

TEST(Search, EveryPointIsValid) {
  for (const OptimizerKind optimizer : {OptimizerKind::adam, OptimizerKind::sgd}) {
    Bowl bowl;
    const Schema s = schema();
    ASSERT_TRUE(search(bowl, s, s.default_vector(), {.iterations = 60, .step = 0.3, .optimizer = optimizer}).ok());
    EXPECT_GE(bowl.lowest, 0);
    EXPECT_LE(bowl.highest, 1);
    EXPECT_NEAR(bowl.worst_sum, 1, 1e-5);
  }
}

// The relaxed loss prefers a mixture of "l" and "m"; among the pure options "n" is best. Only trying them finds it.
class Deceiving : public SearchProblem {
 public:
  Result<Value> evaluate(std::span<const float> x, std::span<float> gradient) override {
    const float l = x[8], m = x[9], n = x[10];
    const double loss = 1 - 3.0 * l * m - 0.3 * n;
    if (!gradient.empty()) {
      std::ranges::fill(gradient, 0.0F);
      gradient[8] = -3 * m;
      gradient[9] = -3 * l;
      gradient[10] = -0.3F;
    }
    return Value{loss, 0};
  }
};

TEST(Search, ChoicesAreTriedNotRounded) {
  Deceiving problem;
  const Schema s = schema();
  const auto result = search(problem, s, s.default_vector(), {.iterations = 50});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(s.chosen(*s.find("strong"), result->x), 3U);
  EXPECT_NEAR(result->loss, 0.7, 1e-6);
}

// The loss is a bowl whose bottom has "l"; the judge, asked once an option, likes "n".
class Judged : public Bowl {
 public:
  int judged = 0;
  bool likes_the_average = false;
  Result<std::vector<double>> judge(std::span<const std::vector<float>> characters) override {
    std::vector<double> losses;
    for (const std::vector<float>& x : characters) {
      ++judged;
      losses.push_back(1 - static_cast<double>(x[10]) + (likes_the_average ? std::abs(x[0] - 0.5) : 0));
    }
    return losses;
  }
};

TEST(Search, ChoicesAreTheJudgesAndTheRestTheLosss) {
  const Schema s = schema();
  Judged problem;
  const auto result = search(problem, s, s.default_vector(), {.iterations = 200, .step = 0.05});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(s.chosen(*s.find("strong"), result->x), 3U);
  // The options of both choices (but the one that the first has left), the result, and that without the sliders of its one group and
  // without all of it.
  EXPECT_EQ(problem.judged, 2 + 3 + 1 + 2);
  EXPECT_NEAR(result->x[0], 0.3, 0.02);
}

TEST(Search, GroupsThatTheJudgeSeesNoUseInGoBackToTheAverage) {
  const Schema s = schema();
  Judged problem;
  problem.likes_the_average = true;
  const auto result = search(problem, s, s.default_vector(), {.iterations = 200, .step = 0.05});
  ASSERT_TRUE(result.ok());
  EXPECT_FLOAT_EQ(result->x[0], 0.5F);
  EXPECT_FLOAT_EQ(result->x[1], 0.5F);
  EXPECT_NEAR(result->x[3], 0.7, 0.02);  // no slider
  EXPECT_DOUBLE_EQ(result->loss, problem.evaluate(result->x, {})->loss);
}

TEST(Search, IsCorrectedAtCharactersBeforeEveryStage) {
  class Corrected : public Bowl {
   public:
    std::vector<std::vector<float>> at;
    Status correct(std::span<const float> x) override {
      at.emplace_back(x.begin(), x.end());
      return Status::success();
    }
  } problem;
  const Schema s = schema();
  std::vector<float> soft = s.default_vector();
  for (std::size_t i = 7; i < 11; ++i) soft[i] = i == 8 ? 0.4F : 0.2F;
  ASSERT_TRUE(search(problem, s, soft, {.iterations = 40}).ok());
  ASSERT_EQ(problem.at.size(), 3U);
  for (std::vector<float> x : problem.at) {
    const std::vector<float> before = x;
    s.canonicalise(x);
    EXPECT_EQ(x, before) << "a character has its choices made";
  }
  EXPECT_NE(problem.at[1], problem.at[2]);
}

TEST(Search, AHiccupAtTheStartOfTheLastStageKeepsTheJudgesChoices) {
  class Hiccup : public Judged {
    bool failed_ = false;
    Result<Value> evaluate(std::span<const float> x, std::span<float> gradient) override {
      Result<Value> value = Bowl::evaluate(x, gradient);
      if (pure_steps == 1 && !failed_) failed_ = true, value->loss = std::numeric_limits<double>::quiet_NaN();
      return value;
    }
  } problem;
  const Schema s = schema();
  std::vector<float> soft = s.default_vector();
  for (std::size_t i = 7; i < 11; ++i) soft[i] = 0.25F;
  const auto result = search(problem, s, soft, {.iterations = 40});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(std::vector<float>(result->x.begin() + 7, result->x.end()), (std::vector<float>{0, 0, 0, 1}));
}

TEST(Search, AJudgeThatFailsIsAnError) {
  class Failing : public Bowl {
    Result<std::vector<double>> judge(std::span<const std::vector<float>>) override { return Status{Code::client_failed, "gone"}; }
  } problem;
  const Schema s = schema();
  EXPECT_EQ(search(problem, s, s.default_vector(), {.iterations = 10}).status().code, Code::client_failed);
}

// Remembers where the search began.
class First : public Bowl {
 public:
  std::vector<float> x;
  Result<Value> evaluate(std::span<const float> at, std::span<float> gradient) override {
    if (x.empty()) x.assign(at.begin(), at.end());
    return Bowl::evaluate(at, gradient);
  }
};

TEST(Search, BeginsAsLikelyAsTheStartSaysButNoOptionIsHopeless) {
  const Schema s = schema();
  std::vector<float> start = s.default_vector();
  for (const auto& [i, v] : {std::pair<std::size_t, float>{5, 0.4F}, {6, 0.6F}, {7, 0.02F}, {8, 0.5F}, {9, 0.48F}, {10, 0}}) start[i] = v;
  First problem;
  ASSERT_TRUE(search(problem, s, start, {.iterations = 5}).ok());
  EXPECT_NEAR(problem.x[5], 0.4, 1e-5);
  EXPECT_NEAR(problem.x[6], 0.6, 1e-5);
  EXPECT_NEAR(problem.x[9] / problem.x[8], 0.96, 1e-5);
  EXPECT_FLOAT_EQ(problem.x[7], problem.x[10]);
  EXPECT_GT(problem.x[10], 0.1F);
  EXPECT_GT(problem.x[8], 0.3F);
}

TEST(Search, StopsAtTheThreshold) {
  Bowl bowl;
  bowl.target[1] = 0.5F;
  const Schema s = schema();
  const auto result = search(bowl, s, s.default_vector(), {.iterations = 1000, .threshold = 0.99, .step = 0.05});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->stop, StopReason::threshold);
  EXPECT_GE(result->similarity, 0.99);
  EXPECT_LT(result->losses.size(), 1000U);
}

TEST(Search, StopsOnAPlateau) {
  Bowl bowl;
  const Schema s = schema();
  const auto result = search(bowl, s, s.default_vector(), {.iterations = 10000, .step = 0.05});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->stop, StopReason::plateau);
  EXPECT_LT(result->losses.size(), 2000U);
}

TEST(Search, UsesExactlyTheIterationsGiven) {
  for (const int iterations : {1, 2, 7, 20}) {
    Bowl bowl;
    const Schema s = schema();
    const auto result = search(bowl, s, s.default_vector(), {.iterations = iterations, .step = 1e-3});
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->losses.size(), static_cast<std::size_t>(iterations));
    EXPECT_EQ(result->stop, StopReason::iterations);
  }
}

TEST(Search, IsCancelled) {
  Bowl bowl;
  const Schema s = schema();
  int seen = 0;
  FitOptions options{.iterations = 100};
  options.progress = [&seen](const FitProgress& progress) {
    EXPECT_EQ(progress.iteration, ++seen);
    EXPECT_EQ(progress.iterations, 100);
    return seen < 5;
  };
  const auto result = search(bowl, s, s.default_vector(), options);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->stop, StopReason::cancelled);
  EXPECT_EQ(result->losses.size(), 5U);
  std::vector<float> valid = result->x;
  s.canonicalise(valid);
  EXPECT_EQ(valid, result->x);
}

TEST(Search, SurvivesAFewBadNumbersAndKeepsTheBestAfterMany) {
  const Schema s = schema();
  Bowl hiccup;
  hiccup.bad_from = 20;
  hiccup.bad_until = 23;
  const auto recovered = search(hiccup, s, s.default_vector(), {.iterations = 100});
  ASSERT_TRUE(recovered.ok());
  EXPECT_NE(recovered->stop, StopReason::diverged);

  Bowl broken;
  broken.bad_pure_from = 5;  // in the last stage
  const auto kept = search(broken, s, s.default_vector(), {.iterations = 100});
  ASSERT_TRUE(kept.ok());
  EXPECT_EQ(kept->stop, StopReason::diverged);
  EXPECT_TRUE(std::isfinite(kept->loss));
  EXPECT_LT(kept->loss, kept->losses.front());

  Bowl hopeless;
  hopeless.bad_from = 0;
  EXPECT_EQ(search(hopeless, s, s.default_vector(), {.iterations = 100}).status().code, Code::diverged);
  EXPECT_LT(hopeless.evaluations, 30);
}

TEST(Search, RefusesNonsense) {
  Bowl bowl;
  const Schema s = schema();
  const std::vector<float> x = s.default_vector();
  EXPECT_EQ(search(bowl, s, x, {.iterations = 0}).status().code, Code::invalid_argument);
  EXPECT_EQ(search(bowl, s, x, {.step = 0}).status().code, Code::invalid_argument);
  EXPECT_EQ(search(bowl, s, x, {.threshold = -1}).status().code, Code::invalid_argument);
  EXPECT_EQ(search(bowl, s, x, {.weights = {.prior = -1}}).status().code, Code::invalid_argument);
  EXPECT_EQ(search(bowl, s, x, {.weights = {.prior = std::nan("")}}).status().code, Code::invalid_argument);
  EXPECT_EQ(search(bowl, s, std::span(x).first(3), {}).status().code, Code::invalid_argument);
}

}  // namespace
}  // namespace likeness
