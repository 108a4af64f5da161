#include "fit/slider_groups.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

namespace likeness {
namespace {

// What the loss must at least fall by for shapes to go back, and rise by for paint to stay. Less is a matter of the features' taste: about
// shapes the first guess knows better; beards of people who shave came to 0.006 and less, of others to 0.03 and more; hairlines that
// recede on the photo to 0.012 and more, on others to 0.007 and less; furrows, which generators blur, to 0.003.
constexpr double kLeastFall = 0.004, kLeastRise = 0.01;
constexpr double kNever = std::numeric_limits<double>::infinity();

// What amounts are tried at: first all at one value, then those that help at others.
constexpr float kMuch = 0.85F;
constexpr std::array<float, 5> kAmounts = {0.6F, 0.68F, 0.76F, kMuch, 0.95F};

bool of_group(const Parameter& p, const std::string& group) { return p.role == ParameterRole::identity && p.group == group; }

std::vector<std::string> identity_groups(const Schema& schema) {
  std::vector<std::string> groups;
  for (const Parameter& p : schema.parameters()) {
    if (p.role == ParameterRole::identity && std::ranges::find(groups, p.group) == groups.end()) groups.push_back(p.group);
  }
  return groups;
}

// Parameters that go back to their defaults together.
struct Part {
  std::vector<const Parameter*> parameters;
  double most = kLeastRise;  // that the loss may rise by
};

// The continuous parameters of each group, then those marks of x, one by one, that are off their defaults.
std::vector<Part> all_parts(const SearchProblem& problem, const Schema& schema, std::span<const std::string> groups,
                            std::span<const float> x) {
  const std::vector<float> average = schema.default_vector();
  std::vector<Part> parts(groups.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (const Parameter& p : schema.parameters()) {
      if (!of_group(p, groups[g])) continue;
      if (problem.shapes(p.offset)) parts[g].most = -kLeastFall;
      if (p.type == ParameterType::continuous) parts[g].parameters.push_back(&p);
    }
  }
  for (const Parameter& p : schema.parameters()) {
    if (p.mark && x[p.offset] != average[p.offset]) parts.push_back({.parameters = {&p}});
  }
  return parts;
}

std::vector<float> without(const Schema& schema, std::span<const float> x, const std::vector<const Parameter*>& parameters) {
  const std::vector<float> average = schema.default_vector();
  std::vector<float> out(x.begin(), x.end());
  for (const Parameter* p : parameters)
    std::copy_n(average.begin() + static_cast<std::ptrdiff_t>(p->offset), p->size(), out.begin() + static_cast<std::ptrdiff_t>(p->offset));
  return out;
}

std::vector<float> without_group(const Schema& schema, std::span<const float> x, const std::string& group) {
  std::vector<const Parameter*> all;
  for (const Parameter& p : schema.parameters()) {
    if (of_group(p, group)) all.push_back(&p);
  }
  return without(schema, x, all);
}

// The amounts of groups that are nothing but painted sliders: a beard's densities and its grey.
std::vector<const Parameter*> painted_amounts(const SearchProblem& problem, const Schema& schema, std::span<const std::string> groups) {
  std::vector<const Parameter*> amounts;
  for (const std::string& group : groups) {
    const auto plain = [&](const Parameter& p) {
      return !of_group(p, group) || (p.type == ParameterType::continuous && !p.mark && !problem.shapes(p.offset));
    };
    if (!std::ranges::all_of(schema.parameters(), plain)) continue;
    for (const Parameter& p : schema.parameters()) {
      if (of_group(p, group) && p.one_sided()) amounts.push_back(&p);
    }
  }
  return amounts;
}

// x with more of what is painted, where the judge's loss clearly falls by it: the search follows the generator and the features, which
// hardly see a moustache. The loss of what x has become.
Result<double> add_paint(SearchProblem& problem, std::span<const Parameter* const> amounts, std::vector<float>& x) {
  const auto with = [&x](const Parameter& p, float value) {
    std::vector<float> character = x;
    character[p.offset] = value;
    return character;
  };
  std::vector<std::vector<float>> much = {x};
  for (const Parameter* p : amounts) much.push_back(with(*p, std::max(x[p->offset], kMuch)));
  const Result<std::vector<double>> losses = problem.judge(much);
  if (!losses.ok()) return losses.status();
  double loss = (*losses)[0];
  bool changed = false;
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    const Parameter& p = *amounts[i];
    if (!((*losses)[1 + i] < (*losses)[0] - kLeastRise)) continue;
    std::vector<std::vector<float>> characters;
    for (const float value : kAmounts) {
      if (value > x[p.offset] && (changed || value != kMuch)) characters.push_back(with(p, value));
    }
    Result<std::vector<double>> each = problem.judge(characters);
    if (!each.ok()) return each.status();
    if (!changed) each->push_back((*losses)[1 + i]), characters.push_back(much[1 + i]);
    for (std::size_t k = 0; k < characters.size(); ++k) (*each)[k] = std::isnan((*each)[k]) ? kNever : (*each)[k];
    const auto best = std::ranges::min_element(*each);
    if (best == each->end() || !(*best < loss - kLeastRise)) continue;
    loss = *best, x = std::move(characters[static_cast<std::size_t>(best - each->begin())]);
    changed = true;
  }
  return loss;
}

}  // namespace

