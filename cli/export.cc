// likeness export: the head in three dimensions, for engines and modelling programs.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <memory>
#include <string>

#include "base/file.hpp"
#include "cli/common.hpp"
#include "likeness/mesh.hpp"
#include "likeness/scene.hpp"

namespace likeness::cli {
namespace {

struct ExportArguments {
  std::string character, output, scene, model;
  bool posed = false;
};

std::string extension(const std::filesystem::path& path) {
  std::string text = path.extension().string();
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// The .obj goes last and under the very name that was asked for: it never stands without the files that it names.
Status write_obj(const Mesh& mesh, const std::filesystem::path& path) {
  const auto files = mesh_to_obj(mesh, path.stem().string());
  if (!files.ok()) return files.status();
  for (std::size_t i = 0; i < files->size(); ++i) {
    const auto& [name, bytes] = (*files)[i];
    const Status status = write_file_atomic(i + 1 < files->size() ? path.parent_path() / name : path, bytes);
    if (!status.ok()) return status;
  }
  return Status::success();
}

Status write_glb(const Mesh& mesh, const std::filesystem::path& path) {
  const auto glb = mesh_to_glb(mesh, path.stem().string());
  return glb.ok() ? write_file_atomic(path, *glb) : glb.status();
}

Status export_head(const ExportArguments& arguments) {
  const auto client = open_scene(arguments.scene, arguments.model);
  if (!client.ok()) return client.status();
  const auto character = read_character((*client)->schema(), arguments.character);
  if (!character.ok()) return character.status();
  const auto mesh = (*client)->mesh(character->x, arguments.posed);
  if (!mesh.ok()) return mesh.status();
  return extension(arguments.output) == ".obj" ? write_obj(*mesh, arguments.output) : write_glb(*mesh, arguments.output);
}

}  // namespace

void add_export_command(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<ExportArguments>();
  CLI::App* command = app.add_subcommand("export", "Write a character's textured 3-D head (metres, y up)");
  command->add_option("character", arguments->character, "character.json, or a MakeHuman saved model (.mhm)")->required();
  command->add_option("-o,--output", arguments->output, "HEAD.glb (glTF, one file), or HEAD.obj (with .mtl and .png beside it)")
      ->required()
      ->check([](const std::string& path) {
        const std::string end = extension(path);
        return end == ".glb" || end == ".obj" ? std::string() : std::string("must end in .glb or .obj");
      });
  command->add_flag("--posed", arguments->posed, "Keep the expression that the file holds");
  command->add_option("--scene", arguments->scene, kSceneHelp);
  command->add_option("--model", arguments->model, "Model folder");
  command->callback([arguments, &exit] {
    const Status status = export_head(*arguments);
    exit = status.ok() ? exit_ok : fail(status);
  });
}

}  // namespace likeness::cli
