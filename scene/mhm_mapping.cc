#include "scene/mhm_mapping.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "scene/json_guard.hpp"

namespace likeness::scene {
namespace {

using Json = nlohmann::json;

Status bad(const std::string& what) { return {Code::corrupt_scene, "scene.json: the .mhm mapping " + what}; }

// A line of a text file made from a value of scene.json must not smuggle in another line.
bool is_line(const Json& value) {
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 && c < 0x7F; });
}

bool read_lines(const Json& list, std::vector<std::string>* out) {
  if (!list.is_array() || !std::all_of(list.begin(), list.end(), is_line)) return false;
  for (const Json& line : list) out->push_back(line.get<std::string>());
  return true;
}

Status read_terms(const Parameter& p, const Json& mapping, std::vector<MhmTerm>* out) {
  if (!mapping.is_array() || mapping.empty()) return bad("of \"" + p.name + "\" is not a list");
  for (const Json& item : mapping) {
    if (!item.is_object() || !is_line(item.value("modifier", Json()))) return bad("of \"" + p.name + "\" names no modifier");
    const Json part = item.value("part", Json()), sign = item.value("sign", Json(1));
    MhmTerm term{item["modifier"].get<std::string>()};
    if (part == "positive" || part == "negative") {
      term.one_sided = true;
      term.sign = part == "positive" ? 1 : -1;
    } else if (part.is_null() && (sign == 1 || sign == -1)) {
      term.sign = sign.get<double>();
    } else {
      return bad("of \"" + p.name + "\" has a sign or part that is not known");
    }
    out->push_back(std::move(term));
  }
  return Status::success();
}

Status read_parameter(const Parameter& p, const Json& mapping, MhmParameter* out) {
  if (p.type == ParameterType::continuous) return read_terms(p, mapping, &out->terms);
  if (p.type == ParameterType::simplex) {
    std::vector<std::string> names;
    if (!read_lines(mapping, &names) || names.size() != p.size()) return bad("of \"" + p.name + "\" must name one modifier a component");
    for (std::string& name : names) out->terms.push_back({std::move(name)});
    return Status::success();
  }
  const Json lines = mapping.is_object() ? mapping.value("lines", Json()) : Json();
  if (!lines.is_object()) return bad("of \"" + p.name + "\" has no lines");
  for (const std::string& option : p.options) {
    if (!read_lines(lines.value(option, Json::array()), &out->lines.emplace_back()))
      return bad("of \"" + p.name + "\" has a malformed line");
  }
  return Status::success();
}

}  // namespace

Result<MhmMapping> mhm_mapping(const Schema& schema) {
  const Json root = parse_json(schema.canonical_json());
  const Json mhm = root.value("mhm", Json());
  if (!mhm.is_object()) return Status{Code::unavailable, "this scene has no mapping to MakeHuman"};
  MhmMapping mapping;
  if (!is_line(mhm.value("version", Json()))) return bad("has no version");
  mapping.version = mhm["version"].get<std::string>();
  if (!read_lines(mhm.value("fixed", Json::array()), &mapping.fixed)) return bad("has a malformed fixed line");
  if (const Json skins = mhm.value("skins", Json()); !skins.is_null()) {
    if (!is_line(skins)) return bad("has a malformed path of skins");
    mapping.skins = skins.get<std::string>();
  }
  for (std::size_t i = 0; i < schema.parameters().size(); ++i) {
    const Parameter& p = schema.parameters()[i];
    if (p.role != ParameterRole::identity || !root["parameters"][i].contains("mhm")) continue;
    mapping.parameters.push_back({i, {}, {}});
    const Status status = read_parameter(p, root["parameters"][i]["mhm"], &mapping.parameters.back());
    if (!status.ok()) return status;
  }
  return mapping;
}

std::string nearest_skin(const Schema& schema, std::span<const float> x, std::string pattern) {
  const Parameter* age = schema.find("age");
  const Parameter* sex = schema.find("gender");
  const Parameter* type = schema.find("skin_type");
  // Rounded as in the file: a reader must come to the same skin.
  const auto value = [&](const Parameter* p) {
    return p != nullptr ? std::round(p->to_client(static_cast<double>(x[p->offset])) * 1e6) * 1e-6 : 0.5;
  };
  const double years = value(age);
  const bool male = sex != nullptr && value(sex) >= 0.5;
  // Half-way points of the blend in skin textures.
  const std::array<std::pair<const char*, std::string>, 3> fields = {
      {{"{age}", years < 0.6    ? "young"
                 : years < 0.81 ? "middleage"
                                : "old"},
       {"{race}", type != nullptr && !type->options.empty() ? type->options[schema.chosen(*type, x)] : "caucasian"},
       {"{sex}", male ? "male" : "female"}}};
  for (const auto& [field, text] : fields) {
    for (std::size_t at = pattern.find(field); at != std::string::npos; at = pattern.find(field, at + text.size()))
      pattern.replace(at, std::string_view(field).size(), text);
  }
  return pattern;
}

}  // namespace likeness::scene
