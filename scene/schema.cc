#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/sha256.hpp"
#include "likeness/scene.hpp"
#include "scene/json_guard.hpp"

namespace likeness {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxParameters = 4096;
constexpr std::size_t kMaxOptions = 256;

Status bad(const std::string& what) { return {Code::corrupt_scene, "scene.json: " + what}; }

// A name that is safe in messages, file names and .mhm lines.
bool is_name(const Json& value) {
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  });
}

bool finite_number(const Json& object, const char* key, double* out) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return false;
  *out = found->get<double>();
  return std::isfinite(*out);
}

Status parse_options(const Json& entry, const char* key, const std::string& where, Parameter* parameter) {
  const auto found = entry.find(key);
  if (found == entry.end() || !found->is_array() || found->size() < 2 || found->size() > kMaxOptions)
    return bad(where + " needs \"" + key + "\", a list of 2 to 256 names");
  std::set<std::string> seen;
  for (const Json& option : *found) {
    if (!is_name(option)) return bad(where + " has an option that is not a plain name");
    if (!seen.insert(option.get<std::string>()).second) return bad(where + " lists \"" + option.get<std::string>() + "\" twice");
    parameter->options.push_back(option.get<std::string>());
  }
  return Status::success();
}

Status parse_parameter(const Json& entry, std::size_t index, Parameter* parameter) {
  std::string where = "parameter " + std::to_string(index);
  if (!entry.is_object() || !is_name(entry.value("name", Json()))) return bad(where + " has no plain name");
  parameter->name = entry["name"].get<std::string>();
  where = "parameter \"" + parameter->name + "\"";
  if (!is_name(entry.value("group", Json()))) return bad(where + " has no plain group");
  parameter->group = entry["group"].get<std::string>();
  const Json role = entry.value("role", Json());
  if (role == "identity") {
    parameter->role = ParameterRole::identity;
  } else if (role == "nuisance") {
    parameter->role = ParameterRole::nuisance;
  } else {
    return bad(where + " needs a role: identity or nuisance");
  }
  const Json type = entry.value("type", Json());
  const Json mark = entry.value("mark", Json(false));
  if (!mark.is_boolean() || (mark == true && (type != "continuous" || parameter->role != ParameterRole::identity)))
    return bad(where + " has a \"mark\" that is not true or false, or is not a continuous parameter of identity");
  parameter->mark = mark == true;
  const bool rests = entry.contains("rest");
  if (rests && (type != "continuous" || parameter->role != ParameterRole::nuisance))
    return bad(where + " has a \"rest\", but is no continuous nuisance");
  if (type == "continuous") {
    parameter->type = ParameterType::continuous;
    if (!finite_number(entry, "min", &parameter->minimum) || !finite_number(entry, "default", &parameter->neutral) ||
        !finite_number(entry, "max", &parameter->maximum))
      return bad(where + " needs the numbers min, default and max");
    if (!(parameter->minimum < parameter->neutral && parameter->neutral < parameter->maximum))
      return bad(where + " needs min < default < max");
    if (rests &&
        (!finite_number(entry, "rest", &parameter->rest) || parameter->rest < parameter->minimum || parameter->rest > parameter->maximum))
      return bad(where + " has a \"rest\" that is not from min to max");
    if (!rests) parameter->rest = parameter->neutral;
  } else if (type == "simplex") {
    parameter->type = ParameterType::simplex;
    return parse_options(entry, "components", where, parameter);
  } else if (type == "choice") {
    parameter->type = ParameterType::choice;
    if (const Status status = parse_options(entry, "options", where, parameter); !status.ok()) return status;
    const auto& options = parameter->options;
    const Json chosen = entry.value("default", Json());
    const auto found = chosen.is_string() ? std::find(options.begin(), options.end(), chosen.get<std::string>()) : options.end();
    if (found == options.end()) return bad(where + " needs a default that is one of its options");
    parameter->default_option = static_cast<std::size_t>(found - options.begin());
  } else {
    return bad(where + " needs a type: continuous, simplex or choice");
  }
  return Status::success();
}

}  // namespace

double Parameter::to_client(double unit) const {
  const double u = std::clamp(unit, 0.0, 1.0);
  return u <= 0.5 ? minimum + (neutral - minimum) * (2 * u) : neutral + (maximum - neutral) * (2 * u - 1);
}

