#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/file.hpp"
#include "base/parallel.hpp"
#include "fit/objective.hpp"
#include "fit/objective_weights.hpp"
#include "fit/report.hpp"
#include "fit_fixture.hpp"
#include "image/decode.hpp"

namespace likeness {
namespace {

using test::small_model;
using test::small_schema;

Image covered(int size) {
  Image image(size, size, 1);
  std::ranges::fill(image.pixels, 255);
  return image;
}

// A character away from the average, and what the generator makes of it as the "photo".
std::vector<float> truth() { return {0.8F, 0.2F, 0.6F, 0.3F, 0.1F, 0, 0, 1, 0.7F}; }

struct Fixture {
  Schema schema = small_schema();
  Generator<float> generator = test::small_generator(1);
  ResidualNet<float> extractor;
  std::unique_ptr<Objective> objective;

  explicit Fixture(bool statistics) : extractor(test::small_extractor(2, statistics)) {
    objective = std::move(*Objective::create(generator, extractor, schema, nullptr));
  }
  Image photo() { return image_from(*objective->generate(truth())); }
};

TEST(Objective, IsOneAtTheAverageAndNearNothingAtTheTruth) {
  for (const bool statistics : {false, true}) {
    Fixture f(statistics);
    const Image photo = f.photo();
    for (const LossKind loss : {LossKind::l1, LossKind::l2}) {
      ObjectiveOptions options = plain_objective(loss);
      ASSERT_TRUE(f.objective->set_photo({photo, covered(photo.width)}, options).ok());
      EXPECT_NEAR(f.objective->evaluate(f.schema.default_vector(), {})->loss, 1, 1e-5);
      const auto at_truth = f.objective->evaluate(truth(), {});
      EXPECT_LT(at_truth->loss, 0.05);  // the photo was rounded to 8 bits
      EXPECT_GT(at_truth->similarity, 0.95);
      EXPECT_LT(f.objective->evaluate(f.schema.default_vector(), {})->similarity, at_truth->similarity - 0.05);
    }
  }
}

TEST(Objective, OnceCorrectedTheGeneratorsLossIsTheClients) {
  Fixture f(true);
  const test::SmallClient client;
  const Image photo = f.photo();
  ASSERT_TRUE(f.objective->set_photo({photo, covered(photo.width)}, {.judge = &client}).ok());
  const std::vector<std::vector<float>> characters = {truth(), f.schema.default_vector()};
  const auto judged = f.objective->judge(characters);
  ASSERT_TRUE(judged.ok()) << judged.status().message;
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_GT(std::abs(f.objective->evaluate(characters[i], {})->loss - (*judged)[i]), 0.01) << "the client draws something else";
    ASSERT_TRUE(f.objective->correct(characters[i]).ok());
    const auto value = f.objective->evaluate(characters[i], {});
    EXPECT_NEAR(value->loss, (*judged)[i], 1e-4);
    EXPECT_NEAR(value->similarity, *f.objective->similarity(characters[i]), 1e-4);
    EXPECT_NEAR(std::accumulate(value->terms.begin(), value->terms.end(), 0.0), value->loss, 1e-5);
  }
  EXPECT_EQ(f.objective->judge(characters)->at(0), (*judged)[0]) << "the judge sees the client's pictures, corrected or not";
  EXPECT_EQ(f.objective->term_names().size(), f.objective->evaluate(truth(), {})->terms.size());
  EXPECT_EQ(f.objective->correct(std::vector<float>(3)).code, Code::invalid_argument);
}

TEST(Objective, WeightsReadBackAndNonsenseIsRefused) {
  const auto weights = parse_objective(R"({"landmarks": 0, "depths": [1, 2], "weigh_places": false})");
  ASSERT_TRUE(weights.ok());
  EXPECT_EQ(weights->landmarks, 0);
  EXPECT_EQ(weights->depths, (std::vector<double>{1, 2}));
  EXPECT_FALSE(weights->weigh_places);
  EXPECT_EQ(weights->features, ObjectiveWeights{}.features);
  const auto again = parse_objective(objective_json(*weights).dump());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(objective_json(*again), objective_json(*weights));
  for (const char* bad :
       {"", "[]", "{", R"({"landmark": 1})", R"({"landmarks": -1})", R"({"landmarks": "1"})", R"({"landmarks": null})", R"({"depths": 1})",
        R"({"depths": [true]})", R"({"depths": [-1]})", R"({"weigh_places": 1})", R"({"guess": 1.5})", R"({"prior": 1e999})"})
    EXPECT_EQ(parse_objective(bad).status().code, Code::invalid_argument) << bad;
}

TEST(Objective, PriorPullsToTheAverageOnly) {
  Fixture f(true);
  const Image photo = f.photo();
  ObjectiveOptions with{.weights = {.prior = 0.5, .nuisance_prior = 0.5}}, without{.weights = {.prior = 0, .nuisance_prior = 0}};
  const std::vector<float> x = truth();
  ASSERT_TRUE(f.objective->set_photo({photo, covered(64)}, without).ok());
  const double bare = f.objective->evaluate(x, {})->loss;
  ASSERT_TRUE(f.objective->set_photo({photo, covered(64)}, with).ok());
  EXPECT_NEAR(f.objective->evaluate(f.schema.default_vector(), {})->loss, 1, 1e-5);
  // tone and width are 0.3 from the middle, turn 0.2: z = 1.2, 1.2 and 0.8. Features weigh 1, probabilities 0.5.
  EXPECT_NEAR(f.objective->evaluate(x, {})->loss - bare, 0.5 / 1.5 * (2 * 1.44 + 0.64) / 3, 1e-4);
}

TEST(Objective, GradientAgreesWithDifferences) {
  for (const LossKind loss : {LossKind::l1, LossKind::l2}) {
    Fixture f(true);
    ASSERT_TRUE(f.objective->set_photo({f.photo(), covered(64)}, {.loss = loss}).ok());
    std::vector<float> x = {0.4F, 0.6F, 0.3F, 0.3F, 0.4F, 0.5F, 0.2F, 0.3F, 0.55F}, gradient(x.size());
    ASSERT_TRUE(f.objective->evaluate(x, gradient).ok());
    double dot = 0, ours = 0, theirs = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      constexpr float h = 4e-3F;
      std::vector<float> up = x, down = x;
      up[i] += h, down[i] -= h;
      const double slope = (f.objective->evaluate(up, {})->loss - f.objective->evaluate(down, {})->loss) / (2 * h);
      dot += slope * gradient[i], ours += static_cast<double>(gradient[i]) * gradient[i], theirs += slope * slope;
    }
    EXPECT_GT(dot / std::sqrt(ours * theirs), 0.999);
    EXPECT_NEAR(std::sqrt(ours / theirs), 1, 0.03);
  }
}

