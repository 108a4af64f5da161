// likeness evaluate sheet
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "base/file.hpp"
#include "cli/common.hpp"
#include "cli/evaluate.hpp"
#include "cli/fit_options.hpp"
#include "image/decode.hpp"
#include "image/resample.hpp"

namespace likeness::cli {
namespace {

struct SheetArguments {
  std::string folder, output;
  int count = 16, columns = 2, height = 256;
};

// The first `count` panels (aligned | generated | rendered) of an output folder of `likeness fit`, in the order of names.
Status write_sheet(const SheetArguments& arguments) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(arguments.folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code missing;
    if (std::filesystem::exists(entry->path() / "panel.png", missing)) files.push_back(entry->path() / "panel.png");
  }
  if (error || files.empty())
    return {Code::not_found, arguments.folder + " holds no STEM/panel.png: give the output folder of `likeness fit`"};
  std::ranges::sort(files);
  files.resize(std::min(files.size(), static_cast<std::size_t>(arguments.count)));
  std::vector<Image> panels;
  for (const auto& file : files) {
    const auto bytes = read_file(file);
    if (!bytes.ok()) return bytes.status();
    const auto panel = decode_photo(*bytes);
    if (!panel.ok()) return panel.status();
    auto small = resize(*panel, 3 * arguments.height, arguments.height, Filter::bilinear);
    if (!small.ok()) return small.status();
    panels.push_back(std::move(*small));
  }
  return write_png(arguments.output, tile(panels, arguments.columns));
}

}  // namespace

void add_evaluate_sheet(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<SheetArguments>();
  CLI::App* command = app.add_subcommand("sheet", "A contact sheet of fits: aligned | generated | rendered");
  command->add_option("folder", arguments->folder, "Output folder of `likeness fit`")->required();
  command->add_option("-o,--output", arguments->output, "PNG to write")->required();
  command->add_option("-n,--count", arguments->count, "People at most")->check(CLI::Range(1, 1000))->capture_default_str();
  command->add_option("--columns", arguments->columns, "People side by side")->check(CLI::Range(1, 20))->capture_default_str();
  command->add_option("--height", arguments->height, "Pixels of a picture's side")->check(CLI::Range(32, 512))->capture_default_str();
  command->callback([arguments, &exit] {
    const Status status = write_sheet(*arguments);
    exit = status.ok() ? exit_ok : fail(status);
  });
}

}  // namespace likeness::cli
