// What a fitted character cannot show of its photo, in plain words.
#pragma once

#include <string>
#include <vector>

#include "image/image.hpp"
#include "likeness/alignment.hpp"
#include "likeness/likeness.hpp"
#include "likeness/scene.hpp"

namespace likeness {

/// How strongly something crosses the bridge of the nose, as the frame of glasses does: the largest contrast of a dark or light line in the
/// mean of 0.16 inter-ocular distances across, from 0.35 above to 0.15 below the middle of the eyes, against the luma of the cheeks'
/// height. Of 12 portraits with glasses 11 exceed what fit_notes() takes for glasses (not rimless ones), of 30 without 1. `landmarks` in
/// pixels of the RGB picture.
double bridge_contrast(const Image& picture, const Landmarks& landmarks);

/// Sentences about glasses, hair whose outline no option has, and sliders that ended at the end of their range, such as a beard that is
/// fuller than the scene's. `result` has its pictures, labels and character.
std::vector<std::string> fit_notes(const FitResult& result, const Schema& schema);

}  // namespace likeness
