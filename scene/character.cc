// character.json: slider values by name, for people and for the next program.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "likeness/scene.hpp"
#include "scene/json_guard.hpp"

namespace likeness {
namespace {

using Json = nlohmann::json;

Status bad(const std::string& what) { return {Code::invalid_argument, "the character: " + what}; }

// The shortest decimal that reads back as the same float: equal characters give equal, readable text.
double readable(float v) {
  for (const char* format : {"%.6g", "%.7g", "%.8g"}) {
    char text[32];
    std::snprintf(text, sizeof text, format, static_cast<double>(v));
    const double parsed = std::strtod(text, nullptr);
    if (static_cast<float>(parsed) == v) return parsed;
  }
  return static_cast<double>(v);
}

double rounded(double v) { return std::round(v * 1e6) / 1e6; }

bool unit_number(const Json& value) {
  return value.is_number() && std::isfinite(value.get<double>()) && value.get<double>() >= 0 && value.get<double>() <= 1;
}

// Entries of x from "unit". False when malformed.
bool read_unit(const Parameter& p, const Json& unit, std::vector<float>* x) {
  if (p.type == ParameterType::continuous) {
    if (!unit_number(unit)) return false;
    (*x)[p.offset] = unit.get<float>();
    return true;
  }
  if (!unit.is_array() || unit.size() != p.size() || !std::all_of(unit.begin(), unit.end(), unit_number)) return false;
  for (std::size_t i = 0; i < p.size(); ++i) (*x)[p.offset + i] = unit[i].get<float>();
  return true;
}

// Entries of x from "value", in client units.
bool read_value(const Parameter& p, const Json& value, std::vector<float>* x) {
  if (p.type == ParameterType::continuous) {
    if (!value.is_number()) return false;
    const double v = value.get<double>(), slack = 1e-6 * (p.maximum - p.minimum);
    if (!(v >= p.minimum - slack && v <= p.maximum + slack)) return false;
    (*x)[p.offset] = static_cast<float>(p.from_client(v));
    return true;
  }
  if (p.type == ParameterType::choice) {
    const auto found = value.is_string() ? std::find(p.options.begin(), p.options.end(), value.get<std::string>()) : p.options.end();
    if (found == p.options.end()) return false;
    for (std::size_t i = 0; i < p.size(); ++i) (*x)[p.offset + i] = p.options[i] == *found ? 1.0F : 0.0F;
    return true;
  }
  if (!value.is_object() || value.size() != p.size()) return false;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const auto weight = value.find(p.options[i]);
    if (weight == value.end() || !unit_number(*weight)) return false;
    (*x)[p.offset + i] = weight->get<float>();
  }
  return true;
}

}  // namespace

std::string character_to_json(const Schema& schema, const Character& character) {
  std::vector<float> x = character.x;
  x.resize(schema.size(), 0.0F);
  nlohmann::ordered_json parameters = nlohmann::ordered_json::object();
  for (const Parameter& p : schema.parameters()) {
    nlohmann::ordered_json entry;
    if (p.type == ParameterType::continuous) {
      entry["value"] = rounded(p.to_client(static_cast<double>(x[p.offset])));
      entry["unit"] = readable(x[p.offset]);
    } else {
      nlohmann::ordered_json units = nlohmann::ordered_json::array(), weights = nlohmann::ordered_json::object();
      for (std::size_t i = 0; i < p.size(); ++i) {
        units.push_back(readable(x[p.offset + i]));
        weights[p.options[i]] = rounded(static_cast<double>(x[p.offset + i]));
      }
      if (p.type == ParameterType::choice) {
        entry["value"] = p.options[schema.chosen(p, x)];
      } else {
        entry["value"] = std::move(weights);
      }
      entry["unit"] = std::move(units);
    }
    parameters[p.name] = std::move(entry);
  }
  nlohmann::ordered_json root;
  root["format"] = "likeness-character";
  root["version"] = 1;
  root["schema"] = schema.hash();
  root["parameters"] = std::move(parameters);
  return root.dump(1) + "\n";
}

Result<Character> character_from_json(const Schema& schema, std::string_view text) {
  const Json root = parse_json(text);
  if (!root.is_object() || root.value("format", Json()) != "likeness-character") return bad("not a likeness-character file");
  if (root.value("version", Json()) != 1) return bad("only version 1 is known");
  if (root.value("schema", Json()) != schema.hash())
    return Status{Code::schema_mismatch, "the character was made for another scene: fit it again, or open it with its own scene.json"};
  const Json parameters = root.value("parameters", Json());
  if (!parameters.is_object()) return bad("no \"parameters\"");
  Character character{schema.default_vector()};
  for (const auto& item : parameters.items()) {
    const Parameter* p = schema.find(item.key());
    if (p == nullptr) return bad("unknown parameter \"" + item.key() + "\"");
    const Json& entry = item.value();
    const bool has_unit = entry.is_object() && entry.contains("unit");
    const bool has_value = entry.is_object() && entry.contains("value");
    if (!has_unit && !has_value) return bad("\"" + p->name + "\" has neither unit nor value");
    if (has_unit ? !read_unit(*p, entry["unit"], &character.x) : !read_value(*p, entry["value"], &character.x))
      return bad("\"" + p->name + "\" is out of range or malformed");
  }
  return character;
}

}  // namespace likeness
