// The figures that `likeness evaluate` prints.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace likeness::cli {

/// Figures in the order in which they were added.
class Figures {
 public:
  void count(const std::string& name, std::int64_t value);
  void add(const std::string& name, double value, int digits = 5);
  /// NAME_mean, NAME_median and NAME_p95 (nearest rank); nothing where there are no values.
  void spread(const std::string& name, std::vector<double> values, int digits = 5);
  /// NAME_median (nearest rank); nothing where there are no values.
  void median(const std::string& name, std::vector<double> values, int digits = 5);
  /// NAME_mean and NAME_deviation; nothing where there are no values.
  void moments(const std::string& name, std::span<const double> values, int digits = 5);
  /// Printed on standard output: a `NAME VALUE` line each, or one JSON object on a line.
  void print(bool json = false) const;

 private:
  std::vector<std::pair<std::string, std::string>> figures_;
};

}  // namespace likeness::cli