TEST(Objective, UncoveredPlacesDoNotCount) {
  Fixture f(true);
  Image photo = f.photo(), coverage = covered(64);
  for (int y = 0; y < 64; ++y) std::fill_n(coverage.at(32, y), 32, std::uint8_t{0});
  ASSERT_TRUE(f.objective->set_photo({photo, coverage}, plain_objective(LossKind::l1)).ok());
  const double half = f.objective->evaluate(truth(), {})->loss;
  EXPECT_LT(half, 0.05);
  EXPECT_EQ(f.objective->set_photo({photo, Image(64, 64, 1)}, {}).code, Code::invalid_argument);
  EXPECT_EQ(f.objective->set_photo({photo, covered(32)}, {}).code, Code::invalid_argument);
}

TEST(Objective, PlaceWeightsFollowTheClasses) {
  std::vector<float> probabilities(11 * 3, 0.0F);
  probabilities[0 * 3 + 0] = 1;     // background
  probabilities[1 * 3 + 1] = 1;     // face
  probabilities[7 * 3 + 2] = 0.5F;  // nose, perhaps
  probabilities[0 * 3 + 2] = 0.5F;
  const std::vector<float> weights = place_weights(probabilities, 3);
  EXPECT_NEAR(weights[0], 0.15, 1e-6);
  EXPECT_NEAR(weights[1], 1.15, 1e-6);
  EXPECT_NEAR(weights[2], 1.15, 1e-6);
}

TEST(Objective, RefusesPointsAndGradientsOfAnotherLength) {
  Fixture f(false);
  const Image photo = f.photo();
  ASSERT_TRUE(f.objective->set_photo({photo, covered(photo.width)}, plain_objective(LossKind::l1)).ok());
  const std::vector<float> x = truth();
  std::vector<float> gradient(x.size() + 1, 7.0F);
  EXPECT_TRUE(f.objective->evaluate(x, std::span(gradient).first(x.size())).ok());
  EXPECT_EQ(gradient.back(), 7.0F);
  for (const std::size_t wrong : {x.size() - 1, x.size() + 1})
    EXPECT_EQ(f.objective->evaluate(x, std::span(gradient).first(wrong)).status().code, Code::invalid_argument);
  EXPECT_EQ(gradient.back(), 7.0F);
  EXPECT_EQ(f.objective->evaluate(std::span(x).first(3), {}).status().code, Code::invalid_argument);
}

