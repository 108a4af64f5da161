#include "fit/objective.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>

#include "image/resample.hpp"

namespace likeness {
namespace {

constexpr double kPriorUnit = 0.2;  // of x: about one standard deviation of the sliders of plausible characters
constexpr std::size_t kClasses = 11;
constexpr float kEverywhere = 0.15F;
constexpr std::array<float, kClasses> kClassWeight = {0, 1, 1, 2, 2, 2, 2, 2, 2, 0, 2};

// What the loss needs of the photo at one depth.
struct Depth {
  Tensor<float> target;  // [1, C, H, W], shifted so that it compares with scale * feature: see Objective::State::aim()
  Tensor<float> shift;   // [C, H, W] or empty: scale * feature - shift is the centred feature
  Tensor<float> scale;   // [C] or empty: 1 / deviation over renders
  Tensor<float> zero;    // [C], the shift of the affine operation
  Tensor<float> places;  // [1, 1, H, W]
  double weight = 1;     // u_d / L_d(average)
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

}  // namespace

struct Objective::State {
  const Generator<float>* generator;
  const ResidualNet<float>* extractor;
  const Schema* schema;
  Tape<float> tape;
  ObjectiveOptions options;
  std::vector<Depth> depths;
  Tensor<float> neutral;  // [P] the average
  Tensor<float> held;     // [P] 1 where the prior holds
  bool holds_any = false;
  std::vector<double> values;  // L_d of the last evaluation

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
  Status aim(std::size_t d, const Var<float>& feature) {
    Depth& depth = depths[d];
    const Shape shape = feature.shape();
    depth = {};
    depth.target = {shape, std::vector<float>(feature.value().begin(), feature.value().end())};
    if (!std::ranges::all_of(depth.target.data, [](float v) { return std::isfinite(v); })) {
      return {Code::diverged, "the extractor's features of the photo are not finite"};
    }
    const FeatureStatistics<float>&photos = extractor->photo_statistics(), &renders = extractor->render_statistics();
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

  Result<Value> evaluate(std::span<const float> x, std::span<float> gradient) {
    if (x.size() != schema->size() || depths.empty())
      return Status{Code::invalid_argument, "the objective has no photo, or x another length"};
    tape.clear();
    const Shape shape{static_cast<std::int64_t>(x.size())};
    Var<float> input = gradient.empty() ? tape.constant(shape, x) : tape.variable(shape, x);
    const std::vector<Var<float>> features = extractor->features(to_input((*generator)(input)));
    std::vector<Var<float>> terms;
    std::vector<float> weights;
    double apart = 0;
    values.assign(depths.size(), 0);
    for (std::size_t d = 0; d < depths.size() && d < features.size(); ++d) {
      const Depth& depth = depths[d];
      Var<float> feature = features[d];
      if (!depth.scale.data.empty()) feature = affine(feature, tape.constant(depth.scale), tape.constant(depth.zero));
      const Var<float> target = tape.constant(depth.target), places = tape.constant(depth.places);
      terms.push_back(options.loss == LossKind::l1 ? l1_mean(feature, target, places) : l2_mean(feature, target, places));
      weights.push_back(static_cast<float>(depth.weight));
      values[d] = static_cast<double>(terms.back().item());
      if (feature.valid()) apart += distance(depth, feature.value()) / static_cast<double>(depths.size());
    }
    if (options.prior > 0 && holds_any) {
      terms.push_back(l2_mean(input, tape.constant(neutral), tape.constant(held)));
      weights.push_back(static_cast<float>(options.prior / (kPriorUnit * kPriorUnit)));
    }
    const Var<float> loss = weighted_sum(std::span<const Var<float>>(terms), std::span<const float>(weights));
    if (!tape.status().ok()) return tape.status();
    if (!gradient.empty()) {
      if (Status status = tape.backward(loss); !status.ok()) return status;
      std::ranges::copy(input.gradient(), gradient.begin());
    }
    return Value{loss.item(), std::clamp(1 - apart, 0.0, 1.0)};
  }
};

std::vector<float> place_weights(std::span<const float> logits, std::size_t places) {
  std::vector<float> weights(places, kEverywhere);
  for (std::size_t i = 0; i < places; ++i) {
    float top = logits[i], sum = 0, weighted = 0;
    for (std::size_t c = 1; c < kClasses; ++c) top = std::max(top, logits[c * places + i]);
    for (std::size_t c = 0; c < kClasses; ++c) {
      const float p = std::exp(logits[c * places + i] - top);
      sum += p;
      weighted += p * kClassWeight[c];
    }
    weights[i] += weighted / sum;
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
  return {.loss = loss, .weigh_places = false, .centre_domains = false, .prior = 0, .depths = {}};
}

Objective::Objective(std::unique_ptr<State> state) : state_(std::move(state)) {}
Objective::~Objective() = default;

Result<std::unique_ptr<Objective>> Objective::create(const Generator<float>& generator, const ResidualNet<float>& extractor,
                                                     const Schema& schema) {
  if (generator.architecture().inputs != static_cast<int>(schema.size())) {
    return Status{Code::schema_mismatch, "the generator takes " + std::to_string(generator.architecture().inputs) +
                                             " entries, the scene has " + std::to_string(schema.size()) +
                                             ": use the model that was trained for this scene"};
  }
  auto state = std::make_unique<State>();
  state->generator = &generator;
  state->extractor = &extractor;
  state->schema = &schema;
  const Shape shape{static_cast<std::int64_t>(schema.size())};
  state->neutral = {shape, schema.default_vector()};
  state->held = {shape, std::vector<float>(schema.size())};
  for (const Parameter& p : schema.parameters()) {
    if (p.type != ParameterType::continuous || p.role != ParameterRole::identity) continue;
    state->held.data[p.offset] = 1;
    state->holds_any = true;
  }
  return std::unique_ptr<Objective>(new Objective(std::move(state)));
}

Result<Objective::Value> Objective::evaluate(std::span<const float> x, std::span<float> gradient) { return state_->evaluate(x, gradient); }

Result<Picture> Objective::generate(std::span<const float> x) {
  State& state = *state_;
  if (x.size() != state.schema->size()) return Status{Code::invalid_argument, "x has another length than the schema"};
  state.tape.clear();
  return generate_picture(*state.generator, state.tape, x);
}

Status Objective::set_photo(const Image& picture, const Image& coverage, const ObjectiveOptions& options) {
  if (picture.channels != 3 || coverage.channels != 1 || picture.width != picture.height || coverage.width != picture.width ||
      coverage.height != picture.height || picture.width < 1) {
    return {Code::invalid_argument, "the objective compares with a square RGB picture and its coverage"};
  }
  State& state = *state_;
  state.options = options;
  state.tape.clear();
  const Tensor<float> pixels{{1, 3, picture.height, picture.width}, planes(picture)};
  const std::vector<Var<float>> features = state.extractor->features(state.to_input(state.tape.constant(pixels)));
  if (!state.tape.status().ok()) return state.tape.status();
  state.depths.assign(features.size(), {});
  for (std::size_t d = 0; d < features.size(); ++d) {
    if (Status status = state.aim(d, features[d]); !status.ok()) return status;
  }

  // What each place counts, at the finest depth's resolution; coarser depths take the mean.
  const std::int64_t side = features[0].shape()[2];
  Result<std::vector<float>> map =
      resize_planes(planes(coverage), 1, coverage.height, coverage.width, static_cast<int>(side), static_cast<int>(side), Filter::box);
  if (!map.ok()) return map.status();
  if (options.weigh_places && state.extractor->has_head()) {
    const Var<float> logits = state.extractor->segment(features);
    if (!state.tape.status().ok()) return state.tape.status();
    if (logits.shape() == Shape{1, static_cast<std::int64_t>(kClasses), side, side}) {
      const std::vector<float> weights = place_weights(logits.value(), map->size());
      for (std::size_t i = 0; i < map->size(); ++i) (*map)[i] *= weights[i];
    }
  }
  if (!(std::accumulate(map->begin(), map->end(), 0.0) > 0)) return {Code::invalid_argument, "the photo covers nothing of the face"};
  double depth_sum = 0;
  for (std::size_t d = 0; d < state.depths.size(); ++d) {
    const Shape shape = features[d].shape();
    Result<std::vector<float>> places = resize_planes(*map, 1, static_cast<int>(side), static_cast<int>(side), static_cast<int>(shape[2]),
                                                      static_cast<int>(shape[3]), Filter::box);
    if (!places.ok()) return places.status();
    state.depths[d].places = {{1, 1, shape[2], shape[3]}, std::move(*places)};
    depth_sum += d < options.depths.size() ? options.depths[d] : 1;
  }

  // Each depth's value at the average character becomes its unit.
  if (const Result<Value> value = state.evaluate(state.neutral.data, {}); !value.ok()) return value.status();
  for (std::size_t d = 0; d < state.depths.size(); ++d) {
    const double share = (d < options.depths.size() ? options.depths[d] : 1) / depth_sum;
    if (!std::isfinite(state.values[d])) return {Code::diverged, "the average face's distance from the photo is not finite"};
    state.depths[d].weight = share / std::max(state.values[d], 1e-12);
  }
  return Status::success();
}

}  // namespace likeness
