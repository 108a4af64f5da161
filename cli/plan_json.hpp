#pragma once

#include <nlohmann/json_fwd.hpp>

#include "likeness/program.hpp"

namespace likeness::cli {

/// {"operation", "detail", "backward", "shape", "offset", "bytes", "workspace", "flop"} of a step.
nlohmann::json plan_step_json(const PlanStep& step);

}  // namespace likeness::cli
