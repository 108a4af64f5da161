#include "autodiff/text_table.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace likeness {

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string decimals(const char* format, double value) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

TextTable::TextTable(std::vector<Column> columns) : widths_(columns.size()) {
  std::vector<std::string> heading;
  for (Column& column : columns) {
    words_.push_back(column.words);
    heading.push_back(std::move(column.heading));
  }
  add(std::move(heading));
}

void TextTable::add(std::vector<std::string> row) {
  row.resize(widths_.size());
  for (std::size_t i = 0; i < row.size(); ++i) widths_[i] = std::max(widths_[i], row[i].size());
  rows_.push_back(std::move(row));
}

void TextTable::add_line(std::string line) { rows_.push_back({std::move(line)}); }

std::string TextTable::text() const {
  std::string text;
  for (const std::vector<std::string>& row : rows_) {
    std::string line = row.size() == 1 ? row.front() : "";
    for (std::size_t i = 0; i < row.size() && row.size() > 1; ++i) {
      const std::string space(widths_[i] - row[i].size(), ' ');
      line += (i == 0 ? "" : "  ") + (words_[i] ? row[i] + space : space + row[i]);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace likeness
