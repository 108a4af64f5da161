#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "likeness/program.hpp"

namespace likeness {
namespace {

// "1,234,567"
std::string grouped(std::size_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string decimals(const char* format, double value) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

struct Row {
  std::string number, operation, shape, bytes, workspace, flops, share;
};

// Columns as wide as their longest entry; words to the left, numbers to the right.
class Table {
 public:
  explicit Table(Row heading) { add(std::move(heading)); }
  void add(Row row) {
    for (std::size_t i = 0; i < std::size(kColumns); ++i) widths_[i] = std::max(widths_[i], (row.*kColumns[i]).size());
    rows_.push_back(std::move(row));
  }
  std::string line(std::size_t index) const {
    std::string text;
    for (std::size_t i = 0; i < std::size(kColumns); ++i) {
      const std::string& entry = rows_[index].*kColumns[i];
      const std::string space(widths_[i] - entry.size(), ' ');
      const bool left = kColumns[i] == &Row::operation || kColumns[i] == &Row::shape;
      text += (i == 0 ? "" : "  ") + (left ? entry + space : space + entry);
    }
    return text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
  }

 private:
  static constexpr std::string Row::*kColumns[] = {&Row::number,    &Row::operation, &Row::shape, &Row::bytes,
                                                   &Row::workspace, &Row::flops,     &Row::share};
  std::vector<Row> rows_;
  std::size_t widths_[std::size(kColumns)] = {};
};

}  // namespace

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
  Table table({"step", "operation", "shape", "bytes", "workspace", "MFLOP", "%"});
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const PlanStep& s = plan[i];
    table.add({std::to_string(i), s.operation + (s.detail.empty() ? "" : " ") + s.detail, s.shape.text(), grouped(s.bytes),
               s.workspace == 0 ? "" : grouped(s.workspace), decimals("%.3f", s.flops / 1e6), decimals("%.1f", 100 * s.flops / total)});
  }
  std::string text = table.line(0);
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const bool turns = i == 0 || plan[i].backward != plan[i - 1].backward;
    if (turns) text += plan[i].backward ? "gradients of the inputs of\n" : "forward\n";
    text += table.line(i + 1);
  }
  text += std::to_string(steps[0]) + " steps forward, " + decimals("%.3f MFLOP", flops[0] / 1e6);
  if (steps[1] > 0) text += "; " + std::to_string(steps[1]) + " backward, " + decimals("%.3f MFLOP", flops[1] / 1e6);
  text += "\none block of " + grouped(bytes) + " bytes; " + grouped(unshared) + " if nothing shared its place\n";
  return text;
}

}  // namespace likeness
