#include "fit/objective.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>

#include "fit/objective_state.hpp"

namespace likeness {

Var<float> Objective::State::to_input(Var<float> picture) const {
  const Shape shape = picture.shape();
  const bool fits = shape.rank() == 4 && shape[2] == input_side() && shape[3] == input_side();
  return fits ? picture : resize_bilinear(picture, input_side(), input_side());
}

std::vector<Var<float>> Objective::State::Looks::all() const {
  std::vector<Var<float>> all = distances;
  all.insert(all.end(), features.begin(), features.end());
  if (probabilities.valid()) all.push_back(probabilities);
  return all;
}

Objective::State::Looks Objective::State::compare(Tape<float>& tape, Var<float> picture, Painter painter) const {
  Looks looks;
  const std::vector<Var<float>> found = extractor->features(to_input(picture));
  for (std::size_t d = 0; d < depths.size() && d < found.size(); ++d) {
    looks.features.push_back(depths[d].scaled(tape, found[d]));
    looks.distances.push_back(depths[d].distance(tape, looks.features.back(), options.loss, painter));
  }
  if (probability_term > 0) {
    looks.probabilities = softmax(extractor->segment(found), 1);
    const Tensor<float>& wanted = painter == Painter::client ? probabilities : imitated;
    looks.distances.push_back(l1_mean(looks.probabilities, tape.constant(wanted), tape.constant(covered)));
  }
  return looks;
}

double Objective::State::similarity(const Program<float>& from, const Looks& seen, Painter painter) const {
  double apart = 0;
  for (std::size_t d = 0; d < seen.features.size(); ++d)
    apart += depths[d].dissimilarity(from.value(seen.features[d]), painter) / static_cast<double>(seen.features.size());
  const std::span<const float> strangers = companions != nullptr ? companions->strangers() : std::span<const float>();
  if (strangers.empty() || !options.weights.centre_domains) return std::clamp(1 - apart, 0.0, 1.0);
  return std::erfc((strangers[0] - (1 - apart)) / (strangers[1] * std::numbers::sqrt2)) / 2;  // the normal distribution's
}

Result<Objective::Value> Objective::State::evaluate(std::span<const float> x, std::span<float> gradient) {
  if (x.size() != schema->size() || terms.empty() || !program)
    return Status{Code::invalid_argument, "the objective has no photo, or x another length"};
  if (!gradient.empty() && gradient.size() != x.size()) return Status{Code::invalid_argument, "the gradient has another length than x"};
  const std::vector<Var<float>>& parts = imitation.distances;
  for (std::size_t t = 0; t < parts.size(); ++t) factors.data[t] = static_cast<float>(terms[t].factor());
  std::ranges::copy(x, program->input(input).begin());
  program->forward();
  const double alike = similarity(*program, imitation, Painter::imitator);
  for (std::size_t t = 0; t < parts.size(); ++t) terms[t].value = static_cast<double>(program->value(parts[t])[0]);
  if (!gradient.empty()) {
    program->backward();
    std::ranges::copy(program->gradient(input), gradient.begin());
    if (colour_term > 0) {
      for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] *= 1 - companions->routed()[i];
    }
  }
  const double beside = beside_pictures(x, gradient);
  Value value{program->value(pictures)[0] + beside, alike, {}};
  double rest = beside;
  for (std::size_t t = 0; t < terms.size(); ++t) {
    value.terms.push_back(terms[t].value * terms[t].factor());
    if (t >= parts.size()) rest -= value.terms.back();
  }
  value.terms.push_back(rest);
  return value;
}

double Objective::State::beside_pictures(std::span<const float> x, std::span<float> gradient) {
  double loss = prior.evaluate(x, prior_scale, gradient);
  if (landmark_term > 0) {
    WeightedTerm& term = terms[landmark_term];
    term.value = landmarks.evaluate(*companions, x, term.factor(), gradient);
    loss += term.value * term.factor();
  }
  if (colour_term > 0) {
    WeightedTerm& term = terms[colour_term];
    term.value = colours.evaluate(*companions, x, term.factor(), gradient);
    loss += term.value * term.factor();
  }
  return loss;
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
                      .choice_prior = 0,
                      .guess = 0,
                      .iris = 0,
                      .glasses = 0,
                      .beard = 0,
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

bool Objective::shapes(std::size_t entry) const { return state_->companions == nullptr || state_->companions->moves_landmarks(entry); }

void Objective::lean(std::span<const float> x) { state_->prior.lean(x, state_->options.weights.guess); }

Result<Objective::Value> Objective::evaluate(std::span<const float> x, std::span<float> gradient) { return state_->evaluate(x, gradient); }

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

double Objective::step_seconds() const {
  double sum = 0;
  for (std::size_t i = 0; state_->program && i < state_->program->times().size(); ++i) sum += state_->program->times()[i].seconds;
  return sum;
}

const Program<float>* Objective::program() const { return state_->program ? &*state_->program : nullptr; }

std::vector<std::string> Objective::term_names() const {
  std::vector<std::string> names;
  for (const WeightedTerm& term : state_->terms) names.push_back(term.name);
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
