// likeness fit: photos become characters.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/sha256.hpp"
#include "cli/common.hpp"
#include "cli/fit_group.hpp"
#include "cli/fit_options.hpp"
#include "cli/fit_profile.hpp"
#include "cli/given_landmarks.hpp"
#include "fit/batch.hpp"
#include "fit/html_report.hpp"
#include "fit/report.hpp"
#include "fit/stopwatch.hpp"
#include "image/decode.hpp"

namespace likeness::cli {
namespace {

struct FitArguments {
  std::vector<std::string> photos;
  std::string output, landmarks;
  ModelArguments model;
  FitOptions options;
  bool together = false, json = false, quiet = false, report = false;
};

// One line on a terminal that is overwritten; nothing where standard error is no terminal.
class ProgressLine {
 public:
  explicit ProgressLine(bool wanted) : on_(wanted && isatty(STDERR_FILENO) == 1) {}

  void photo(std::size_t index, std::size_t count, const std::string& stem) {
    index_ = index, count_ = count, stem_ = stem;
    photo_start_ = Clock::now();
  }
  void step(const FitProgress& progress) {
    if (!on_) return;
    const double photo = seconds(photo_start_), share = static_cast<double>(progress.iteration) / progress.iterations;
    const double each = done_ > 0 ? busy_ / done_ : photo / share;
    const double left = photo / share - photo + each * static_cast<double>(count_ - index_ - 1);
    std::fprintf(stderr, "\r[%zu/%zu] %.40s  %d/%d  loss %.4f  %.0f s left \033[K", index_ + 1, count_, stem_.c_str(), progress.iteration,
                 progress.iterations, progress.loss, left);
    std::fflush(stderr);
  }
  void finished(bool resumed) {
    if (!resumed) busy_ += seconds(photo_start_), ++done_;
    clear();
  }
  void clear() const {
    if (on_) std::fputs("\r\033[K", stderr);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static double seconds(Clock::time_point since) { return std::chrono::duration<double>(Clock::now() - since).count(); }

  bool on_;
  std::size_t index_ = 0, count_ = 0;
  std::string stem_;
  Clock::time_point photo_start_;
  double busy_ = 0;
  int done_ = 0;
};

void report(const FitArguments& arguments, const LedgerEntry& entry, bool resumed) {
  if (arguments.json) {
    std::printf("%s\n", ledger_line(entry).c_str());
  } else if (entry.code != Code::ok) {
    std::fprintf(stderr, "likeness: %s: %s: %s\n", entry.photo.c_str(), code_name(entry.code), entry.message.c_str());
  } else if (!arguments.quiet) {
    std::printf("%s: similarity %.3f, %s\n", entry.stem.c_str(), entry.similarity,
                resumed ? "already done" : (std::to_string(static_cast<int>(entry.seconds * 1000)) + " ms").c_str());
  }
  std::fflush(stdout);
}

Result<FitResult> fit_with(Fitter& fitter, std::span<const std::uint8_t> bytes, const Result<Landmarks>& landmarks,
                           const FitOptions& options) {
  if (!landmarks.ok()) return landmarks.status();
  const Stopwatch decoding;
  const Result<Image> photo = decode_photo(bytes);
  if (!photo.ok()) return photo.status();
  const double seconds = decoding.seconds();
  Result<FitResult> result = fitter.fit({photo->width, photo->height, photo->pixels}, *landmarks, options);
  if (result.ok()) result->seconds.decode = seconds;
  return result;
}

void print_profile(const FitProfiles& profiles, const ColdStart& start, bool json) {
  if (profiles.empty()) {
    std::fprintf(stderr, "likeness: --profile: no photo was fitted; those already done are fitted again in another output folder\n");
    return;
  }
  const FmaPeak peak = measure_fma_peak();
  std::printf("%s\n", (json ? profiles.json(peak, start) : profiles.text(peak, start)).c_str());
}

// The landmarks of the reference face tell which landmark file found them: a photo is fitted anew with another.
std::string frame_key(const Model& model) {
  std::string numbers;
  for (const Point& p : model.reference_landmarks()) numbers += std::to_string(p[0]) + " " + std::to_string(p[1]) + " ";
  return "-" + sha256_hex(numbers).substr(0, 8);
}

int fit(const FitArguments& arguments) {
  ColdStart start;
  const Result<std::shared_ptr<const Model>> model = load_model(arguments.model);
  if (!model.ok()) return fail(model.status());
  start.loaded();
  std::vector<BatchInput> inputs = list_inputs(arguments.photos);
  const Result<GivenLandmarks> given = GivenLandmarks::read(arguments.landmarks, inputs);
  if (!given.ok()) return fail(given.status());
  if (arguments.together) {
    Result<BatchInput> group = group_of(std::move(inputs));
    if (!group.ok()) return fail(group.status(), exit_usage);
    inputs = {std::move(*group)};
  }
  Fitter fitter(*model);
  ProgressLine line(!arguments.quiet && !arguments.json);
  FitOptions options = arguments.options;
  options.progress = [&line, &start](const FitProgress& progress) {
    start.stepped();
    line.step(progress);
    return true;
  };

  FitProfiles profiles;
  std::size_t index = 0;
  const Status diverged{Code::diverged, "the fit ran into numbers that are not finite: try a smaller --step"};
  const auto write_page = [&](const BatchInput& input, const std::filesystem::path& folder, const FitResult& result) {
    if (!arguments.report) return Status::success();
    return write_html_report(folder, **model, result, options, input.stem, input.file.filename().string());
  };
  const BatchWork work = [&](const BatchInput& input, const BatchFiles& files, const std::filesystem::path& folder) -> Result<double> {
    index = static_cast<std::size_t>(&input - inputs.data());
    line.photo(index, inputs.size(), input.stem);
    if (!input.others.empty()) {
      const Result<std::vector<FitResult>> results = fit_group(fitter, files, *given, options);
      if (!results.ok()) return results.status();
      profiles.add(*results);
      if (results->front().stop == StopReason::diverged) return diverged;
      if (Status status = write_results(folder, stems_of(input), **model, *results, options); !status.ok()) return status;
      if (Status status = write_page(input, folder, results->front()); !status.ok()) return status;
      return mean_similarity(*results);
    }
    const std::vector<std::uint8_t>& bytes = files.front();
    const Result<FitResult> result = given->empty() ? fitter.fit_bytes(bytes, options) : fit_with(fitter, bytes, given->of(index), options);
    if (!result.ok()) return result.status();
    profiles.add({&*result, 1});
    if (result->stop == StopReason::diverged) return diverged;
    if (Status status = write_result(folder, input.stem, **model, *result, options); !status.ok()) return status;
    if (Status status = write_page(input, folder, *result); !status.ok()) return status;
    return result->similarity;
  };
  const BatchListener listener = [&](std::size_t, const LedgerEntry& entry, bool resumed) {
    line.finished(resumed);
    report(arguments, entry, resumed);
  };
  const Result<BatchCounts> counts = run_batch(inputs, arguments.output, options_key(**model, options) + frame_key(**model) + given->key(),
                                               work, listener, arguments.report ? "report.html" : "");
  if (!counts.ok()) return fail(counts.status());
  if (arguments.report || has_html_index(arguments.output)) {
    if (Status status = write_html_index(arguments.output); !status.ok()) return fail(status);
  }
  if (options.profile) print_profile(profiles, start, arguments.json);
  if (arguments.json) {
    std::printf("{\"photos\":%d,\"done\":%d,\"refused\":%d,\"already_done\":%d}\n", counts->total, counts->done, counts->refused,
                counts->resumed);
  } else if (!arguments.quiet) {
    const char* what = arguments.together ? "person" : counts->total == 1 ? "photo" : "photos";
    std::printf("%d %s: %d done, %d refused, %d already done\n", counts->total, what, counts->done, counts->refused, counts->resumed);
  }
  return counts->refused > 0 ? exit_refused : exit_ok;
}

}  // namespace

void add_fit_command(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<FitArguments>();
  CLI::App* command = app.add_subcommand("fit", "Turn portrait photos into characters");
  command->add_option("photos", arguments->photos, "JPEG, PNG or BMP files, or folders of them")->required();
  command->add_option("-o,--output", arguments->output, "Output folder: STEM/character.json and more for each photo, and ledger.jsonl")
      ->required();
  command->add_flag("--together", arguments->together,
                    "The photos (2 to 16) are of one person: fit one character to all, named after the first (docs/several-photos.md)");
  command->add_option("--landmarks", arguments->landmarks,
                      "Landmarks of your own instead of dlib's: a file for one photo, or a folder with STEM.json for each; 68 points in "
                      "pixels of the photo, as a list or as `align --landmarks` writes them");
  add_fit_options(*command, arguments->options);
  add_model_options(*command, arguments->model);
  add_precision_option(*command, arguments->model);
  command->add_flag("--report", arguments->report,
                    "Also OUT/STEM/report.html, a page about each fit, and OUT/index.html; fits photos again that have no page yet");
  command->add_flag("--profile", arguments->options.profile,
                    "Also print the time, GFLOP/s and share of this machine's FMA peak of each operation, over all photos that are fitted, "
                    "and the time of the parts of a fit (docs/performance.md)");
  command->add_flag("--json", arguments->json, "Print one JSON object a photo, and the counts, on standard output");
  command->add_flag("--quiet", arguments->quiet, "Print refusals only");
  command->callback([arguments, &exit] { exit = fit(*arguments); });
}

}  // namespace likeness::cli
