#include "fit/slider_groups.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

namespace likeness {
namespace {

bool of_group(const Parameter& p, const std::string& group) { return p.role == ParameterRole::identity && p.group == group; }

std::vector<std::string> identity_groups(const Schema& schema) {
  std::vector<std::string> groups;
  for (const Parameter& p : schema.parameters()) {
    if (p.role == ParameterRole::identity && std::ranges::find(groups, p.group) == groups.end()) groups.push_back(p.group);
  }
  return groups;
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
  for (const std::string& name : names) characters.push_back(without(schema, x, name, true));
  const Result<std::vector<double>> first = problem.judge(characters);
  if (!first.ok()) return first.status();

  JudgedGroups judged{characters[0], (*first)[0], {}};
  std::vector<std::size_t> order(names.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(
      order, [&](std::size_t a, std::size_t b) { return (*first)[a + 1] != (*first)[b + 1] ? (*first)[a + 1] < (*first)[b + 1] : a < b; });
  for (const std::size_t g : order) {
    if ((*first)[g + 1] >= (*first)[0]) break;
    std::vector<std::vector<float>> fewer = {without(schema, judged.x, names[g], true)};
    if (fewer[0] == judged.x) continue;
    const Result<std::vector<double>> loss = problem.judge(fewer);
    if (!loss.ok()) return loss.status();
    if ((*loss)[0] < judged.loss) judged.x = std::move(fewer[0]), judged.loss = (*loss)[0];
  }

  characters.clear();
  for (const std::string& name : names) characters.push_back(without(schema, judged.x, name, false));
  const Result<std::vector<double>> last = problem.judge(characters);
  if (!last.ok()) return last.status();
  for (std::size_t g = 0; g < names.size(); ++g) {
    const double rise = characters[g] == judged.x ? 0 : std::max(0.0, (*last)[g] - judged.loss);
    judged.groups.push_back({names[g], rise, rise / (rise + GroupConfidence::kHalfSure)});
  }
  return judged;
}

}  // namespace likeness
