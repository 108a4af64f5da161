// Tables for people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace likeness {

/// "1,234,567"
std::string grouped(std::uint64_t number);
/// A number by a printf format of its own, e.g. "%.3f"; at most 31 characters.
std::string decimals(const char* format, double value);

/// Columns as wide as their longest entry, two spaces apart; words to the left, numbers to the right.
class TextTable {
 public:
  struct Column {
    std::string heading;
    bool words = false;
  };
  explicit TextTable(std::vector<Column> columns);

  /// One entry a column.
  void add(std::vector<std::string> row);
  /// A line across all columns.
  void add_line(std::string line);
  /// The heading and what was added, in order, a line each.
  std::string text() const;

 private:
  std::vector<bool> words_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<std::string>> rows_;  // of one entry: a line across
};

}  // namespace likeness
