// Several photos of one person: the joint problem, and the whole loop on it. The networks are not trained.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "fit/joint_problem.hpp"
#include "fit/report.hpp"
#include "fit_fixture.hpp"
#include "image/decode.hpp"

namespace likeness {
namespace {

constexpr std::size_t kTurn = 8;  // the nuisance entry of the small schema, and its last

// A character turned as far as `turn` says.
std::vector<float> turned(float turn) { return {0.8F, 0.2F, 0.6F, 0.3F, 0.1F, 0, 0, 1, turn}; }

// One objective a photo; the photos are the generator's own pictures.
struct Photos {
  Schema schema = test::small_schema();
  Generator<float> generator = test::small_generator(1);
  ResidualNet<float> extractor = test::small_extractor(2, false);
  std::vector<std::unique_ptr<Objective>> objectives;
  std::unique_ptr<JointProblem> problem;

  Photos(const std::vector<std::vector<float>>& characters, const ObjectiveOptions& options) {
    std::vector<Objective*> photos;
    Image everywhere(64, 64, 1);
    std::ranges::fill(everywhere.pixels, std::uint8_t{255});
    for (const std::vector<float>& x : characters) {
      objectives.push_back(std::move(*Objective::create(generator, extractor, schema, nullptr)));
      const Image picture = image_from(*objectives.back()->generate(x));
      EXPECT_TRUE(objectives.back()->set_photo({picture, everywhere}, options).ok());
      photos.push_back(objectives.back().get());
    }
    problem = std::move(*JointProblem::create(schema, photos));
  }
};

TEST(JointProblem, HoldsOneIdentityAndEveryPhotosNuisances) {
  Photos photos({turned(0.7F), turned(0.2F), turned(0.4F)}, {});
  const Schema& joint = photos.problem->schema();
  ASSERT_EQ(joint.size(), 9U + 2);
  EXPECT_EQ(joint.parameters().back().role, ParameterRole::nuisance);
  EXPECT_EQ(joint.parameters().back().group, "pose");
  std::vector<float> other = turned(0.2F);
  other[0] = 0.5F;
  const std::vector<std::vector<float>> starts = {turned(0.7F), other, turned(0.4F)};
  const std::vector<float> x = photos.problem->join(starts);
  EXPECT_NEAR(x[0], 0.7, 1e-6);  // the mean of 0.8, 0.5, 0.8
  for (std::size_t k = 0; k < 3; ++k) {
    const std::vector<float> own = photos.problem->of_photo(x, k);
    ASSERT_EQ(own.size(), 9U);
    EXPECT_EQ(own[0], x[0]);
    EXPECT_EQ(own[kTurn], starts[k][kTurn]);
  }
  EXPECT_EQ(photos.problem->evaluate(other, {}).status().code, Code::invalid_argument);
  EXPECT_EQ(photos.problem->judge({&other, 1}).status().code, Code::invalid_argument);
}

TEST(JointProblem, IsTheMeanOfThePhotos) {
  Photos photos({turned(0.7F), turned(0.2F)}, {});
  const std::vector<float> x = photos.problem->join(std::vector{turned(0.3F), turned(0.9F)});
  const auto both = photos.problem->evaluate(x, {});
  const auto first = photos.objectives[0]->evaluate(turned(0.3F), {}), second = photos.objectives[1]->evaluate(turned(0.9F), {});
  ASSERT_TRUE(both.ok());
  EXPECT_NE(first->loss, second->loss);
  EXPECT_NEAR(both->loss, (first->loss + second->loss) / 2, 1e-12);
  EXPECT_NEAR(both->similarity, (first->similarity + second->similarity) / 2, 1e-12);
  EXPECT_EQ(photos.problem->term_names(), photos.objectives[0]->term_names());
  double sum = 0;
  for (const double term : both->terms) sum += term;
  EXPECT_NEAR(sum, both->loss, 1e-6);
  const std::vector<std::vector<float>> characters = {x, photos.problem->schema().default_vector()};
  const auto judged = photos.problem->judge(characters);
  ASSERT_TRUE(judged.ok());
  EXPECT_NEAR((*judged)[0], both->loss, 1e-12);
  EXPECT_NEAR((*judged)[1], 1, 1e-5);
}

TEST(JointProblem, GradientAgreesWithDifferences) {
  Photos photos({turned(0.7F), turned(0.2F)}, {.loss = LossKind::l2});
  std::vector<float> x = {0.4F, 0.6F, 0.3F, 0.3F, 0.4F, 0.5F, 0.2F, 0.3F, 0.55F, 0.35F}, gradient(x.size());
  ASSERT_TRUE(photos.problem->evaluate(x, gradient).ok());
  double dot = 0, ours = 0, theirs = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    constexpr float h = 4e-3F;
    std::vector<float> up = x, down = x;
    up[i] += h, down[i] -= h;
    const double slope = (photos.problem->evaluate(up, {})->loss - photos.problem->evaluate(down, {})->loss) / (2 * h);
    dot += slope * gradient[i], ours += static_cast<double>(gradient[i]) * gradient[i], theirs += slope * slope;
    if (i >= kTurn) {
      EXPECT_NEAR(gradient[i], slope, 0.03 * std::abs(slope) + 1e-3) << i;
    }
  }
  EXPECT_GT(dot / std::sqrt(ours * theirs), 0.999);
  EXPECT_NEAR(std::sqrt(ours / theirs), 1, 0.03);
}

TEST(JointProblem, FindsOneCharacterTurnedDifferently) {
  Photos photos({turned(0.75F), turned(0.2F)}, {.weights = {.prior = 0.01, .nuisance_prior = 0.01}});
  const Schema& joint = photos.problem->schema();
  const auto found = search(*photos.problem, joint, joint.default_vector(), {.iterations = 150, .step = 0.05});
  ASSERT_TRUE(found.ok()) << found.status().message;
  EXPECT_LT(found->loss, 0.25);
  EXPECT_GT(photos.problem->of_photo(found->x, 0)[kTurn], 0.6);
  EXPECT_LT(photos.problem->of_photo(found->x, 1)[kTurn], 0.35);
  EXPECT_EQ(photos.schema.chosen(*photos.schema.find("hat"), photos.problem->of_photo(found->x, 1)), 2U);
}

// ---- The whole loop, with landmarks given ----------------------------------------------------------------------------------

struct Photo {
  Image image{512, 512, 3};
  Landmarks landmarks{};

