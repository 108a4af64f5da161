// likeness evaluate fit
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "base/file.hpp"
#include "base/parallel.hpp"
#include "cli/common.hpp"
#include "cli/evaluate.hpp"
#include "cli/evaluate_figures.hpp"
#include "cli/fit_figures.hpp"
#include "cli/fit_options.hpp"
#include "fit/batch.hpp"
#include "fit/report.hpp"
#include "fit/stopwatch.hpp"
#include "image/resample.hpp"

namespace likeness::cli {
namespace {

constexpr int kSheetSide = 256, kSheetColumns = 3;  // people in a row

struct EvaluateFitArguments {
  std::vector<std::string> photos;
  ModelArguments model;
  FitOptions options;
  int jobs = 1, count = 25, strangers = 0;
  bool json = false;
  std::string sheet, characters, csv;
};

// What became of a photo.
struct Work {
  PhotoFigures figures;
  Status written;                   // of the character's files
  std::vector<double> strangers;    // similarities of the photo and other people's characters
  std::array<Image, 3> thumbnails;  // for the sheet, of photos chosen for it
};

// Which photos the sheet shows: the first of each of `count` people, who are evenly spread over the inputs. NAME_1 and NAME_2 are one
// person.
std::vector<bool> chosen_for_sheet(const std::vector<BatchInput>& inputs, std::size_t count) {
  std::vector<std::string> stems;
  for (const BatchInput& input : inputs) stems.push_back(input.stem);
  std::vector<bool> again(inputs.size());
  for (const auto& [first, second] : photo_pairs(stems)) again[second] = true;
  std::vector<std::size_t> people;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!again[i]) people.push_back(i);
  }
  std::vector<bool> chosen(inputs.size());
  count = std::min(count, people.size());
  for (std::size_t k = 0; k < count; ++k) chosen[people[k * people.size() / count]] = true;
  return chosen;
}

class Evaluation {
 public:
  Evaluation(const EvaluateFitArguments& arguments, std::shared_ptr<const Model> model)
      : arguments_(arguments), model_(std::move(model)), inputs_(list_inputs(arguments.photos)), work_(inputs_.size()) {
    shown_ =
        arguments.sheet.empty() ? std::vector<bool>(inputs_.size()) : chosen_for_sheet(inputs_, static_cast<std::size_t>(arguments.count));
  }

  // Fits everything, `jobs` photos at once, each then on one thread: parallel loops inside of one are serial.
  void run() {
    if (arguments_.jobs > 1) set_default_threads(arguments_.jobs);
    for_each_photo([this](Fitter& fitter, std::size_t i) { do_photo(fitter, i); });
    if (arguments_.strangers > 0) for_each_photo([this](Fitter& fitter, std::size_t i) { meet_strangers(fitter, i); });
  }

  Status report() const {
    std::vector<PhotoFigures> photos;
    std::vector<double> strangers;
    std::vector<Image> sheet;
    Status last;
    bool any = false;
    for (const Work& work : work_) {
      if (!work.written.ok()) return work.written;
      photos.push_back(work.figures);
      strangers.insert(strangers.end(), work.strangers.begin(), work.strangers.end());
      for (const Image& each : work.thumbnails) {
        if (!each.pixels.empty()) sheet.push_back(each);
      }
      any = any || work.figures.status.ok();
      if (!work.figures.status.ok()) last = work.figures.status;
    }
    const FitReport report(model_->schema(), photos);
    Figures figures;
    report.add_to(figures);
    figures.moments("fit_strangers_similarity", strangers);
    figures.print(arguments_.json);
    if (!arguments_.csv.empty()) {
      if (Status status = write_file_atomic(arguments_.csv, report.csv()); !status.ok()) return status;
    }
    if (!any) return last;
    return sheet.empty() ? Status::success() : write_png(arguments_.sheet, tile(sheet, 3 * kSheetColumns));
  }

 private:
  template <class Body>
  void for_each_photo(const Body& body) {
    std::atomic<std::size_t> next = 0;
    parallel_for(arguments_.jobs, [&](std::int64_t) {
      Fitter fitter(model_);
      for (std::size_t i = next++; i < inputs_.size(); i = next++) body(fitter, i);
    });
  }

