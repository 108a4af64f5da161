// JSON from files that may be hostile: what a lenient parser lets through is refused.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "likeness/status.hpp"

namespace likeness {

/// Parses one JSON object. Refuses, besides what JSON forbids: text that does not begin with `{`, anything but spaces after
/// it, NUL bytes, a key that an object holds twice (compared after unescaping), nesting deeper than 32.
/// `what` names the text in messages. Errors: corrupt_model.
Result<nlohmann::json> parse_strict_object(std::string_view text, std::string_view what);

}  // namespace likeness
