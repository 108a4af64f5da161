// likeness fit --profile: where the time went.
#pragma once

#include <span>
#include <string>

#include "autodiff/fma_peak.hpp"
#include "likeness/likeness.hpp"
#include "likeness/profile.hpp"

namespace likeness::cli {

/// Sums of all fits of a run, and what they look like.
class FitProfiles {
 public:
  /// One fit's results (several of photos that were fitted together). Those without a profile do not count.
  void add(std::span<const FitResult> results);
  bool empty() const { return fits_ == 0; }

  /// A table of the steps as executed, one of the kinds of operation (the dearest first), and one of the fit's parts.
  std::string text(const FmaPeak& peak) const;
  /// The same on one line: {"profile": {"fits", "photos", "peak", "steps", "kinds", "parts"}}. Times are in seconds, rates in operations a
  /// second, shares of 1.
  std::string json(const FmaPeak& peak) const;

 private:
  // Of steps of one kind and direction, all runs together.
  struct Kind {
    std::string name;
    bool backward = false;
    std::int64_t runs = 0;
    double seconds = 0, flops = 0;
  };
  std::vector<Kind> kinds() const;
  Kind all() const;

  int fits_ = 0, photos_ = 0;
  FitProfile steps_;
  FitSeconds seconds_;
};

}  // namespace likeness::cli
