// What each group of sliders is worth to a fit, by the judge.
#pragma once

#include <span>
#include <vector>

#include "fit/search.hpp"

namespace likeness {

struct JudgedGroups {
  std::vector<float> x;  ///< the character, with paint added, and those groups and marks at their defaults that the judge sees no use in
  double loss = 0;       ///< of it, by the judge
  std::vector<GroupConfidence> groups;
};

/// First, groups that are nothing but painted sliders get more of each amount (Parameter::one_sided: a beard's densities, its grey) where
/// that clearly lowers the judge's loss: a moustache that the search has hardly seen.
///
/// Then groups of continuous identity parameters go back to the defaults, the most useless first. Shapes, where that clearly lowers the
/// judge's loss; paint, unless that clearly raises it: a moustache that is hardly seen is none. So do single marks (Parameter::mark) that
/// are off their defaults. A group's rise is that of the loss, paint added, without the group, choices and mixtures included; without
/// those alone, where the sliders went back. `x`: a character whose choices are made. Errors: those of the problem.
Result<JudgedGroups> judge_groups(SearchProblem& problem, const Schema& schema, std::span<const float> x);

}  // namespace likeness
