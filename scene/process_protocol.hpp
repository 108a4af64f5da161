// What an external client and this program say to each other: one JSON object a line. docs/your-own-game.md is the reference.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "likeness/alignment.hpp"
#include "likeness/scene.hpp"

namespace likeness::scene {

/// The files that an answer's picture and label map are written to.
struct RenderingFiles {
  std::filesystem::path picture, labels;
};

/// The request line (without its newline) for a canonical character: parameters by name in client units.
std::string request_line(const Schema& schema, std::span<const float> x, const RenderOptions& options, std::uint64_t id,
                         const RenderingFiles& files);

/// Checks the first line that a program writes: its format and version. Errors: client_failed.
Status check_greeting(std::string_view line);

/// An answer line. `in_step`: it was an answer to this request; if not, nothing that the program writes from now on can be trusted.
struct Answer {
  Status status;  ///< client_failed: no answer to this request, the program's own error, or no 68 finite landmarks
  bool in_step = false;
  Landmarks landmarks{};
};
Answer parse_answer(std::string_view line, std::uint64_t id);

/// Reads the files of an answered request. Errors: client_failed (missing, unreadable, of another size than asked for, no classes).
Status read_rendering(const RenderingFiles& files, const RenderOptions& options, Rendering* rendering);

}  // namespace likeness::scene
