// likeness evaluate recovery
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "align/warp.hpp"
#include "cli/common.hpp"
#include "cli/evaluate.hpp"
#include "cli/evaluate_figures.hpp"
#include "cli/evaluate_pictures.hpp"
#include "cli/fit_options.hpp"
#include "fit/model.hpp"
#include "fit/report.hpp"
#include "fit/stopwatch.hpp"
#include "image/resample.hpp"

namespace likeness::cli {
namespace {

constexpr std::size_t kSheetExamples = 16;
constexpr int kSheetSide = 256, kSheetColumns = 2;  // characters in a row
constexpr std::size_t kSkin = 0, kHair = 1;         // of the colour regions

struct RecoveryArguments {
  std::uint64_t seed = 991;
  std::int64_t count = 200;
  bool detect = false, json = false;
  std::string sheet;
  ModelArguments model;
  FitOptions options;
};

// What a fit is to find again, in the frame.
struct Original {
  std::vector<float> x;
  Image picture, labels;
  Landmarks landmarks{};
};

Result<Original> draw(const GameClient& client, std::uint64_t seed, std::int64_t index) {
  std::vector<float> x = draw_human(client.schema(), seed, static_cast<std::uint64_t>(index));
  Result<Rendering> r = client.render(x, {.size = kFrame, .labels = true});
  if (!r.ok()) return r.status();
  return Original{std::move(x), picture_of(*r), labels_of(*r), r->landmarks};
}

PhotoView view(const Image& image) { return {image.width, image.height, image.pixels}; }

// Fits the picture like a photo, and lays `original` where the alignment laid the picture.
Result<FitResult> fit_like_a_photo(Fitter& fitter, const Aligner& aligner, Original& original, const FitOptions& options) {
  Result<FitResult> result = fitter.fit(view(original.picture), options);
  if (!result.ok()) return result;
  Result<AlignedPhoto> aligned = aligner.align(original.picture, result->landmarks, options.align);
  if (!aligned.ok()) return aligned.status();
  Result<Image> labels = warp_labels(original.labels, aligned->to_frame, kFrame, kIgnore);
  if (!labels.ok()) return labels.status();
  for (Point& p : original.landmarks) {
    const auto moved = aligned->to_frame.apply(static_cast<double>(p[0]), static_cast<double>(p[1]));
    p = {static_cast<float>(moved[0]), static_cast<float>(moved[1])};
  }
  original.picture = std::move(aligned->picture);
  original.labels = std::move(*labels);
  return result;
}

class Recovery {
 public:
  explicit Recovery(const Schema& schema) : schema_(schema), right_(schema.parameters().size()) {}

  void add(const Original& original, const FitResult& fit, Rendering again, double seconds, bool sheet) {
    const Image picture = picture_of(again), labels = labels_of(again), generated = image_from(fit.generated);
    l1_.push_back(difference_in_face(original.picture.pixels, picture.pixels, original.labels.pixels).mean());
    gap_.push_back(difference_in_face(generated.pixels, picture.pixels, labels.pixels).mean());
    landmarks_.push_back(100 * inner_distance(original.landmarks, again.landmarks) / interocular_distance(original.landmarks));
    for (const auto& [region, values] : {std::pair(kSkin, &skin_), std::pair(kHair, &hair_)}) {
      const auto& classes = kColourRegionClasses[region];
      const auto first = mean_colour(original.picture, original.labels, classes, kLeastShare[region]);
      const auto second = mean_colour(picture, labels, classes, kLeastShare[region]);
      if (first && second) values->push_back(colour_distance(*first, *second));
    }
    for (std::size_t k = 0; k < right_.size(); ++k) {
      const Parameter& p = schema_.parameters()[k];
      if (p.type == ParameterType::choice && schema_.chosen(p, original.x) == schema_.chosen(p, fit.character.x)) right_[k] += 1;
    }
    seconds_.push_back(seconds);
    if (sheet && sheet_.size() < 3 * kSheetExamples) {
      for (const Image* each : {&original.picture, &generated, &picture}) {
        if (auto small = resize(*each, kSheetSide, kSheetSide, Filter::box); small.ok()) sheet_.push_back(std::move(*small));
      }
    }
  }

