#include "cli/fit_figures.hpp"

#include <algorithm>
#include <cstdio>
#include <map>

#include "align/affine.hpp"
#include "cli/evaluate_pictures.hpp"
#include "fit/aligner.hpp"
#include "fit/model.hpp"
#include "fit/profile.hpp"
#include "fit/report.hpp"
#include "image/resample.hpp"

namespace likeness::cli {
namespace {

using Colour = std::optional<std::array<double, 3>>;

Colour region_colour(const Image& picture, const Image& labels, std::size_t region) {
  return mean_colour(picture, labels, kColourRegionClasses[region], kLeastShare[region]);
}

std::optional<double> distance(const Colour& a, const Colour& b) {
  if (!a || !b) return std::nullopt;
  return colour_distance(*a, *b);
}

constexpr std::array kStops = {StopReason::iterations, StopReason::threshold, StopReason::plateau, StopReason::cancelled,
                               StopReason::diverged};

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}
std::string number(const std::optional<double>& value) { return value ? number(*value) : std::string(); }

// RFC 4180: stems are file names, and may hold anything.
std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::optional<double> term_of(const PhotoFigures& photo, const std::string& name) {
  const auto found = std::ranges::find(photo.terms, name, [](const auto& term) { return term.first; });
  return found == photo.terms.end() ? std::nullopt : std::optional(found->second);
}

std::string line_of(const std::vector<std::string>& cells) {
  std::string line;
  for (const std::string& cell : cells) line += (&cell == cells.data() ? "" : ",") + quoted(cell);
  return line + "\n";
}

std::vector<std::vector<float>> characters_of(std::span<const PhotoFigures> photos) {
  std::vector<std::vector<float>> characters;
  for (const PhotoFigures& photo : photos) {
    if (photo.status.ok()) characters.push_back(photo.character.x);
  }
  return characters;
}

}  // namespace

Result<PhotoFigures> measure_fit(const FitResult& fit, const Model& model) {
  PhotoFigures figures;
  figures.parts = fit.seconds;
  figures.iterations = fit.iterations;
  figures.stop = fit.stop;
  figures.loss = fit.loss;
  figures.similarity = fit.similarity;
  figures.imitator_gap = fit.imitator_gap;
  for (const LossCurve& curve : fit.curves) {
    if (!curve.values.empty()) figures.terms.emplace_back(curve.name, curve.values.back());
  }
  figures.framed = fit.framed;
  figures.drawn = fit.drawn;
  figures.character = fit.character;
  if (const Result<Landmarks> found = model.impl().aligner->find(image_from(fit.posed)); found.ok())
    figures.found = 100 * inner_distance(fit.framed, *found) / interocular_distance(fit.framed);
  if (fit.photo_labels.size == 0) return figures;  // an extractor without a head knows no regions

  Result<Rendering> neutral = model.client().render(fit.character.x, {.size = kFrame, .labels = true, .neutral = true});
  if (!neutral.ok()) return neutral.status();
  const Result<Image> photo = resize(image_from(fit.aligned), fit.photo_labels.size, fit.photo_labels.size, Filter::box);
  if (!photo.ok()) return photo.status();
  const Image photo_labels = labels_of(fit.photo_labels), posed = image_from(fit.posed), posed_labels = labels_of(fit.posed_labels);
  for (std::size_t r = 0; r < kColourRegions; ++r) {
    figures.colours[r] = distance(region_colour(*photo, photo_labels, r), region_colour(posed, posed_labels, r));
  }
  const Image straight = picture_of(*neutral), straight_labels = labels_of(*neutral);
  figures.neutral_skin = distance(region_colour(*photo, photo_labels, 0), region_colour(straight, straight_labels, 0));
  return figures;
}

FitReport::FitReport(const Schema& schema, std::span<const PhotoFigures> photos)
    : photos_(photos), distance_(schema, characters_of(photos)) {
  std::vector<Landmarks> framed, drawn;
  std::vector<std::string> stems;
  for (const PhotoFigures& photo : photos) {
    if (!photo.status.ok()) continue;
    done_.push_back(&photo);
    stems.push_back(photo.stem);
    framed.push_back(photo.framed);
    drawn.push_back(photo.drawn);
    landmarks_.push_back(100 * inner_distance(photo.framed, photo.drawn) / interocular_distance(photo.framed));
    for (const auto& [name, value] : photo.terms) {
      if (std::ranges::find(terms_, name) == terms_.end()) terms_.push_back(name);
    }
  }
  if (done_.size() > 1) centred_ = centred_landmark_percents(framed, drawn);
  people_ = photo_pairs(stems);
}

