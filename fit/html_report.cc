#include "fit/html_report.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "fit/html.hpp"
#include "fit/html_plot.hpp"
#include "fit/html_sliders.hpp"
#include "fit/profile.hpp"
#include "fit/report.hpp"
#include "scene/labels.hpp"

namespace likeness {
namespace {

using html::number;
using html::text;

const char* stop_words(StopReason stop) {
  switch (stop) {
    case StopReason::iterations:
      return "the iterations were used up";
    case StopReason::threshold:
      return "the similarity reached the threshold";
    case StopReason::plateau:
      return "the loss stopped falling";
    case StopReason::cancelled:
      return "cancelled by the host";
    case StopReason::diverged:
      return "numbers became non-finite; the best before that";
  }
  return "";
}

std::string figure(const std::string& picture, const std::string& name, const std::string& caption) {
  return "<figure>" + picture + "<figcaption><b>" + name + "</b> " + caption + "</figcaption></figure>\n";
}

// A picture as an SVG of its own pixels, under the name `id`, so that others can show it again without a second copy.
std::string shared_picture(const std::string& address, int size, const std::string& id, const std::string& alt) {
  const std::string side = std::to_string(size);
  return "<svg viewBox=\"0 0 " + side + " " + side + "\" role=\"img\" aria-label=\"" + alt + "\"><image id=\"" + id + "\" width=\"" + side +
         "\" height=\"" + side + "\" href=\"" + address + "\"/></svg>";
}

std::string drawing(int size, const std::string& content, const std::string& alt) {
  const std::string side = std::to_string(size);
  return "<svg class=\"over\" viewBox=\"0 0 " + side + " " + side + "\" role=\"img\" aria-label=\"" + alt + "\">" + content + "</svg>";
}

Result<std::string> label_map(const Labels& labels, const std::string& alt) {
  Image map(labels.size, labels.size, 1);
  map.pixels = labels.classes;
  const Result<std::string> address = html::data_address(coloured(map));
  if (!address.ok()) return address.status();
  return "<img class=\"map\" alt=\"" + alt + "\" src=\"" + *address + "\">";
}

std::string class_keys() {
  std::string out = "<ul class=\"keys\">";
  for (std::size_t c = 0; c < kClasses; ++c) {
    std::string colour, name = kClassNames[c];
    for (const std::uint8_t part : kClassColours[c]) colour += (colour.empty() ? "" : ",") + std::to_string(part);
    for (char& letter : name) letter = letter == '_' ? ' ' : letter;
    out += "<li><span class=\"swatch\" style=\"background:rgb(" + colour + ")\"></span>" + name + "</li>";
  }
  return out + "</ul>\n";
}

std::string facts(const FitResult& result, const FitOptions& options) {
  std::string out = "<div><div class=\"big\">" + number(result.similarity, 3) +
                    "</div><p class=\"soft\">similarity: the share of other people&#39;s characters that are less like this photo</p>\n<dl "
                    "class=\"facts\">";
  const auto fact = [&out](const char* name, const std::string& value, const std::string& meaning) {
    out += std::string("<dt>") + name + "</dt><dd>" + value + "<small>" + meaning + "</small></dd>\n";
  };
  fact("Loss", number(result.loss, 4), "of this character; 1 at the average face");
  fact("Iterations", std::to_string(result.iterations), "of at most " + std::to_string(options.iterations));
  fact("Stopped by", stop_name(result.stop), stop_words(result.stop));
  fact("Imitator gap", number(result.imitator_gap, 4), "mean |generator − client| in the face, of 1");
  fact("Time", number(total(result.seconds), 2) + " s", "decode to last picture, without files");
  out += "</dl>\n";
  if (!result.notes.empty()) {
    out += "<div class=\"notes\"><h3>What the sliders do not express</h3><ul>";
    for (const std::string& note : result.notes) out += "<li>" + text(note) + "</li>";
    out += "</ul></div>\n";
  }
  return out + "</div>\n";
}

Result<std::string> pictures(const FitResult& result, const FitOptions& options) {
  std::array<std::string, 4> address;
  const std::array<const Picture*, 4> shown = {&result.aligned, &result.rendered, &result.posed, &result.generated};
  for (std::size_t i = 0; i < shown.size(); ++i) {
    Result<std::string> encoded = html::data_address(image_from(*shown[i]));
    if (!encoded.ok()) return encoded.status();
    address[i] = std::move(*encoded);
  }
  const int photo = result.aligned.size, client = result.posed.size;
  std::string out = "<div class=\"hero\">\n" +
                    figure(shared_picture(address[0], photo, "aligned", "The aligned photo"), "Photo", "on the reference face") +
                    figure("<img alt=\"The client's neutral picture\" src=\"" + address[1] + "\">", "Character",
                           "by the client: frontal, no expression, standard light") +
                    facts(result, options) + "</div>\n";
  out += "<h2>As in the photo<small>the character with the fitted pose, expression and light</small></h2>\n<div class=\"four\">\n";
  out += figure(shared_picture(address[2], client, "posed", "The client's picture as fitted"), "Client", "what the game draws");
  out += figure("<img alt=\"The generator's picture\" src=\"" + address[3] + "\">", "Generator", "what the descent saw");
  bool keys = false;
  for (const auto& [labels, name, meaning] : {std::tuple{&result.photo_labels, "Regions of the photo", "by the extractor"},
                                              std::tuple{&result.posed_labels, "Regions of the client", "as drawn"}}) {
    if (labels->classes.empty()) continue;
    const Result<std::string> map = label_map(*labels, name);
    if (!map.ok()) return map.status();
    out += figure(*map, name, meaning);
    keys = true;
  }
  if (keys) out += "</div>\n" + class_keys() + "<div class=\"four\" style=\"margin-top:24px\">\n";
  const std::string of_photo = html::landmark_shapes(result.framed, "photo", true),
                    of_client = html::landmark_shapes(result.drawn, "client", true);
  out += figure(drawing(photo, "<use href=\"#aligned\"/>" + of_photo, "Landmarks of the photo"), "Landmarks of the photo", "");
  out += figure(drawing(client, "<use href=\"#posed\"/>" + of_client, "Landmarks of the client"), "Landmarks of the client", "");
  const std::string both = "<svg viewBox=\"" + html::landmark_frame(result.framed, result.drawn) +
                           "\" role=\"img\" aria-label=\"Both landmarks\">" + html::landmark_links(result.framed, result.drawn) +
                           html::landmark_shapes(result.framed, "photo", false) + html::landmark_shapes(result.drawn, "client", false) +
                           "</svg>";
  out += figure(both, "Both",
                "<span class=\"swatch\" style=\"background:var(--photo)\"></span>photo "
                "<span class=\"swatch\" style=\"background:var(--client);margin-left:6px\"></span>client");
  out += "<div>" + html::landmark_table(result.framed, result.drawn) +
         "<p class=\"soft\">in percent of the distance between the eyes</p></div>\n";
  return out + "</div>\n";
}

std::string times(const FitSeconds& seconds) {
  const double sum = total(seconds);
  std::string out = "<div class=\"times\">\n";
  double before = 0;
  for (const auto& [name, part] : kFitParts) {
    const double value = seconds.*part;
    const double from = sum > 0 ? before / sum : 0, to = sum > 0 ? (before + value) / sum : 0;
    out += std::string("<div class=\"row\"><span>") + name + "</span>" + html::bar(from, to, "") + "<span>" + number(value, 3) +
           " s</span></div>\n";
    before += value;
  }
  return out + "</div>\n";
}

std::string provenance(const Model& model, const FitOptions& options) {
  std::string out = "<table class=\"mono\"><tbody>\n<tr><th>scene</th><td>" + text(model.schema().name()) + "</td></tr>\n";
  const auto object = nlohmann::json::parse(options_json(model, options), nullptr, false);
  const auto row = [&](const std::string& key) {
    const auto& value = object.at(key);
    const std::string shown = value.is_string() ? value.get<std::string>() : value.dump();
    out += "<tr><th>" + key + "</th><td>" + (shown.empty() ? "none" : text(shown)) + "</td></tr>\n";
  };
  const std::array<const char*, 5> hashes = {"schema", "generator", "extractor", "companions", "encoder"};
  for (const char* key : hashes) row(key);
  for (const auto& [key, value] : object.items()) {
    if (std::ranges::find(hashes, key) == hashes.end()) row(key);
  }
  return out + "</tbody></table>\n";
}

}  // namespace

Result<std::string> html_report(const Model& model, const FitResult& result, const FitOptions& options, const std::string& stem,
                                const std::string& photo) {
  const Schema& schema = model.schema();
  if (result.character.x.size() != schema.size()) return Status{Code::invalid_argument, "the character is of another scene"};
  const Result<std::string> seen = pictures(result, options);
  if (!seen.ok()) return seen.status();
  std::string body = "<header><p class=\"soft back\"><a href=\"../index.html\">All photos</a></p>\n<h1><bdi>" + text(stem) +
                     "</bdi></h1>\n<p class=\"soft\"><bdi>" + text(photo) + "</bdi></p></header>\n" + *seen;
  body += "<h2>Loss<small>of every step of the descent, by term</small></h2>\n" + html::loss_chart(result.losses, result.curves);
  body += "<h2>Sliders<small>bars from the default, numbers in the client's units</small></h2>\n";
  if (result.groups.empty()) body += "<p class=\"soft\">How sure each group is was not measured: the fit ended early.</p>\n";
  body += html::sliders(schema, result.character.x, ParameterRole::identity, result.groups);
  body += "<h2>Pose, expression, light<small>fitted so that they do not leak into the character; never exported</small></h2>\n" +
          html::sliders(schema, result.character.x, ParameterRole::nuisance, {});
  body += "<h2>Time</h2>\n" + times(result.seconds);
  body += "<h2>Made with<small>what this result depends on besides the photo</small></h2>\n" + provenance(model, options);
  body += "<footer>likeness " LIKENESS_VERSION ". Times differ from run to run; all else follows from photo, model and options.</footer>\n";
  return html::page(stem + " - likeness", body);
}

Status write_html_report(const std::filesystem::path& folder, const Model& model, const FitResult& result, const FitOptions& options,
                         const std::string& stem, const std::string& photo) {
  const Result<std::string> page = html_report(model, result, options, stem, photo);
  return page.ok() ? write_file_atomic(folder / "report.html", *page) : page.status();
}

}  // namespace likeness
