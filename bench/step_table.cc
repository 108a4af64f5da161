// Every operation of the reference fit step (fit_nets.hpp): least time over the runs, GFLOP/s and share of the FMA peak, as a table.
//
//   step_table [paper|compact] [RUNS] [fp32|bf16]
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "autodiff/fma_peak.hpp"
#include "base/parallel.hpp"
#include "fit_nets.hpp"
#include "timing.hpp"

namespace likeness::bench {
namespace {

// Bytes a second of all threads together reading memory that no cache holds.
double read_bandwidth() {
  constexpr std::int64_t kChunks = 64, kFloats = 1 << 20;
  const std::vector<float> memory(static_cast<std::size_t>(kChunks * kFloats), 1.0F);
  std::vector<float> sums(static_cast<std::size_t>(kChunks));
  double best = 0;
  for (int round = 0; round < 10; ++round) {
    const auto start = std::chrono::steady_clock::now();
    parallel_for(kChunks, [&](std::int64_t chunk) {
      const float* from = memory.data() + chunk * kFloats;
      std::array<float, 16> sum{};  // one number of each cache line: the additions must not be the limit
      for (std::int64_t i = 0; i < kFloats; i += 16 * 16) {
        for (std::size_t k = 0; k < 16; ++k) sum[k] += from[i + 16 * static_cast<std::int64_t>(k)];
      }
      for (const float each : sum) sums[static_cast<std::size_t>(chunk)] += each;
    });
    best = std::max(best, static_cast<double>(memory.size() * sizeof(float)) / seconds_since(start));
  }
  return best;
}

}  // namespace
}  // namespace likeness::bench

int main(int argc, char** argv) {
  using namespace likeness;
  const bool compact = argc > 1 && std::string_view(argv[1]) == "compact";
  const bool bf16 = argc > 3 && std::string_view(argv[3]) == "bf16";
  if (bf16 && !has_bf16()) return std::fputs("this processor has no bf16\n", stderr), 2;
  const int runs = argc > 2 ? std::max(1, std::atoi(argv[2])) : 10;
  const Result<bench::Nets> nets = bench::make_nets(compact ? bench::kCompact : bench::kPaper, bf16 ? Precision::bf16 : Precision::fp32);
  if (!nets.ok()) return std::fprintf(stderr, "%s\n", nets.status().message.c_str()), 2;
  const auto targets = bench::make_targets(*nets);
  if (!targets.ok()) return std::fprintf(stderr, "%s\n", targets.status().message.c_str()), 2;
  Result<bench::FitStep> step = bench::make_fit_step(*nets, *targets);
  if (!step.ok()) return std::fprintf(stderr, "%s\n", step.status().message.c_str()), 2;
  const std::vector<PlanStep> plan = step->program.plan();
  std::vector<double> least(plan.size(), 1e9);
  step->program.run();  // page faults
  for (int run = 0; run < runs; ++run) {
    step->program.profile(true);
    step->program.run();
    const auto times = step->program.times();
    for (std::size_t i = 0; i < plan.size(); ++i) least[i] = std::min(least[i], times[i].seconds);
  }
  const FmaPeak peak = measure_fma_peak();
  std::printf("least of %d runs, %d threads, FMA peak %.0f GFLOP/s (%s), memory read at %.1f GB/s\n\n", runs, peak.threads,
              peak.flops / 1e9, peak.target, bench::read_bandwidth() / 1e9);
  std::printf("| operation | shape | ms | GFLOP | GFLOP/s | %% of peak |\n|---|---|---|---|---|---|\n");
  double seconds = 0, flops = 0;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const PlanStep& s = plan[i];
    seconds += least[i];
    flops += s.flops;
    std::printf("| %s%s | %s | %.3f | %.3f | %.1f | %.0f |\n", s.name().c_str(), s.backward ? " (gradient)" : "", s.shape.text().c_str(),
                least[i] * 1e3, s.flops / 1e9, s.flops / least[i] / 1e9, 100 * s.flops / least[i] / peak.flops);
  }
  std::printf("| all | | %.2f | %.2f | %.1f | %.0f |\n", seconds * 1e3, flops / 1e9, flops / seconds / 1e9,
              100 * flops / seconds / peak.flops);
  return 0;
}
