// A model directory: networks as safetensors with their architecture, and the manifest that vouches for the files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/status.hpp"
#include "weights/safetensors.hpp"

namespace likeness {

/// A network's file.
struct ModelFile {
  Safetensors tensors;
  std::string architecture;  ///< JSON text of the metadata key "architecture": an object
  std::string schema;        ///< SHA-256 of the scene schema that it was trained for; may be empty (a feature extractor of photos)

  /// Checks the metadata of a file. Errors: corrupt_model (also where the architecture is missing or no JSON object).
  static Result<ModelFile> from(Safetensors tensors);
  /// Checks `bytes`, a whole file. Errors: corrupt_model (also where the architecture is missing or no JSON object).
  static Result<ModelFile> parse(std::vector<std::uint8_t> bytes);
  /// Reads a model, as read_model_bytes() does. Errors: not_found, io_error, corrupt_model; the message begins with the path.
  static Result<ModelFile> load(const std::filesystem::path& path);
};

/// manifest.json: {"format": "likeness-manifest", "version": 1, "files": {NAME: {"sha256": HEX, "size": N}, ...}}.
/// NAME is a file of the same folder. It tells damage and mixed-up files; who can write the folder can write the manifest too.
class Manifest {
 public:
  struct Entry {
    std::string sha256;
    std::uint64_t bytes = 0;
  };

  /// Errors: corrupt_model.
  static Result<Manifest> parse(std::string_view json);
  /// Reads DIRECTORY/manifest.json. Errors: not_found, io_error, corrupt_model.
  static Result<Manifest> load(const std::filesystem::path& directory);

  const std::map<std::string, Entry>& files() const { return files_; }
  /// Reads DIRECTORY/NAME and compares size and SHA-256, before anything parses it.
  /// Errors: corrupt_model (not listed, or differs: says how), not_found, io_error.
  Result<std::vector<std::uint8_t>> read_checked(const std::filesystem::path& directory, const std::string& name) const;
  /// Whether every listed file is there; what it holds is compared when it is read. Errors: not_found, with the path.
  Status check_present(const std::filesystem::path& directory) const;

 private:
  std::map<std::string, Entry> files_;
};

/// The bytes of a file of a model folder. Where the folder has a manifest.json, the file must be listed there and be what is listed;
/// so nothing parses bytes that the manifest does not vouch for. `sha256`: gets their digest where the manifest gave it.
/// Errors: not_found, io_error, corrupt_model.
Result<std::vector<std::uint8_t>> read_model_bytes(const std::filesystem::path& path, std::string* sha256 = nullptr);

}  // namespace likeness
