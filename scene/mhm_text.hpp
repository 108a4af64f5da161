// The text of MakeHuman's saved models: lines of words, and the names and ranges of MakeHuman's modifiers.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/status.hpp"

namespace likeness::scene {

/// A line with at least one word that is no comment. The words lie in the text that was split.
struct MhmLine {
  std::size_t number = 0;  ///< from 1
  std::vector<std::string_view> words;
};

/// The lines of a saved model; ends of lines may be of any system. Errors: invalid_argument (more than 1 MiB, not a text file).
Result<std::vector<MhmLine>> mhm_lines(std::string_view text);

/// The number, or nothing when `word` is anything else, infinite or not a number.
std::optional<double> mhm_number(std::string_view word);

/// Least and greatest value of a modifier. Those named after two targets ("...-down|up") reach from -1 to 1, all others from 0 to 1.
struct MhmRange {
  double low = 0, high = 1;
};
MhmRange mhm_range(std::string_view modifier);

/// What MakeHuman knows since 1.1 under the name of a modifier.
enum class MhmKnown { head, body, unknown };
/// Names of the head and of the macros are checked in full, others by their group.
MhmKnown mhm_known(std::string_view modifier);
/// Whether MakeHuman has this very modifier among those that this program writes: head, macros, breast/BreastSize ...
bool mhm_writable(std::string_view modifier);

/// A modifier of MakeHuman 1.0 by the name that it has had since 1.1, and the factor for its value: 1.1 turned some round. Names that
/// stayed are returned as they are.
struct MhmName {
  std::string name;
  double sign = 1;
};
MhmName mhm_current_name(std::string_view old);

/// `text` in quotes, made harmless for terminals and cut after 60 characters.
std::string mhm_quoted(std::string_view text);

/// `text` without anything that ends a line or is not UTF-8: each such character becomes '_'.
std::string mhm_single_line(std::string_view text);

}  // namespace likeness::scene
