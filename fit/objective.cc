#include "fit/objective.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>

#include "image/resample.hpp"

namespace likeness {
namespace {

constexpr double kPriorUnit = 0.25;  // of x: about one standard deviation of the sliders of plausible characters
constexpr std::size_t kClasses = 11;
constexpr float kEverywhere = 0.15F;
constexpr std::array<float, kClasses> kClassWeight = {0, 1, 1, 2, 2, 2, 2, 2, 2, 0, 2};
// The least divisors: a photo whose landmarks or colours are nearly the average's must not make a term of noise.
constexpr double kLeastLandmarks = 0.25, kLeastColours = 0.04, kLeast = 1e-9;

// What the loss needs of the photo at one depth.
struct Depth {
  Tensor<float> target;  // [1, C, H, W], shifted so that it compares with scale * feature: see State::aim()
  Tensor<float> shift;   // [C, H, W] or empty: scale * feature - shift is the centred feature
  Tensor<float> scale;   // [C] or empty: 1 / deviation over renders
  Tensor<float> zero;    // [C], the shift of the affine operation
  Tensor<float> places;  // [1, 1, H, W]
};

// A term of the loss: its value in the last evaluation, and what it is multiplied by.
struct Weighted {
  const char* name;
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

  std::vector<Depth> depths;
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
  // Entries that are held to the average: shape, pose and expression; tints. Pose and expression too: a brow that is lifted by the muscle
  // and lowered by its shape would look right in the fit and wrong in the neutral character.
  struct Held {
    std::vector<std::size_t> entries;
    double weight = 0;  // of the mean squared distance
  };
  Held shapes, tints;

  std::int64_t input_side() const { return extractor->architecture().input_size; }

  Var<float> to_input(Var<float> picture) const {
    const Shape shape = picture.shape();
    const bool fits = shape.rank() == 4 && shape[2] == input_side() && shape[3] == input_side();
    return fits ? picture : resize_bilinear(picture, input_side(), input_side());
  }

  // Sets one depth's target from the photo's features [1, C, H, W].
  //
  // Centred, the photo is a = (f - m_p) / s_p and the generated picture b = (g - m_r) / s_r. Their difference is that of
  // a + m_r / s_r, which is constant, and g / s_r, which is one affine operation on the tape.
  Status aim(std::size_t d, const Var<float>& feature, PictureDomain domain) {
    Depth& depth = depths[d];
    const Shape shape = feature.shape();
    depth = {};
    depth.target = {shape, std::vector<float>(feature.value().begin(), feature.value().end())};
    if (!std::ranges::all_of(depth.target.data, [](float v) { return std::isfinite(v); })) {
      return {Code::diverged, "the extractor's features of the photo are not finite"};
    }
    const FeatureStatistics<float>& renders = extractor->render_statistics();
    const FeatureStatistics<float>& photos = domain == PictureDomain::render ? renders : extractor->photo_statistics();
    const auto has = [&](const FeatureStatistics<float>& s) {
      return d < s.mean.size() && d < s.std.size() && s.mean[d].data.size() == depth.target.data.size() &&
             s.std[d].data.size() == static_cast<std::size_t>(shape[1]);
    };
    if (!options.centre_domains || !has(photos) || !has(renders)) return Status::success();
    const std::size_t channels = photos.std[d].data.size(), area = depth.target.data.size() / channels;
    depth.scale = {{shape[1]}, std::vector<float>(channels)};
    depth.zero = {{shape[1]}, std::vector<float>(channels)};
    depth.shift = {{shape[1], shape[2], shape[3]}, std::vector<float>(channels * area)};
    for (std::size_t c = 0; c < channels; ++c) {
      depth.scale.data[c] = 1 / renders.std[d].data[c];
      for (std::size_t i = c * area; i < (c + 1) * area; ++i) {
        depth.shift.data[i] = renders.mean[d].data[i] * depth.scale.data[c];
        depth.target.data[i] = (depth.target.data[i] - photos.mean[d].data[i]) / photos.std[d].data[c] + depth.shift.data[i];
      }
    }
    return Status::success();
  }

  // sum w |a - b| / sum w (|a| + |b|), of features that the tape has just computed.
  static double distance(const Depth& depth, std::span<const float> feature) {
    const std::size_t area = depth.places.data.size();
    double apart = 0, together = 0;
    for (std::size_t i = 0; i < feature.size(); ++i) {
      const double shift = depth.shift.data.empty() ? 0 : depth.shift.data[i];
      const double a = depth.target.data[i] - shift, b = feature[i] - shift, w = depth.places.data[i % area];
      apart += w * std::abs(a - b);
      together += w * (std::abs(a) + std::abs(b));
    }
    return together > 0 ? apart / together : 0;
  }

  // Records and freezes the tape's part of the loss.
  Status freeze_program() {
    Tape<float> tape(Recording::deferred);
    parts.clear();
    compared.clear();
    input = tape.variable({static_cast<std::int64_t>(average.size())}, average);
    const std::vector<Var<float>> found = extractor->features(to_input((*generator)(input)));
    for (std::size_t d = 0; d < depths.size() && d < found.size(); ++d) {
      const Depth& depth = depths[d];
      Var<float> feature = found[d];
      if (!depth.scale.data.empty()) feature = affine(feature, tape.constant(depth.scale), tape.constant(depth.zero));
      const Var<float> target = tape.constant(depth.target), places = tape.constant(depth.places);
      parts.push_back(options.loss == LossKind::l1 ? l1_mean(feature, target, places) : l2_mean(feature, target, places));
      compared.push_back(feature);
    }
    if (probability_term > 0) {
      parts.push_back(l1_mean(softmax(extractor->segment(found), 1), tape.constant(probabilities), tape.constant(covered)));
    }
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
      apart += distance(depths[d], program->value(compared[d])) / static_cast<double>(compared.size());
    for (std::size_t t = 0; t < parts.size(); ++t) terms[t].value = static_cast<double>(program->value(parts[t])[0]);
    if (!gradient.empty()) {
      program->backward();
      std::ranges::copy(program->gradient(input), gradient.begin());
      if (colour_term > 0) {
        for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] *= 1 - companions->routed()[i];
      }
    }
    double loss = program->value(pictures)[0];
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
    return Value{loss + hold(shapes, x, gradient) + hold(tints, x, gradient), std::clamp(1 - apart, 0.0, 1.0)};
  }

