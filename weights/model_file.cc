#include "weights/model_file.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/file.hpp"
#include "base/sha256.hpp"
#include "weights/safetensors_rules.hpp"
#include "weights/strict_json.hpp"

namespace likeness {
namespace {

bool is_sha256(std::string_view text) {
  return text.size() == 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// A manifest names files of its own folder only.
bool is_plain_file_name(std::string_view name) { return rules::valid_name(name) && name.front() != '.'; }

}  // namespace

Result<ModelFile> ModelFile::parse(std::vector<std::uint8_t> bytes) {
  Result<Safetensors> tensors = Safetensors::parse(std::move(bytes));
  if (!tensors.ok()) return tensors.status();
  return from(std::move(*tensors));
}

Result<ModelFile> ModelFile::from(Safetensors tensors) {
  ModelFile model{std::move(tensors), {}, {}};
  model.architecture = model.tensors.metadata("architecture");
  model.schema = model.tensors.metadata("schema");
  if (model.architecture.empty())
    return Status{Code::corrupt_model, "the file's metadata has no architecture: it holds tensors, but not a model"};
  if (const auto checked = parse_strict_object(model.architecture, "architecture"); !checked.ok()) return checked.status();
  if (!model.schema.empty() && !is_sha256(model.schema)) return Status{Code::corrupt_model, "the metadata's schema is no SHA-256"};
  return model;
}

Result<ModelFile> ModelFile::load(const std::filesystem::path& path) {
  Result<Safetensors> tensors = Safetensors::load(path);
  if (!tensors.ok()) return tensors.status();
  Result<ModelFile> model = from(std::move(*tensors));
  if (!model.ok()) return Status{model.status().code, path.string() + ": " + model.status().message};
  return model;
}

Result<Manifest> Manifest::parse(std::string_view json) {
  const auto bad = [](const std::string& problem) { return Status{Code::corrupt_model, "manifest: " + problem}; };
  while (!json.empty() && (json.back() == '\n' || json.back() == ' ')) json.remove_suffix(1);
  const Result<nlohmann::json> root = parse_strict_object(json, "manifest");
  if (!root.ok()) return root.status();
  if (root.value().value("format", nlohmann::json()) != "likeness-manifest" || root.value().value("version", nlohmann::json()) != 1) {
    return bad("format is not \"likeness-manifest\" version 1");
  }
  const auto files = root.value().find("files");
  if (files == root.value().end() || !files->is_object()) return bad("files is no object");
  Manifest manifest;
  for (const auto& [name, value] : files->items()) {
    if (!is_plain_file_name(name)) return bad("a file's name is not 1 to 256 letters, digits, dots, hyphens and underscores");
    if (!value.is_object()) return bad(name + ": is described by something else than an object");
    const auto digest = value.find("sha256");
    const auto size = value.find("size");
    if (digest == value.end() || !digest->is_string() || !is_sha256(digest->get_ref<const std::string&>())) {
      return bad(name + ": sha256 is not 64 lower-case hexadecimal digits");
    }
    if (size == value.end() || !size->is_number_unsigned()) return bad(name + ": size is no whole number");
    manifest.files_[name] = {digest->get<std::string>(), size->get<std::uint64_t>()};
  }
  return manifest;
}

Result<Manifest> Manifest::load(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / "manifest.json";
  const Result<std::string> text = read_text_file(path, std::size_t{1} << 20);
  if (!text.ok()) return text.status();
  Result<Manifest> manifest = parse(text.value());
  if (!manifest.ok()) return Status{manifest.status().code, path.string() + ": " + manifest.status().message};
  return manifest;
}

Result<std::vector<std::uint8_t>> Manifest::read_checked(const std::filesystem::path& directory, const std::string& name) const {
  const std::filesystem::path path = directory / name;
  const auto entry = files_.find(name);
  if (entry == files_.end()) {
    return Status{Code::corrupt_model, path.string() + ": is not listed in the folder's manifest.json: list it, or remove manifest.json"};
  }
  Result<std::vector<std::uint8_t>> bytes = read_file(path);
  if (!bytes.ok()) return bytes;
  if (bytes->size() != entry->second.bytes) {
    return Status{Code::corrupt_model, path.string() + ": has " + std::to_string(bytes->size()) + " bytes, manifest.json says " +
                                           std::to_string(entry->second.bytes) + "; fetch it again"};
  }
  if (sha256_hex(*bytes) != entry->second.sha256) {
    return Status{Code::corrupt_model, path.string() + ": its SHA-256 differs from manifest.json; fetch it again"};
  }
  return bytes;
}

Status Manifest::check_present(const std::filesystem::path& directory) const {
  for (const auto& [name, entry] : files_) {
    std::error_code error;
    if (const std::filesystem::path path = directory / name; !std::filesystem::exists(path, error)) {
      return {Code::not_found, path.string() + ": is listed in manifest.json and missing; fetch it again"};
    }
  }
  return Status::success();
}

Result<std::vector<std::uint8_t>> read_model_bytes(const std::filesystem::path& path, std::string* sha256) {
  const Result<Manifest> manifest = Manifest::load(path.parent_path());
  if (manifest.ok()) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) return Status{Code::not_found, path.string() + ": no such file"};
    Result<std::vector<std::uint8_t>> bytes = manifest->read_checked(path.parent_path(), path.filename().string());
    if (bytes.ok() && sha256 != nullptr) *sha256 = manifest->files().find(path.filename().string())->second.sha256;
    return bytes;
  }
  if (manifest.status().code != Code::not_found) return manifest.status();
  return read_file(path);
}

}  // namespace likeness
