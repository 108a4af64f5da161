// What Objective is made of: how a photo is set (objective_photo.cc), evaluated (objective.cc) and judged by the client
// (objective_judge.cc).
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fit/companions.hpp"
#include "fit/facial_hair.hpp"
#include "fit/feature_target.hpp"
#include "fit/frame_lines.hpp"
#include "fit/iris.hpp"
#include "fit/objective.hpp"
#include "fit/prior.hpp"
#include "scene/labels.hpp"

namespace likeness {

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
  // What the extractor sees of a picture.
  struct Looks {
    std::vector<Var<float>> distances;  // the terms of the depths and of the probabilities
    std::vector<Var<float>> features;   // that the depths compare
    Var<float> probabilities;           // none without their term
    std::vector<Var<float>> all() const;
  };

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
  Tensor<float> imitated;       // the same less the client's lead over the generator (correct())
  Tensor<float> covered;        // [1, 1, H, W] at their resolution
  LandmarkTerm landmarks;
  std::optional<IrisColour> iris;   // the photo's
  double iris_share = 1;            // of the term's weight
  std::optional<FrameLines> lines;  // likewise
  std::optional<FacialHair> beard;
  ColourTerm colours;

  std::vector<WeightedTerm> terms;                                       // the depths in order, then the others
  std::size_t probability_term = 0, landmark_term = 0, colour_term = 0;  // indices; 0: left out (the first term is a depth)
  // The tape's part of the loss, frozen for the photo: depths and probabilities.
  std::optional<Program<float>> program;
  Var<float> input, pictures;
  Looks imitation;
  Tensor<float> factors;  // [1, parts], set before a run
  std::vector<float> average;
  Prior prior;
  double prior_scale = 1;  // 1 / sum of the terms' weights

  // From a picture of the client's to the terms; one a thread that judges.
  struct PictureProgram {
    Program<float> program;
    Var<float> picture;
    Looks looks;
  };
  struct Drawing {
    std::unique_ptr<PictureProgram> program;  // has run; given back by put_back()
    std::array<double, 136> landmarks{};
    std::array<double, 3 * kColourRegions> colours{};  // the companions' where the client shows none
    std::optional<IrisColour> iris;
    std::optional<FrameLines> lines;
    std::optional<FacialHair> beard;
  };
  std::mutex idle_mutex;
  std::vector<std::unique_ptr<PictureProgram>> idle;

  std::int64_t input_side() const { return extractor->architecture().input_size; }

  Var<float> to_input(Var<float> picture) const;
  Looks compare(Tape<float>& tape, Var<float> picture, Painter painter) const;

  Status set_photo(const FramedPhoto& photo, const ObjectiveOptions& wanted);
  Status set_terms(const FramedPhoto& photo);
  Status freeze_program();

  Result<Value> evaluate(std::span<const float> x, std::span<float> gradient);
  /// From the values that a program has of looks.features.
  double similarity(const Program<float>& program, const Looks& looks, Painter painter) const;
  /// The terms that no picture is needed for, and their gradient added.
  double beside_pictures(std::span<const float> x, std::span<float> gradient);

  Result<std::unique_ptr<PictureProgram>> take_program();
  Result<Drawing> draw(std::span<const float> x);
  void put_back(Drawing drawing);
  Status correct(std::span<const float> x);
  /// The loss with the client's picture, its landmarks and colours in the networks' place.
  Result<double> judge(std::span<const float> x);
  Result<std::vector<double>> judge_all(std::span<const std::vector<float>> characters);
};

/// RGB in [0, 1], channel by channel: [channels, height, width].
std::vector<float> planes(const Image& image);

}  // namespace likeness
