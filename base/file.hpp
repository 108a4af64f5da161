// Whole-file reading and crash-safe writing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/status.hpp"

namespace likeness {

/// Reads a whole regular file. Errors: not_found, io_error (also for a directory, or more than `max_bytes`).
Result<std::vector<std::uint8_t>> read_file(const std::filesystem::path& path, std::size_t max_bytes = std::size_t{1} << 30);
Result<std::string> read_text_file(const std::filesystem::path& path, std::size_t max_bytes = std::size_t{1} << 30);

/// Writes to a temporary file beside `path`, syncs it, renames it over `path` and syncs the folder: after a crash
/// `path` holds the old bytes or the new ones, never a mixture. Errors: io_error.
Status write_file_atomic(const std::filesystem::path& path, std::span<const std::uint8_t> bytes);
Status write_file_atomic(const std::filesystem::path& path, std::string_view text);

}  // namespace likeness
