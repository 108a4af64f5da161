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
  std::vector<Var<float>> distances = compare(tape, picture).first;
  Result<Program<float>> frozen = freeze<float>({.outputs = distances});
  if (!frozen.ok()) return frozen.status();
  return std::make_unique<PictureProgram>(PictureProgram{std::move(*frozen), picture, std::move(distances)});
}

Result<double> Objective::State::judge(std::span<const float> x) {
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
