#include "cli/evaluate_figures.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>

namespace likeness::cli {
namespace {

// Nearest rank, of values in order; there is at least one.
double ranked(const std::vector<double>& values, double share) {
  return values[static_cast<std::size_t>(std::max(std::ceil(share * static_cast<double>(values.size())), 1.0)) - 1];
}

}  // namespace

void Figures::count(const std::string& name, std::int64_t value) { figures_.emplace_back(name, std::to_string(value)); }

void Figures::add(const std::string& name, double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  figures_.emplace_back(name, text);
}

void Figures::spread(const std::string& name, std::vector<double> values, int digits) {
  if (values.empty()) return;
  std::ranges::sort(values);
  add(name + "_mean", std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()), digits);
  add(name + "_median", ranked(values, 0.5), digits);
  add(name + "_p95", ranked(values, 0.95), digits);
}

void Figures::median(const std::string& name, std::vector<double> values, int digits) {
  if (values.empty()) return;
  std::ranges::sort(values);
  add(name + "_median", ranked(values, 0.5), digits);
}

void Figures::moments(const std::string& name, std::span<const double> values, int digits) {
  if (values.empty()) return;
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double square = 0;
  for (const double v : values) square += (v - mean) * (v - mean);
  add(name + "_mean", mean, digits);
  add(name + "_deviation", std::sqrt(square / n), digits);
}

void Figures::print(bool json) const {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  for (const auto& [name, text] : figures_) {
    if (json) {
      object[name] = nlohmann::ordered_json::parse(text, nullptr, false);
    } else {
      std::printf("%s %s\n", name.c_str(), text.c_str());
    }
  }
  if (json) std::printf("%s\n", object.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace).c_str());
}

}  // namespace likeness::cli
