// The search for the character: projected gradient descent on a relaxed problem, choices made one by one, then descent with the
// choices fixed. Knows nothing of pictures, so that it can be tested on problems with known answers.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "likeness/likeness.hpp"
#include "likeness/scene.hpp"
#include "likeness/status.hpp"

namespace likeness {

/// What is minimised: a function on [0, 1]^P whose simplex and choice groups hold weights that sum to 1.
class SearchProblem {
 public:
  struct Value {
    double loss = 0;
    double similarity = 0;
    std::vector<double> terms = {};  ///< what the loss is the sum of; as many at every x, or none
  };
  virtual ~SearchProblem() = default;
  /// The loss at x, and its gradient unless `gradient` is empty. A non-finite loss is not an error: the search steps back.
  virtual Result<Value> evaluate(std::span<const float> x, std::span<float> gradient) = 0;
  /// Makes evaluate() agree with judge() at x, a character whose choices are made, as far as it can. Losses from before compare with none
  /// from after.
  virtual Status correct(std::span<const float> /*x*/) { return Status::success(); }
  /// Whether an entry changes shapes; else it only paints, as a beard's density does.
  virtual bool shapes(std::size_t /*entry*/) const { return true; }
  /// What characters whose choices are made are compared by: their losses, or a dearer and better measure of them. All at once, so that
  /// they can be measured in parallel.
  virtual Result<std::vector<double>> judge(std::span<const std::vector<float>> characters);
  /// Seconds so far in steps of programs that are profiled.
  virtual double step_seconds() const { return 0; }
};

struct SearchResult {
  std::vector<float> x;                    ///< the least loss seen among characters whose choices are one-hot, as judge_groups() left it
  double loss = 0;                         ///< at x
  double similarity = 0;                   ///< at x
  std::vector<double> losses;              ///< of every gradient step
  std::vector<std::vector<double>> terms;  ///< Value::terms of every gradient step
  StopReason stop = StopReason::iterations;
  std::vector<GroupConfidence> groups;  ///< in the schema's order; empty after threshold, cancelled or diverged
  double judge_seconds = 0;             ///< wall-clock, of all that the judge was asked
  double judge_step_seconds = 0;        ///< how much of that SearchProblem::step_seconds() grew by
};

/// invalid_argument where iterations, step, threshold or weights are out of range.
Status check_options(const FitOptions& options);

/// Minimises from `start`: a vector of the schema, whose choice groups hold how likely each option is (one-hot: that one).
///
/// Stage 1 (half of the iterations; left out where there are no choices): choice groups are softmax(beta s) of scores s in [0, 1], beta
/// rising from 3 to 12, first as likely as in `start` but none hopeless. Stage 2: each group in turn, the one with the largest gradient so
/// far first, is set to the option that the judge prefers. Stage 3: descent with the choices fixed, in two rounds. The problem is corrected
/// before stage 1 and before each round. Stage 4 (judge_groups(); not after threshold, cancelled or diverged): paint that the judge misses
/// is added, groups of sliders and single marks go back to their defaults if it prefers that, and every group's worth is measured.
///
/// After each step continuous entries are clamped to [0, 1] and simplexes projected. A stage ends early on a plateau: 12 steps that bring
/// less than 0.1 % in all. Where a loss or gradient is not finite the search returns to its best point with half the step, at most 5 times.
/// Errors: invalid_argument (options), diverged (no finite loss at all), and those of the problem.
Result<SearchResult> search(SearchProblem& problem, const Schema& schema, std::span<const float> start, const FitOptions& options);

}  // namespace likeness
