#include "fit/slider_groups.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

namespace likeness {
namespace {

// What the loss must at least fall by for shapes to go back, and rise by for paint to stay. Less is a matter of the features' taste: about
// shapes the first guess knows better; beards of people who shave came to 0.006 and less, of others to 0.03 and more; hairlines that
// recede on the photo to 0.012 and more, on others to 0.007 and less; furrows, which generators blur, to 0.003.
constexpr double kLeastFall = 0.004, kLeastRise = 0.01;

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

// The continuous parameters of each group, then those marks of x, one by one, that exceed their default.
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
    if (p.mark && x[p.offset] > average[p.offset]) parts.push_back({.parameters = {&p}});
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

}  // namespace

Result<JudgedGroups> judge_groups(SearchProblem& problem, const Schema& schema, std::span<const float> x) {
  const std::vector<std::string> names = identity_groups(schema);
  const std::vector<Part> parts = all_parts(problem, schema, names, x);
  std::vector<std::vector<float>> characters = {{x.begin(), x.end()}};
  const auto place = [&characters](std::vector<float> character) {  // each different one is drawn once
    const auto found = std::ranges::find(characters, character);
    if (found == characters.end()) return characters.push_back(std::move(character)), characters.size() - 1;
    return static_cast<std::size_t>(found - characters.begin());
  };
  std::vector<std::size_t> fewer_at, whole_at;  // without each part, and without all of each group
  for (const Part& part : parts) fewer_at.push_back(place(without(schema, x, part.parameters)));
  for (const std::string& name : names) whole_at.push_back(place(without_group(schema, x, name)));
  const Result<std::vector<double>> losses = problem.judge(characters);
  if (!losses.ok()) return losses.status();

  JudgedGroups judged{characters[0], (*losses)[0], {}};
  std::vector<std::size_t> order(parts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto loss_without = [&](std::size_t part) { return (*losses)[fewer_at[part]]; };
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