TEST(Objective, RefusesAnotherScene) {
  const Generator<float> generator = test::small_generator(1);
  const ResidualNet<float> extractor = test::small_extractor(2, false);
  const Schema other = *Schema::parse(R"({"format": "likeness-scene", "version": 1, "name": "other", "size": 512, "parameters": [
    {"name": "a", "group": "g", "type": "continuous", "role": "identity", "min": 0, "default": 0.5, "max": 1}]})");
  EXPECT_EQ(Objective::create(generator, extractor, other, nullptr).status().code, Code::schema_mismatch);
}

TEST(Objective, ComparesARenderWithTheStatisticsOfRenders) {
  Fixture f(true);
  const Image picture = f.photo(), everywhere = covered(64);
  const ObjectiveOptions options{.weights = {.prior = 0, .nuisance_prior = 0}};
  ASSERT_TRUE(f.objective->set_photo({picture, everywhere, nullptr, PictureDomain::render}, options).ok());
  EXPECT_LT(f.objective->evaluate(truth(), {})->loss, 0.05);  // rounded to 8 bits
  ASSERT_TRUE(f.objective->set_photo({picture, everywhere}, options).ok());
  EXPECT_GT(f.objective->evaluate(truth(), {})->loss, 0.1);
}

TEST(Search, FindsTheGeneratorsOwnPicture) {
  Fixture f(false);  // with the two domains' statistics apart, the truth would not be the best answer
  ASSERT_TRUE(f.objective->set_photo({f.photo(), covered(64)}, {.weights = {.prior = 0.01, .nuisance_prior = 0.01}}).ok());
  const auto result = search(*f.objective, f.schema, f.schema.default_vector(), {.iterations = 150, .step = 0.05});
  ASSERT_TRUE(result.ok()) << result.status().message;
  EXPECT_LT(result->loss, 0.25);
  EXPECT_GT(result->similarity, 0.9);
  EXPECT_EQ(f.schema.chosen(*f.schema.find("hat"), result->x), 2U);
}

// ---- The whole loop with a client and networks that are not trained -------------------------------------------------------

Image client_photo(double scale, double shift) {
  const test::SmallClient client;
  std::vector<float> x = client.schema().default_vector();
  x[0] = 0.9F;
  const Rendering r = *client.render(x, {.size = static_cast<int>(512 * scale)});
  Image photo(r.size + static_cast<int>(shift), r.size + static_cast<int>(shift), 3);
  std::ranges::fill(photo.pixels, 50);
  for (int y = 0; y < r.size; ++y) {
    std::copy_n(r.rgb.begin() + static_cast<std::ptrdiff_t>(y) * r.size * 3, r.size * 3,
                photo.at(static_cast<int>(shift), y + static_cast<int>(shift)));
  }
  return photo;
}

PhotoView view(const Image& image) { return {image.width, image.height, image.pixels}; }

Landmarks moved(double scale, double shift) {
  Landmarks landmarks = test::schematic_landmarks();
  for (Point& p : landmarks) p = {static_cast<float>(p[0] * scale + shift), static_cast<float>(p[1] * scale + shift)};
  return landmarks;
}

TEST(Fitter, AlignsAPhotoOntoTheReferenceFace) {
  Fitter fitter(small_model());
  const Image photo = client_photo(1.5, 60);
  const auto result = fitter.fit(view(photo), moved(1.5, 60), {.iterations = 5});
  ASSERT_TRUE(result.ok()) << result.status().message;
  // The frame shows what the client drew, in the client's frame.
  const test::SmallClient client;
  std::vector<float> x = client.schema().default_vector();
  x[0] = 0.9F;
  const Rendering truth = *client.render(x, {.size = 512});
  double apart = 0;
  for (std::size_t i = 0; i < truth.rgb.size(); ++i) apart += std::abs(int{truth.rgb[i]} - int{result->aligned.rgb[i]});
  EXPECT_LT(apart / static_cast<double>(truth.rgb.size()), 1.5);
}

