// A portrait photo becomes the sliders of a game character.
//
//   auto model = Model::load({.folder = "share/likeness/models/makehuman-head"});
//   if (!model.ok()) ...                                  // model.status(): a code and a sentence
//   Fitter fitter(*model);                                // one a thread; the model is shared
//   auto result = fitter.fit_bytes(jpeg_bytes);
//   if (result.ok()) character_to_json((*model)->schema(), result->character);
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/alignment.hpp"
#include "likeness/precision.hpp"
#include "likeness/scene.hpp"
#include "likeness/status.hpp"

namespace likeness {

/// RGB pixels, 8 bits, sRGB, rows from the top. Not owned. 64 to 16384 pixels a side, at most 100 million together.
struct PhotoView {
  int width = 0;
  int height = 0;
  std::span<const std::uint8_t> rgb;  ///< (height - 1) * row_stride + width * 3 bytes
  std::size_t row_stride = 0;         ///< bytes from one row to the next; 0: width * 3
};

/// An owned square RGB picture.
struct Picture {
  int size = 0;
  std::vector<std::uint8_t> rgb;  ///< size * size * 3
};

enum class LossKind { l1, l2 };
enum class OptimizerKind { adam, sgd };

/// likeness: every depth of features, counted by what is seen at a place (eyes, brows, nose and lips most) and centred in its own domain
/// (photos, renders) where the extractor carries the statistics; class probabilities; landmarks and colours of skin, hair, lips and brows
/// where the model has companions; and sliders held weakly to the average. plain: the patent's objective, the mean distance of raw features
/// of every depth.
enum class ObjectiveKind { likeness, plain };

/// Where a fit starts.
enum class StartKind {
  guess,    ///< what the model's encoder makes of the photo in one pass; the average where the model has no encoder
  average,  ///< the average face, as the method says
};

/// Whose pictures the options of a choice (hair, brows) are compared by, and at the end groups of sliders and marks with the average, and
/// amounts of paint (a beard's densities) with more of it.
enum class ChoiceJudge {
  client,     ///< the game's own: right about what the generator blurs; one rendering of each, or a few
  generator,  ///< the network's, which costs less where the client is slow
};

/// What a picture is, and so whose statistics its features and landmarks are compared by. A client's own picture fitted as a photo
/// would be taken for a face that differs from all others as photos differ from renders.
enum class PictureDomain {
  photo,   ///< from a camera
  render,  ///< drawn by the model's client
};

/// Why a fit ended.
enum class StopReason {
  iterations,  ///< the iterations were used up
  threshold,   ///< the similarity reached the threshold
  plateau,     ///< the loss stopped falling
  cancelled,   ///< the progress callback said so
  diverged,    ///< numbers became non-finite even at 1/32 of the step; the best character before that is returned
};

/// The name of a reason in files and reports, e.g. "plateau".
const char* stop_name(StopReason reason);

/// What a progress callback is told.
struct FitProgress {
  int iteration = 0;   ///< from 1
  int iterations = 0;  ///< at most
  double loss = 0;     ///< 1 at the average face
  double similarity = 0;
};

/// What the loss is made of. A term whose weight is 0, or that the model cannot compute, is left out. Terms are divided by their value at
/// the average face, so that weights compare; the priors are not.
struct ObjectiveWeights {
  double features = 1;              ///< of the extractor's features, all depths together
  std::vector<double> depths = {};  ///< share of each depth in them, shallowest first; empty: equal
  double probabilities = 0.5;       ///< of the class probabilities (extractors with a head)
  double landmarks = 1.25;          ///< of the landmarks (models with companions)
  double colours = 1;               ///< of the mean colours of regions (models with companions)
  double prior = 0.06;              ///< holds shape to the average: of the mean squared distance of all held sliders, in quarters of x
  double nuisance_prior = 0.06;     ///< the same for pose, expression, camera
  double light_prior = 0.06;        ///< the same for what changes colours, but neither landmarks nor identity (models with companions)
  double tint_prior = 0.02;         ///< of the squared distance (a sum) of identity that changes colours and nothing else (companions)
  double choice_prior = 0.15;       ///< of options of choices that the first guess finds less likely than its favourite
  double guess = 1;            ///< share of the way from the average to the first guess that the priors' middle lies, 0 to 1 (encoders)
  double iris = 0.2;           ///< of the irises' colour against the whites', among the judge's terms only (ChoiceJudge::client)
  double glasses = 1;          ///< of the lines that glasses draw across the nose and below the eyes, likewise
  double beard = 1;            ///< of dark hair on upper lip, chin and jaw that the photo has and the character lacks, likewise
  bool weigh_places = true;    ///< features count by the photo's classes; else every place that the photo covers counts the same
  bool centre_domains = true;  ///< compare (feature - mean) / deviation of each domain, where the extractor carries the statistics
};

/// Weights from a JSON object: {"landmarks": 0, "depths": [1, 1, 2, 2], ...}; what it does not name keeps its default.
/// Errors: invalid_argument (no such object, an unknown name, a weight that is negative or not finite).
Result<ObjectiveWeights> parse_objective(std::string_view json);

struct FitOptions {
  int iterations = 30;            ///< gradient steps in all, 1 to 10000
  double threshold = 1;           ///< stop once the similarity reaches it; 1: never before the iterations are used up
  double step = 0.03;             ///< first step size; falls to 0.15 of it by the last iteration
  ObjectiveWeights weights = {};  ///< objective likeness only
  LossKind loss = LossKind::l1;
  AlignKind align = AlignKind::similarity;
  OptimizerKind optimizer = OptimizerKind::adam;
  ObjectiveKind objective = ObjectiveKind::likeness;
  StartKind start = StartKind::guess;
  ChoiceJudge choices = ChoiceJudge::client;
  PictureDomain domain = PictureDomain::photo;
  std::uint64_t seed = 0;  ///< 0: exactly at the start; else at a random point near it (for stability tests)
  bool profile = false;    ///< measure the steps of the networks: FitResult::profile. The character is the same, bit for bit
  /// Called after every step; return false to stop with the best character so far.
  std::function<bool(const FitProgress&)> progress = {};
};

/// What a group of sliders is worth to a fit.
struct GroupConfidence {
  std::string group;
  double rise =
      0;  ///< of the loss by the client's picture, were the group at the average; of its choices alone where its sliders were put back
  double confidence = 0;  ///< rise / (rise + kHalfSure), in [0, 1)
  static constexpr double kHalfSure = 0.01;
};

/// Label map: classes 0 to 10 as in Rendering::labels.
struct Labels {
  int size = 0;
  std::vector<std::uint8_t> classes;  ///< size * size; empty: unknown
};

/// One term of the loss, step by step.
struct LossCurve {
  std::string name;            ///< "layer1" ..., "probabilities", "landmarks", "colours", "prior"
  std::vector<double> values;  ///< its share of the loss; the curves sum to FitResult::losses
};

struct FitProfile;

/// Wall-clock seconds of a fit's parts.
struct FitSeconds {
  double decode = 0;   ///< of fit_bytes()
  double align = 0;    ///< face, landmarks, warp
  double prepare = 0;  ///< the photo's features, the program
  double search = 0;   ///< descent
  double judge = 0;    ///< choices and groups by the client's pictures
  double draw = 0;     ///< the last pictures
};

/// A fitted character and how it came about. Of photos fitted together (Fitter::fit_together) each has one: the identity entries of
/// `character`, `losses`, `iterations`, `stop`, `curves`, `groups` and the seconds of prepare, search and judge are the group's and the
/// same in each; everything else is the photo's own.
struct FitResult {
  Character character;  ///< nuisance parameters (pose, expression, light) as fitted; renders and .mhm leave them out
  /// How alike the photo and the client's picture of the character are (with the fitted pose, expression and light): the share of other
  /// people's characters that would be less like this photo, by 1 - D and a normal distribution that was measured on photographs (models
  /// with companions; 1 - D itself without, or where features are not centred). D is the mean over depths of
  /// sum w |a - b| / sum w (|a| + |b|), a and b the centred features, w the weight of the place.
  double similarity = 0;
  std::vector<double>
      losses;  ///< of every step, 1 at the average face. The returned character is that of the last stage's least, with
               ///< those groups of sliders at the average for which ChoiceJudge prefers that; not after threshold, cancelled or diverged
  double loss = 0;     ///< of the returned character
  int iterations = 0;  ///< steps taken
  StopReason stop = StopReason::iterations;
  Landmarks landmarks{};                ///< in pixels of the photo
  Picture aligned;                      ///< the photo on the reference face
  Picture generated;                    ///< the generator's picture of the character
  Picture rendered;                     ///< the client's picture: frontal, without expression, standard light
  Picture posed;                        ///< the client's picture with the fitted pose, expression and light
  Labels posed_labels;                  ///< of `posed`
  Labels photo_labels;                  ///< of `aligned` as the extractor sees it, at its own resolution
  Landmarks framed{};                   ///< the photo's landmarks in pixels of `aligned`
  Landmarks drawn{};                    ///< the client's landmarks of `posed`
  double imitator_gap = 0;              ///< mean |generated - posed| inside the face, RGB in [0, 1]
  std::vector<LossCurve> curves;        ///< of the losses
  std::vector<GroupConfidence> groups;  ///< in the schema's order; empty after threshold, cancelled or diverged
  std::vector<std::string> notes;       ///< what the sliders do not express, a sentence each
  FitSeconds seconds;
  /// What each step of the networks took (likeness/profile.hpp), where FitOptions::profile asked for it; the same of all photos that were
  /// fitted together. Else nullptr.
  std::shared_ptr<const FitProfile> profile;
};

struct ModelOptions {
  /// generator.safetensors, extractor.safetensors, scene.json; companions.safetensors, encoder.safetensors, manifest.json if any. Empty:
  /// $LIKENESS_MODEL, else share/likeness/models/makehuman-head of the installation (docs/embedding.md), else of the source tree.
  std::filesystem::path folder;
  std::filesystem::path scene;  ///< empty: scene.json in `folder`, which may not start a program; a scene named here may
  /// dlib's kind of landmark file: a listed one of a model folder, or Debian's. Empty: landmarks68.dat in `folder`, else
  /// $LIKENESS_LANDMARKS, else Debian's where it is installed, else landmarks68-small.dat in `folder`.
  std::filesystem::path landmarks;
  /// Of the networks' convolutions. Where has_bf16() is false, bf16 is fp32.
  Precision precision = Precision::fp32;
};

/// Networks, client and landmark finder of one game. Immutable: any number of fitters may share it.
class Model {
 public:
  /// Errors: not_found (what is missing, what to do), corrupt_model, schema_mismatch (the generator was trained for another scene), and
  /// those of open_client(). A missing landmark file is no error here, but at the first photo that comes without landmarks.
  static Result<std::shared_ptr<const Model>> load(const ModelOptions& options);