Result<JudgedGroups> judge_groups(SearchProblem& problem, const Schema& schema, std::span<const float> found) {
  const std::vector<std::string> names = identity_groups(schema);
  std::vector<float> x(found.begin(), found.end());
  std::vector<double> known;  // the loss of x, where it has been measured
  if (const std::vector<const Parameter*> amounts = painted_amounts(problem, schema, names); !amounts.empty()) {
    const Result<double> loss = add_paint(problem, amounts, x);
    if (!loss.ok()) return loss.status();
    known = {*loss};
  }
  const std::vector<Part> parts = all_parts(problem, schema, names, x);
  std::vector<std::vector<float>> characters = {x};
  const auto place = [&characters](std::vector<float> character) {  // each different one is drawn once
    const auto at = std::ranges::find(characters, character);
    if (at == characters.end()) return characters.push_back(std::move(character)), characters.size() - 1;
    return static_cast<std::size_t>(at - characters.begin());
  };
  std::vector<std::size_t> fewer_at, whole_at;  // without each part, and without all of each group
  for (const Part& part : parts) fewer_at.push_back(place(without(schema, x, part.parameters)));
  for (const std::string& name : names) whole_at.push_back(place(without_group(schema, x, name)));
  Result<std::vector<double>> losses = problem.judge(std::span(characters).subspan(known.size()));
  if (!losses.ok()) return losses.status();
  losses->insert(losses->begin(), known.begin(), known.end());

  JudgedGroups judged{characters[0], (*losses)[0], {}};
  std::vector<std::size_t> order(parts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto loss_without = [&](std::size_t part) {
    const double loss = (*losses)[fewer_at[part]];
    return std::isnan(loss) ? kNever : loss;  // so that they can be sorted
  };
  std::ranges::sort(
      order, [&](std::size_t a, std::size_t b) { return loss_without(a) != loss_without(b) ? loss_without(a) < loss_without(b) : a < b; });
  std::vector<bool> useless(parts.size());
  for (const std::size_t p : order) {
    const double most = parts[p].most;
    if (!(loss_without(p) < (*losses)[0] + most)) continue;
    std::vector<std::vector<float>> fewer = {without(schema, judged.x, parts[p].parameters)};
    if (fewer[0] == judged.x) continue;
    const bool first = judged.x == characters[0];  // then it is measured already
    const Result<std::vector<double>> loss = first ? Result<std::vector<double>>({loss_without(p)}) : problem.judge(fewer);
    if (!loss.ok()) return loss.status();
    if (!((*loss)[0] < judged.loss + most)) continue;
    judged.x = std::move(fewer[0]), judged.loss = (*loss)[0];
    useless[p] = true;
  }
  for (std::size_t g = 0; g < names.size(); ++g) {
    // What is left of a group whose sliders went back are its choices and mixtures.
    const double rise = std::max(0.0, (*losses)[whole_at[g]] - (useless[g] ? loss_without(g) : (*losses)[0]));
    judged.groups.push_back({names[g], rise, rise / (rise + GroupConfidence::kHalfSure)});
  }
  return judged;
}

}  // namespace likeness
