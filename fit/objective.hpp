// The loss of a character against a photo: how far the generator's picture is from it, as the extractor sees both.
#pragma once

#include <memory>
#include <vector>

#include "fit/search.hpp"
#include "image/image.hpp"
#include "likeness/nn.hpp"

namespace likeness {

/// What the loss is made of.
struct ObjectiveOptions {
  LossKind loss = LossKind::l1;
  bool weigh_places = true;    ///< by the photo's classes; else every place that the photo covers counts the same
  bool centre_domains = true;  ///< compare (feature - mean) / deviation of each domain, where the extractor carries the statistics
  double prior = 0.06;  ///< of the mean squared distance of the continuous identity parameters from their defaults, in fifths of the range
  std::vector<double> depths = {};  ///< weight of each depth, shallowest first; empty: equal
};

/// The patent's: raw features, all places and depths alike, no prior.
ObjectiveOptions plain_objective(LossKind loss);

/// loss(x) = sum_d u_d L_d(x) / L_d(average) + prior * mean z^2, with u_d the depth weights (sum 1) and
/// L_d the weighted mean of |a - b| (or its square) over the features a of the photo and b of the generated picture at depth d.
/// Dividing by the average character's value makes the depths weigh alike whatever their scale, and the average's loss 1.
class Objective : public SearchProblem {
 public:
  /// Networks and schema must outlive it. Errors: schema_mismatch.
  static Result<std::unique_ptr<Objective>> create(const Generator<float>& generator, const ResidualNet<float>& extractor,
                                                   const Schema& schema);
  ~Objective() override;

  /// Sets what is compared with: an aligned RGB photo and its coverage (255 = covered), equally large squares.
  /// Errors: invalid_argument, diverged (features that are not finite).
  Status set_photo(const Image& picture, const Image& coverage, const ObjectiveOptions& options);
  Result<Value> evaluate(std::span<const float> x, std::span<float> gradient) override;
  /// The generator's picture, RGB. Errors: invalid_argument.
  Result<Picture> generate(std::span<const float> x);

 private:
  struct State;
  explicit Objective(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The generator's picture of x, as 8-bit RGB. `tape` is clear. Errors: those of the tape, corrupt_model.
Result<Picture> generate_picture(const Generator<float>& generator, Tape<float>& tape, std::span<const float> x);

/// Class probabilities -> how much each place counts: 0.15 + face + hair + 2 (brows, eyes, nose, lips). `logits` [11, places] in the
/// classes' order of DESIGN (background, face, hair, brows, eyes, nose, upper lip, inner mouth, lower lip).
std::vector<float> place_weights(std::span<const float> logits, std::size_t places);

}  // namespace likeness
