// Weights of the loss as JSON, the form in which options and configurations hold them (parse_objective() is their reader).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "likeness/likeness.hpp"
#include "likeness/status.hpp"

namespace likeness {

/// Every weight by its name.
nlohmann::json objective_json(const ObjectiveWeights& weights);
/// invalid_argument where a weight is negative or not finite.
Status check_weights(const ObjectiveWeights& weights);

}  // namespace likeness
