#include "cli/evaluate_stability.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

namespace likeness::cli {
namespace {

constexpr double kLeastDeviation = 1e-3;  // of x: entries that stay where they are say nothing

double deviation(std::span<const std::vector<float>> characters, std::size_t entry) {
  double sum = 0, squares = 0;
  const auto n = static_cast<double>(characters.size());
  for (const auto& x : characters) sum += static_cast<double>(x[entry]);
  for (const auto& x : characters) squares += std::pow(static_cast<double>(x[entry]) - sum / n, 2);
  return n > 0 ? std::sqrt(squares / n) : 0;
}

}  // namespace

IdentityDistance::IdentityDistance(const Schema& schema, std::span<const std::vector<float>> characters) : schema_(schema) {
  for (const Parameter& p : schema.parameters()) {
    if (p.role != ParameterRole::identity) continue;
    if (p.type == ParameterType::choice) {
      const auto differs = [&](const auto& x) { return schema.chosen(p, x) != schema.chosen(p, characters.front()); };
      if (std::ranges::any_of(characters, differs)) choices_.push_back(&p);
      continue;
    }
    for (std::size_t i = p.offset; i < p.offset + p.size(); ++i) {
      if (const double s = deviation(characters, i); s >= kLeastDeviation) entries_.emplace_back(i, 1 / s);
    }
  }
}

double IdentityDistance::operator()(std::span<const float> a, std::span<const float> b) const {
  double sum = 0;
  for (const auto& [i, scale] : entries_) sum += scale * std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
  for (const Parameter* p : choices_) sum += schema_.chosen(*p, a) != schema_.chosen(*p, b) ? 1 : 0;
  const std::size_t count = entries_.size() + choices_.size();
  return count > 0 ? sum / static_cast<double>(count) : 0;
}

std::string person_of(const std::string& stem) {
  return stem.ends_with("_1") || stem.ends_with("_2") ? stem.substr(0, stem.size() - 2) : stem;
}

std::vector<std::pair<std::size_t, std::size_t>> photo_pairs(std::span<const std::string> stems) {
  std::map<std::string, std::size_t> second;
  for (std::size_t i = 0; i < stems.size(); ++i) {
    if (stems[i].ends_with("_2")) second.emplace(person_of(stems[i]), i);
  }
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t i = 0; i < stems.size(); ++i) {
    if (!stems[i].ends_with("_1")) continue;
    if (const auto found = second.find(person_of(stems[i])); found != second.end()) pairs.emplace_back(i, found->second);
  }
  return pairs;
}

Stability stability(std::size_t people, const std::function<double(std::size_t, std::size_t)>& distance) {
  std::vector<double> own, others;
  double own_sum = 0, other_sum = 0, nearest = 0;
  for (std::size_t j = 0; j < people; ++j) {
    own.push_back(distance(j, j));
    own_sum += own.back();
    bool first = true;
    for (std::size_t i = 0; i < people; ++i) {
      if (i == j) continue;
      others.push_back(distance(i, j));
      other_sum += others.back();
      first = first && own.back() < others.back();
    }
    nearest += first ? 1 : 0;
  }
  const auto n = static_cast<double>(people), pairs = static_cast<double>(others.size());
  Stability result{.same = own_sum / n, .other = {}, .auc = {}, .rank1 = {}};
  if (others.empty()) return result;
  std::ranges::sort(others);
  double less = 0;
  for (const double d : own) {
    const auto [low, high] = std::ranges::equal_range(others, d);
    less += static_cast<double>(others.end() - high) + 0.5 * static_cast<double>(high - low);
  }
  result.other = other_sum / pairs;
  result.auc = less / (n * pairs);
  result.rank1 = nearest / n;
  return result;
}

}  // namespace likeness::cli
