#include "fit/slider_groups.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

namespace likeness {
namespace {

// What the loss must at least fall by for shapes to go back, and rise by for paint to stay. Less is a matter of the features' taste: about
// shapes the first guess knows better; beards of people who shave came to 0.006 and less, of others to 0.03 and more.
constexpr double kLeastFall = 0.004, kLeastRise = 0.01;

bool of_group(const Parameter& p, const std::string& group) { return p.role == ParameterRole::identity && p.group == group; }

std::vector<std::string> identity_groups(const Schema& schema) {
  std::vector<std::string> groups;
  for (const Parameter& p : schema.parameters()) {
    if (p.role == ParameterRole::identity && std::ranges::find(groups, p.group) == groups.end()) groups.push_back(p.group);
  }
  return groups;
}

bool paints_only(const SearchProblem& problem, const Schema& schema, const std::string& group) {
  return std::ranges::none_of(schema.parameters(), [&](const Parameter& p) { return of_group(p, group) && problem.shapes(p.offset); });
}

// x with a group at its defaults; `sliders`: only its continuous parameters.
std::vector<float> without(const Schema& schema, std::span<const float> x, const std::string& group, bool sliders) {
  const std::vector<float> average = schema.default_vector();
  std::vector<float> out(x.begin(), x.end());
  for (const Parameter& p : schema.parameters()) {
    if (!of_group(p, group) || (sliders && p.type != ParameterType::continuous)) continue;
    std::copy_n(average.begin() + static_cast<std::ptrdiff_t>(p.offset), p.size(), out.begin() + static_cast<std::ptrdiff_t>(p.offset));
  }
  return out;
}

}  // namespace

Result<JudgedGroups> judge_groups(SearchProblem& problem, const Schema& schema, std::span<const float> x) {
  const std::vector<std::string> names = identity_groups(schema);
  std::vector<std::vector<float>> characters = {{x.begin(), x.end()}};
  std::vector<std::size_t> sliders, wholes;  // of each group, the character without its sliders, and without all of it
  for (const std::string& name : names) {
    sliders.push_back(characters.size());
    characters.push_back(without(schema, x, name, true));
    std::vector<float> whole = without(schema, x, name, false);
    wholes.push_back(whole == characters.back() ? sliders.back() : characters.size());
    if (whole != characters.back()) characters.push_back(std::move(whole));
  }
  const Result<std::vector<double>> losses = problem.judge(characters);
  if (!losses.ok()) return losses.status();

  JudgedGroups judged{characters[0], (*losses)[0], {}};
  std::vector<std::size_t> order(names.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto loss_without = [&](std::size_t group) { return (*losses)[sliders[group]]; };
  std::ranges::sort(
      order, [&](std::size_t a, std::size_t b) { return loss_without(a) != loss_without(b) ? loss_without(a) < loss_without(b) : a < b; });
  std::vector<bool> useless(names.size());
  for (const std::size_t g : order) {
    const double most = paints_only(problem, schema, names[g]) ? kLeastRise : -kLeastFall;  // that the loss may rise by
    if (!(loss_without(g) < (*losses)[0] + most)) continue;
    std::vector<std::vector<float>> fewer = {without(schema, judged.x, names[g], true)};
    if (fewer[0] == judged.x) continue;
    const bool first = judged.x == characters[0];  // then it is measured already
    const Result<std::vector<double>> loss = first ? Result<std::vector<double>>({loss_without(g)}) : problem.judge(fewer);
    if (!loss.ok()) return loss.status();
    if (!((*loss)[0] < judged.loss + most)) continue;
    judged.x = std::move(fewer[0]), judged.loss = (*loss)[0];
    useless[g] = true;
  }
  for (std::size_t g = 0; g < names.size(); ++g) {
    // What is left of a group whose sliders went back are its choices and mixtures.
    const double rise = std::max(0.0, (*losses)[wholes[g]] - (useless[g] ? loss_without(g) : (*losses)[0]));
    judged.groups.push_back({names[g], rise, rise / (rise + GroupConfidence::kHalfSure)});
  }
  return judged;
}

}  // namespace likeness
