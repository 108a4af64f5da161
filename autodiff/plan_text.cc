#include <algorithm>
#include <string>
#include <vector>

#include "autodiff/text_table.hpp"
#include "likeness/program.hpp"

namespace likeness {

std::string plan_text(std::span<const PlanStep> plan, std::size_t bytes) {
  double flops[2] = {0, 0};
  std::size_t steps[2] = {0, 0};
  std::size_t unshared = 0;
  for (const PlanStep& s : plan) {
    flops[s.backward ? 1 : 0] += s.flops;
    ++steps[s.backward ? 1 : 0];
    unshared += s.bytes + s.workspace;
  }
  const double total = std::max(flops[0] + flops[1], 1.0);
  TextTable table({{"step"}, {"operation", true}, {"shape", true}, {"bytes"}, {"workspace"}, {"MFLOP"}, {"%"}});
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const PlanStep& s = plan[i];
    const bool turns = i == 0 || s.backward != plan[i - 1].backward;
    if (turns) table.add_line(s.backward ? "gradients of the inputs of" : "forward");
    table.add({std::to_string(i), s.name(), s.shape.text(), grouped(s.bytes), s.workspace == 0 ? "" : grouped(s.workspace),
               decimals("%.3f", s.flops / 1e6), decimals("%.1f", 100 * s.flops / total)});
  }
  std::string text = table.text();
  text += std::to_string(steps[0]) + " steps forward, " + decimals("%.3f MFLOP", flops[0] / 1e6);
  if (steps[1] > 0) text += "; " + std::to_string(steps[1]) + " backward, " + decimals("%.3f MFLOP", flops[1] / 1e6);
  text += "\none block of " + grouped(bytes) + " bytes; " + grouped(unshared) + " if nothing shared its place\n";
  return text;
}

}  // namespace likeness
