#include "cli/common.hpp"

#include <cstdio>

#include "base/file.hpp"
#include "scene/client.hpp"
#include "scene/model_folder.hpp"

namespace likeness::cli {

namespace fs = std::filesystem;

int fail(const Status& status, int exit) {
  std::fprintf(stderr, "likeness: %s: %s\n", code_name(status.code), status.message.c_str());
  return exit;
}

fs::path scene_file(const std::string& scene_option, const std::string& model_option) {
  return scene_option.empty() ? model_folder(model_option) / "scene.json" : fs::path(scene_option);
}

Result<std::unique_ptr<GameClient>> open_scene(const std::string& scene_option, const std::string& model_option) {
  return scene::open_scene(scene_option, model_folder(model_option));
}

Result<Character> read_character(const Schema& schema, const fs::path& path) {
  const auto text = read_text_file(path);
  if (!text.ok()) return text.status();
  const std::size_t first = text->find_first_not_of(" \t\r\n");
  if (first != std::string::npos && (*text)[first] == '{') return character_from_json(schema, *text);
  Result<MhmReading> reading = character_from_mhm(schema, *text);
  if (!reading.ok()) return reading.status();
  for (const std::string& note : reading->notes) std::fprintf(stderr, "likeness: note: %s\n", note.c_str());
  return std::move(reading->character);
}

}  // namespace likeness::cli
