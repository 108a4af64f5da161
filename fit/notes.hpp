// What a fitted character cannot show of its photo, in plain words.
#pragma once

#include <string>
#include <vector>

#include "likeness/likeness.hpp"
#include "likeness/scene.hpp"

namespace likeness {

/// Sentences about glasses, hair whose outline no option has, and sliders that ended at the end of their range, such as a beard that is
/// fuller than the scene's. `result` has its pictures, labels and character.
std::vector<std::string> fit_notes(const FitResult& result, const Schema& schema);

}  // namespace likeness