  const Schema& schema() const;
  const GameClient& client() const;
  /// SHA-256 of the network files, and of the scene's schema: what a result depends on.
  const std::string& generator_hash() const;
  const std::string& extractor_hash() const;
  const std::string& companions_hash() const;  ///< empty where the model has none
  const std::string& encoder_hash() const;     ///< likewise
  /// Of the networks as they run, which may be fp32 where bf16 was asked for.
  Precision precision() const;
  /// Landmarks of the reference face (every parameter at its default) in pixels of a 512 x 512 picture.
  const Landmarks& reference_landmarks() const;
  /// The generator's picture of x (schema().size() entries). Errors: invalid_argument.
  Result<Picture> generate(std::span<const float> x) const;

  struct Impl;
  explicit Model(std::unique_ptr<const Impl> impl);
  ~Model();
  const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<const Impl> impl_;
};

/// Fits photos, one at a time. One Fitter a thread.
class Fitter {
 public:
  explicit Fitter(std::shared_ptr<const Model> model);
  ~Fitter();
  Fitter(Fitter&&) noexcept;
  Fitter& operator=(Fitter&&) noexcept;

  /// Fits a photo file's bytes (JPEG, PNG, BMP). Errors: those of decoding and of fit().
  Result<FitResult> fit_bytes(std::span<const std::uint8_t> file, const FitOptions& options = {});
  /// Finds the face and fits. Errors: invalid_argument, image_too_large, image_too_small, no_face, face_too_small, pose, landmarks_bad,
  /// diverged (not one finite loss), client_failed, unavailable (built without dlib), not_found and corrupt_model (landmark file).
  Result<FitResult> fit(const PhotoView& photo, const FitOptions& options = {});
  /// The same with landmarks from the host, in pixels of the photo.
  Result<FitResult> fit(const PhotoView& photo, const Landmarks& landmarks, const FitOptions& options = {});
  /// FitResult::similarity of a photo file and each of several characters, drawn with the pose, expression and light that they have: which
  /// of a game's characters looks most like somebody. Errors: as fit_bytes(), invalid_argument (a character of another length).
  Result<std::vector<double>> similarities(std::span<const std::uint8_t> file, std::span<const Character> characters,
                                           const FitOptions& options = {});
  /// Fits a picture that is in the reference face's frame already (512 x 512), such as the client's own of a character. Nothing is
  /// aligned: options.align is not used, and faces that are turned or small are taken as they are.
  /// Errors: invalid_argument (another size, landmarks that are not finite), diverged, client_failed.
  Result<FitResult> fit_framed(const PhotoView& picture, const Landmarks& landmarks, const FitOptions& options = {});

  /// How many photos fit_together() takes.
  static constexpr std::size_t kFewestTogether = 2, kMostTogether = 16;
  /// Fits 2 to 16 photos of one person together: one identity (the same bits in every result), and for each photo its own nuisance
  /// parameters. Minimises the mean of the photos' losses; progress and threshold see the means. The results are in the photos' order.
  /// Takes the time and the memory of as many single fits; the memory is kept until the next fit.
  /// Errors: those of fit(). A photo that cannot be used fails the whole call with its own code and a sentence that begins with "photo 2 of
  /// 3:".
  Result<std::vector<FitResult>> fit_together(std::span<const PhotoView> photos, const FitOptions& options = {});
  /// The same with landmarks from the host, one set a photo, in pixels of the photo.
  Result<std::vector<FitResult>> fit_together(std::span<const PhotoView> photos, std::span<const Landmarks> landmarks,
                                              const FitOptions& options = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace likeness
