#include "autodiff/fma_peak.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

#include "base/parallel.hpp"
#include "kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "autodiff/fma_peak.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace likeness::peak::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;  // as the kernels

// Twelve chains hide the latency of two units that take four cycles (the most that x86 cores have), and fit with their operands into the
// sixteen registers of AVX2. The values tend to add / (1 - factor): no denormals, no infinities.
constexpr int kChains = 12;

// `rounds` multiply-adds of each chain; something of all of them, so that none can be left out.
float Chains(std::int64_t rounds, float factor, float add) {
  const D d;
  const auto x = hn::Set(d, factor), y = hn::Set(d, add);
  // All begin elsewhere: a compiler would make equal chains one.
  auto a = y, b = hn::Add(a, y), c = hn::Add(b, y), e = hn::Add(c, y), f = hn::Add(e, y), g = hn::Add(f, y);
  auto h = hn::Add(g, y), i = hn::Add(h, y), j = hn::Add(i, y), k = hn::Add(j, y), l = hn::Add(k, y), m = hn::Add(l, y);
  for (std::int64_t n = 0; n < rounds; ++n) {
    a = hn::MulAdd(a, x, y);
    b = hn::MulAdd(b, x, y);
    c = hn::MulAdd(c, x, y);
    e = hn::MulAdd(e, x, y);
    f = hn::MulAdd(f, x, y);
    g = hn::MulAdd(g, x, y);
    h = hn::MulAdd(h, x, y);
    i = hn::MulAdd(i, x, y);
    j = hn::MulAdd(j, x, y);
    k = hn::MulAdd(k, x, y);
    l = hn::MulAdd(l, x, y);
    m = hn::MulAdd(m, x, y);
  }
  const auto sum = hn::Add(hn::Add(hn::Add(a, b), hn::Add(c, e)), hn::Add(hn::Add(f, g), hn::Add(h, i)));
  return hn::GetLane(hn::Add(sum, hn::Add(hn::Add(j, k), hn::Add(l, m))));
}

double FlopsOfARound() { return 2.0 * kChains * static_cast<double>(hn::Lanes(D())); }
const char* Target() { return hwy::TargetName(HWY_TARGET); }

}  // namespace likeness::peak::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace likeness {
namespace peak {
HWY_EXPORT(Chains);
HWY_EXPORT(FlopsOfARound);
HWY_EXPORT(Target);
namespace {
// Here, as the macro takes no qualified name where there is one instruction set only (NEON).
float chains(std::int64_t rounds, float factor, float add) { return HWY_DYNAMIC_DISPATCH(Chains)(rounds, factor, add); }
double flops_of_a_round() { return HWY_DYNAMIC_DISPATCH(FlopsOfARound)(); }
const char* target() { return HWY_DYNAMIC_DISPATCH(Target)(); }
}  // namespace
}  // namespace peak

namespace {

constexpr std::int64_t kRounds = 16384;  // of a task: some tens of microseconds, so that few are interrupted
constexpr double kLeastSeconds = 0.2;    // of every thread's tasks together
constexpr std::size_t kFewestTasks = 64, kMostTasks = std::size_t{1} << 20;

struct Task {
  int thread = 0;
  double seconds = 0;
};

}  // namespace

FmaPeak measure_fma_peak() {
  static std::atomic<std::uint64_t> rounds{0};
  const volatile float factor = 0.999F, add = 0.001F;  // not known to the compiler
  const float x = factor, y = add;
  std::atomic<float> sink{0};
  std::vector<Task> tasks;
  int threads = 0;
  double busy = 0;
  for (std::size_t count = kFewestTasks; count <= kMostTasks && busy < kLeastSeconds * threads + 1e-9; count *= 2) {
    const std::uint64_t round = ++rounds;
    std::atomic<int> seen{0};
    tasks.assign(count, {});
    parallel_for(static_cast<std::int64_t>(count), [&](std::int64_t i) {
      thread_local std::uint64_t last = 0;
      thread_local int number = 0;  // of this thread in this round
      if (last != round) last = round, number = seen++;
      const auto start = std::chrono::steady_clock::now();
      sink.store(peak::chains(kRounds, x, y), std::memory_order_relaxed);
      tasks[static_cast<std::size_t>(i)] = {number, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()};
    });
    threads = seen;
    busy = 0;
    for (const Task& task : tasks) busy += task.seconds;
  }
  FmaPeak peak{0, threads, peak::target()};
  const double flops = peak::flops_of_a_round() * static_cast<double>(kRounds);
  for (int thread = 0; thread < threads; ++thread) {
    std::vector<double> seconds;
    for (const Task& task : tasks) {
      if (task.thread == thread) seconds.push_back(task.seconds);
    }
    const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
    std::nth_element(seconds.begin(), middle, seconds.end());
    if (*middle > 0) peak.flops += flops / *middle;
  }
  return peak;
}

}  // namespace likeness
#endif
