#include "fit/objective.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>
#include <numeric>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "base/parallel.hpp"
#include "fit/feature_target.hpp"
#include "fit/prior.hpp"
#include "image/resample.hpp"

namespace likeness {
namespace {

constexpr std::size_t kClasses = 11;
constexpr float kEverywhere = 0.15F;
constexpr std::array<float, kClasses> kClassWeight = {0, 1, 1, 2, 2, 2, 2, 2, 2, 0, 2};
// The least divisors: a photo whose landmarks or colours are nearly the average's must not make a term of noise.
constexpr double kLeastLandmarks = 0.25, kLeastColours = 0.04, kLeast = 1e-9;

// A term of the loss: its value in the last evaluation, and what it is multiplied by.
struct Weighted {
  std::string name;
  double share;     // w_t / sum w
  double least;     // divisor
  double unit = 1;  // T_t(average), or the least divisor
  double value = 0;
  double factor() const { return share / unit; }
};

std::vector<float> planes(const Image& image) {
  const std::size_t area = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
  const auto channels = static_cast<std::size_t>(image.channels);
  std::vector<float> out(area * channels);
  for (std::size_t i = 0; i < area; ++i) {
    for (std::size_t c = 0; c < channels; ++c) out[c * area + i] = static_cast<float>(image.pixels[i * channels + c]) / 255.0F;
  }
  return out;
}

Result<std::vector<float>> shrink(std::span<const float> values, int channels, std::int64_t from, std::int64_t to) {
  return resize_planes(values, channels, static_cast<int>(from), static_cast<int>(from), static_cast<int>(to), static_cast<int>(to),
                       Filter::box);
}

}  // namespace

struct Objective::State {
  const Generator<float>* generator;
  const ResidualNet<float>* extractor;
  const Schema* schema;
  const Companions* companions;
  ObjectiveOptions options;

  std::vector<FeatureTarget> depths;
  std::vector<float> shallow, deep;  // the photo's features of the last two depths, as an encoder takes them
  std::optional<Landmarks> photo_points;
  PictureDomain photo_domain = PictureDomain::photo;
  Tensor<float> probabilities;  // [1, 11, H, W] of the photo; empty: no such term
  Tensor<float> covered;        // [1, 1, H, W] at their resolution
  LandmarkTerm landmarks;
  ColourTerm colours;

  std::vector<Weighted> terms;                                           // the depths in order, then the others
  std::size_t probability_term = 0, landmark_term = 0, colour_term = 0;  // indices; 0: left out (the first term is a depth)
  // The tape's part of the loss, frozen for the photo: depths and probabilities.
  std::optional<Program<float>> program;
  Var<float> input, pictures;
  std::vector<Var<float>> parts, compared;  // one per term; the features of the depths
  Tensor<float> factors;                    // [1, parts], set before a run
  std::vector<float> average;
  Prior prior;
  double prior_scale = 1;  // 1 / sum of the terms' weights

  // The judge's programs, from a picture to the terms; one a thread that judges.
  struct PictureProgram {
    Program<float> program;
    Var<float> picture;
    std::vector<Var<float>> parts;
  };
  std::mutex idle_mutex;
  std::vector<std::unique_ptr<PictureProgram>> idle;

  std::int64_t input_side() const { return extractor->architecture().input_size; }

  Var<float> to_input(Var<float> picture) const {
    const Shape shape = picture.shape();
    const bool fits = shape.rank() == 4 && shape[2] == input_side() && shape[3] == input_side();
    return fits ? picture : resize_bilinear(picture, input_side(), input_side());
  }

  // The terms of the depths and of the probabilities, and the features that the depths compare.
  std::pair<std::vector<Var<float>>, std::vector<Var<float>>> compare(Tape<float>& tape, Var<float> picture) const {
    std::vector<Var<float>> distances, centred;
    const std::vector<Var<float>> found = extractor->features(to_input(picture));
    for (std::size_t d = 0; d < depths.size() && d < found.size(); ++d) {
      centred.push_back(depths[d].scaled(tape, found[d]));
      distances.push_back(depths[d].distance(tape, centred.back(), options.loss));
    }
    if (probability_term > 0) {
      distances.push_back(l1_mean(softmax(extractor->segment(found), 1), tape.constant(probabilities), tape.constant(covered)));
    }
    return {std::move(distances), std::move(centred)};
  }

