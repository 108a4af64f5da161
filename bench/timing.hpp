// How the comparison (compare.py) times: single runs, after one that does not count.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

namespace likeness::bench {

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Of at least one value.
inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

/// Milliseconds of each of at least `least` runs that together take at least `seconds`.
template <class Run>
std::vector<double> time_runs(Run&& run, int least, double seconds) {
  run();  // page faults and code generation
  std::vector<double> times;
  const auto start = std::chrono::steady_clock::now();
  while (static_cast<int>(times.size()) < least || seconds_since(start) < seconds) {
    const auto begin = std::chrono::steady_clock::now();
    run();
    times.push_back(seconds_since(begin) * 1e3);
  }
  return times;
}

}  // namespace likeness::bench