TEST(Fitter, GivesAValidCharacterAndItsPictures) {
  const auto model = small_model();
  Fitter fitter(model);
  const Image photo = client_photo(1, 0);
  const auto result = fitter.fit(view(photo), moved(1, 0), {.iterations = 30});
  ASSERT_TRUE(result.ok()) << result.status().message;
  std::vector<float> valid = result->character.x;
  model->schema().canonicalise(valid);
  for (std::size_t i = 0; i < valid.size(); ++i) EXPECT_NEAR(valid[i], result->character.x[i], 1e-6);
  EXPECT_EQ(result->generated.size, 512);
  EXPECT_EQ(result->generated.rgb.size(), 512U * 512 * 3);
  EXPECT_EQ(result->losses.size(), static_cast<std::size_t>(result->iterations));
  EXPECT_LE(result->loss, *std::ranges::min_element(result->losses) + 0.5);
  std::vector<float> neutral = result->character.x;
  neutral[8] = 0.5F;
  EXPECT_EQ(result->rendered.rgb, model->client().render(neutral, {.size = 512})->rgb);
}

TEST(Fitter, TheClientsPicturesDecideChoicesWhereTheGeneratorKnowsNoBetter) {
  const auto model = small_model();  // its generator is random
  const Schema& schema = model->schema();
  std::vector<std::size_t> generator_says;
  for (std::size_t hat = 0; hat < 3; ++hat) {
    std::vector<float> x = schema.default_vector();
    for (std::size_t i = 0; i < 3; ++i) x[schema.find("hat")->offset + i] = i == hat ? 1 : 0;
    const Rendering truth = *model->client().render(x, {.size = 512});
    FitOptions options{.iterations = 4, .domain = PictureDomain::render};
    Fitter fitter(model);
    const auto chosen = [&] {
      return schema.chosen(*schema.find("hat"), fitter.fit_framed({512, 512, truth.rgb}, truth.landmarks, options)->character.x);
    };
    EXPECT_EQ(chosen(), hat);
    options.choices = ChoiceJudge::generator;
    generator_says.push_back(chosen());
  }
  EXPECT_NE(generator_says, (std::vector<std::size_t>{0, 1, 2}));
}

TEST(Fitter, TakesAPictureInTheFrameAsItIs) {
  Fitter fitter(small_model());
  const Image picture = client_photo(1, 0);
  Landmarks turned = moved(1, 0);
  for (std::size_t i = 27; i < 36; ++i) turned[i][0] += 70;  // of a photo: refused
  const auto result = fitter.fit_framed(view(picture), turned, {.iterations = 3, .domain = PictureDomain::render});
  ASSERT_TRUE(result.ok()) << result.status().message;
  EXPECT_EQ(result->aligned.rgb, picture.pixels);
  EXPECT_EQ(result->landmarks, turned);
  const Image large = client_photo(1.5, 0);
  EXPECT_EQ(fitter.fit_framed(view(large), moved(1, 0), {}).status().code, Code::invalid_argument);
  EXPECT_EQ(fitter.fit_framed(view(picture), turned, {.iterations = 0}).status().code, Code::invalid_argument);
  turned[3][1] = std::nanf("");
  EXPECT_EQ(fitter.fit_framed(view(picture), turned, {}).status().code, Code::invalid_argument);
}

TEST(Fitter, SaysWhatIsWrongWithAPhoto) {
  Fitter fitter(small_model());
  const Image photo = client_photo(1, 0);
  Landmarks pose = moved(1, 0);
  for (std::size_t i = 27; i < 36; ++i) pose[i][0] += 70;
  EXPECT_EQ(fitter.fit(view(photo), pose, {.iterations = 1}).status().code, Code::pose);
  EXPECT_EQ(fitter.fit(view(photo), moved(0.1, 0), {.iterations = 1}).status().code, Code::face_too_small);
  EXPECT_EQ(fitter.fit({10, 10, std::span(photo.pixels).first(5)}, moved(1, 0), {}).status().code, Code::invalid_argument);
  EXPECT_EQ(fitter.fit(view(photo), moved(1, 0), {.iterations = 0}).status().code, Code::invalid_argument);
  EXPECT_EQ(fitter.fit(view(photo)).status().code, Code::unavailable);  // this model has no face finder
  EXPECT_EQ(fitter.fit_bytes(std::span(photo.pixels).first(100)).status().code, Code::unsupported_format);
}

