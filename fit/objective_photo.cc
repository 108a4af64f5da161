// Objective: what a photo is compared by.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>

#include "fit/objective_state.hpp"
#include "image/resample.hpp"

namespace likeness {
namespace {

constexpr float kEverywhere = 0.15F;
constexpr std::array<float, kClasses> kClassWeight = {0, 1, 1, 2, 2, 2, 2, 2, 2, 0, 2};
// The least divisors: a photo whose landmarks or colours are nearly the average's must not make a term of noise.
constexpr double kLeastLandmarks = 0.25, kLeastColours = 0.04, kLeast = 1e-9;

Result<std::vector<float>> shrink(std::span<const float> values, int channels, std::int64_t from, std::int64_t to) {
  return resize_planes(values, channels, static_cast<int>(from), static_cast<int>(from), static_cast<int>(to), static_cast<int>(to),
                       Filter::box);
}

}  // namespace

std::vector<float> planes(const Image& image) {
  const std::size_t area = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
  const auto channels = static_cast<std::size_t>(image.channels);
  std::vector<float> out(area * channels);
  for (std::size_t i = 0; i < area; ++i) {
    for (std::size_t c = 0; c < channels; ++c) out[c * area + i] = static_cast<float>(image.pixels[i * channels + c]) / 255.0F;
  }
  return out;
}

// Places, probabilities, colours: everything that the photo's classes decide.
Status Objective::State::set_photo(const FramedPhoto& photo, const ObjectiveOptions& wanted) {
  options = wanted;
  terms.clear();
  program.reset();
  idle.clear();
  Tape<float> tape;
  const std::int64_t frame = photo.picture.width;
  const Tensor<float> pixels{{1, 3, frame, frame}, planes(photo.picture)};
  const std::vector<Var<float>> features = extractor->features(to_input(tape.constant(pixels)));
  if (!tape.status().ok()) return tape.status();
  const auto kept = [&features](std::size_t from_last) {
    if (features.size() < from_last) return std::vector<float>();
    const std::span<const float> values = features[features.size() - from_last].value();
    return std::vector<float>(values.begin(), values.end());
  };
  shallow = kept(2);
  deep = kept(1);
  photo_points.reset();
  iris.reset();
  lines.reset();
  beard.reset();
  if (photo.landmarks != nullptr) {
    photo_points = *photo.landmarks;
    if (options.weights.iris > 0) iris = iris_colour(photo.picture, *photo.landmarks);
    if (options.weights.glasses > 0) lines = frame_lines(photo.picture, *photo.landmarks);
    iris_share = lines && lines->bridge >= FrameLines::kWorn ? kThroughLenses : 1;
    if (options.weights.beard > 0) beard = facial_hair(photo.picture, *photo.landmarks);
  }
  photo_domain = photo.domain;
  depths.clear();
  for (std::size_t d = 0; d < features.size(); ++d) {
    Result<FeatureTarget> target = FeatureTarget::create(features[d], d, *extractor, photo.domain, options.weights.centre_domains);
    if (!target.ok()) return target.status();
    depths.push_back(std::move(*target));
  }

  const std::int64_t side = features[0].shape()[2];
  const std::size_t places = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  Result<std::vector<float>> coverage = shrink(planes(photo.coverage), 1, frame, side);
  if (!coverage.ok()) return coverage.status();
  if (!(std::accumulate(coverage->begin(), coverage->end(), 0.0) > 0))
    return {Code::invalid_argument, "the photo covers nothing of the face"};
  std::vector<float> map = *coverage;
  probabilities = {};
  imitated = {};
  colours = {};
  if (extractor->has_head()) {
    const Var<float> found = softmax(extractor->segment(features), 1);
    if (!tape.status().ok()) return tape.status();
    if (found.shape() == Shape{1, static_cast<std::int64_t>(kClasses), side, side}) {
      probabilities = {found.shape(), std::vector<float>(found.value().begin(), found.value().end())};
      imitated = probabilities;
      covered = {{1, 1, side, side}, *coverage};
      const std::vector<float> weights = place_weights(found.value(), places);
      for (std::size_t i = 0; i < places && options.weights.weigh_places; ++i) map[i] *= weights[i];
      const Result<std::vector<float>> rgb = shrink(pixels.data, 3, frame, side);
      if (!rgb.ok()) return rgb.status();
      colours = likeness::colour_term(*rgb, found.value(), *coverage);
    }
  }
  for (std::size_t d = 0; d < depths.size(); ++d) {
    const std::int64_t size = features[d].shape()[2];
    Result<std::vector<float>> weights = shrink(map, 1, side, size);
    if (!weights.ok()) return weights.status();
    depths[d].set_places({{1, 1, size, size}, std::move(*weights)});
  }
  if (companions != nullptr && photo.landmarks != nullptr) landmarks = LandmarkTerm(*companions, *photo.landmarks, photo.domain);
  return set_terms(photo);
}

// Which terms there are, and their units: the average character's values.
Status Objective::State::set_terms(const FramedPhoto& photo) {
  const ObjectiveWeights& weights = options.weights;
  const double depth_sum =
      weights.depths.empty() ? static_cast<double>(depths.size()) : std::accumulate(weights.depths.begin(), weights.depths.end(), 0.0);
  for (std::size_t d = 0; d < depths.size(); ++d) {
    const double depth = weights.depths.empty() ? 1 : (d < weights.depths.size() ? weights.depths[d] : 0);
    terms.push_back({"layer" + std::to_string(d + 1), depth_sum > 0 ? weights.features * depth / depth_sum : 0, kLeast});
  }
  const auto add = [this](const char* name, double weight, bool possible, double least) -> std::size_t {
    if (!possible || !(weight > 0)) return 0;
    terms.push_back({name, weight, least});
    return terms.size() - 1;
  };
  probability_term = add("probabilities", weights.probabilities, !probabilities.data.empty(), kLeast);
  landmark_term = add("landmarks", weights.landmarks, companions != nullptr && photo.landmarks != nullptr, kLeastLandmarks);
  colour_term = add("colours", weights.colours, companions != nullptr && colours.active(), kLeastColours);
  double sum = 0;
  for (const WeightedTerm& term : terms) sum += term.share;
  if (!(sum > 0)) return {Code::invalid_argument, "the objective has no term with a weight"};
  for (WeightedTerm& term : terms) term.share /= sum;
  prior = Prior(*schema, companions, weights);
  prior_scale = 1 / sum;

  if (Status status = freeze_program(); !status.ok()) return status;
  if (const Result<Value> value = evaluate(average, {}); !value.ok()) return value.status();
  for (WeightedTerm& term : terms) {
    if (!std::isfinite(term.value)) return {Code::diverged, "the average face's distance from the photo is not finite"};
    term.unit = std::max(term.value, term.least);
  }
  return Status::success();
}

// Records and freezes the tape's part of the loss.
Status Objective::State::freeze_program() {
  Tape<float> tape(Recording::deferred);
  input = tape.variable({static_cast<std::int64_t>(average.size())}, average);
  imitation = compare(tape, (*generator)(input), Painter::imitator);
  const std::size_t count = imitation.distances.size();
  factors = {{1, static_cast<std::int64_t>(count)}, std::vector<float>(count, 1.0F)};
  std::vector<Var<float>> numbers;
  for (const Var<float>& distance : imitation.distances) numbers.push_back(reshape(distance, {1}));
  pictures = linear(concat(std::span<const Var<float>>(numbers)), tape.constant(factors), {});
  Result<Program<float>> frozen = freeze<float>({.loss = pictures, .gradients = {input}, .outputs = imitation.all()});
  if (!frozen.ok()) return frozen.status();
  program = std::move(*frozen);
  if (options.profile) program->profile(true);
  return Status::success();
}

std::vector<float> place_weights(std::span<const float> probabilities, std::size_t places) {
  std::vector<float> weights(places, kEverywhere);
  for (std::size_t c = 0; c < kClasses; ++c) {
    for (std::size_t i = 0; i < places; ++i) weights[i] += kClassWeight[c] * probabilities[c * places + i];
  }
  return weights;
}

}  // namespace likeness
