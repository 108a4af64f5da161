// The options that every command with a fit or an alignment shares.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fit/aligner.hpp"
#include "image/image.hpp"
#include "likeness/likeness.hpp"

namespace CLI {
class App;
}

namespace likeness::cli {

/// Where the model is, and how many threads work.
struct ModelArguments {
  std::string model, scene;
  std::string landmark_model;  ///< own, dlib or a file; empty: the model's default (align/face_finder.hpp)
  int threads = 0;
  Precision precision = Precision::fp32;
};
void add_model_options(CLI::App& command, ModelArguments& arguments);
/// --precision fp32|bf16, for commands that fit.
void add_precision_option(CLI::App& command, ModelArguments& arguments);
/// Sets the threads and loads everything.
Result<std::shared_ptr<const Model>> load_model(const ModelArguments& arguments);
/// Sets the threads and opens the client and the face finder only: what alignment needs, before any network is trained.
struct Frame {
  std::unique_ptr<GameClient> client;
  Aligner aligner;
};
Result<Frame> open_frame(const ModelArguments& arguments);
/// The face finder that `arguments` ask for. Errors: those of FaceFinder::open().
Result<FaceFinder> open_chosen_finder(const ModelArguments& arguments);

/// --align affine|similarity
void add_align_option(CLI::App& command, AlignKind& align);
/// --iterations, --threshold, --step, --loss, --align, --seed, --optimizer, --objective, --weights
void add_fit_options(CLI::App& command, FitOptions& options);

/// Encodes and writes a picture. Errors: io_error, invalid_argument.
Status write_png(const std::filesystem::path& path, const Image& image);

}  // namespace likeness::cli
