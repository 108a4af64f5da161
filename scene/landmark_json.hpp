// 68 landmarks in JSON, as clients answer and as files hold them: [[x, y], ...].
#pragma once

#include <nlohmann/json.hpp>

#include "likeness/alignment.hpp"
#include "likeness/status.hpp"

namespace likeness::scene {

/// Errors: landmarks_bad, with a message that says what is wrong, without a subject ("must be ...").
Result<Landmarks> parse_landmarks(const nlohmann::json& value);

}  // namespace likeness::scene
