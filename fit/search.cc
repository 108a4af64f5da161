#include "fit/search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <variant>

#include "fit/objective_weights.hpp"
#include "fit/slider_groups.hpp"
#include "fit/stopwatch.hpp"
#include "likeness/optimizer.hpp"

namespace likeness {
namespace {

constexpr double kSoft = 3, kSharp = 12;                // softmax sharpness of the relaxed choices, first and last
constexpr double kStartScore = 0.8, kLeastScore = 0.4;  // of the likeliest option, and of any at the start
constexpr double kLastRate = 0.15;                      // of the first step size, at the last iteration
constexpr int kPatience = 12;
constexpr double kLeastGain = 1e-3;
constexpr int kMostHalvings = 5;
constexpr double kRelaxedShare = 0.5;
constexpr int kRounds = 2;  // of the descent with the choices fixed, each corrected anew

bool all_finite(std::span<const float> v) {
  return std::ranges::all_of(v, [](float f) { return std::isfinite(f); });
}

// Adam or SGD with a rate that falls geometrically.
class Stepper {
 public:
  Stepper(OptimizerKind kind, double rate, double decay) {
    if (kind == OptimizerKind::adam) {
      optimizer_.emplace<Adam<float>>(Adam<float>::Options{.rate = rate, .beta1 = 0.9, .beta2 = 0.99, .decay = {decay, 1}});
    } else {
      optimizer_.emplace<Sgd<float>>(Sgd<float>::Options{.rate = rate, .momentum = 0.9, .decay = {decay, 1}});
    }
  }
  void step(std::span<float> x, std::span<const float> gradient) {
    std::visit([&](auto& optimizer) { optimizer.step(x, gradient); }, optimizer_);
  }
  double rate() const {
    return std::visit([](const auto& optimizer) { return optimizer.rate(); }, optimizer_);
  }

 private:
  std::variant<Adam<float>, Sgd<float>> optimizer_{std::in_place_type<Adam<float>>, Adam<float>::Options{}};
};

class Search {
 public:
  Search(SearchProblem& problem, const Schema& schema, std::span<const float> start, const FitOptions& options)
      : problem_(problem), schema_(schema), options_(options), start_(start.begin(), start.end()), influence_(schema.parameters().size()) {
    has_choices_ = std::ranges::any_of(schema.parameters(), [](const Parameter& p) { return p.type == ParameterType::choice; });
    decay_ = std::pow(kLastRate, 1.0 / std::max(1, options.iterations - 1));
    rate_ = options.step;
  }

  Result<SearchResult> run() {
    std::vector<float> x = start_;
    if (has_choices_) {
      if (Status status = correct(x); !status.ok()) return status;
      const int relaxed = static_cast<int>(std::lround(kRelaxedShare * options_.iterations));
      const std::vector<float> soft = x;
      for (const Parameter& p : schema_.parameters()) {
        if (p.type != ParameterType::choice) continue;
        const std::span group = std::span(x).subspan(p.offset, p.size());
        const double top = *std::ranges::max_element(group);
        for (float& v : group) v = static_cast<float>(std::max(kLeastScore, kStartScore + std::log(v / top) / kSoft));
      }
      if (Status status = descend(x, relaxed, true); !status.ok()) return status;
      x = best_.x.empty() ? soft : best_.x;
      if (Status status = choose(x); !status.ok()) return status;
    }
    best_ = {};  // losses of relaxed points do not count: they are not characters
    for (int round = 0; round < kRounds && !ended_; ++round) {
      if (Status status = correct(x); !status.ok()) return status;
      best_ = {};  // nor do those from before a correction
      if (Status status = descend(x, (options_.iterations - used_) / (kRounds - round), false); !status.ok()) return status;
      if (!best_.x.empty()) x = best_.x;
    }
    if (best_.x.empty()) {  // ended during the relaxed stage
      const auto value = problem_.evaluate(x, {});
      if (!value.ok()) return value.status();
      if (!std::isfinite(value->loss)) return Status{Code::diverged, "the fit has no finite loss: the model or the photo is unusable"};
      best_ = {x, *value};
    }
    SearchResult result;
    if (!ended_ || stop_ == StopReason::plateau) {
      const Judging judging(*this);
      Result<JudgedGroups> judged = judge_groups(problem_, schema_, best_.x);
      if (!judged.ok()) return judged.status();
      result.groups = std::move(judged->groups);
      if (judged->x != best_.x) {
        const auto value = problem_.evaluate(judged->x, {});
        if (!value.ok()) return value.status();
        best_ = {std::move(judged->x), *value};
      }
    }
    result.x = best_.x;
    result.loss = best_.value.loss;
    result.similarity = best_.value.similarity;
    result.losses = std::move(losses_);
    result.terms = std::move(terms_);
    result.stop = stop_;
    result.judge_seconds = judge_seconds_;
    result.judge_step_seconds = judge_step_seconds_;
    return result;
  }

