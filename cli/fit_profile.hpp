// likeness fit --profile: where the time went.
#pragma once

#include <span>
#include <string>

#include "autodiff/fma_peak.hpp"
#include "fit/stopwatch.hpp"
#include "likeness/likeness.hpp"
#include "likeness/profile.hpp"

namespace likeness::cli {

/// From the start of the program to the first gradient step of its first photo. What passed before this is made is taken to be the
/// processor time that the program has used until then: it has done nothing but start, on one thread.
class ColdStart {
 public:
  ColdStart();
  void loaded() { load_ = watch_.seconds(); }
  /// The gradient of the first step is there; later calls do not count.
  void stepped() {
    if (step_ == 0) step_ = watch_.seconds();
  }

  double before() const { return before_; }
  double load() const { return load_; }
  double fit() const { return step_ - load_; }
  double total() const { return before_ + step_; }

 private:
  Stopwatch watch_;
  double before_ = 0, load_ = 0, step_ = 0;
};

/// Sums of all fits of a run, and what they look like.
class FitProfiles {
 public:
  /// One fit's results (several of photos that were fitted together). Those without a profile do not count.
  void add(std::span<const FitResult> results);
  bool empty() const { return fits_ == 0; }

  /// A table of the steps as executed, one of the kinds of operation (the dearest first), one of the fit's parts, and the cold start.
  std::string text(const FmaPeak& peak, const ColdStart& start) const;
  /// The same on one line: {"profile": {"fits", "photos", "peak", "steps", "kinds", "parts", "cold_start"}}. Times are in seconds, rates in
  /// operations a second, shares of 1.
  std::string json(const FmaPeak& peak, const ColdStart& start) const;

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
