// The loss of a character against a photo: how far the generator's picture is from it, as the extractor sees both, and how far its
// landmarks and colours are.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fit/companions.hpp"
#include "fit/encoder.hpp"
#include "fit/search.hpp"
#include "image/image.hpp"
#include "likeness/nn.hpp"
#include "likeness/program.hpp"
#include "likeness/scene.hpp"

namespace likeness {

/// How the loss of a photo is made.
struct ObjectiveOptions {
  LossKind loss = LossKind::l1;  ///< of features
  ObjectiveWeights weights = {};
  /// Options of a choice (hair, brows) are compared by this client's pictures of them, not by the generator's, which blurs what tells one
  /// from another; nullptr: by the generator's. Must outlive the search.
  const GameClient* judge = nullptr;
  bool profile = false;  ///< measure the steps of program()
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

/// loss(x) = (sum_t w_t T_t(x) / T_t(average) + Prior(x)) / sum_t w_t over the terms t: each depth of the features, class probabilities,
/// landmarks, colours. Dividing by the average character's value makes terms weigh as asked, whatever their scale, and the average's loss 1
/// (a little less where it is nearly right about a term: there is a least divisor).
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
  /// Moves the priors' middle by ObjectiveWeights::guess of the way to x. After set_photo(), at most once.
  void lean(std::span<const float> x);
  Result<Value> evaluate(std::span<const float> x, std::span<float> gradient) override;
  /// Moves the generator's features and class probabilities, and the companions' landmarks and colours, by what they lack at x against the
  /// client's (a defect correction). With ObjectiveOptions::judge; else nothing happens.
  Status correct(std::span<const float> x) override;
  /// The losses with the client's pictures, landmarks and colours in the networks' place (ObjectiveOptions::judge), else the losses.
  Result<std::vector<double>> judge(std::span<const std::vector<float>> characters) override;
  /// Companions::moves_landmarks(); true without companions.
  bool shapes(std::size_t entry) const override;
  /// Of program(), since set_photo().
  double step_seconds() const override;
  /// FitResult::similarity of a character by the client's picture, else by the generator's. Errors: as judge().
  Result<double> similarity(std::span<const float> x);
  /// The encoder's parameters for the photo. Errors: invalid_argument (no photo, or an encoder of another extractor), diverged.
  Result<std::vector<float>> guess(const Encoder& encoder) const;
  /// The generator's picture, RGB. Errors: invalid_argument.
  Result<Picture> generate(std::span<const float> x);

  /// Of Value::terms, in order; the last, "prior", is all that holds x to the average.
  std::vector<std::string> term_names() const;
  /// The photo's classes; empty where the extractor has no head.
  Labels labels() const;

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
