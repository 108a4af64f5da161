// likeness render: the client's picture of a character.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "base/file.hpp"
#include "cli/common.hpp"
#include "image/encode.hpp"
#include "likeness/scene.hpp"

namespace likeness::cli {
namespace {

struct RenderArguments {
  std::string character, output, labels, scene, model;
  int size = 512;
  bool posed = false;
};

Status write_png(const std::string& path, Image image) {
  const auto png = encode_png(image);
  return png.ok() ? write_file_atomic(path, *png) : png.status();
}

Image picture(int size, int channels, std::vector<std::uint8_t> pixels) {
  Image image;
  image.width = image.height = size;
  image.channels = channels;
  image.pixels = std::move(pixels);
  return image;
}

Status render(const RenderArguments& arguments) {
  const auto client = open_scene(arguments.scene, arguments.model);
  if (!client.ok()) return client.status();
  const auto character = read_character((*client)->schema(), arguments.character);
  if (!character.ok()) return character.status();
  RenderOptions options;
  options.size = arguments.size;
  options.labels = !arguments.labels.empty();
  options.neutral = !arguments.posed;
  auto rendering = (*client)->render(character->x, options);
  if (!rendering.ok()) return rendering.status();
  const Status written = write_png(arguments.output, picture(rendering->size, 3, std::move(rendering->rgb)));
  if (!written.ok() || !options.labels) return written;
  return write_png(arguments.labels, picture(rendering->size, 1, std::move(rendering->labels)));
}

}  // namespace

void add_render_command(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<RenderArguments>();
  CLI::App* command = app.add_subcommand("render", "Render a character in its game (neutral, frontal, standard light)");
  command->add_option("character", arguments->character, "character.json, or a MakeHuman saved model (.mhm)")->required();
  command->add_option("-o,--output", arguments->output, "PNG to write")->required();
  command->add_option("--labels", arguments->labels, "Also write the label map, 8-bit grey PNG with classes 0 to 10");
  command->add_option("--size", arguments->size, "Side in pixels")->check(CLI::Range(16, 4096))->capture_default_str();
  command->add_flag("--posed", arguments->posed, "Keep the pose, expression and light that the file holds");
  command->add_option("--scene", arguments->scene, kSceneHelp);
  command->add_option("--model", arguments->model, "Model folder");
  command->callback([arguments, &exit] {
    const Status status = render(*arguments);
    exit = status.ok() ? exit_ok : fail(status);
  });
}

}  // namespace likeness::cli
