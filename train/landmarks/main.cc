// train_landmarks: sample files of train/landmark_data.py -> a landmark file that dlib reads.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "train/landmarks/boosting.hpp"
#include "train/landmarks/dlib_file.hpp"
#include "train/landmarks/samples.hpp"

namespace likeness::landmarks {
namespace {

Status read_all(const std::vector<std::string>& files, Samples& samples) {
  for (const std::string& file : files) {
    if (Status status = append_samples(file, samples); !status.ok()) return status;
  }
  return samples.count() > 0 ? Status::success() : Status{Code::invalid_argument, "there are no samples"};
}

// Median over the samples of the mean distance of the inner landmarks.
double median_error(const Cascade& cascade, const Samples& samples) {
  std::vector<double> errors;
  for (std::size_t i = 0; i < samples.count(); ++i) {
    const double error = inner_error(apply(cascade, samples, i, cascade.mean), samples.shapes[i]);
    if (!std::isnan(error)) errors.push_back(error);
  }
  if (errors.empty()) return 0;
  std::ranges::nth_element(errors, errors.begin() + static_cast<std::ptrdiff_t>(errors.size() / 2));
  return errors[errors.size() / 2];
}

Status run(const std::vector<std::string>& training, const std::vector<std::string>& held, const std::string& output,
           TrainOptions options) {
  Samples samples;
  if (Status status = read_all(training, samples); !status.ok()) return status;
  std::vector<Samples> held_out(held.size());
  for (std::size_t i = 0; i < held.size(); ++i) {
    if (Status status = read_all({held[i]}, held_out[i]); !status.ok()) return status;
  }
  for (std::size_t k = 0; k < samples.shapes[0].size(); ++k) {
    if (std::ranges::all_of(samples.shapes, [k](const auto& shape) { return std::isnan(shape[k]); })) {
      return {Code::corrupt_model, "landmark " + std::to_string(k / 2) + " is known in no sample"};
    }
  }
  const auto start = std::chrono::steady_clock::now();
  options.report = [&](int level, const Cascade& cascade, double error) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("level %d  seconds %.0f  training %.4f", level + 1, seconds, error);
    for (const Samples& set : held_out) std::printf("  held out %.4f", median_error(cascade, set));
    std::printf("\n");
    std::fflush(stdout);
  };
  const std::string bytes = to_dlib(train(samples, options));
  std::printf("%zu samples, %zu bytes\n", samples.count(), bytes.size());
  return write_file_atomic(output, bytes);
}

}  // namespace
}  // namespace likeness::landmarks

int main(int argc, char** argv) {
  likeness::landmarks::TrainOptions options;
  std::vector<std::string> samples, held;
  std::string output;
  CLI::App app("Trains a 68-landmark regressor in dlib's format; errors are parts of the distance between the eyes, jaw excluded");
  app.add_option("samples", samples, "Sample files of train/landmark_data.py")->required();
  app.add_option("--held-out", held, "Sample files to measure on, each for itself (median)");
  app.add_option("-o,--output", output, "Landmark file to write")->required();
  app.add_option("--levels", options.levels, "Levels of the cascade")->check(CLI::Range(1, 100))->capture_default_str();
  app.add_option("--trees", options.trees, "Trees of a level")->check(CLI::Range(1, 10000))->capture_default_str();
  app.add_option("--depth", options.depth, "Decisions of a tree, one after the other")->check(CLI::Range(1, 10))->capture_default_str();
  app.add_option("--candidates", options.candidates, "Decisions tried at a node")->check(CLI::Range(1, 100000))->capture_default_str();
  app.add_option("--starts", options.starts, "Starting shapes of a sample")->check(CLI::Range(1, 100))->capture_default_str();
  app.add_option("--searched", options.searched, "Samples by which decisions are chosen")
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str();
  app.add_option("--rate", options.rate, "Of boosting")->check(CLI::Range(0.001F, 1.0F))->capture_default_str();
  app.add_option("--reach", options.reach, "Distance of the pixels that are compared, in boxes")
      ->check(CLI::Range(0.001F, 10.0F))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Of the random choices")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const likeness::Status status = likeness::landmarks::run(samples, held, output, options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "train_landmarks: %s: %s\n", likeness::code_name(status.code), status.message.c_str());
  return 1;
}
