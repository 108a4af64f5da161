// Running the `likeness` program in tests.
#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/file.hpp"
#include "fit_fixture.hpp"

namespace likeness::test {

/// How a run of the program ended.
struct ProgramRun {
  int status = -1;  ///< exit status; -1 where it was killed
  std::string output, errors;
};

/// Runs `likeness ARGUMENTS` (shell syntax) with its streams caught, without a terminal.
inline ProgramRun run_program(const std::string& arguments) {
  const TemporaryFolder folder;
  const std::string out = folder.path() / "out", err = folder.path() / "err";
  const int raw = std::system((std::string(LIKENESS_PROGRAM) + " " + arguments + " >" + out + " 2>" + err + " </dev/null").c_str());
  return {WIFEXITED(raw) ? WEXITSTATUS(raw) : -1, *read_text_file(out), *read_text_file(err)};
}

}  // namespace likeness::test
