#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>

#include "fit/encoder.hpp"
#include "fit/objective.hpp"
#include "fit_fixture.hpp"
#include "golden.hpp"
#include "image/resample.hpp"

namespace likeness {
namespace {

constexpr const char* kExtractor = "extractor";

// encoder.safetensors of the small scene, from the tensors of the golden file or of the test.
struct Parts {
  struct Stored {
    std::vector<std::int64_t> shape;
    std::vector<float> values;
  };
  std::map<std::string, Stored> tensors;
  std::string schema = test::small_schema().hash(), extractor = kExtractor;

  explicit Parts(const Safetensors& golden) {
    for (const char* name :
         {"weight", "bias", "points.photo_mean", "points.render_mean", "points.deviation", "colours.mean", "colours.deviation"}) {
      tensors[name] = {golden.find(name)->shape, *golden.floats(name)};
    }
  }

  Result<Encoder> load(const ResidualNet<float>& net) const {
    SafetensorsWriter writer;
    for (const auto& [name, stored] : tensors) EXPECT_TRUE(writer.add(name, stored.shape, stored.values).ok());
    writer.set_metadata("schema", schema);
    writer.set_metadata("extractor", extractor);
    const auto file = Safetensors::parse(*writer.bytes());
    EXPECT_TRUE(file.ok());
    return Encoder::load(*file, test::small_schema(), net, kExtractor);
  }
};

TEST(Encoder, ComputesWhatPyTorchDid) {
  const Safetensors golden = test::golden_file("encoder.safetensors");
  const Result<Encoder> encoder = Parts(golden).load(test::small_extractor(2, golden));
  ASSERT_TRUE(encoder.ok()) << encoder.status().message;
  const auto shallow = *golden.floats("shallow"), deep = *golden.floats("deep"), points = *golden.floats("landmarks"),
             colours = *golden.floats("colours");
  Landmarks landmarks;
  for (std::size_t i = 0; i < points.size(); ++i) landmarks[i / 2][i % 2] = points[i];
  const auto guess = [&](PictureDomain domain, bool known, const std::array<bool, kColourRegions>& seen) {
    EncoderInput input{.domain = domain, .shallow = shallow, .deep = deep, .landmarks = known ? &landmarks : nullptr, .seen = seen};
    std::ranges::copy(colours, input.colours.begin());
    return *(*encoder)(input);
  };
  const auto compare = [&](const std::vector<float>& x, const char* name) {
    EXPECT_LT(test::max_norm_error<float>(x, *golden.floats(name)), 2e-6) << name;
  };
  compare(guess(PictureDomain::photo, true, {true, true, true, true}), "guess.photo");
  compare(guess(PictureDomain::render, true, {true, false, true, false}), "guess.render");
  compare(guess(PictureDomain::photo, false, {false, false, false, false}), "guess.bare");
  EXPECT_EQ((*encoder)({.shallow = std::span(shallow).first(9), .deep = deep}).status().code, Code::invalid_argument);
  EXPECT_EQ((*encoder)({.shallow = shallow, .deep = {}}).status().code, Code::invalid_argument);
}

TEST(Encoder, RefusesWrongFiles) {
  const Safetensors golden = test::golden_file("encoder.safetensors");
  const ResidualNet<float> net = test::small_extractor(2, golden);
  Parts other(golden);
  other.schema = "another";
  EXPECT_EQ(other.load(net).status().code, Code::schema_mismatch);
  other = Parts(golden);
  other.extractor = "another";
  EXPECT_EQ(other.load(net).status().code, Code::schema_mismatch);
  EXPECT_EQ(Parts(golden).load(test::small_extractor(2, false)).status().code, Code::corrupt_model);  // no statistics
  const std::vector<std::function<void(Parts&)>> damages = {
      [](Parts& p) { p.tensors.erase("weight"); },
      [](Parts& p) { p.tensors.erase("colours.mean"); },
      [](Parts& p) { p.tensors["weight"].shape = {static_cast<std::int64_t>(p.tensors["weight"].values.size())}; },
      [](Parts& p) {
        p.tensors["bias"].shape = {1, 9};
      },
      [](Parts& p) {
        p.tensors["points.photo_mean"] = {{135}, std::vector<float>(135)};
      },
      [](Parts& p) { p.tensors["points.deviation"].values[3] = 0; },
      [](Parts& p) { p.tensors["colours.deviation"].values[3] = -1; },
  };
  for (std::size_t i = 0; i < damages.size(); ++i) {
    Parts bad(golden);
    damages[i](bad);
    EXPECT_EQ(bad.load(net).status().code, Code::corrupt_model) << i;
  }
}

// A model whose encoder answers `answer` to every photo.
std::shared_ptr<const Model> model_that_guesses(const std::vector<float>& answer) {
  Parts parts(test::golden_file("encoder.safetensors"));
  std::ranges::fill(parts.tensors["weight"].values, 0.0F);
  parts.tensors["bias"].values = answer;
  // The small model's extractor has larger maps than the golden one, pooled to as many cells.
  Result<Encoder> encoder = parts.load(test::small_extractor(2, true));
  EXPECT_TRUE(encoder.ok()) << encoder.status().message;
  return test::small_model(Status{Code::unavailable, "no finder in this test"}, std::move(*encoder));
}

TEST(Fitter, StartsWhereItIsTold) {
  const std::vector<float> answer = {0.9F, 0.1F, 0.5F, 0.3F, 0.2F, 0, 0, 1, 0.6F};
  const auto guessing = model_that_guesses(answer);
  const Result<Picture> picture = guessing->generate(answer);
  ASSERT_TRUE(picture.ok());
  Image photo(picture->size, picture->size, 3);
  photo.pixels = picture->rgb;
  photo = *resize(photo, 512, 512, Filter::bilinear);
  const auto losses = [&](const std::shared_ptr<const Model>& model, const FitOptions& options) {
    Fitter fitter(model);
    const auto result = fitter.fit_framed({512, 512, photo.pixels}, test::schematic_landmarks(), options);
    EXPECT_TRUE(result.ok()) << result.status().message;
    return result.ok() ? result->losses : std::vector<double>();
  };
  // The photo is the generator's picture, which the client draws otherwise.
  const FitOptions guess{.iterations = 3, .choices = ChoiceJudge::generator, .domain = PictureDomain::render};
  FitOptions average = guess, near = guess;
  average.start = StartKind::average;
  near.seed = 5;
  const auto plain = test::small_model();
  EXPECT_LT(losses(guessing, guess)[0], 0.8 * losses(guessing, average)[0]);
  EXPECT_EQ(losses(guessing, average), losses(plain, average));
  EXPECT_EQ(losses(plain, guess), losses(plain, average));  // a model without an encoder
  EXPECT_EQ(losses(guessing, near), losses(guessing, near));
  EXPECT_NE(losses(guessing, near), losses(guessing, guess));
}

}  // namespace
}  // namespace likeness
