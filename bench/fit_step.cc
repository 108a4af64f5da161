// One step of a fit, as the search runs it (fit_nets.hpp), with optimiser step and clamp, frozen once. Threads: LIKENESS_NUM_THREADS.
//
//   fit_step --benchmark_filter=compact
#include <benchmark/benchmark.h>

#include "fit_nets.hpp"
#include "likeness/optimizer.hpp"
#include "timing.hpp"

namespace likeness::bench {
namespace {

void fit_step(benchmark::State& state, const Architectures& architectures) {
  const Result<Nets> nets = make_nets(architectures);
  if (!nets.ok()) return state.SkipWithError(nets.status().message.c_str());
  const auto targets = make_targets(*nets);
  if (!targets.ok()) return state.SkipWithError(targets.status().message.c_str());
  Result<FitStep> step = make_fit_step(*nets, *targets);
  if (!step.ok()) return state.SkipWithError(step.status().message.c_str());
  double flops = 0;
  for (const PlanStep& s : step->program.plan()) flops += s.flops;

  Sgd<float> optimizer({.rate = 0.05, .momentum = 0.9});
  std::vector<double> times;
  step->program.run();  // page faults
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    step->program.run();
    benchmark::DoNotOptimize(step->program.value(step->loss)[0]);
    optimizer.step(step->program.input(step->sliders), step->program.gradient(step->sliders));
    project_box(step->program.input(step->sliders));
    times.push_back(seconds_since(start) * 1e3);
  }
  state.counters["median_ms"] = median(std::move(times));
  state.counters["block_MB"] = static_cast<double>(step->program.bytes()) / 1e6;
  state.counters["GFLOP"] = flops / 1e9;
}

}  // namespace
}  // namespace likeness::bench

int main(int argc, char** argv) {
  using namespace likeness::bench;
  for (const auto& [name, architectures] : {std::pair("fit_step/compact/fp32", kCompact), std::pair("fit_step/paper/fp32", kPaper)}) {
    benchmark::RegisterBenchmark(name, fit_step, architectures)->Unit(benchmark::kMillisecond)->UseRealTime();
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
