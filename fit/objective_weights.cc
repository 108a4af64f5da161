#include "fit/objective_weights.hpp"

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

namespace likeness {
namespace {

using Json = nlohmann::json;

struct Number {
  const char* name;
  double ObjectiveWeights::*value;
};
constexpr std::array<Number, 13> kNumbers = {{{"features", &ObjectiveWeights::features},
                                              {"probabilities", &ObjectiveWeights::probabilities},
                                              {"landmarks", &ObjectiveWeights::landmarks},
                                              {"colours", &ObjectiveWeights::colours},
                                              {"prior", &ObjectiveWeights::prior},
                                              {"nuisance_prior", &ObjectiveWeights::nuisance_prior},
                                              {"light_prior", &ObjectiveWeights::light_prior},
                                              {"tint_prior", &ObjectiveWeights::tint_prior},
                                              {"guess", &ObjectiveWeights::guess},
                                              {"choice_prior", &ObjectiveWeights::choice_prior},
                                              {"iris", &ObjectiveWeights::iris},
                                              {"glasses", &ObjectiveWeights::glasses},
                                              {"beard", &ObjectiveWeights::beard}}};
struct Switch {
  const char* name;
  bool ObjectiveWeights::*value;
};
constexpr std::array<Switch, 2> kSwitches = {
    {{"weigh_places", &ObjectiveWeights::weigh_places}, {"centre_domains", &ObjectiveWeights::centre_domains}}};

Status refuse(const std::string& what) { return {Code::invalid_argument, "the weights of the objective: " + what}; }

bool is_weight(double v) { return v >= 0 && std::isfinite(v); }

Status read(const std::string& name, const Json& value, ObjectiveWeights& weights) {
  for (const Number& number : kNumbers) {
    if (name != number.name) continue;
    if (!value.is_number()) return refuse("\"" + name + "\" is a number");
    weights.*number.value = value.get<double>();
    return Status::success();
  }
  for (const Switch& flag : kSwitches) {
    if (name != flag.name) continue;
    if (!value.is_boolean()) return refuse("\"" + name + "\" is true or false");
    weights.*flag.value = value.get<bool>();
    return Status::success();
  }
  if (name != "depths") return refuse("there is no \"" + name + "\"");
  if (!value.is_array()) return refuse("\"depths\" is a list of numbers");
  weights.depths.clear();
  for (const Json& depth : value) {
    if (!depth.is_number()) return refuse("\"depths\" is a list of numbers");
    weights.depths.push_back(depth.get<double>());
  }
  return Status::success();
}

}  // namespace

Json objective_json(const ObjectiveWeights& weights) {
  Json json = {{"depths", weights.depths}};
  for (const Number& number : kNumbers) json[number.name] = weights.*number.value;
  for (const Switch& flag : kSwitches) json[flag.name] = weights.*flag.value;
  return json;
}

Status check_weights(const ObjectiveWeights& weights) {
  for (const Number& number : kNumbers) {
    if (!is_weight(weights.*number.value)) return refuse("\"" + std::string(number.name) + "\" must be a number of 0 or more");
  }
  if (weights.guess > 1) return refuse("\"guess\" must be at most 1");
  for (const double depth : weights.depths) {
    if (!is_weight(depth)) return refuse("\"depths\" must be numbers of 0 or more");
  }
  return Status::success();
}

Result<ObjectiveWeights> parse_objective(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return refuse("they are a JSON object such as {\"landmarks\": 0}");
  ObjectiveWeights weights;
  for (const auto& [name, value] : json.items()) {
    if (Status status = read(name, value, weights); !status.ok()) return status;
  }
  if (Status status = check_weights(weights); !status.ok()) return status;
  return weights;
}

}  // namespace likeness
