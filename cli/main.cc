// likeness: a portrait photo becomes the sliders of a game character.
#include <CLI/CLI.hpp>

#include "cli/common.hpp"

int main(int argc, char** argv) {
  using namespace likeness::cli;
  CLI::App app{"likeness turns a portrait photo into the sliders of a game character."};
  app.set_version_flag("--version", "likeness " LIKENESS_VERSION);
  app.require_subcommand(1);
  int exit = exit_ok;
#ifndef LIKENESS_SCENE_ONLY
  add_fit_command(app, exit);
#endif
  add_render_command(app, exit);
  add_export_command(app, exit);
#ifndef LIKENESS_SCENE_ONLY
  add_generate_command(app, exit);
  add_align_command(app, exit);
#endif
  add_dataset_command(app, exit);
#ifndef LIKENESS_SCENE_ONLY
  add_evaluate_command(app, exit);
  add_inspect_command(app, exit);
#endif
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_ok : exit_usage;
  }
  return exit;
}