  // The photo beside the identities of the next photos' characters, in its own pose, expression and light.
  void meet_strangers(Fitter& fitter, std::size_t i) {
    const auto bytes = read_file(inputs_[i].file);
    if (!work_[i].figures.status.ok() || !bytes.ok()) return;
    std::vector<Character> characters;
    for (std::size_t step = 1; step < inputs_.size() && characters.size() < static_cast<std::size_t>(arguments_.strangers); ++step) {
      const std::size_t j = (i + step) % inputs_.size();
      if (!work_[j].figures.status.ok() || person_of(inputs_[i].stem) == person_of(inputs_[j].stem)) continue;
      Character character = work_[i].figures.character;
      for (const Parameter& p : model_->schema().parameters()) {
        if (p.role == ParameterRole::identity)
          std::copy_n(work_[j].figures.character.x.data() + p.offset, p.size(), character.x.data() + p.offset);
      }
      characters.push_back(std::move(character));
    }
    if (auto similarities = fitter.similarities(*bytes, characters, arguments_.options); similarities.ok())
      work_[i].strangers = std::move(*similarities);
  }

  void do_photo(Fitter& fitter, std::size_t i) {
    const BatchInput& input = inputs_[i];
    Work& work = work_[i];
    const Result<std::vector<std::uint8_t>> bytes = input.status.ok() ? read_file(input.file) : input.status;
    const Stopwatch watch;
    const Result<FitResult> fit = bytes.ok() ? fitter.fit_bytes(*bytes, arguments_.options) : bytes.status();
    const double seconds = watch.seconds();
    Result<PhotoFigures> figures = fit.ok() ? figures_of(*fit) : fit.status();
    if (figures.ok()) {
      work.figures = std::move(*figures);
      work.figures.seconds = seconds;
      if (shown_[i]) work.thumbnails = thumbnails_of(*fit);
      if (!arguments_.characters.empty()) work.written = write(input.stem, *fit);
    } else {
      work.figures.status = figures.status();
      std::fprintf(stderr, "likeness: %s: %s: %s\n", input.file.c_str(), code_name(figures.status().code),
                   figures.status().message.c_str());
    }
    work.figures.stem = input.stem;
  }

  // As `likeness fit` does, a fit that ended in numbers that are not finite is refused.
  Result<PhotoFigures> figures_of(const FitResult& fit) const {
    if (fit.stop == StopReason::diverged) return Status{Code::diverged, "the fit ran into numbers that are not finite"};
    return measure_fit(fit, *model_);
  }

  static std::array<Image, 3> thumbnails_of(const FitResult& fit) {
    std::array<Image, 3> thumbnails;
    const std::array<const Picture*, 3> pictures = {&fit.aligned, &fit.posed, &fit.rendered};
    for (std::size_t k = 0; k < pictures.size(); ++k) {
      if (auto small = resize(image_from(*pictures[k]), kSheetSide, kSheetSide, Filter::box); small.ok()) thumbnails[k] = std::move(*small);
    }
    return thumbnails;
  }

  Status write(const std::string& stem, const FitResult& fit) const {
    const std::filesystem::path folder = std::filesystem::path(arguments_.characters) / stem;
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return {Code::io_error, "cannot make " + folder.string() + ": " + error.message()};
    return write_result(folder, stem, *model_, fit, arguments_.options);
  }

  const EvaluateFitArguments& arguments_;
  std::shared_ptr<const Model> model_;
  std::vector<BatchInput> inputs_;
  std::vector<bool> shown_;  // in the sheet
  std::vector<Work> work_;
};

Status evaluate_fit(const EvaluateFitArguments& arguments) {
  auto model = load_model(arguments.model);
  if (!model.ok()) return model.status();
  Evaluation evaluation(arguments, std::move(*model));
  evaluation.run();
  return evaluation.report();
}

}  // namespace

void add_evaluate_fit(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<EvaluateFitArguments>();
  CLI::App* command = app.add_subcommand("fit", "Fit photos: landmarks, colours, stability, losses and seconds (docs/quality.md)");
  command->add_option("photos", arguments->photos, "Photos, or folders of them; NAME_1 and NAME_2 show one person")->required();
  add_fit_options(*command, arguments->options);
  add_model_options(*command, arguments->model);
  add_precision_option(*command, arguments->model);
  command->add_option("--jobs", arguments->jobs, "Photos at once, if more than one each on one thread")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str()
      ->excludes(command->get_option("--threads"));
  CLI::Option* sheet = command->add_option("--sheet", arguments->sheet,
                                           "PNG to write: aligned photo | as fitted | neutral, of people spread over the photos");
  command->add_option("-n,--count", arguments->count, "People on the sheet at most")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str()
      ->needs(sheet);
  command->add_option("--characters", arguments->characters, "Folder to write STEM/... to, as `likeness fit` does");
  command->add_option("--csv", arguments->csv, "CSV file to write: a line of figures a photo");
  command->add_option("--strangers", arguments->strangers, "Also the similarity of each photo and this many other people's characters")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command->add_flag("--json", arguments->json, "Print one JSON object");
  command->callback([arguments, &exit] {
    const Status status = evaluate_fit(*arguments);
    exit = status.ok() ? exit_ok : fail(status);
  });
}

}  // namespace likeness::cli