  // Records and freezes the tape's part of the loss.
  Status freeze_program() {
    Tape<float> tape(Recording::deferred);
    input = tape.variable({static_cast<std::int64_t>(average.size())}, average);
    std::tie(parts, compared) = compare(tape, (*generator)(input));
    const auto count = static_cast<std::int64_t>(parts.size());
    factors = {{1, count}, std::vector<float>(parts.size(), 1.0F)};
    std::vector<Var<float>> numbers;
    for (const Var<float>& part : parts) numbers.push_back(reshape(part, {1}));
    pictures = linear(concat(std::span<const Var<float>>(numbers)), tape.constant(factors), {});
    std::vector<Var<float>> outputs = parts;
    outputs.insert(outputs.end(), compared.begin(), compared.end());
    Result<Program<float>> frozen = freeze<float>({.loss = pictures, .gradients = {input}, .outputs = std::move(outputs)});
    if (!frozen.ok()) return frozen.status();
    program = std::move(*frozen);
    return Status::success();
  }

  Result<Value> evaluate(std::span<const float> x, std::span<float> gradient) {
    if (x.size() != schema->size() || terms.empty() || !program)
      return Status{Code::invalid_argument, "the objective has no photo, or x another length"};
    if (!gradient.empty() && gradient.size() != x.size()) return Status{Code::invalid_argument, "the gradient has another length than x"};
    for (std::size_t t = 0; t < parts.size(); ++t) factors.data[t] = static_cast<float>(terms[t].factor());
    std::ranges::copy(x, program->input(input).begin());
    program->forward();
    double apart = 0;
    for (std::size_t d = 0; d < compared.size(); ++d)
      apart += depths[d].dissimilarity(program->value(compared[d])) / static_cast<double>(compared.size());
    for (std::size_t t = 0; t < parts.size(); ++t) terms[t].value = static_cast<double>(program->value(parts[t])[0]);
    if (!gradient.empty()) {
      program->backward();
      std::ranges::copy(program->gradient(input), gradient.begin());
      if (colour_term > 0) {
        for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] *= 1 - companions->routed()[i];
      }
    }
    const double beside = beside_pictures(x, gradient);
    Value value{program->value(pictures)[0] + beside, std::clamp(1 - apart, 0.0, 1.0), {}};
    double rest = beside;
    for (std::size_t t = 0; t < terms.size(); ++t) {
      value.terms.push_back(terms[t].value * terms[t].factor());
      if (t >= parts.size()) rest -= value.terms.back();
    }
    value.terms.push_back(rest);
    return value;
  }

  // The terms that no picture is needed for, and their gradient added.
  double beside_pictures(std::span<const float> x, std::span<float> gradient) {
    double loss = prior.evaluate(x, prior_scale, gradient);
    if (landmark_term > 0) {
      Weighted& term = terms[landmark_term];
      term.value = landmarks.evaluate(*companions, x, term.factor(), gradient);
      loss += term.value * term.factor();
    }
    if (colour_term > 0) {
      Weighted& term = terms[colour_term];
      term.value = colours.evaluate(*companions, x, term.factor(), gradient);
      loss += term.value * term.factor();
    }
    return loss;
  }

  Result<std::unique_ptr<PictureProgram>> take_program() {
    {
      const std::lock_guard lock(idle_mutex);
      if (!idle.empty()) {
        std::unique_ptr<PictureProgram> taken = std::move(idle.back());
        idle.pop_back();
        return taken;
      }
    }
    Tape<float> tape(Recording::deferred);
    const std::vector<float> black(3 * static_cast<std::size_t>(input_side() * input_side()));
    const Var<float> picture = tape.variable({1, 3, input_side(), input_side()}, black);
    std::vector<Var<float>> distances = compare(tape, picture).first;
    Result<Program<float>> frozen = freeze<float>({.outputs = distances});
    if (!frozen.ok()) return frozen.status();
    return std::make_unique<PictureProgram>(PictureProgram{std::move(*frozen), picture, std::move(distances)});
  }