 private:
  struct Best {
    std::vector<float> x;  // scores in stage 1, weights afterwards
    SearchProblem::Value value{std::numeric_limits<double>::infinity(), 0};
  };

  // Adds the time until its end to the judge's.
  class Judging {
   public:
    explicit Judging(Search& search) : search_(search), steps_before_(search.problem_.step_seconds()) {}
    ~Judging() {
      search_.judge_seconds_ += watch_.seconds();
      search_.judge_step_seconds_ += search_.problem_.step_seconds() - steps_before_;
    }
    Judging(const Judging&) = delete;
    Judging& operator=(const Judging&) = delete;

   private:
    Search& search_;
    double steps_before_;
    Stopwatch watch_;
  };

  // At x, its choices made.
  Status correct(std::vector<float> x) {
    const Judging judging(*this);
    schema_.canonicalise(x);
    return problem_.correct(x);
  }

  // x with the choice groups turned from scores into weights.
  std::vector<float> relax(std::span<const float> scores, double beta) const {
    std::vector<float> x(scores.begin(), scores.end());
    for (const Parameter& p : schema_.parameters()) {
      if (p.type != ParameterType::choice) continue;
      const std::span group = std::span(x).subspan(p.offset, p.size());
      const float top = *std::ranges::max_element(group);
      float sum = 0;
      for (float& v : group) sum += v = static_cast<float>(std::exp(beta * (v - top)));
      for (float& v : group) v /= sum;
    }
    return x;
  }

  // The gradient with respect to the scores from that with respect to the weights y: beta y_i (g_i - sum_j y_j g_j).
  void through_softmax(std::span<const float> x, double beta, std::span<float> gradient) {
    for (std::size_t k = 0; k < schema_.parameters().size(); ++k) {
      const Parameter& p = schema_.parameters()[k];
      if (p.type != ParameterType::choice) continue;
      double mean = 0;
      for (std::size_t i = p.offset; i < p.offset + p.size(); ++i) mean += static_cast<double>(x[i]) * gradient[i];
      for (std::size_t i = p.offset; i < p.offset + p.size(); ++i) {
        gradient[i] = static_cast<float>(beta * x[i] * (gradient[i] - mean));
        influence_[k] += std::abs(gradient[i]);
      }
    }
  }

  void project(std::span<float> x, bool relaxed) const {
    for (const Parameter& p : schema_.parameters()) {
      const std::span group = x.subspan(p.offset, p.size());
      if (p.type == ParameterType::simplex) {
        project_simplex(group);
      } else if (p.type == ParameterType::continuous || relaxed) {
        project_box(group);
      }
    }
  }

  // Fixed choices: no gradient, so that neither optimiser moves them.
  void hold_choices(std::span<float> gradient) const {
    for (const Parameter& p : schema_.parameters()) {
      if (p.type == ParameterType::choice) std::ranges::fill(gradient.subspan(p.offset, p.size()), 0.0F);
    }
  }

  // `steps` gradient steps from x. Leaves the best point in best_.
  Status descend(std::vector<float> x, int steps, bool relaxed) {
    Stepper stepper(options_.optimizer, rate_, decay_);
    const std::vector<float> first = x;
    std::vector<float> gradient(x.size());
    double milestone = std::numeric_limits<double>::infinity();
    int since = 0;
    int halvings = 0;
    for (int i = 0; i < steps; ++i) {
      const double beta = kSoft + (kSharp - kSoft) * i / std::max(1, steps - 1);
      const std::vector<float> point = relaxed ? relax(x, beta) : x;
      const auto value = problem_.evaluate(point, gradient);
      if (!value.ok()) return value.status();
      if (!std::isfinite(value->loss) || !all_finite(gradient)) {
        if (halvings++ == kMostHalvings) {
          end(StopReason::diverged);
          break;
        }
        // Also where not even the start is finite: a client's or network's hiccup gets its five chances.
        x = best_.x.empty() ? first : best_.x;
        stepper = Stepper(options_.optimizer, stepper.rate() / 2, decay_);
        continue;
      }
      ++used_;
      losses_.push_back(value->loss);
      terms_.push_back(value->terms);
      if (value->loss < best_.value.loss) best_ = {x, *value};
      if (options_.progress && !options_.progress({used_, options_.iterations, value->loss, value->similarity})) {
        end(StopReason::cancelled);
        break;
      }
      // The relaxed picture is of no character, so its similarity stops nothing.
      if (!relaxed && value->similarity >= options_.threshold && options_.threshold < 1) {
        end(StopReason::threshold);
        break;
      }
      if (best_.value.loss < milestone * (1 - kLeastGain)) {
        milestone = best_.value.loss;
        since = 0;
      } else if (++since >= kPatience) {
        if (!relaxed) end(StopReason::plateau);
        break;
      }
      if (relaxed) {
        through_softmax(point, beta, gradient);
      } else {
        hold_choices(gradient);
      }
      stepper.step(x, gradient);
      project(x, relaxed);
    }
    rate_ = stepper.rate();
    return Status::success();
  }

