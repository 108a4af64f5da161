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

/// A regular file that is read piece by piece.
class FileReader {
 public:
  /// Errors: those of read_file().
  static Result<FileReader> open(const std::filesystem::path& path, std::size_t max_bytes);
  FileReader(FileReader&& other) noexcept;
  FileReader& operator=(FileReader&&) = delete;
  ~FileReader();

  /// Bytes that have not been read, of those that the file had when it was opened.
  std::size_t left() const { return left_; }
  /// The next bytes, at most left(). Errors: io_error.
  Status read(std::span<std::uint8_t> bytes);

 private:
  FileReader(std::filesystem::path path, int descriptor, std::size_t size);
  std::filesystem::path path_;
  int descriptor_;
  std::size_t left_;
};

/// Writes to a temporary file beside `path`, syncs it, renames it over `path` and syncs the folder: after a crash
/// `path` holds the old bytes or the new ones, never a mixture. Errors: io_error.
Status write_file_atomic(const std::filesystem::path& path, std::span<const std::uint8_t> bytes);
Status write_file_atomic(const std::filesystem::path& path, std::string_view text);

}  // namespace likeness