  // The loss with the client's picture, its landmarks and colours in the networks' place.
  Result<double> judge(std::span<const float> x) {
    const Result<Rendering> rendered =
        options.judge->render(x, {.size = static_cast<int>(input_side()), .labels = colour_term > 0, .neutral = false});
    if (!rendered.ok()) return rendered.status();
    Image picture(rendered->size, rendered->size, 3);
    picture.pixels = rendered->rgb;
    Result<std::unique_ptr<PictureProgram>> taken = take_program();
    if (!taken.ok()) return taken.status();
    PictureProgram& look = **taken;
    std::ranges::copy(planes(picture), look.program.input(look.picture).begin());
    look.program.forward();
    double loss = prior.evaluate(x, prior_scale, {});
    for (std::size_t t = 0; t < look.parts.size(); ++t) loss += look.program.value(look.parts[t])[0] * terms[t].factor();
    if (landmark_term > 0) {
      std::array<double, 136> points;
      for (std::size_t i = 0; i < points.size(); ++i) points[i] = rendered->landmarks[i / 2][i % 2] * (512.0 / rendered->size);
      loss += landmarks.distance(points) * terms[landmark_term].factor();
    }
    if (colour_term > 0) {
      const RegionColours seen = region_colours(rendered->rgb, rendered->labels);
      loss += colours.distance(seen.colours, seen.there) * terms[colour_term].factor();
    }
    const std::lock_guard lock(idle_mutex);
    idle.push_back(std::move(*taken));
    return loss;
  }

  Result<std::vector<double>> judge_all(std::span<const std::vector<float>> characters) {
    std::vector<double> losses(characters.size());
    std::vector<Status> failures(characters.size());
    parallel_for(static_cast<std::int64_t>(characters.size()), [&](std::int64_t i) {
      const auto at = static_cast<std::size_t>(i);
      const Result<double> loss = judge(characters[at]);
      if (loss.ok()) {
        losses[at] = *loss;
      } else {
        failures[at] = loss.status();
      }
    });
    for (Status& failure : failures) {
      if (!failure.ok()) return std::move(failure);
    }
    return losses;
  }

  Status set_photo(const FramedPhoto& photo, const ObjectiveOptions& wanted);
  Status set_terms(const FramedPhoto& photo);
};

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
  if (photo.landmarks != nullptr) photo_points = *photo.landmarks;
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
  colours = {};
  if (extractor->has_head()) {
    const Var<float> found = softmax(extractor->segment(features), 1);
    if (!tape.status().ok()) return tape.status();
    if (found.shape() == Shape{1, static_cast<std::int64_t>(kClasses), side, side}) {
      probabilities = {found.shape(), std::vector<float>(found.value().begin(), found.value().end())};
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
  for (const Weighted& term : terms) sum += term.share;
  if (!(sum > 0)) return {Code::invalid_argument, "the objective has no term with a weight"};
  for (Weighted& term : terms) term.share /= sum;
  prior = Prior(*schema, companions, weights);
  prior_scale = 1 / sum;

  if (Status status = freeze_program(); !status.ok()) return status;
  if (const Result<Value> value = evaluate(average, {}); !value.ok()) return value.status();
  for (Weighted& term : terms) {
    if (!std::isfinite(term.value)) return {Code::diverged, "the average face's distance from the photo is not finite"};
    term.unit = std::max(term.value, term.least);
  }
  return Status::success();
}

std::vector<float> place_weights(std::span<const float> probabilities, std::size_t places) {
  std::vector<float> weights(places, kEverywhere);
  for (std::size_t c = 0; c < kClasses; ++c) {
    for (std::size_t i = 0; i < places; ++i) weights[i] += kClassWeight[c] * probabilities[c * places + i];
  }
  return weights;
}

Result<Picture> generate_picture(const Generator<float>& generator, Tape<float>& tape, std::span<const float> x) {
  const Var<float> picture = generator(tape.constant({static_cast<std::int64_t>(x.size())}, x));
  if (!tape.status().ok()) return tape.status();
  const int size = generator.size();
  const std::size_t area = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
  if (picture.value().size() != 3 * area) return Status{Code::corrupt_model, "the generator draws no square RGB picture"};
  Picture out{size, std::vector<std::uint8_t>(3 * area)};
  for (std::size_t i = 0; i < area; ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      const float v = picture.value()[c * area + i];
      out.rgb[3 * i + c] = static_cast<std::uint8_t>(std::clamp(std::isfinite(v) ? v : 0.0F, 0.0F, 1.0F) * 255 + 0.5F);
    }
  }
  return out;
}