  // Makes every choice group of x (scores) one-hot, by trying its options; the others stay at their likeliest. A shortlist of the
  // likeliest would miss: the relaxed mixture of grey hair and none prefers one of them to the short grey hair that it looks like.
  Status choose(std::vector<float>& x) {
    const Judging judging(*this);
    schema_.canonicalise(x);
    std::vector<std::size_t> order;
    for (std::size_t k = 0; k < schema_.parameters().size(); ++k) {
      if (schema_.parameters()[k].type == ParameterType::choice) order.push_back(k);
    }
    std::ranges::sort(
        order, [this](std::size_t a, std::size_t b) { return influence_[a] != influence_[b] ? influence_[a] > influence_[b] : a < b; });
    double known = std::numeric_limits<double>::quiet_NaN();  // x's loss, from the choice before
    for (const std::size_t k : order) {
      if (ended_) break;
      const Parameter& p = schema_.parameters()[k];
      std::vector<std::vector<float>> characters;
      for (std::size_t option = 0; option < p.size(); ++option) {
        std::vector<float> character = x;
        std::fill_n(character.begin() + static_cast<std::ptrdiff_t>(p.offset), p.size(), 0.0F);
        character[p.offset + option] = 1;
        if (std::isnan(known) || character != x) characters.push_back(std::move(character));
      }
      const Result<std::vector<double>> losses = problem_.judge(characters);
      if (!losses.ok()) return losses.status();
      // x stays, the likeliest, where no loss is a number.
      for (std::size_t i = 0; i < characters.size(); ++i) {
        const double loss = (*losses)[i];
        if (loss < known || (std::isnan(known) && !std::isnan(loss))) known = loss, x = std::move(characters[i]);
      }
    }
    return Status::success();
  }

  void end(StopReason reason) {
    stop_ = reason;
    ended_ = true;
  }

  SearchProblem& problem_;
  const Schema& schema_;
  const FitOptions& options_;
  std::vector<float> start_;
  std::vector<double> influence_;  // of each parameter: sum of |gradient| over the relaxed stage
  bool has_choices_ = false;
  double decay_ = 1, rate_ = 0;
  int used_ = 0;
  Best best_;
  std::vector<double> losses_;
  std::vector<std::vector<double>> terms_;
  double judge_seconds_ = 0, judge_step_seconds_ = 0;
  StopReason stop_ = StopReason::iterations;
  bool ended_ = false;
};

}  // namespace

const char* stop_name(StopReason reason) {
  switch (reason) {
    case StopReason::iterations:
      return "iterations";
    case StopReason::threshold:
      return "threshold";
    case StopReason::plateau:
      return "plateau";
    case StopReason::cancelled:
      return "cancelled";
    case StopReason::diverged:
      return "diverged";
  }
  return "unknown";
}

Status check_options(const FitOptions& options) {
  if (options.iterations < 1 || options.iterations > 10000) return {Code::invalid_argument, "iterations must be 1 to 10000"};
  if (!(options.step > 0) || !std::isfinite(options.step)) return {Code::invalid_argument, "the step must be a positive number"};
  if (!(options.threshold >= 0)) return {Code::invalid_argument, "the similarity threshold must be between 0 and 1"};
  return check_weights(options.weights);
}

Result<std::vector<double>> SearchProblem::judge(std::span<const std::vector<float>> characters) {
  std::vector<double> losses;
  for (const std::vector<float>& x : characters) {
    const Result<Value> value = evaluate(x, {});
    if (!value.ok()) return value.status();
    losses.push_back(value->loss);
  }
  return losses;
}

Result<SearchResult> search(SearchProblem& problem, const Schema& schema, std::span<const float> start, const FitOptions& options) {
  if (Status status = check_options(options); !status.ok()) return status;
  if (start.size() != schema.size()) return Status{Code::invalid_argument, "the start has another length than the schema"};
  return Search(problem, schema, start, options).run();
}

}  // namespace likeness