double Parameter::from_client(double value) const {
  const double v = std::clamp(value, minimum, maximum);
  return v <= neutral ? 0.5 * (v - minimum) / (neutral - minimum) : 0.5 + 0.5 * (v - neutral) / (maximum - neutral);
}

Result<Schema> Schema::parse(std::string_view text) {
  const Json root = parse_json(text);
  if (root.is_discarded() || !root.is_object()) return bad("not a JSON object");
  if (root.value("format", Json()) != "likeness-scene") return bad("\"format\" is not \"likeness-scene\"");
  if (root.value("version", Json()) != 1) return bad("only version 1 is known");
  if (!is_name(root.value("name", Json()))) return bad("no plain \"name\"");
  const Json size = root.value("size", Json());
  if (!size.is_number_integer() || size < 16 || size > 4096) return bad("\"size\" must be 16 to 4096 pixels");
  const auto list = root.find("parameters");
  if (list == root.end() || !list->is_array() || list->empty() || list->size() > kMaxParameters)
    return bad("\"parameters\" must list 1 to 4096 parameters");
  Schema schema;
  schema.name_ = root["name"].get<std::string>();
  schema.picture_size_ = size.get<int>();
  std::set<std::string> names;
  for (std::size_t i = 0; i < list->size(); ++i) {
    Parameter parameter;
    if (Status status = parse_parameter((*list)[i], i, &parameter); !status.ok()) return status;
    if (!names.insert(parameter.name).second) return bad("parameter \"" + parameter.name + "\" is listed twice");
    parameter.offset = schema.size_;
    schema.size_ += parameter.size();
    schema.parameters_.push_back(std::move(parameter));
  }
  // Invalid UTF-8 in keys that we do not read must not throw here.
  schema.canonical_ = root.dump(-1, ' ', false, Json::error_handler_t::replace);
  // How a program is run, what a fit may take back, and which of all pictures is called neutral, change no picture of an x: models and
  // characters stay valid.
  Json hashed = root;
  if (const auto client = hashed.find("client");
      client != hashed.end() && client->is_object() && client->value("type", Json()) == "process") {
    *client = {{"type", "process"}};
  }
  for (Json& parameter : hashed["parameters"]) parameter.erase("mark"), parameter.erase("rest");
  schema.hash_ = sha256_hex(hashed.dump(-1, ' ', false, Json::error_handler_t::replace));
  return schema;
}

const Parameter* Schema::find(std::string_view name) const {
  const auto found = std::find_if(parameters_.begin(), parameters_.end(), [&](const Parameter& p) { return p.name == name; });
  return found == parameters_.end() ? nullptr : &*found;
}

std::vector<float> Schema::default_vector() const {
  std::vector<float> x(size_, 0.0F);
  for (const Parameter& p : parameters_) {
    switch (p.type) {
      case ParameterType::continuous:
        x[p.offset] = 0.5F;
        break;
      case ParameterType::simplex:
        std::fill_n(x.begin() + static_cast<std::ptrdiff_t>(p.offset), p.size(), 1.0F / static_cast<float>(p.size()));
        break;
      case ParameterType::choice:
        x[p.offset + p.default_option] = 1.0F;
        break;
    }
  }
  return x;
}

std::size_t Schema::chosen(const Parameter& choice, std::span<const float> x) const {
  const auto scores = x.subspan(choice.offset, choice.size());
  return static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

void Schema::canonicalise(std::span<float> x) const {
  for (const Parameter& p : parameters_) {
    const auto entries = x.subspan(p.offset, p.size());
    const bool clean = std::none_of(entries.begin(), entries.end(), [](float v) { return std::isnan(v); });
    float sum = 0;
    for (float& v : entries) sum += v = clean ? std::clamp(v, 0.0F, 1.0F) : 0.0F;
    if (p.type == ParameterType::continuous) {
      if (!clean) entries[0] = 0.5F;
    } else if (p.type == ParameterType::simplex) {
      for (float& v : entries) v = sum > 1e-6F ? v / sum : 1.0F / static_cast<float>(p.size());
    } else {
      const std::size_t best = clean ? chosen(p, x) : p.default_option;
      for (std::size_t i = 0; i < entries.size(); ++i) entries[i] = i == best ? 1.0F : 0.0F;
    }
  }
}

}  // namespace likeness