void FitReport::add_to(Figures& figures) const {
  std::map<Code, std::int64_t> refused;
  for (const PhotoFigures& photo : photos_) {
    if (!photo.status.ok()) ++refused[photo.status.code];
  }
  figures.count("fit_photos", static_cast<std::int64_t>(photos_.size()));
  figures.count("fit_refused", static_cast<std::int64_t>(photos_.size() - done_.size()));
  for (const auto& [code, count] : refused) figures.count(std::string("fit_refused_") + code_name(code), count);

  // Values of those photos that have one.
  const auto values = [this](const auto& of) {
    std::vector<double> all;
    for (const PhotoFigures* photo : done_) {
      if (const std::optional<double> value = of(*photo)) all.push_back(*value);
    }
    return all;
  };
  figures.spread("fit_seconds", values([](const PhotoFigures& p) { return std::optional(p.seconds); }), 3);
  for (const auto& [name, part] : kFitParts) {
    figures.median(std::string("fit_seconds_") + name, values([&](const PhotoFigures& p) { return std::optional(p.parts.*part); }), 3);
  }
  figures.spread("fit_iterations", values([](const PhotoFigures& p) { return std::optional<double>(p.iterations); }), 1);
  for (const StopReason stop : kStops) {
    const auto count = std::ranges::count_if(done_, [stop](const PhotoFigures* p) { return p->stop == stop; });
    if (count > 0) figures.count(std::string("fit_stop_") + stop_name(stop), count);
  }
  figures.spread("fit_loss", values([](const PhotoFigures& p) { return std::optional(p.loss); }));
  for (const std::string& name : terms_) {
    figures.spread("fit_term_" + name, values([&](const PhotoFigures& p) { return term_of(p, name); }));
  }
  figures.spread("fit_similarity", values([](const PhotoFigures& p) { return std::optional(p.similarity); }));
  figures.spread("fit_landmarks_percent", values([](const PhotoFigures& p) { return p.found; }), 3);
  figures.spread("fit_landmarks_client_percent", landmarks_, 3);
  figures.spread("fit_landmarks_centred_percent", centred_, 3);
  for (std::size_t r = 0; r < kColourRegions; ++r) {
    const std::vector<double> both = values([r](const PhotoFigures& p) { return p.colours[r]; });
    figures.count(std::string("fit_") + kColourRegionNames[r] + "_both", static_cast<std::int64_t>(both.size()));
    figures.spread(std::string("fit_") + kColourRegionNames[r] + "_ciede2000", both, 3);
  }
  figures.spread("fit_neutral_skin_ciede2000", values([](const PhotoFigures& p) { return p.neutral_skin; }), 3);
  figures.spread("fit_imitator_gap", values([](const PhotoFigures& p) { return std::optional(p.imitator_gap); }));
  add_stability(figures);
}

void FitReport::add_stability(Figures& figures) const {
  figures.count("stability_people", static_cast<std::int64_t>(people_.size()));
  if (people_.empty()) return;
  const Stability found =
      stability(people_.size(), [this](std::size_t i, std::size_t j) { return apart(people_[i].first, people_[j].second); });
  figures.add("stability_same", found.same, 4);
  if (found.other) figures.add("stability_other", *found.other, 4);
  if (found.auc) figures.add("stability_auc", *found.auc, 4);
  if (found.rank1) figures.add("stability_rank1", *found.rank1, 4);
}

std::string FitReport::csv() const {
  std::vector<std::string> header = {"stem", "code", "seconds", "iterations", "stop", "loss"};
  for (const std::string& name : terms_) header.push_back("term_" + name);
  header.insert(header.end(), {"similarity", "landmarks_percent", "landmarks_client_percent", "landmarks_centred_percent"});
  for (const char* name : kColourRegionNames) header.push_back(std::string(name) + "_ciede2000");
  header.insert(header.end(), {"neutral_skin_ciede2000", "imitator_gap", "stability_same"});

  std::vector<std::optional<double>> pair(done_.size());
  for (const auto& [first, second] : people_) pair[first] = pair[second] = apart(first, second);
  std::string text = line_of(header);
  std::size_t i = 0;  // of those done
  for (const PhotoFigures& photo : photos_) {
    std::vector<std::string> cells = {photo.stem, photo.status.ok() ? "" : code_name(photo.status.code)};
    if (photo.status.ok()) {
      cells.insert(cells.end(), {number(photo.seconds), std::to_string(photo.iterations), stop_name(photo.stop), number(photo.loss)});
      for (const std::string& name : terms_) cells.push_back(number(term_of(photo, name)));
      cells.insert(cells.end(), {number(photo.similarity), number(photo.found), number(landmarks_[i]),
                                 centred_.empty() ? std::string() : number(centred_[i])});
      for (const std::optional<double>& colour : photo.colours) cells.push_back(number(colour));
      cells.insert(cells.end(), {number(photo.neutral_skin), number(photo.imitator_gap), number(pair[i])});
      ++i;
    }
    cells.resize(header.size());
    text += line_of(cells);
  }
  return text;
}

}  // namespace likeness::cli
