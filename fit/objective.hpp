// The loss of a character against a photo: how far the generator's picture is from it, as the extractor sees both, and how far its
// landmarks and colours are.
#pragma once

#include <memory>
#include <vector>

#include "fit/companions.hpp"
#include "fit/search.hpp"
#include "image/image.hpp"
#include "likeness/nn.hpp"
#include "likeness/program.hpp"

namespace likeness {

/// What the loss is made of. A term whose weight is 0, or that the model cannot compute, is left out.
struct ObjectiveOptions {
  LossKind loss = LossKind::l1;  ///< of features
  double features = 1;           ///< weight of the features of all depths together
  double probabilities = 0.5;    ///< of the class probabilities (extractors with a head)
  double landmarks = 1.25;       ///< of the landmarks (models with companions)
  double colours = 1;            ///< of the mean colours of regions (models with companions)
  double prior = 0.06;           ///< of the mean squared distance of the continuous parameters from their defaults, in quarters of x
  double tint_prior = 0.02;      ///< of the squared distance (a sum) of those that change colours and nothing else (models with companions)
  bool weigh_places = true;      ///< features count by the photo's classes; else every place that the photo covers counts the same
  bool centre_domains = true;    ///< compare (feature - mean) / deviation of each domain, where the extractor carries the statistics
  std::vector<double> depths = {};  ///< share of each depth in the features, shallowest first; empty: equal
};

/// The patent's: raw features, all places and depths alike, nothing else.
ObjectiveOptions plain_objective(LossKind loss);

/// A photo in the reference face's frame.
struct FramedPhoto {
  const Image& picture;                         ///< square RGB
  const Image& coverage;                        ///< as large, 255 = covered
  const Landmarks* landmarks = nullptr;         ///< in pixels of the 512 frame; nullptr: no landmark term
  PictureDomain domain = PictureDomain::photo;  ///< whose statistics it is centred by
};

/// loss(x) = (sum_t w_t T_t(x) / T_t(average) + prior * mean z^2 + tint_prior * sum z_tint^2) / sum_t w_t over the terms t: each depth of
/// the features, class probabilities, landmarks, colours. Dividing by the average character's value makes terms weigh as asked, whatever
/// their scale, and the average's loss 1 (a little less where it is nearly right about a term: there is a least divisor).
///
/// T of a depth is the weighted mean of |a - b| (or its square) over the features a of the photo and b of the generated picture.
///
/// Entries that change colours and nothing else (Companions::routed) get their gradient from the colour term alone: features answer to
/// light, cameras and beards, and would pay for those with the tint of the skin.
class Objective : public SearchProblem {
 public:
  /// Networks, schema and companions (nullptr: none) must outlive it. Errors: schema_mismatch.
  static Result<std::unique_ptr<Objective>> create(const Generator<float>& generator, const ResidualNet<float>& extractor,
                                                   const Schema& schema, const Companions* companions);
  ~Objective() override;

  /// Sets what is compared with. Errors: invalid_argument, diverged (features that are not finite).
  Status set_photo(const FramedPhoto& photo, const ObjectiveOptions& options);
  Result<Value> evaluate(std::span<const float> x, std::span<float> gradient) override;
  /// The generator's picture, RGB. Errors: invalid_argument.
  Result<Picture> generate(std::span<const float> x);

  /// T_t / T_t(average) of the last evaluation, by name, for reports and tests.
  struct Term {
    const char* name;
    double value;
  };
  std::vector<Term> terms() const;

  /// What evaluate() runs of the networks, frozen by set_photo(); nullptr before it.
  const Program<float>* program() const;

 private:
  struct State;
  explicit Objective(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The generator's picture of x, as 8-bit RGB. `tape` is clear. Errors: those of the tape, corrupt_model.
Result<Picture> generate_picture(const Generator<float>& generator, Tape<float>& tape, std::span<const float> x);

/// How much each place counts: 0.15 + face + hair + 2 (brows, eyes, nose, lips). `probabilities` [11, places] in the classes' order
/// (background, face, hair, brows, eyes, nose, upper lip, inner mouth, lower lip).
std::vector<float> place_weights(std::span<const float> probabilities, std::size_t places);

}  // namespace likeness
