// Objective: characters compared by the client's own pictures of them.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/parallel.hpp"
#include "fit/objective_state.hpp"

namespace likeness {

Result<std::unique_ptr<Objective::State::PictureProgram>> Objective::State::take_program() {
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
  Looks seen = compare(tape, picture, Painter::client);
  Result<Program<float>> frozen = freeze<float>({.outputs = seen.all()});
  if (!frozen.ok()) return frozen.status();
  return std::make_unique<PictureProgram>(PictureProgram{std::move(*frozen), picture, std::move(seen)});
}

// The client's picture of x, looked at.
Result<Objective::State::Drawing> Objective::State::draw(std::span<const float> x) {
  const Result<Rendering> rendered =
      options.judge->render(x, {.size = static_cast<int>(input_side()), .labels = colour_term > 0, .neutral = false});
  if (!rendered.ok()) return rendered.status();
  Result<std::unique_ptr<PictureProgram>> taken = take_program();
  if (!taken.ok()) return taken.status();
  Drawing drawing{std::move(*taken), {}, {}, {}, {}, {}};
  Image picture(rendered->size, rendered->size, 3);
  picture.pixels = rendered->rgb;
  Program<float>& net = drawing.program->program;
  std::ranges::copy(planes(picture), net.input(drawing.program->picture).begin());
  net.forward();
  for (std::size_t i = 0; i < drawing.landmarks.size(); ++i)
    drawing.landmarks[i] = rendered->landmarks[i / 2][i % 2] * (512.0 / rendered->size);
  if (colour_term > 0) {
    // A bald head must not be spared the photo's hair colour.
    drawing.colours = companions->colours(x);
    const RegionColours seen = region_colours(rendered->rgb, rendered->labels);
    for (std::size_t c = 0; c < drawing.colours.size(); ++c) {
      if (seen.there[c / 3]) drawing.colours[c] = seen.colours[c];
    }
  }
  if (lines) drawing.lines = frame_lines(picture, rendered->landmarks);
  if (beard) drawing.beard = facial_hair(picture, rendered->landmarks);
  if (iris) drawing.iris = iris_colour(picture, rendered->landmarks);
  return drawing;
}

void Objective::State::put_back(Drawing drawing) {
  const std::lock_guard lock(idle_mutex);
  idle.push_back(std::move(drawing.program));
}

Result<double> Objective::State::judge(std::span<const float> x) {
  Result<Drawing> drawing = draw(x);
  if (!drawing.ok()) return drawing.status();
  const PictureProgram& look = *drawing->program;
  double loss = prior.evaluate(x, prior_scale, {});
  for (std::size_t t = 0; t < look.looks.distances.size(); ++t) loss += look.program.value(look.looks.distances[t])[0] * terms[t].factor();
  if (landmark_term > 0) loss += landmarks.distance(drawing->landmarks) * terms[landmark_term].factor();
  if (colour_term > 0) loss += colours.distance(drawing->colours) * terms[colour_term].factor();
  if (iris) {
    const double apart = drawing->iris ? iris_distance(*iris, *drawing->iris, photo_domain) : kHiddenIris;
    loss += prior_scale * options.weights.iris * iris_share * apart;
  }
  if (lines && drawing->lines) loss += prior_scale * options.weights.glasses * frame_distance(*lines, *drawing->lines);
  if (beard && drawing->beard) loss += prior_scale * options.weights.beard * facial_hair_distance(*beard, *drawing->beard);
  put_back(std::move(*drawing));
  return loss;
}

Status Objective::State::correct(std::span<const float> x) {
  Result<Drawing> drawing = draw(x);
  if (!drawing.ok()) return drawing.status();
  const PictureProgram& look = *drawing->program;
  std::ranges::copy(x, program->input(input).begin());
  program->forward();
  for (std::size_t d = 0; d < depths.size(); ++d)
    depths[d].correct(look.program.value(look.looks.features[d]), program->value(imitation.features[d]));
  if (probability_term > 0) {
    const std::span<const float> client = look.program.value(look.looks.probabilities), ours = program->value(imitation.probabilities);
    for (std::size_t i = 0; i < client.size(); ++i) imitated.data[i] = probabilities.data[i] - (client[i] - ours[i]);
  }
  if (landmark_term > 0) landmarks.correct(*companions, x, drawing->landmarks);
  if (colour_term > 0) colours.correct(*companions, x, drawing->colours);
  put_back(std::move(*drawing));
  return Status::success();
}

Result<std::vector<double>> Objective::State::judge_all(std::span<const std::vector<float>> characters) {
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

Result<double> Objective::similarity(std::span<const float> x) {
  if (state_->options.judge == nullptr) {
    const Result<Value> value = evaluate(x, {});
    if (!value.ok()) return value.status();
    return value->similarity;
  }
  if (x.size() != state_->schema->size() || !state_->program) {
    return Status{Code::invalid_argument, "the objective has no photo, or x another length"};
  }
  Result<State::Drawing> drawing = state_->draw(x);
  if (!drawing.ok()) return drawing.status();
  const double alike = state_->similarity(drawing->program->program, drawing->program->looks, Painter::client);
  state_->put_back(std::move(*drawing));
  return alike;
}

Status Objective::correct(std::span<const float> x) {
  if (state_->options.judge == nullptr) return Status::success();
  if (x.size() != state_->schema->size() || !state_->program) {
    return {Code::invalid_argument, "the objective has no photo, or x another length"};
  }
  return state_->correct(x);
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

}  // namespace likeness
