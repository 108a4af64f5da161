// What the kernel tests share: every instruction set in turn, runners of a given number of threads, random numbers, error bounds.
#pragma once

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <thread>
#include <vector>

#include "base/parallel.hpp"

namespace likeness::test {

/// Runs the indices on `threads` threads of its own, handed out one by one; the runner of this thread while it lives.
class ThreadRunner final : public Runner {
 public:
  explicit ThreadRunner(int threads) : threads_(threads), previous_(&current_runner()) { set_runner(this); }
  ~ThreadRunner() override { set_runner(previous_); }
  void run(std::int64_t count, const std::function<void(std::int64_t)>& body) override {
    std::atomic<std::int64_t> next{0};
    const auto work = [&] {
      for (std::int64_t i = next++; i < count; i = next++) body(i);
    };
    std::vector<std::thread> others;
    for (int t = 1; t < threads_; ++t) others.emplace_back(work);
    work();
    for (std::thread& t : others) t.join();
  }

 private:
  int threads_;
  Runner* previous_;
};

/// Runs body() once for each instruction set that this machine has and the kernels were compiled for, on one thread.
template <class Body>
void for_each_target(Body&& body) {
  const std::vector<std::int64_t> targets = hwy::SupportedAndGeneratedTargets();
  EXPECT_FALSE(targets.empty());
  const ThreadRunner serial(1);
  for (const std::int64_t target : targets) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

/// Random numbers of LIKENESS_SEED (0 where it is not set) and the test's own number; failures say both.
class Random {
 public:
  explicit Random(std::uint64_t test) : Random(base_seed(), test) {}
  std::int64_t integer(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(high - low + 1));
  }
  double real(double low, double high) { return low + (high - low) * static_cast<double>(engine_() >> 11) * 0x1p-53; }
  std::vector<float> reals(std::int64_t n, double low = -1.0, double high = 1.0) {
    std::vector<float> v(static_cast<std::size_t>(n));
    for (float& x : v) x = static_cast<float>(real(low, high));
    return v;
  }
  /// Small integers, zero with probability 1 - density: sums of their products are exact.
  std::vector<float> integers(std::int64_t n, double density = 0.7) {
    std::vector<float> v(static_cast<std::size_t>(n));
    for (float& x : v) x = real(0, 1) < density ? static_cast<float>(integer(-4, 4)) : 0.0F;
    return v;
  }

 private:
  static std::uint64_t base_seed() {
    const char* text = std::getenv("LIKENESS_SEED");
    return text != nullptr ? std::strtoull(text, nullptr, 10) : 0;
  }
  Random(std::uint64_t base, std::uint64_t test)
      : trace_(__FILE__, __LINE__, testing::Message() << "LIKENESS_SEED=" << base << ", numbers of test " << test),
        engine_(1000 * base + test) {}

  testing::ScopedTrace trace_;
  std::mt19937_64 engine_;
};

/// gamma_n = n u / (1 - n u), u = 2^-24: the classic bound of the relative error of a sum of n products in any order.
inline double gamma(std::int64_t n) {
  const double u = static_cast<double>(n) * 0x1p-24;
  return u / (1.0 - u);
}

template <class T>
std::vector<double> to_double(const std::vector<T>& v) {
  return {v.begin(), v.end()};
}

inline std::vector<double> magnitudes(const std::vector<float>& v) {
  std::vector<double> m;
  for (const float x : v) m.push_back(std::abs(static_cast<double>(x)));
  return m;
}

}  // namespace likeness::test
