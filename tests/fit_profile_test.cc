// FitOptions::profile: what is measured, and that it changes nothing. No time is compared with another clock's.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "fit/profile.hpp"
#include "fit/report.hpp"
#include "fit_fixture.hpp"

namespace likeness {
namespace {

Image client_photo(float turn) {
  const std::vector<float> x = {0.8F, 0.2F, 0.6F, 0.3F, 0.1F, 0, 0, 1, turn};
  const auto drawn = test::SmallClient().render(x, {.size = 512});
  Image image(512, 512, 3);
  image.pixels = drawn->rgb;
  return image;
}

PhotoView view(const Image& image) { return {image.width, image.height, image.pixels}; }

void expect_same(const FitResult& a, const FitResult& b) {
  EXPECT_EQ(a.character.x, b.character.x);
  EXPECT_EQ(a.losses, b.losses);
  EXPECT_EQ(a.loss, b.loss);
  EXPECT_EQ(a.similarity, b.similarity);
  EXPECT_EQ(a.generated.rgb, b.generated.rgb);
}

// Of a profile's steps in one direction, each ran as often as the others.
std::int64_t runs_of(const FitProfile& profile, bool backward) {
  std::int64_t runs = -1;
  for (std::size_t i = 0; i < profile.plan.size(); ++i) {
    if (profile.plan[i].backward != backward) continue;
    EXPECT_TRUE(runs < 0 || profile.times[i].runs == runs) << profile.plan[i].name();
    runs = profile.times[i].runs;
  }
  return runs;
}

void expect_sound(const FitProfile& profile) {
  ASSERT_FALSE(profile.plan.empty());
  ASSERT_EQ(profile.times.size(), profile.plan.size());
  double seconds = 0;
  for (const StepTime& time : profile.times) {
    EXPECT_GE(time.seconds, 0);
    seconds += time.seconds;
  }
  EXPECT_NEAR(total(profile.in_steps), seconds, 1e-6 * seconds) << "the parts share the steps among them";
  for (const auto& [name, part] : kFitParts) EXPECT_GE(profile.in_steps.*part, -1e-9) << name;
  EXPECT_EQ(profile.in_steps.decode + profile.in_steps.align, 0);
  EXPECT_TRUE(std::ranges::is_sorted(profile.plan, {}, &PlanStep::backward)) << "forward, then backward";
}

TEST(Profile, CountsTheRunsOfAFitAndChangesNoBit) {
  const auto model = test::small_model();
  const Image photo = client_photo(0.6F);
  for (const ChoiceJudge judge : {ChoiceJudge::client, ChoiceJudge::generator}) {
    Fitter fitter(model);
    FitOptions options{.iterations = 9, .choices = judge};
    const auto plain = fitter.fit_framed(view(photo), test::schematic_landmarks(), options);
    options.profile = true;
    const auto profiled = fitter.fit_framed(view(photo), test::schematic_landmarks(), options);
    ASSERT_TRUE(plain.ok() && profiled.ok()) << profiled.status().message;
    expect_same(*plain, *profiled);
    EXPECT_EQ(plain->profile, nullptr);
    ASSERT_NE(profiled->profile, nullptr);
    expect_sound(*profiled->profile);
    EXPECT_EQ(runs_of(*profiled->profile, true), profiled->iterations) << "a gradient a step";
    EXPECT_GT(runs_of(*profiled->profile, false), profiled->iterations) << "units and corrections need none";
    EXPECT_EQ(options_key(*model, options), options_key(*model, {.iterations = 9, .choices = judge})) << "the same fit";
    options.profile = false;
    EXPECT_EQ(fitter.fit_framed(view(photo), test::schematic_landmarks(), options)->profile, nullptr);
  }
}

TEST(Profile, SumsThePhotosThatAreFittedTogether) {
  const auto model = test::small_model();
  const std::vector<Image> photos = {client_photo(0.4F), client_photo(0.6F)};
  const std::vector<PhotoView> views = {view(photos[0]), view(photos[1])};
  const std::vector<Landmarks> landmarks(2, test::schematic_landmarks());
  Fitter fitter(model);
  FitOptions options{.iterations = 6};
  const auto plain = fitter.fit_together(views, landmarks, options);
  options.profile = true;
  const auto profiled = fitter.fit_together(views, landmarks, options);
  ASSERT_TRUE(plain.ok() && profiled.ok()) << profiled.status().message;
  for (std::size_t k = 0; k < 2; ++k) expect_same((*plain)[k], (*profiled)[k]);
  const FitProfile& profile = *profiled->front().profile;
  EXPECT_EQ(profiled->back().profile.get(), &profile);
  expect_sound(profile);
  EXPECT_EQ(runs_of(profile, true), 2 * profiled->front().iterations);
  const FitSeconds seconds = seconds_of_fit(*profiled);
  EXPECT_EQ(seconds.search, profiled->front().seconds.search) << "shared: counts once";
  EXPECT_EQ(seconds.draw, profiled->front().seconds.draw + profiled->back().seconds.draw);
  EXPECT_EQ(total(seconds_of_fit({})), 0);
}

TEST(Profile, AddsStepByStepWherePlansAreTheSame) {
  PlanStep a, b;
  a.operation = "conv2d";
  b.operation = "relu";
  FitProfile sum;
  const FitProfile first{{a, b}, {{.runs = 2, .seconds = 1}, {.runs = 2, .seconds = 3}}, {.search = 4}};
  sum.add(first);
  sum.add(first);
  ASSERT_EQ(sum.plan.size(), 2U);
  EXPECT_EQ(sum.times[1].runs, 4);
  EXPECT_EQ(sum.times[1].seconds, 6);
  EXPECT_EQ(sum.in_steps.search, 8);
  sum.add({{b}, {{.runs = 1, .seconds = 1}}, {}});
  ASSERT_EQ(sum.plan.size(), 3U) << "another plan comes behind";
  EXPECT_EQ(sum.times[1].runs, 4);
  EXPECT_EQ(sum.times[2].runs, 1);
}

}  // namespace
}  // namespace likeness
