// The sliders of a character as markup.
#pragma once

#include <span>
#include <string>

#include "likeness/likeness.hpp"

namespace likeness::html {

/// Every parameter of one role, by group in the schema's order: sliders as bars from their default, mixtures as bars from nothing, choices
/// as words; the groups' confidence where it is known. `x`: schema.size() entries.
std::string sliders(const Schema& schema, std::span<const float> x, ParameterRole role, std::span<const GroupConfidence> confidence);

}  // namespace likeness::html
