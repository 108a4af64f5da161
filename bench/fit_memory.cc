// Peak memory of a fit step of the published size (fit_nets.hpp) beside its weights: bytes of the program's block, of the packed weights,
// and how far the process's peak resident set grows over freezing and three steps. bench/torch_fit_memory.py measures the same of
// PyTorch. The peak needs Linux's /proc/self.
//
//   fit_memory [compact|paper [MEGABYTES]]
//
// Fails where the block is larger than MEGABYTES.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "fit_nets.hpp"
#include "likeness/optimizer.hpp"

namespace likeness::bench {
namespace {

// A field of /proc/self/status in bytes, e.g. "VmRSS:"; 0 where there is none.
std::int64_t status_bytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    std::int64_t kilobytes = 0;
    if (word == field && status >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

// Makes the present resident set the peak.
bool reset_peak() {
  std::ofstream clear("/proc/self/clear_refs");
  clear << "5" << std::flush;
  return clear.good();
}

int fail(const std::string& message) {
  std::fprintf(stderr, "fit_memory: %s\n", message.c_str());
  return 1;
}

void print(const char* name, std::int64_t bytes) { std::printf("%-44s %10.1f MB\n", name, static_cast<double>(bytes) / 1e6); }

int run(const Architectures& architectures, std::int64_t most) {
  const std::int64_t start = status_bytes("VmRSS:");
  const Result<Nets> nets = make_nets(architectures);
  if (!nets.ok()) return fail(nets.status().message);
  const Result<std::vector<Tensor<float>>> targets = make_targets(*nets);
  if (!targets.ok()) return fail(targets.status().message);
  std::int64_t target_bytes = 0;
  for (const Tensor<float>& target : *targets) target_bytes += static_cast<std::int64_t>(target.data.size() * sizeof(float));
  const bool measured = reset_peak();  // some containers have no /proc

  const std::int64_t weights = status_bytes("VmRSS:");
  Result<FitStep> step = make_fit_step(*nets, *targets);
  if (!step.ok()) return fail(step.status().message);
  Sgd<float> optimizer({.rate = 0.05, .momentum = 0.9});
  for (int i = 0; i < 3; ++i) {
    step->program.run();
    optimizer.step(step->program.input(step->sliders), step->program.gradient(step->sliders));
    project_box(step->program.input(step->sliders));
  }
  const auto block = static_cast<std::int64_t>(step->program.bytes());
  const std::int64_t packed = nets->generator.weight_bytes() + nets->extractor.weight_bytes();
  const std::int64_t peak = status_bytes("VmHWM:");
  print("packed weights", packed);
  print("targets (features of the photo)", target_bytes);
  print("the step's one block", block);
  if (measured) {
    print("peak growth over freezing and 3 steps", peak - weights);
    print("peak of the process without weights, targets", peak - start - packed - target_bytes);
  } else {
    std::puts("peak of the process: not measured, /proc/self/clear_refs cannot be written here");
  }
  if (block > most) return fail("the block is larger than allowed");
  return 0;
}

}  // namespace
}  // namespace likeness::bench

int main(int argc, char** argv) {
  const std::string kind = argc > 1 ? argv[1] : "paper";
  char* end = nullptr;
  const long megabytes = argc > 2 ? std::strtol(argv[2], &end, 10) : 1'000'000;
  if (argc > 3 || (kind != "compact" && kind != "paper") || megabytes < 1 || (end != nullptr && *end != '\0')) {
    std::fprintf(stderr, "usage: fit_memory [compact|paper [MEGABYTES]]\n");
    return 2;
  }
  using namespace likeness::bench;
  return run(kind == "compact" ? kCompact : kPaper, std::int64_t{megabytes} * 1'000'000);
}
