#include "fit/profile.hpp"

namespace likeness {

void FitProfile::add(const FitProfile& other) {
  for (const auto& [name, part] : kFitParts) in_steps.*part += other.in_steps.*part;
  if (plan == other.plan) {
    for (std::size_t i = 0; i < times.size(); ++i) {
      times[i].runs += other.times[i].runs;
      times[i].seconds += other.times[i].seconds;
    }
    return;
  }
  plan.insert(plan.end(), other.plan.begin(), other.plan.end());
  times.insert(times.end(), other.times.begin(), other.times.end());
}

double total(const FitSeconds& seconds) {
  double sum = 0;
  for (const auto& [name, part] : kFitParts) sum += seconds.*part;
  return sum;
}

FitSeconds seconds_of_fit(std::span<const FitResult> results) {
  FitSeconds sum;
  for (const FitResult& result : results) {
    sum.decode += result.seconds.decode;
    sum.align += result.seconds.align;
    sum.draw += result.seconds.draw;
  }
  if (results.empty()) return sum;
  sum.prepare = results.front().seconds.prepare;
  sum.search = results.front().seconds.search;
  sum.judge = results.front().seconds.judge;
  return sum;
}

}  // namespace likeness
