// likeness generate: the generator's picture of a character.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "base/file.hpp"
#include "base/parallel.hpp"
#include "cli/common.hpp"
#include "cli/fit_options.hpp"
#include "fit/objective.hpp"
#include "fit/report.hpp"
#include "scene/model_folder.hpp"

namespace likeness::cli {
namespace {

struct GenerateArguments {
  std::string character, output;
  ModelArguments model;
};

Status generate(const GenerateArguments& arguments) {
  set_default_threads(arguments.model.threads);
  const auto scene = read_text_file(scene_file(arguments.model.scene, arguments.model.model));
  if (!scene.ok()) return scene.status();
  const auto schema = Schema::parse(*scene);
  if (!schema.ok()) return schema.status();
  const auto character = read_character(*schema, arguments.character);
  if (!character.ok()) return character.status();
  const auto generator = load_generator(model_folder(arguments.model.model) / "generator.safetensors");
  if (!generator.ok()) return generator.status();
  if (generator->architecture().inputs != static_cast<int>(schema->size())) {
    return {Code::schema_mismatch, "the generator was trained for another scene"};
  }
  Tape<float> tape;
  const auto picture = generate_picture(*generator, tape, character->x);
  if (!picture.ok()) return picture.status();
  return write_png(arguments.output, image_from(*picture));
}

}  // namespace

void add_generate_command(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<GenerateArguments>();
  CLI::App* command = app.add_subcommand("generate", "Draw a character by the network that stands for the game");
  command->add_option("character", arguments->character, "character.json, or a MakeHuman saved model (.mhm)")->required();
  command->add_option("-o,--output", arguments->output, "PNG to write")->required();
  add_model_options(*command, arguments->model);
  command->callback([arguments, &exit] {
    const Status status = generate(*arguments);
    exit = status.ok() ? exit_ok : fail(status);
  });
}

}  // namespace likeness::cli
