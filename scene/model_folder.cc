#include "scene/model_folder.hpp"

#include <cstdlib>
#include <system_error>

#ifdef __linux__
#include <sys/auxv.h>
#endif

namespace likeness {

namespace fs = std::filesystem;

namespace {

// The running program's file; empty where it is not known.
fs::path program_file() {
  std::error_code error;
  fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) return program;
#ifdef __linux__
  // A container may have no /proc: the name by which the program was started.
  if (const auto* name = reinterpret_cast<const char*>(getauxval(AT_EXECFN)); name != nullptr) program = fs::canonical(name, error);
#endif
  return error ? fs::path() : program;
}

}  // namespace

fs::path model_folder(const fs::path& named) {
  if (!named.empty()) return named;
  if (const char* variable = std::getenv("LIKENESS_MODEL"); variable != nullptr && *variable != '\0') return variable;
  const fs::path in_data = fs::path("likeness") / "models" / "makehuman-head",
                 in_source = fs::path("weights") / "models" / "makehuman-head";
  std::error_code error;
  const auto holds_model = [&error](const fs::path& folder) { return fs::exists(folder / "scene.json", error); };
  const fs::path program = program_file();
  // Beside the program first: an installation may have been moved.
  if (!program.empty() && holds_model(program.parent_path().parent_path() / "share" / in_data)) {
    return program.parent_path().parent_path() / "share" / in_data;
  }
  if (holds_model(in_source)) return in_source;
  for (fs::path folder = program.parent_path(); folder.has_relative_path(); folder = folder.parent_path()) {
    if (holds_model(folder / in_source)) return folder / in_source;
  }
  const fs::path configured = fs::path(LIKENESS_DATA_FOLDER) / in_data;
  return holds_model(configured) ? configured : in_source;
}

}  // namespace likeness
