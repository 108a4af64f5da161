#include "fit/report.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/file.hpp"
#include "base/sha256.hpp"
#include "fit/objective_weights.hpp"
#include "image/encode.hpp"

namespace likeness {
namespace {

using Json = nlohmann::json;

// Six digits: what binary32 arithmetic means, and short.
double six_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return std::strtod(text, nullptr);
}

Json options_object(const Model& model, const FitOptions& options) {
  return {{"version", LIKENESS_VERSION},
          {"schema", model.schema().hash()},
          {"generator", model.generator_hash()},
          {"extractor", model.extractor_hash()},
          {"companions", model.companions_hash()},
          {"encoder", model.encoder_hash()},
          {"iterations", options.iterations},
          {"threshold", options.threshold},
          {"step", options.step},
          {"weights", objective_json(options.weights)},
          {"loss", options.loss == LossKind::l1 ? "l1" : "l2"},
          {"align", options.align == AlignKind::affine ? "affine" : "similarity"},
          {"optimizer", options.optimizer == OptimizerKind::adam ? "adam" : "sgd"},
          {"objective", options.objective == ObjectiveKind::likeness ? "likeness" : "plain"},
          {"start", options.start == StartKind::guess ? "guess" : "average"},
          {"choices", options.choices == ChoiceJudge::client ? "client" : "generator"},
          {"domain", options.domain == PictureDomain::photo ? "photo" : "render"},
          {"seed", options.seed}};
}

Status write_png(const std::filesystem::path& path, const Image& image) {
  const auto png = encode_png(image);
  return png.ok() ? write_file_atomic(path, *png) : png.status();
}

}  // namespace

std::string options_json(const Model& model, const FitOptions& options) { return options_object(model, options).dump(); }

std::string options_key(const Model& model, const FitOptions& options) { return sha256_hex(options_json(model, options)).substr(0, 16); }

std::string character_report(const Model& model, const FitResult& result, const FitOptions& options) {
  nlohmann::ordered_json report = nlohmann::ordered_json::parse(character_to_json(model.schema(), result.character), nullptr, false);
  nlohmann::ordered_json fit;
  fit["similarity"] = six_digits(result.similarity);
  fit["loss"] = six_digits(result.loss);
  fit["iterations"] = result.iterations;
  fit["stop"] = stop_name(result.stop);
  fit["imitator_gap"] = six_digits(result.imitator_gap);
  for (const GroupConfidence& group : result.groups) {
    fit["groups"][group.group] = {{"rise", six_digits(group.rise)}, {"confidence", six_digits(group.confidence)}};
  }
  if (!result.notes.empty()) fit["notes"] = result.notes;
  for (const double loss : result.losses) fit["losses"].push_back(six_digits(loss));
  fit["options"] = options_object(model, options);
  report["fit"] = std::move(fit);
  return report.dump(1) + "\n";
}

Image image_from(const Picture& picture) {
  Image image(picture.size, picture.size, 3);
  image.pixels = picture.rgb;
  return image;
}

Image side_by_side(std::span<const Image> pictures) {
  if (pictures.empty()) return {};
  const Image& first = pictures.front();
  Image panel(first.width * static_cast<int>(pictures.size()), first.height, first.channels);
  for (int y = 0; y < panel.height; ++y) {
    std::uint8_t* to = panel.row(y);
    for (const Image& picture : pictures) to = std::copy_n(picture.row(y), picture.row_bytes(), to);
  }
  return panel;
}

Status write_result(const std::filesystem::path& folder, const std::string& name, const Model& model, const FitResult& result,
                    const FitOptions& options) {
  std::error_code error;
  std::filesystem::remove(folder / "report.html", error);
  if (error) return {Code::io_error, "cannot remove " + (folder / "report.html").string() + ": " + error.message()};
  const std::array<Image, 3> pictures = {image_from(result.aligned), image_from(result.generated), image_from(result.rendered)};
  const std::array<const char*, 3> names = {"aligned.png", "generated.png", "rendered.png"};
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (Status status = write_png(folder / names[i], pictures[i]); !status.ok()) return status;
  }
  if (Status status = write_png(folder / "panel.png", side_by_side(pictures)); !status.ok()) return status;
  const Result<std::string> mhm = character_to_mhm(model.schema(), result.character, name);
  if (mhm.ok()) {
    if (Status status = write_file_atomic(folder / "character.mhm", *mhm); !status.ok()) return status;
  } else if (mhm.status().code != Code::unavailable) {
    return mhm.status();
  }
  return write_file_atomic(folder / "character.json", character_report(model, result, options));
}

}  // namespace likeness