TEST(Model, RefusesAGeneratorOfAnotherScene) {
  class Other : public test::SmallClient {
   public:
    const Schema& schema() const override { return other_; }

   private:
    Schema other_ = *Schema::parse(R"({"format": "likeness-scene", "version": 1, "name": "other", "size": 512, "parameters": [
      {"name": "a", "group": "g", "type": "continuous", "role": "identity", "min": 0, "default": 0.5, "max": 1}]})");
  };
  Model::Impl parts{.client = std::make_unique<Other>(),
                    .generator = test::small_generator(1),
                    .extractor = test::small_extractor(2, true),
                    .companions = {},
                    .encoder = {},
                    .generator_hash = {},
                    .extractor_hash = {},
                    .companions_hash = {},
                    .encoder_hash = {},
                    .aligner = {}};
  const auto model = assemble_model(std::move(parts), Status{Code::unavailable, "none"});
  EXPECT_EQ(model.status().code, Code::schema_mismatch);
  EXPECT_EQ(Model::load({.folder = "no/such/folder", .scene = {}, .landmarks = {}}).status().code, Code::not_found);
}

TEST(Report, SameInputSameBytesForAnyNumberOfThreads) {
  const Image photo = client_photo(1.2, 10);
  std::map<std::string, std::string> first;
  for (const int threads : {1, 2, 3}) {
    set_default_threads(threads);
    const auto model = small_model();
    Fitter fitter(model);
    const FitOptions options{.iterations = 12};
    const auto result = fitter.fit(view(photo), moved(1.2, 10), options);
    ASSERT_TRUE(result.ok());
    const test::TemporaryFolder folder;
    ASSERT_TRUE(write_result(folder.path(), "person", *model, *result, options).ok());
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      files[entry.path().filename().string()] = *read_text_file(entry.path());
    }
    for (const char* name : {"character.json", "aligned.png", "generated.png", "rendered.png", "panel.png"})
      EXPECT_EQ(files.count(name), 1U) << name;
    if (first.empty()) first = files;
    EXPECT_EQ(files, first);
  }
  set_default_threads(0);
}

TEST(Report, CharacterHoldsEverythingAndReadsBack) {
  const auto model = small_model();
  Fitter fitter(model);
  const FitOptions options{.iterations = 10, .threshold = 0.9};
  const Image photo = client_photo(1, 0);
  const auto result = fitter.fit(view(photo), moved(1, 0), options);
  ASSERT_TRUE(result.ok());
  const std::string text = character_report(*model, *result, options);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["fit"]["losses"].size(), static_cast<std::size_t>(result->iterations));
  EXPECT_EQ(json["fit"]["iterations"], result->iterations);
  EXPECT_EQ(json["fit"]["options"]["generator"], "generator");
  EXPECT_EQ(json["fit"]["options"]["schema"], model->schema().hash());
  EXPECT_NEAR(json["fit"]["similarity"].get<double>(), result->similarity, 1e-5);
  const auto character = character_from_json(model->schema(), text);
  ASSERT_TRUE(character.ok()) << character.status().message;
  for (std::size_t i = 0; i < character->x.size(); ++i) EXPECT_NEAR(character->x[i], result->character.x[i], 1e-6);
  EXPECT_NE(options_key(*model, options), options_key(*model, FitOptions{}));
}

TEST(Report, KeysTellPrecisionsApart) {
  const auto single = small_model();
  const auto bf16 = small_model(Status{Code::unavailable, "none"}, {}, Precision::bf16);
  EXPECT_EQ(options_json(*single, {}).find("precision"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(options_json(*bf16, {}))["precision"], "bf16");
  EXPECT_NE(options_key(*single, {}), options_key(*bf16, {}));
}

TEST(Report, PanelsStandSideBySide) {
  Image red(4, 4, 3), blue(4, 4, 3);
  for (int i = 0; i < 16; ++i) red.pixels[static_cast<std::size_t>(3 * i)] = 255, blue.pixels[static_cast<std::size_t>(3 * i + 2)] = 255;
  const std::array<Image, 2> pair = {red, blue};
  const Image panel = side_by_side(pair);
  EXPECT_EQ(panel.width, 8);
  EXPECT_EQ(panel.at(3, 2)[0], 255);
  EXPECT_EQ(panel.at(4, 2)[0], 0);
  EXPECT_EQ(panel.at(4, 2)[2], 255);
}

}  // namespace
}  // namespace likeness