ObjectiveOptions plain_objective(LossKind loss) {
  return {.loss = loss,
          .weights = {.probabilities = 0,
                      .landmarks = 0,
                      .colours = 0,
                      .prior = 0,
                      .nuisance_prior = 0,
                      .light_prior = 0,
                      .tint_prior = 0,
                      .weigh_places = false,
                      .centre_domains = false}};
}

Objective::Objective(std::unique_ptr<State> state) : state_(std::move(state)) {}
Objective::~Objective() = default;

Result<std::unique_ptr<Objective>> Objective::create(const Generator<float>& generator, const ResidualNet<float>& extractor,
                                                     const Schema& schema, const Companions* companions) {
  if (generator.architecture().inputs != static_cast<int>(schema.size())) {
    return Status{Code::schema_mismatch, "the generator takes " + std::to_string(generator.architecture().inputs) +
                                             " entries, the scene has " + std::to_string(schema.size()) +
                                             ": use the model that was trained for this scene"};
  }
  auto state = std::make_unique<State>();
  state->generator = &generator;
  state->extractor = &extractor;
  state->schema = &schema;
  state->companions = companions;
  state->average = schema.default_vector();
  return std::unique_ptr<Objective>(new Objective(std::move(state)));
}

Status Objective::set_photo(const FramedPhoto& photo, const ObjectiveOptions& options) {
  const Image &picture = photo.picture, &coverage = photo.coverage;
  if (picture.channels != 3 || coverage.channels != 1 || picture.width != picture.height || coverage.width != picture.width ||
      coverage.height != picture.height || picture.width < 1) {
    return {Code::invalid_argument, "the objective compares with a square RGB picture and its coverage"};
  }
  return state_->set_photo(photo, options);
}

Result<Objective::Value> Objective::evaluate(std::span<const float> x, std::span<float> gradient) { return state_->evaluate(x, gradient); }

bool Objective::evaluate_coarse(std::span<const float> x, std::span<float> gradient) {
  if (state_->landmark_term == 0 || x.size() != state_->schema->size() || gradient.size() != x.size()) return false;
  std::ranges::fill(gradient, 0.0F);
  state_->beside_pictures(x, gradient);
  return true;
}

Result<std::vector<double>> Objective::judge(std::span<const std::vector<float>> characters) {
  if (state_->options.judge == nullptr) return SearchProblem::judge(characters);
  for (const std::vector<float>& x : characters) {
    if (x.size() != state_->schema->size() || state_->terms.empty()) {
      return Status{Code::invalid_argument, "the objective has no photo, or x another length"};
    }
  }
  return state_->judge_all(characters);
}

Result<std::vector<float>> Objective::guess(const Encoder& encoder) const {
  EncoderInput input{.domain = state_->photo_domain, .shallow = state_->shallow, .deep = state_->deep, .colours = state_->colours.target()};
  if (state_->photo_points) input.landmarks = &*state_->photo_points;
  for (std::size_t region = 0; region < kColourRegions; ++region) input.seen[region] = state_->colours.seen(region);
  return encoder(input);
}

Result<Picture> Objective::generate(std::span<const float> x) {
  if (x.size() != state_->schema->size()) return Status{Code::invalid_argument, "x has another length than the schema"};
  Tape<float> tape;
  return generate_picture(*state_->generator, tape, x);
}

const Program<float>* Objective::program() const { return state_->program ? &*state_->program : nullptr; }

std::vector<std::string> Objective::term_names() const {
  std::vector<std::string> names;
  for (const Weighted& term : state_->terms) names.push_back(term.name);
  names.emplace_back("prior");
  return names;
}

Labels Objective::labels() const {
  const std::vector<float>& p = state_->probabilities.data;
  const std::size_t places = p.size() / kClasses;
  if (places == 0) return {};
  Labels labels{static_cast<int>(state_->probabilities.shape[3]), std::vector<std::uint8_t>(places)};
  for (std::size_t i = 0; i < places; ++i) {
    for (std::size_t c = 1; c < kClasses; ++c) {
      if (p[c * places + i] > p[labels.classes[i] * places + i]) labels.classes[i] = static_cast<std::uint8_t>(c);
    }
  }
  return labels;
}

}  // namespace likeness