  bool empty() const { return l1_.empty(); }
  Image sheet() const { return tile(sheet_, 3 * kSheetColumns); }

  void report(std::int64_t refused, Figures& figures) const {
    figures.count("recovery_characters", static_cast<std::int64_t>(l1_.size()) + refused);
    figures.count("recovery_refused", refused);
    figures.spread("recovery_l1_face", l1_, 4);
    figures.spread("recovery_landmarks_percent", landmarks_, 3);
    figures.spread("recovery_skin_ciede2000", skin_, 3);
    figures.spread("recovery_hair_ciede2000", hair_, 3);
    figures.count("recovery_hair_both", static_cast<std::int64_t>(hair_.size()));
    for (std::size_t k = 0; k < right_.size(); ++k) {
      const Parameter& p = schema_.parameters()[k];
      if (p.type == ParameterType::choice) figures.add("recovery_right_" + p.name, right_[k] / static_cast<double>(l1_.size()), 4);
    }
    figures.spread("recovery_imitator_l1_face", gap_, 4);
    figures.spread("recovery_seconds", seconds_, 3);
  }

 private:
  const Schema& schema_;
  std::vector<double> l1_, gap_, landmarks_, skin_, hair_, seconds_;
  std::vector<double> right_;  // of each parameter that is a choice: how often
  std::vector<Image> sheet_;
};

Status evaluate_recovery(const RecoveryArguments& arguments) {
  const auto model = load_model(arguments.model);
  if (!model.ok()) return model.status();
  const GameClient& client = (*model)->client();
  const Aligner& aligner = *(*model)->impl().aligner;
  FitOptions options = arguments.options;
  options.domain = PictureDomain::render;
  Fitter fitter(*model);
  Recovery recovery(client.schema());
  Status last;
  std::int64_t refused = 0;
  for (std::int64_t i = 0; i < arguments.count; ++i) {
    Result<Original> original = draw(client, arguments.seed, i);
    if (!original.ok()) return original.status();
    const Stopwatch watch;
    const Result<FitResult> fit = arguments.detect ? fit_like_a_photo(fitter, aligner, *original, options)
                                                   : fitter.fit_framed(view(original->picture), original->landmarks, options);
    const double seconds = watch.seconds();
    if (!fit.ok()) {
      last = fit.status();
      ++refused;
      std::fprintf(stderr, "likeness: character %lld: %s: %s\n", static_cast<long long>(i), code_name(last.code), last.message.c_str());
      continue;
    }
    Result<Rendering> again = client.render(fit->character.x, {.size = kFrame, .labels = true});
    if (!again.ok()) return again.status();
    recovery.add(*original, *fit, std::move(*again), seconds, !arguments.sheet.empty());
  }
  if (recovery.empty()) return last;
  if (!arguments.sheet.empty()) {
    if (Status status = write_png(arguments.sheet, recovery.sheet()); !status.ok()) return status;
  }
  Figures figures;
  recovery.report(refused, figures);
  figures.print(arguments.json);
  return Status::success();
}

}  // namespace

void add_evaluate_recovery(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<RecoveryArguments>();
  CLI::App* command = app.add_subcommand(
      "recovery", "Fit the client's pictures of random characters and draw the fits again: how far these are from the originals");
  add_fit_options(*command, arguments->options);
  command->remove_option(command->get_option("--seed"));  // fits start where --start says; the seed is the characters'
  command->add_option("--seed", arguments->seed, "Characters drawn from this seed (not one that training used)")->capture_default_str();
  command->add_option("-n,--count", arguments->count, "Characters")->check(CLI::Range(1, 1000000))->capture_default_str();
  command->add_flag("--detect", arguments->detect,
                    "Find and align the faces like a photo's; else the client's frame and landmarks are taken");
  command->add_option("--sheet", arguments->sheet, "PNG to write: original | generated | drawn again, of the first 16");
  command->add_flag("--json", arguments->json, "Print one JSON object");
  add_model_options(*command, arguments->model);
  add_precision_option(*command, arguments->model);
  command->callback([arguments, &exit] {
    const Status status = evaluate_recovery(*arguments);
    exit = status.ok() ? exit_ok : fail(status);
  });
}

}  // namespace likeness::cli
