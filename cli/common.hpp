// What every subcommand shares: exit statuses, error lines, and where the scene is.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "likeness/scene.hpp"
#include "likeness/status.hpp"

namespace CLI {
class App;
}

namespace likeness::cli {

/// Exit statuses of the command.
enum Exit : int {
  exit_ok = 0,       ///< everything asked for was done
  exit_refused = 1,  ///< some inputs were refused; the others were done
  exit_usage = 2,    ///< wrong usage
  exit_failed = 3,   ///< could not run at all
};

/// Prints "likeness: CODE: message" on standard error; returns `exit`, so that a command can `return fail(status)`.
int fail(const Status& status, int exit = exit_failed);

/// The scene's file: `scene_option` if not empty, else scene.json in model_folder(model_option).
std::filesystem::path scene_file(const std::string& scene_option, const std::string& model_option);
/// Opens that scene. One that comes from the model folder may not start a program (scene/client.hpp). Errors: those of open_client().
Result<std::unique_ptr<GameClient>> open_scene(const std::string& scene_option, const std::string& model_option);
/// The help of every --scene.
inline constexpr const char* kSceneHelp = "scene.json (default: the model folder's); if its client is a program, that is started";

/// The character in a file: a character.json, or else a MakeHuman saved model, told by content. What a .mhm holds beyond the scene's
/// sliders is noted on standard error, a line each. Errors: those of read_text_file, character_from_json and character_from_mhm.
Result<Character> read_character(const Schema& schema, const std::filesystem::path& path);

// Each adds its subcommand to `app`; when the subcommand was given, its callback stores the exit status in `exit`.
void add_render_command(CLI::App& app, int& exit);
void add_export_command(CLI::App& app, int& exit);
void add_dataset_command(CLI::App& app, int& exit);
#ifndef LIKENESS_SCENE_ONLY
void add_fit_command(CLI::App& app, int& exit);
void add_align_command(CLI::App& app, int& exit);
void add_generate_command(CLI::App& app, int& exit);
void add_inspect_command(CLI::App& app, int& exit);
void add_evaluate_command(CLI::App& app, int& exit);
#endif

}  // namespace likeness::cli
