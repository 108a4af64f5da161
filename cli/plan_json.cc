#include "cli/plan_json.hpp"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

namespace likeness::cli {

nlohmann::json plan_step_json(const PlanStep& step) {
  std::vector<std::int64_t> shape;
  for (int i = 0; i < step.shape.rank(); ++i) shape.push_back(step.shape[i]);
  return {{"operation", step.operation}, {"detail", step.detail}, {"backward", step.backward},   {"shape", shape},
          {"offset", step.offset},       {"bytes", step.bytes},   {"workspace", step.workspace}, {"flop", step.flops}};
}

}  // namespace likeness::cli
