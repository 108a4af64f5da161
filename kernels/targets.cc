#include "kernels/targets.hpp"

#include <hwy/targets.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "kernels/tile_bf16.hpp"
#include "likeness/precision.hpp"

namespace likeness::kernels {
namespace {

// Calls f(bit) for each target of `targets`, the best first.
template <class F>
void for_each(std::int64_t targets, F&& f) {
  for (; targets != 0; targets &= targets - 1) f(targets & -targets);
}

}  // namespace

TargetChoice choose_targets(std::string_view names, std::int64_t available) {
  std::int64_t chosen = 0;
  for (std::size_t begin = 0; begin <= names.size();) {
    const std::size_t end = std::min(names.find(',', begin), names.size());
    const std::string_view name = names.substr(begin, end - begin);
    std::int64_t found = name == "best" ? available : 0;
    for_each(available, [&](std::int64_t target) {
      if (name == hwy::TargetName(target)) found = target;
    });
    if (found == 0) {
      std::string error = "there is no \"" + std::string(name) + "\" in this machine and build, which have";
      for_each(available, [&](std::int64_t target) { error += std::string(" ") + hwy::TargetName(target); });
      return {available, error};
    }
    chosen |= found;
    begin = end + 1;
  }
  return {chosen, {}};
}

std::int64_t available_targets() { return hwy::SupportedTargets() & HWY_TARGETS; }

const char* target_name() {
  const std::int64_t targets = available_targets();
  return hwy::TargetName(targets & -targets);
}

bool limit_targets() {
  const char* names = std::getenv("LIKENESS_TARGETS");
  if (names == nullptr || *names == '\0') return false;
  const std::int64_t available = available_targets();
  const TargetChoice choice = choose_targets(names, available);
  if (!choice.error.empty()) std::fprintf(stderr, "likeness: LIKENESS_TARGETS is ignored: %s\n", choice.error.c_str());
  if (choice.targets == available) return false;
  hwy::DisableTargets(~choice.targets);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  return true;
}

}  // namespace likeness::kernels

// The register tile in bfloat16 belongs to the kernels for AVX-512, which LIKENESS_TARGETS may have left out.
bool likeness::has_bf16() { return (kernels::available_targets() & HWY_AVX3) != 0 && kernels::has_bf16_dot(); }
