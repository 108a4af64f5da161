// Writing MakeHuman's saved models. What each parameter writes stands in scene.json (mhm_mapping.hpp).
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "likeness/scene.hpp"
#include "scene/mhm_check.hpp"
#include "scene/mhm_mapping.hpp"
#include "scene/mhm_text.hpp"

namespace likeness {
namespace {

using scene::MhmParameter;

std::string modifier_line(const std::string& name, double value) {
  char number[32];
  std::snprintf(number, sizeof number, "%.6f", value == 0 ? 0.0 : value);  // no "-0.000000"
  return "modifier " + name + " " + number + "\n";
}

std::string write_continuous(const MhmParameter& mapping, double value) {
  std::string out;
  for (const scene::MhmTerm& term : mapping.terms)
    out += modifier_line(term.modifier, term.one_sided ? std::max(0.0, term.sign * value) : term.sign * value);
  return out;
}

// The written parts sum to 1 exactly, so that nothing is rescaled when they are read.
std::string write_simplex(const MhmParameter& mapping, std::span<const float> parts) {
  const auto largest = static_cast<std::size_t>(std::max_element(parts.begin(), parts.end()) - parts.begin());
  std::vector<double> millionths;
  double others = 0;
  for (std::size_t k = 0; k < parts.size(); ++k) {
    millionths.push_back(std::round(static_cast<double>(parts[k]) * 1e6));
    if (k != largest) others += millionths[k];
  }
  millionths[largest] = 1e6 - others;
  std::string out;
  for (std::size_t k = 0; k < parts.size(); ++k) out += modifier_line(mapping.terms[k].modifier, millionths[k] * 1e-6);
  return out;
}

}  // namespace

Result<std::string> character_to_mhm(const Schema& schema, const Character& character, std::string_view name) {
  if (character.x.size() != schema.size())
    return Status{Code::invalid_argument, "the character does not have the scene's number of entries"};
  const Result<scene::MhmMapping> mapping = scene::mhm_mapping(schema);
  if (!mapping.ok()) return mapping.status();
  std::vector<float> x = character.x;
  schema.canonicalise(x);
  std::string title = scene::mhm_single_line(name.substr(0, 255));
  if (title.find_first_not_of(' ') == std::string::npos) title = "likeness";
  std::string out = "# Written by likeness\nversion " + mapping->version + "\nname " + title + "\n";
  out += "camera 0.0 0.0 0.0 0.0 0.0 1.0\n";
  // Modifiers, then the fixed lines, then what refers to proxies that those load (the eyes' material).
  for (const MhmParameter& own : mapping->parameters) {
    const Parameter& p = schema.parameters()[own.index];
    if (p.type == ParameterType::continuous) out += write_continuous(own, p.to_client(static_cast<double>(x[p.offset])));
    if (p.type == ParameterType::simplex) out += write_simplex(own, std::span<const float>(x).subspan(p.offset, p.size()));
  }
  for (const std::string& line : mapping->fixed) out += line + "\n";
  for (const MhmParameter& own : mapping->parameters) {
    const Parameter& p = schema.parameters()[own.index];
    if (p.type != ParameterType::choice) continue;
    for (const std::string& line : own.lines[schema.chosen(p, x)]) out += line + "\n";
  }
  if (!mapping->skins.empty()) out += "skinMaterial " + scene::nearest_skin(schema, x, mapping->skins) + "\n";
  if (Status status = scene::check_mhm(schema, *mapping, x, out); !status.ok()) return status;
  return out;
}

}  // namespace likeness
