// One step of a fit, as the search runs it (fit_nets.hpp), with optimiser step and clamp, frozen once. Threads: LIKENESS_NUM_THREADS.
//
//   fit_step --benchmark_filter=compact
#include <benchmark/benchmark.h>

#include "fit_nets.hpp"
#include "likeness/optimizer.hpp"
#include "timing.hpp"

namespace likeness::bench {
namespace {

void fit_step(benchmark::State& state, const Architectures& architectures, Precision precision) {
  const Result<Nets> nets = make_nets(architectures, precision);
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
  state.counters["weights_MB"] = static_cast<double>(nets->generator.weight_bytes() + nets->extractor.weight_bytes()) / 1e6;
  state.counters["GFLOP"] = flops / 1e9;
}

}  // namespace
}  // namespace likeness::bench

int main(int argc, char** argv) {
  using namespace likeness::bench;
  const auto add = [](const char* name, const Architectures& architectures, likeness::Precision precision) {
    benchmark::RegisterBenchmark(name, fit_step, architectures, precision)->Unit(benchmark::kMillisecond)->UseRealTime();
  };
  add("fit_step/compact/fp32", kCompact, likeness::Precision::fp32);
  add("fit_step/paper/fp32", kPaper, likeness::Precision::fp32);
  if (likeness::has_bf16()) {
    add("fit_step/compact/bf16", kCompact, likeness::Precision::bf16);
    add("fit_step/paper/bf16", kPaper, likeness::Precision::bf16);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