  explicit Photo(const std::vector<float>& x) {
    Rendering r = *test::SmallClient().render(x, {.size = 512});
    image.pixels = std::move(r.rgb);
    landmarks = r.landmarks;
  }
  PhotoView view() const { return {image.width, image.height, image.pixels}; }
};

TEST(FitTogether, OnePhotoTwiceIsThatPhotoAlone) {
  Fitter fitter(test::small_model());
  const Photo photo(turned(0.6F));
  const FitOptions options{.iterations = 30};
  const auto single = fitter.fit(photo.view(), photo.landmarks, options);
  const std::vector<PhotoView> views(2, photo.view());
  const std::vector<Landmarks> landmarks(2, photo.landmarks);
  const auto both = fitter.fit_together(views, landmarks, options);
  ASSERT_TRUE(both.ok()) << both.status().message;
  ASSERT_TRUE(single.ok()) << single.status().message;
  ASSERT_EQ(both->size(), 2U);
  for (const FitResult& result : *both) {
    ASSERT_EQ(result.losses.size(), single->losses.size());
    for (std::size_t i = 0; i < result.losses.size(); ++i) EXPECT_NEAR(result.losses[i], single->losses[i], 1e-3) << i;
    for (std::size_t i = 0; i < 9; ++i) EXPECT_NEAR(result.character.x[i], single->character.x[i], 5e-3) << i;
    EXPECT_NEAR(result.similarity, single->similarity, 1e-3);
    EXPECT_EQ(result.aligned.rgb, single->aligned.rgb);
  }
}

TEST(FitTogether, SharesTheIdentityAndKeepsTheRestApart) {
  const auto model = test::small_model();
  Fitter fitter(model);
  const Photo a(turned(0.9F)), b(turned(0.1F)), c(turned(0.5F));
  const std::vector<PhotoView> views = {a.view(), b.view(), c.view()};
  const FitOptions options{.iterations = 20};
  const auto results = fitter.fit_together(views, std::vector{a.landmarks, b.landmarks, c.landmarks}, options);
  ASSERT_TRUE(results.ok()) << results.status().message;
  ASSERT_EQ(results->size(), 3U);
  double loss = 0;
  for (const FitResult& result : *results) {
    for (std::size_t i = 0; i < kTurn; ++i) EXPECT_EQ(result.character.x[i], results->front().character.x[i]) << i;
    EXPECT_EQ(result.rendered.rgb, results->front().rendered.rgb);
    EXPECT_EQ(result.losses, results->front().losses);
    loss += result.loss / 3;
  }
  EXPECT_NE((*results)[0].landmarks, (*results)[1].landmarks);

  const std::vector<std::string> stems = {"a", "b", "c"};
  const test::TemporaryFolder folder;
  ASSERT_TRUE(write_results(folder.path(), stems, *model, *results, options).ok());
  const std::string text = *read_text_file(folder.path() / "character.json");
  const auto json = nlohmann::json::parse(text);
  ASSERT_EQ(json["fit"]["photos"].size(), 3U);
  for (std::size_t k = 0; k < 3; ++k) {
    const auto& photo = json["fit"]["photos"][k];
    EXPECT_EQ(photo["stem"], stems[k]);
    EXPECT_NEAR(photo["similarity"].get<double>(), (*results)[k].similarity, 1e-5);
    EXPECT_EQ(photo["nuisances"].size(), 1U);
    EXPECT_NEAR(photo["nuisances"]["turn"]["unit"].get<float>(), (*results)[k].character.x[kTurn], 1e-5);
  }
  EXPECT_NEAR(json["fit"]["similarity"].get<double>(), mean_similarity(*results), 1e-5);
  EXPECT_NEAR(json["fit"]["loss"].get<double>(), loss, 1e-5);
  EXPECT_TRUE(character_from_json(model->schema(), text).ok());
  const auto panel = decode_photo(*read_file(folder.path() / "panel.png"));
  ASSERT_TRUE(panel.ok());
  EXPECT_EQ(panel->width, 3 * 512);
  EXPECT_EQ(panel->height, 3 * 512);
  for (std::size_t k = 0; k < 3; ++k) {
    const Picture &first = (*results)[k].aligned, &last = (*results)[k].posed;
    const int row = static_cast<int>(k) * 512 + 200;
    EXPECT_TRUE(std::equal(panel->at(0, row), panel->at(512, row), first.rgb.begin() + 200 * 512 * 3)) << k;
    EXPECT_TRUE(std::equal(panel->at(1024, row), panel->row(row) + panel->row_bytes(), last.rgb.begin() + 200 * 512 * 3)) << k;
  }
}

TEST(FitTogether, OneBadPhotoRefusesAll) {
  Fitter fitter(test::small_model());
  const Photo photo(turned(0.5F));
  const std::vector<PhotoView> views(3, photo.view());
  std::vector<Landmarks> landmarks(3, photo.landmarks);
  for (std::size_t i = 27; i < 36; ++i) landmarks[1][i][0] += 70;
  const auto refused = fitter.fit_together(views, landmarks, {.iterations = 1});
  EXPECT_EQ(refused.status().code, Code::pose);
  EXPECT_TRUE(refused.status().message.starts_with("photo 2 of 3: ")) << refused.status().message;
  std::vector<PhotoView> broken = views;
  broken[2].rgb = broken[2].rgb.first(5);
  const auto cut = fitter.fit_together(broken, std::vector<Landmarks>(3, photo.landmarks), {.iterations = 1});
  EXPECT_EQ(cut.status().code, Code::invalid_argument);
  EXPECT_TRUE(cut.status().message.starts_with("photo 3 of 3: ")) << cut.status().message;
  EXPECT_EQ(fitter.fit_together(views, {.iterations = 1}).status().code, Code::unavailable);  // this model has no face finder
  // The fitter stays usable.
  EXPECT_TRUE(fitter.fit(photo.view(), photo.landmarks, {.iterations = 1}).ok());
}

TEST(FitTogether, TakesTwoToSixteenPhotosAndAsManyLandmarks) {
  Fitter fitter(test::small_model());
  const Photo photo(turned(0.5F));
  for (const std::size_t count : {0U, 1U, 17U}) {
    const std::vector<PhotoView> views(count, photo.view());
    EXPECT_EQ(fitter.fit_together(views, std::vector<Landmarks>(count, photo.landmarks), {.iterations = 1}).status().code,
              Code::invalid_argument);
  }
  const std::vector<PhotoView> most(16, photo.view());
  EXPECT_TRUE(fitter.fit_together(most, std::vector<Landmarks>(16, photo.landmarks), {.iterations = 1}).ok());
  EXPECT_EQ(fitter.fit_together(most, std::vector<Landmarks>(15, photo.landmarks), {.iterations = 1}).status().code,
            Code::invalid_argument);
}

}  // namespace
}  // namespace likeness
