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
  Json object{{"version", LIKENESS_VERSION},
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
  // Only there where it is unusual: keys of ledgers from before it stay what they were.
  if (model.precision() == Precision::bf16) object["precision"] = "bf16";
  return object;
}

Status write_png(const std::filesystem::path& path, const Image& image) {
  const auto png = encode_png(image);
  return png.ok() ? write_file_atomic(path, *png) : png.status();
}

// Means over the photos; the rest is the group's.
nlohmann::ordered_json fit_object(const Model& model, std::span<const FitResult> results, const FitOptions& options) {
  double loss = 0;
  for (const FitResult& each : results) loss += each.loss / static_cast<double>(results.size());
  const FitResult& result = results.front();
  nlohmann::ordered_json fit;
  fit["similarity"] = six_digits(mean_similarity(results));
  fit["loss"] = six_digits(loss);
  fit["iterations"] = result.iterations;
  fit["stop"] = stop_name(result.stop);
  fit["imitator_gap"] = six_digits(result.imitator_gap);
  for (const GroupConfidence& group : result.groups) {
    fit["groups"][group.group] = {{"rise", six_digits(group.rise)}, {"confidence", six_digits(group.confidence)}};
  }
  if (!result.notes.empty()) fit["notes"] = result.notes;
  for (const double value : result.losses) fit["losses"].push_back(six_digits(value));
  fit["options"] = options_object(model, options);
  return fit;
}

nlohmann::ordered_json character_object(const Model& model, const FitResult& result) {
  return nlohmann::ordered_json::parse(character_to_json(model.schema(), result.character), nullptr, false);
}

nlohmann::ordered_json photo_object(const Model& model, const FitResult& result, const std::string& stem) {
  nlohmann::ordered_json photo = {{"stem", stem}, {"similarity", six_digits(result.similarity)}, {"loss", six_digits(result.loss)}};
  const nlohmann::ordered_json character = character_object(model, result);
  for (const Parameter& p : model.schema().parameters()) {
    if (p.role == ParameterRole::nuisance) photo["nuisances"][p.name] = character["parameters"][p.name];
  }
  return photo;
}

// Everything but the panel's contents is the same for one photo and for several.
Status write_files(const std::filesystem::path& folder, const std::string& name, const Model& model, const FitResult& result,
                   const Image& panel, const std::string& report) {
  std::error_code error;  // an earlier fit's page would be about another character
  std::filesystem::remove(folder / "report.html", error);
  if (error) return {Code::io_error, "cannot remove " + (folder / "report.html").string() + ": " + error.message()};
  const std::array<Image, 3> pictures = {image_from(result.aligned), image_from(result.generated), image_from(result.rendered)};
  const std::array<const char*, 3> names = {"aligned.png", "generated.png", "rendered.png"};
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (Status status = write_png(folder / names[i], pictures[i]); !status.ok()) return status;
  }
  if (Status status = write_png(folder / "panel.png", panel); !status.ok()) return status;
  const Result<std::string> mhm = character_to_mhm(model.schema(), result.character, name);
  if (mhm.ok()) {
    if (Status status = write_file_atomic(folder / "character.mhm", *mhm); !status.ok()) return status;
  } else if (mhm.status().code != Code::unavailable) {
    return mhm.status();
  }
  return write_file_atomic(folder / "character.json", report);
}

Image panel_row(const FitResult& result, const Picture& last) {
  const std::array<Image, 3> pictures = {image_from(result.aligned), image_from(result.generated), image_from(last)};
  return side_by_side(pictures);
}

}  // namespace

std::string options_json(const Model& model, const FitOptions& options) { return options_object(model, options).dump(); }

std::string options_key(const Model& model, const FitOptions& options) { return sha256_hex(options_json(model, options)).substr(0, 16); }

std::string character_report(const Model& model, const FitResult& result, const FitOptions& options) {
  nlohmann::ordered_json report = character_object(model, result);
  report["fit"] = fit_object(model, {&result, 1}, options);
  return report.dump(1) + "\n";
}

std::string character_report(const Model& model, std::span<const FitResult> results, std::span<const std::string> stems,
                             const FitOptions& options) {
  nlohmann::ordered_json report = character_object(model, results.front());
  report["fit"] = fit_object(model, results, options);
  for (std::size_t k = 0; k < results.size(); ++k) report["fit"]["photos"].push_back(photo_object(model, results[k], stems[k]));
  // File names need not be UTF-8; JSON must.
  return report.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

double mean_similarity(std::span<const FitResult> results) {
  double sum = 0;
  for (const FitResult& result : results) sum += result.similarity / static_cast<double>(results.size());
  return sum;
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

Image stacked(std::span<const Image> pictures) {
  if (pictures.empty()) return {};
  Image panel(pictures.front().width, 0, pictures.front().channels);
  for (const Image& picture : pictures) {
    panel.height += picture.height;
    panel.pixels.insert(panel.pixels.end(), picture.pixels.begin(), picture.pixels.end());
  }
  return panel;
}

Status write_result(const std::filesystem::path& folder, const std::string& name, const Model& model, const FitResult& result,
                    const FitOptions& options) {
  return write_files(folder, name, model, result, panel_row(result, result.rendered), character_report(model, result, options));
}

Status write_results(const std::filesystem::path& folder, std::span<const std::string> stems, const Model& model,
                     std::span<const FitResult> results, const FitOptions& options) {
  std::vector<Image> rows;
  for (const FitResult& result : results) rows.push_back(panel_row(result, result.posed));
  return write_files(folder, stems.front(), model, results.front(), stacked(rows), character_report(model, results, stems, options));
}

}  // namespace likeness
