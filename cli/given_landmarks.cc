#include "cli/given_landmarks.hpp"

#include <filesystem>
#include <system_error>

#include "base/file.hpp"
#include "base/sha256.hpp"
#include "scene/json_guard.hpp"
#include "scene/landmark_json.hpp"

namespace likeness::cli {
namespace {

constexpr std::size_t kLargestFile = std::size_t{1} << 20;

Result<Landmarks> parse_file(const std::filesystem::path& file, const std::string& text) {
  const nlohmann::json root = parse_json(text);
  Result<Landmarks> landmarks = scene::parse_landmarks(root.is_object() ? root.value("photo", nlohmann::json()) : root);
  if (landmarks.ok()) return landmarks;
  return Status{landmarks.status().code, file.string() + ": the landmarks " + landmarks.status().message};
}

}  // namespace

Result<GivenLandmarks> GivenLandmarks::read(const std::string& path, std::span<const BatchInput> inputs) {
  GivenLandmarks given;
  if (path.empty()) return given;
  std::error_code error;
  const bool folder = std::filesystem::is_directory(path, error);
  if (!folder && inputs.size() != 1) {
    return Status{Code::invalid_argument, "--landmarks needs a folder with STEM.json for each photo where there are several photos"};
  }
  if (!folder && !std::filesystem::exists(path, error)) return Status{Code::not_found, path + ": there is no such file of landmarks"};
  for (const BatchInput& input : inputs) {
    const std::filesystem::path file = folder ? std::filesystem::path(path) / (input.stem + ".json") : std::filesystem::path(path);
    const Result<std::string> text = read_text_file(file, kLargestFile);
    given.landmarks_.push_back(text.ok() ? parse_file(file, *text) : text.status());
    given.contents_ += text.ok() ? sha256_hex(*text) : std::string("-");
  }
  return given;
}

std::string GivenLandmarks::key() const { return empty() ? "" : "-" + sha256_hex(contents_).substr(0, 16); }

}  // namespace likeness::cli
