// What the machine's fused multiply-add units give at most, in single precision: a loop of independent FMAs in registers, on the best
// instruction set at hand and as many threads as the kernels use (OMP_NUM_THREADS). Prints `fma_peak_gflops VALUE` and the target.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>

#include "base/parallel.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fma_peak.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace likeness::bench::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;

// Two units of latency 4 or 5 want 8 to 10 independent sums; 12 and two constants still fit the 16 registers of AVX2.
constexpr int kSums = 12;

// Sums tend to 2, so that no number becomes infinite or subnormal. `flop` receives the operations, multiply and add counted as two.
float Fma(std::int64_t rounds, double* flop) {
  const D d;
  const auto half = hn::Set(d, 0.5F), one = hn::Set(d, 1.0F);
  hn::Vec<D> sum[kSums];
#pragma GCC unroll 16
  for (int i = 0; i < kSums; ++i) sum[i] = hn::Set(d, static_cast<float>(i));
  for (std::int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 16
    for (int i = 0; i < kSums; ++i) sum[i] = hn::MulAdd(sum[i], half, one);
  }
#pragma GCC unroll 16
  for (int i = 1; i < kSums; ++i) sum[0] = hn::Add(sum[0], sum[i]);
  *flop = 2.0 * kSums * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds);
  return hn::GetLane(sum[0]);
}

const char* Target() { return hwy::TargetName(HWY_TARGET); }

}  // namespace likeness::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace likeness::bench {
HWY_EXPORT(Fma);
HWY_EXPORT(Target);
}  // namespace likeness::bench

int main() {
  using namespace likeness;
  using namespace likeness::bench;
  // Some 10 ms a repetition of many chunks, so that a thread that is held up leaves its share to others. The best of all counts:
  // other programs can only take from the peak.
  constexpr std::int64_t kChunks = 64, kRounds = 20'000;
  constexpr int kRepetitions = 100;
  double flop = 0, best = 0;
  for (int i = 0; i < kRepetitions; ++i) {
    const auto start = std::chrono::steady_clock::now();
    parallel_for(kChunks, [&](std::int64_t chunk) {
      double count = 0;
      const volatile float sink = HWY_DYNAMIC_DISPATCH(Fma)(kRounds, &count);
      static_cast<void>(sink);
      if (chunk == 0) flop = count * static_cast<double>(kChunks);
    });
    best = std::max(best, flop / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::printf("fma_peak_gflops %.1f\nfma_target %s\n", best / 1e9, HWY_DYNAMIC_DISPATCH(Target)());
  return 0;
}
#endif
