// The parts of `likeness evaluate`: each measures one thing and prints `NAME VALUE` lines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "image/image.hpp"
#include "likeness/alignment.hpp"
#include "likeness/scene.hpp"

namespace CLI {
class App;
}

namespace likeness::cli {

/// Rendered characters with their vectors and label maps: a folder that `likeness dataset` wrote, or drawn on the fly.
class Examples {
 public:
  struct Example {
    std::vector<float> x;
    Image picture;                       ///< RGB
    Image labels;                        ///< 1 channel; empty where the folder has none
    std::optional<Landmarks> landmarks;  ///< the client's, of characters drawn on the fly
  };
  /// A data set folder (parameters.npy, NNNNNN.png, NNNNNN_labels.png). Errors: not_found, corrupt_image, schema_mismatch.
  static Result<Examples> open(const std::filesystem::path& folder, const Schema& schema);
  /// `count` characters of draw_human(seed, 0 ...) as the client renders them at 512. `client` must outlive the examples.
  static Examples draw(const GameClient& client, std::uint64_t seed, std::int64_t count);

  std::int64_t size() const { return count_; }
  Result<Example> get(std::int64_t index) const;

 private:
  std::filesystem::path folder_;
  const GameClient* client_ = nullptr;
  std::uint64_t seed_ = 0;
  std::int64_t count_ = 0;
  std::vector<float> x_;  // count_ rows, of a folder
};

/// Which examples: a folder, or a seed.
struct ExampleArguments {
  std::string data;
  std::uint64_t seed = 0;
  std::int64_t count = 1000;
};
/// DATA, --seed, --count
void add_example_options(CLI::App& command, ExampleArguments& arguments, const char* data_help);
/// Errors: those of Examples::open().
Result<Examples> open_examples(const ExampleArguments& arguments, const GameClient& client);

/// Pictures of one size (RGB) side by side, `columns` in a row; places without a picture are black.
Image tile(const std::vector<Image>& pictures, int columns);

void add_evaluate_scene(CLI::App& app, int& exit);
void add_evaluate_generator(CLI::App& app, int& exit);
void add_evaluate_extractor(CLI::App& app, int& exit);
void add_evaluate_companions(CLI::App& app, int& exit);
void add_evaluate_fit(CLI::App& app, int& exit);
void add_evaluate_irises(CLI::App& app, int& exit);
void add_evaluate_landmarks(CLI::App& app, int& exit);
void add_evaluate_recovery(CLI::App& app, int& exit);
void add_evaluate_sheet(CLI::App& app, int& exit);

}  // namespace likeness::cli
