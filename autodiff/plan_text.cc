#include <cstdio>
#include <string>

#include "likeness/program.hpp"

namespace likeness {
namespace {

std::string line(const char* number, const std::string& operation, const std::string& shape, const std::string& bytes,
                 const std::string& workspace, const std::string& flops) {
  char text[256];
  std::snprintf(text, sizeof text, "%4s  %-58s %-20s %12s %12s %10s\n", number, operation.c_str(), shape.c_str(), bytes.c_str(),
                workspace.c_str(), flops.c_str());
  return text;
}

std::string mega(double flops) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", flops / 1e6);
  return text;
}

}  // namespace

std::string plan_text(std::span<const PlanStep> plan, std::size_t bytes) {
  std::string text = line("step", "operation", "shape", "bytes", "workspace", "MFLOP");
  double flops = 0;
  std::size_t unshared = 0;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const PlanStep& s = plan[i];
    const std::string operation = (s.backward ? "d " : "") + s.operation + (s.detail.empty() ? "" : " ") + s.detail;
    text += line(std::to_string(i).c_str(), operation, s.shape.text(), std::to_string(s.bytes),
                 s.workspace == 0 ? "" : std::to_string(s.workspace), mega(s.flops));
    flops += s.flops;
    unshared += s.bytes + s.workspace;
  }
  char total[160];
  std::snprintf(total, sizeof total, "%zu steps, %.3f GFLOP; one block of %.1f MiB (%.1f MiB if nothing shared its place)\n", plan.size(),
                flops / 1e9, static_cast<double>(bytes) / (1 << 20), static_cast<double>(unshared) / (1 << 20));
  return text + total;
}

}  // namespace likeness