  // weight * mean z^2, and its gradient added.
  double hold(const Held& held, std::span<const float> x, std::span<float> gradient) const {
    if (held.entries.empty()) return 0;
    const double factor = held.weight / (static_cast<double>(held.entries.size()) * kPriorUnit * kPriorUnit);
    double sum = 0;
    for (const std::size_t i : held.entries) {
      const double z = x[i] - average[i];
      sum += z * z;
      if (!gradient.empty()) gradient[i] += static_cast<float>(2 * factor * z);
    }
    return factor * sum;
  }

  Status set_photo(const FramedPhoto& photo, const ObjectiveOptions& wanted);
  Status set_terms(const FramedPhoto& photo);
};

// Places, probabilities, colours: everything that the photo's classes decide.
Status Objective::State::set_photo(const FramedPhoto& photo, const ObjectiveOptions& wanted) {
  options = wanted;
  terms.clear();
  program.reset();
  Tape<float> tape;
  const std::int64_t frame = photo.picture.width;
  const Tensor<float> pixels{{1, 3, frame, frame}, planes(photo.picture)};
  const std::vector<Var<float>> features = extractor->features(to_input(tape.constant(pixels)));
  if (!tape.status().ok()) return tape.status();
  depths.assign(features.size(), {});
  for (std::size_t d = 0; d < features.size(); ++d) {
    if (Status status = aim(d, features[d], photo.domain); !status.ok()) return status;
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
      for (std::size_t i = 0; i < places && options.weigh_places; ++i) map[i] *= weights[i];
      const Result<std::vector<float>> rgb = shrink(pixels.data, 3, frame, side);
      if (!rgb.ok()) return rgb.status();
      if (companions != nullptr) colours = likeness::colour_term(*rgb, found.value(), *coverage);
    }
  }
  for (std::size_t d = 0; d < depths.size(); ++d) {
    const std::int64_t size = features[d].shape()[2];
    Result<std::vector<float>> weights = shrink(map, 1, side, size);
    if (!weights.ok()) return weights.status();
    depths[d].places = {{1, 1, size, size}, std::move(*weights)};
  }
  if (companions != nullptr && photo.landmarks != nullptr) landmarks = LandmarkTerm(*companions, *photo.landmarks, photo.domain);
  return set_terms(photo);
}

// Which terms there are, and their units: the average character's values.
Status Objective::State::set_terms(const FramedPhoto& photo) {
  const double depth_sum =
      options.depths.empty() ? static_cast<double>(depths.size()) : std::accumulate(options.depths.begin(), options.depths.end(), 0.0);
  for (std::size_t d = 0; d < depths.size(); ++d) {
    const double depth = options.depths.empty() ? 1 : (d < options.depths.size() ? options.depths[d] : 0);
    terms.push_back({"features", options.features * depth / depth_sum, kLeast});
  }
  const auto add = [this](const char* name, double weight, bool possible, double least) -> std::size_t {
    if (!possible || !(weight > 0)) return 0;
    terms.push_back({name, weight, least});
    return terms.size() - 1;
  };
  probability_term = add("probabilities", options.probabilities, !probabilities.data.empty(), kLeast);
  landmark_term = add("landmarks", options.landmarks, companions != nullptr && photo.landmarks != nullptr, kLeastLandmarks);
  colour_term = add("colours", options.colours, companions != nullptr && colours.active(), kLeastColours);
  double sum = 0;
  for (const Weighted& term : terms) sum += term.share;
  if (!(sum > 0)) return {Code::invalid_argument, "the objective has no term with a weight"};
  for (Weighted& term : terms) term.share /= sum;
  shapes.weight = options.prior / sum;
  tints.weight = options.tint_prior * static_cast<double>(tints.entries.size()) / sum;

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
          .features = 1,
          .probabilities = 0,
          .landmarks = 0,
          .colours = 0,
          .prior = 0,
          .tint_prior = 0,
          .weigh_places = false,
          .centre_domains = false,
          .depths = {}};
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
  for (const Parameter& p : schema.parameters()) {
    if (p.type != ParameterType::continuous) continue;
    const bool tint = companions != nullptr && companions->routed()[p.offset] > 0;
    (tint ? state->tints : state->shapes).entries.push_back(p.offset);
  }
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

Result<Picture> Objective::generate(std::span<const float> x) {
  if (x.size() != state_->schema->size()) return Status{Code::invalid_argument, "x has another length than the schema"};
  Tape<float> tape;
  return generate_picture(*state_->generator, tape, x);
}

const Program<float>* Objective::program() const { return state_->program ? &*state_->program : nullptr; }

std::vector<Objective::Term> Objective::terms() const {
  std::vector<Term> terms;
  for (const Weighted& term : state_->terms) terms.push_back({term.name, term.value / term.unit});
  return terms;
}

}  // namespace likeness
