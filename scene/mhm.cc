// Writing MakeHuman's saved models. What each parameter writes stands in scene.json under "mhm":
//   continuous  a list of {"modifier": name, "sign": 1 | -1} or {"modifier": name, "part": "positive" | "negative"} (one-sided
//               modifiers that share a signed axis); simplex: one modifier a component; choice: {"lines": {option: [line, ...]}}.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "likeness/scene.hpp"
#include "scene/json_guard.hpp"

namespace likeness {
namespace {

using Json = nlohmann::json;

Status bad(const std::string& what) { return {Code::corrupt_scene, "scene.json: the .mhm mapping " + what}; }

// A line of a text file made from a value of scene.json must not smuggle in another line.
bool is_line(const Json& value) {
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  return !text.empty() && std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

std::string modifier_line(const std::string& name, double value) {
  char number[32];
  std::snprintf(number, sizeof number, "%.6f", value == 0 ? 0.0 : value);  // no "-0.000000"
  return "modifier " + name + " " + number + "\n";
}

Status write_continuous(const Parameter& p, const Json& mapping, double value, std::string* out) {
  if (!mapping.is_array()) return bad("of \"" + p.name + "\" is not a list");
  for (const Json& item : mapping) {
    if (!item.is_object() || !is_line(item.value("modifier", Json()))) return bad("of \"" + p.name + "\" names no modifier");
    const Json part = item.value("part", Json()), sign = item.value("sign", Json(1));
    double v = 0;
    if (part == "positive") {
      v = std::max(0.0, value);
    } else if (part == "negative") {
      v = std::max(0.0, -value);
    } else if (part.is_null() && (sign == 1 || sign == -1)) {
      v = value * sign.get<double>();
    } else {
      return bad("of \"" + p.name + "\" has a sign or part that is not known");
    }
    *out += modifier_line(item["modifier"].get<std::string>(), v);
  }
  return Status::success();
}

Status write_simplex(const Parameter& p, const Json& mapping, std::span<const float> x, std::string* out) {
  if (!mapping.is_array() || mapping.size() != p.size() || !std::all_of(mapping.begin(), mapping.end(), is_line))
    return bad("of \"" + p.name + "\" must name one modifier a component");
  for (std::size_t i = 0; i < p.size(); ++i) *out += modifier_line(mapping[i].get<std::string>(), static_cast<double>(x[p.offset + i]));
  return Status::success();
}

Status write_choice(const Parameter& p, const Json& mapping, const std::string& option, std::string* out) {
  const Json lines = mapping.is_object() ? mapping.value("lines", Json()) : Json();
  if (!lines.is_object()) return bad("of \"" + p.name + "\" has no lines");
  for (const Json& line : lines.value(option, Json::array())) {
    if (!is_line(line)) return bad("of \"" + p.name + "\" has a malformed line");
    *out += line.get<std::string>() + "\n";
  }
  return Status::success();
}

// The nearest of MakeHuman's ordinary skins: the pattern's {age}, {race} and {sex} filled in.
std::string nearest_skin(const Schema& schema, std::span<const float> x, std::string pattern) {
  const Parameter* age = schema.find("age");
  const Parameter* sex = schema.find("gender");
  const Parameter* type = schema.find("skin_type");
  const double years = age != nullptr ? age->to_client(static_cast<double>(x[age->offset])) : 0.5;
  const bool male = sex != nullptr && sex->to_client(static_cast<double>(x[sex->offset])) >= 0.5;
  // Half-way points of the blend in skin textures.
  const std::array<std::pair<const char*, std::string>, 3> fields = {
      {{"{age}", years < 0.6    ? "young"
                 : years < 0.81 ? "middleage"
                                : "old"},
       {"{race}", type != nullptr ? type->options[schema.chosen(*type, x)] : "caucasian"},
       {"{sex}", male ? "male" : "female"}}};
  for (const auto& [field, text] : fields) {
    for (std::size_t at = pattern.find(field); at != std::string::npos; at = pattern.find(field, at + text.size()))
      pattern.replace(at, std::string_view(field).size(), text);
  }
  return pattern;
}

}  // namespace

Result<std::string> character_to_mhm(const Schema& schema, const Character& character, std::string_view name) {
  if (character.x.size() != schema.size())
    return Status{Code::invalid_argument, "the character does not have the scene's number of entries"};
  const Json root = parse_json(schema.canonical_json());
  const Json mhm = root.value("mhm", Json());
  if (!mhm.is_object()) return Status{Code::unavailable, "this scene has no mapping to MakeHuman"};
  if (!is_line(mhm.value("version", Json()))) return bad("has no version");
  std::vector<float> x = character.x;
  schema.canonicalise(x);
  std::string title;
  for (const char c : name) title += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '_' : c;
  std::string out =
      "# Written by likeness\nversion " + mhm["version"].get<std::string>() + "\nname " + (title.empty() ? "likeness" : title) + "\n";
  out += "camera 0.0 0.0 0.0 0.0 0.0 1.0\n";
  const auto mapping = [&](std::size_t i) {
    return schema.parameters()[i].role == ParameterRole::identity ? root["parameters"][i].value("mhm", Json()) : Json();
  };
  // Modifiers, then the fixed lines, then what refers to proxies that those load (the eyes' material).
  for (std::size_t i = 0; i < schema.parameters().size(); ++i) {
    const Parameter& p = schema.parameters()[i];
    const Json own = mapping(i);
    if (own.is_null() || p.type == ParameterType::choice) continue;
    const Status status = p.type == ParameterType::simplex ? write_simplex(p, own, x, &out)
                                                           : write_continuous(p, own, p.to_client(static_cast<double>(x[p.offset])), &out);
    if (!status.ok()) return status;
  }
  for (const Json& line : mhm.value("fixed", Json::array())) {
    if (!is_line(line)) return bad("has a malformed fixed line");
    out += line.get<std::string>() + "\n";
  }
  for (std::size_t i = 0; i < schema.parameters().size(); ++i) {
    const Parameter& p = schema.parameters()[i];
    const Json own = mapping(i);
    if (own.is_null() || p.type != ParameterType::choice) continue;
    const Status status = write_choice(p, own, p.options[schema.chosen(p, x)], &out);
    if (!status.ok()) return status;
  }
  if (const Json skins = mhm.value("skins", Json()); is_line(skins))
    out += "skinMaterial " + nearest_skin(schema, x, skins.get<std::string>()) + "\n";
  return out;
}

}  // namespace likeness
