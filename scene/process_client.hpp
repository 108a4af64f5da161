// An external game as a GameClient: a few copies of a long-lived program that are spoken to in lines (scene/process_protocol.hpp).
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "likeness/scene.hpp"

namespace likeness::scene {

/// `"client": {"type": "process", ...}` of a scene.json.
struct ProcessSettings {
  std::vector<std::string> command;  ///< program and arguments, run in the scene.json's folder without a shell
  double start_timeout_s = 60;       ///< until the greeting
  double timeout_s = 30;             ///< until the answer to a request
  int processes = 1;                 ///< copies at most; started as threads ask for them

  /// Reads the "client" object of a schema's canonical JSON. Errors: corrupt_scene, also for keys that are not known.
  static Result<ProcessSettings> parse(const Schema& schema);
};

/// Starts the first copy and hears its greeting. Errors: client_failed, io_error (no place for pictures).
///
/// render() waits for a copy that is free. One that crashes, is late or breaks the protocol is killed and its request fails; the next
/// request starts another. After 5 failures a copy without one answer between them the client gives up for good.
Result<std::unique_ptr<GameClient>> open_process_client(Schema schema, ProcessSettings settings, const std::filesystem::path& folder);

}  // namespace likeness::scene
