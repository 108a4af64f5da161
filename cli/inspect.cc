// likeness inspect: what a model file holds.
#include <CLI/CLI.hpp>
#include <cinttypes>
#include <cstdio>
#include <memory>
#include <string>

#include "cli/common.hpp"
#include "weights/safetensors.hpp"

namespace likeness::cli {
namespace {

int inspect(const std::string& path) {
  const Result<Safetensors> file = Safetensors::load(path);
  if (!file.ok()) return fail(file.status());
  std::printf("file %s\nbytes %zu\nsha256 %s\n", path.c_str(), file->file_bytes(), file->sha256().c_str());
  for (const auto& [key, value] : file->metadata()) std::printf("%s %s\n", key.c_str(), value.c_str());
  std::int64_t numbers = 0;
  for (const auto& [name, tensor] : file->tensors()) {
    numbers += tensor.count();
    std::printf("tensor %s %s %s\n", name.c_str(), dtype_name(tensor.dtype), shape_text(tensor.shape).c_str());
  }
  std::printf("tensors %zu\nnumbers %" PRId64 "\n", file->tensors().size(), numbers);
  return exit_ok;
}

}  // namespace

void add_inspect_command(CLI::App& app, int& exit) {
  auto path = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("inspect", "Show a model file: architecture, card, tensors");
  command->add_option("model", *path, "MODEL.safetensors")->required();
  command->callback([path, &exit] { exit = inspect(*path); });
}

}  // namespace likeness::cli
