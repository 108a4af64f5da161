// What Objective is made of: how a photo is set (objective_photo.cc), evaluated (objective.cc) and judged by the client
// (objective_judge.cc).
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fit/feature_target.hpp"
#include "fit/objective.hpp"
#include "fit/prior.hpp"

namespace likeness {

constexpr std::size_t kClasses = 11;  // of the extractor's label maps

/// A term of the loss: its value in the last evaluation, and what it is multiplied by.
struct WeightedTerm {
  std::string name;
  double share;     ///< w_t / sum w
  double least;     ///< divisor
  double unit = 1;  ///< T_t(average), or the least divisor
  double value = 0;
  double factor() const { return share / unit; }
};

struct Objective::State {
  const Generator<float>* generator;
  const ResidualNet<float>* extractor;
  const Schema* schema;
  const Companions* companions;
  ObjectiveOptions options;

  std::vector<FeatureTarget> depths;
  std::vector<float> shallow, deep;  // the photo's features of the last two depths, as an encoder takes them
  std::optional<Landmarks> photo_points;
  PictureDomain photo_domain = PictureDomain::photo;
  Tensor<float> probabilities;  // [1, 11, H, W] of the photo; empty: no such term
  Tensor<float> covered;        // [1, 1, H, W] at their resolution
  LandmarkTerm landmarks;
  ColourTerm colours;

  std::vector<WeightedTerm> terms;                                       // the depths in order, then the others
  std::size_t probability_term = 0, landmark_term = 0, colour_term = 0;  // indices; 0: left out (the first term is a depth)
  // The tape's part of the loss, frozen for the photo: depths and probabilities.
  std::optional<Program<float>> program;
  Var<float> input, pictures;
  std::vector<Var<float>> parts, compared;  // one per term; the features of the depths
  Tensor<float> factors;                    // [1, parts], set before a run
  std::vector<float> average;
  Prior prior;
  double prior_scale = 1;  // 1 / sum of the terms' weights

  // The judge's programs, from a picture to the terms; one a thread that judges.
  struct PictureProgram {
    Program<float> program;
    Var<float> picture;
    std::vector<Var<float>> parts;
  };
  std::mutex idle_mutex;
  std::vector<std::unique_ptr<PictureProgram>> idle;

  std::int64_t input_side() const { return extractor->architecture().input_size; }

  Var<float> to_input(Var<float> picture) const;
  /// The terms of the depths and of the probabilities, and the features that the depths compare.
  std::pair<std::vector<Var<float>>, std::vector<Var<float>>> compare(Tape<float>& tape, Var<float> picture) const;

  Status set_photo(const FramedPhoto& photo, const ObjectiveOptions& wanted);
  Status set_terms(const FramedPhoto& photo);
  Status freeze_program();

  Result<Value> evaluate(std::span<const float> x, std::span<float> gradient);
  /// The terms that no picture is needed for, and their gradient added.
  double beside_pictures(std::span<const float> x, std::span<float> gradient);

  Result<std::unique_ptr<PictureProgram>> take_program();
  /// The loss with the client's picture, its landmarks and colours in the networks' place.
  Result<double> judge(std::span<const float> x);
  Result<std::vector<double>> judge_all(std::span<const std::vector<float>> characters);
};

/// RGB in [0, 1], channel by channel: [channels, height, width].
std::vector<float> planes(const Image& image);

}  // namespace likeness
