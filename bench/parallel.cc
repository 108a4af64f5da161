// What a loop of two indices costs on two threads, alone and as what it adds: bodies do nothing, or wait for each other, which shows how
// long the other thread takes to come.
#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "base/parallel.hpp"

namespace likeness {
namespace {

using Clock = std::chrono::steady_clock;

void empty() {
  parallel_for(2, [](std::int64_t i) { benchmark::DoNotOptimize(i); });
}

void meet() {
  std::atomic<int> arrived = 0;
  parallel_for(2, [&](std::int64_t) {
    ++arrived;
    // On a serial runner nobody comes.
    for (const auto end = Clock::now() + std::chrono::milliseconds(10); arrived < 2 && Clock::now() < end;) continue;
  });
}

void loop(benchmark::State& state, void (*body)(), std::chrono::microseconds pause) {
  set_default_threads(2);
  for (int i = 0; i < 100; ++i) body();
  for (auto _ : state) {
    if (pause.count() > 0) std::this_thread::sleep_for(pause);
    const auto start = Clock::now();
    body();
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - start).count());
  }
}

BENCHMARK_CAPTURE(loop, empty / hot, empty, std::chrono::microseconds(0))->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(loop, empty / asleep, empty, std::chrono::microseconds(500))
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond)
    ->Iterations(2000);
BENCHMARK_CAPTURE(loop, meet / hot, meet, std::chrono::microseconds(0))->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(loop, meet / asleep, meet, std::chrono::microseconds(500))
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond)
    ->Iterations(2000);

}  // namespace
}  // namespace likeness

BENCHMARK_MAIN();
