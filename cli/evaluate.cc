// likeness evaluate: figures of the networks and of fits.
#include "cli/evaluate.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "base/file.hpp"
#include "cli/common.hpp"
#include "cli/evaluate_pictures.hpp"
#include "image/decode.hpp"

namespace likeness::cli {
namespace {

// The matrix of a NumPy file of format 1.0, float32, as `likeness dataset` writes it.
Result<std::vector<float>> read_npy(const std::filesystem::path& path, std::size_t columns, std::int64_t& rows) {
  const auto bytes = read_file(path);
  if (!bytes.ok()) return bytes.status();
  if (bytes->size() < 10 || std::memcmp(bytes->data(), "\x93NUMPY\x01\0", 8) != 0) {
    return Status{Code::unsupported_format, path.string() + " is no NumPy file of format 1.0"};
  }
  const std::size_t begin = 10 + static_cast<std::size_t>((*bytes)[8]) + 256 * static_cast<std::size_t>((*bytes)[9]);
  const std::size_t size = begin <= bytes->size() ? bytes->size() - begin : 0, row = columns * sizeof(float);
  rows = static_cast<std::int64_t>(size / row);
  const std::string header(bytes->begin() + 10, bytes->begin() + static_cast<std::ptrdiff_t>(bytes->size() - size));
  const std::string shape = "'shape': (" + std::to_string(rows) + ", " + std::to_string(columns) + ")";
  if (header.find("'<f4'") == std::string::npos || header.find("False") == std::string::npos || header.find(shape) == std::string::npos ||
      size % row != 0) {
    return Status{Code::schema_mismatch, path.string() + " does not hold float32 rows of this scene's vectors"};
  }
  std::vector<float> values(size / sizeof(float));
  std::memcpy(values.data(), bytes->data() + begin, size);
  return values;
}

}  // namespace

void add_example_options(CLI::App& command, ExampleArguments& arguments, const char* data_help) {
  CLI::Option* data = command.add_option("data", arguments.data, data_help);
  command.add_option("--seed", arguments.seed, "Without data: characters drawn from this seed (not one that training used)")
      ->excludes(data);
  command.add_option("-n,--count", arguments.count, "Examples at most")->check(CLI::Range(1, 1000000))->capture_default_str();
}

Result<Examples> open_examples(const ExampleArguments& arguments, const GameClient& client) {
  if (arguments.data.empty()) return Examples::draw(client, arguments.seed, arguments.count);
  return Examples::open(arguments.data, client.schema());
}

Result<Examples> Examples::open(const std::filesystem::path& folder, const Schema& schema) {
  Examples examples;
  examples.folder_ = folder;
  Result<std::vector<float>> x = read_npy(folder / "parameters.npy", schema.size(), examples.count_);
  if (!x.ok()) return x.status();
  examples.x_ = std::move(*x);
  return examples;
}

Examples Examples::draw(const GameClient& client, std::uint64_t seed, std::int64_t count) {
  Examples examples;
  examples.client_ = &client;
  examples.seed_ = seed;
  examples.count_ = count;
  return examples;
}

Result<Examples::Example> Examples::get(std::int64_t index) const {
  if (client_ != nullptr) {
    std::vector<float> x = draw_human(client_->schema(), seed_, static_cast<std::uint64_t>(index));
    Result<Rendering> r = client_->render(x, {.labels = true});
    if (!r.ok()) return r.status();
    return Example{std::move(x), picture_of(*r), labels_of(*r), r->landmarks};
  }
  char name[32];
  std::snprintf(name, sizeof name, "%06lld", static_cast<long long>(index));
  const auto bytes = read_file(folder_ / (std::string(name) + ".png"));
  if (!bytes.ok()) return bytes.status();
  Result<Image> picture = decode_photo(*bytes);
  if (!picture.ok()) return picture.status();
  const std::size_t columns = x_.size() / static_cast<std::size_t>(count_);
  const auto row = x_.begin() + static_cast<std::ptrdiff_t>(columns * static_cast<std::size_t>(index));
  Example example{{row, row + static_cast<std::ptrdiff_t>(columns)}, std::move(*picture), {}, {}};
  if (const auto labels = read_file(folder_ / (std::string(name) + "_labels.png")); labels.ok()) {
    Result<Image> map = decode_labels(*labels);
    if (!map.ok()) return map.status();
    example.labels = std::move(*map);
  }
  return example;
}

Image tile(const std::vector<Image>& pictures, int columns) {
  if (pictures.empty()) return {};
  const int width = pictures.front().width, height = pictures.front().height;
  const int count = static_cast<int>(pictures.size());
  columns = std::min(columns, count);
  Image sheet(columns * width, (count + columns - 1) / columns * height, 3);
  for (int i = 0; i < count; ++i) {
    const Image& picture = pictures[static_cast<std::size_t>(i)];
    for (int y = 0; y < height; ++y)
      std::copy_n(picture.row(y), picture.row_bytes(), sheet.at(i % columns * width, i / columns * height + y));
  }
  return sheet;
}

void add_evaluate_command(CLI::App& app, int& exit) {
  CLI::App* command = app.add_subcommand("evaluate", "Measure the networks and the fits");
  command->require_subcommand(1);
  add_evaluate_scene(*command, exit);
  add_evaluate_generator(*command, exit);
  add_evaluate_extractor(*command, exit);
  add_evaluate_companions(*command, exit);
  add_evaluate_fit(*command, exit);
  add_evaluate_irises(*command, exit);
  add_evaluate_landmarks(*command, exit);
  add_evaluate_recovery(*command, exit);
  add_evaluate_sheet(*command, exit);
}

}  // namespace likeness::cli
