// Parsing JSON that may be hostile.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace likeness {

/// The parsed text; discarded (is_discarded()) when it is not JSON or nests deeper than 64 levels, which would overflow the stack of
/// everything that walks the tree.
inline nlohmann::json parse_json(std::string_view text) {
  constexpr int kDepth = 64;
  int depth = 0;
  bool in_string = false, escaped = false;
  for (const char c : text) {
    if (in_string) {
      if (escaped) {
        escaped = false;
      } else if (c == '\\') {
        escaped = true;
      } else if (c == '"') {
        in_string = false;
      }
      continue;
    }
    if (c == '"') in_string = true;
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (depth > kDepth) return nlohmann::json(nlohmann::json::value_t::discarded);
  }
  return nlohmann::json::parse(text, nullptr, false);
}

}  // namespace likeness
