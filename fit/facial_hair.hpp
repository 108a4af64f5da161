// How dark the upper lip, the chin and the jaw are against the cheeks. Extractors are trained to look past beards, so that their features
// hardly tell.
#pragma once

#include <optional>

#include "image/image.hpp"
#include "likeness/alignment.hpp"

namespace likeness {

/// Each 0 (as light as the cheeks, or darker by less than the factor 1.6 that shadows reach) to 1 (by 3.5 and more), the logarithm of
/// linear luminance between them. White and fair hair is not seen. Of the 754 portraits of the training the 19 darkest upper lips (above
/// 0.3) all have a moustache; the next has none.
struct FacialHair {
  double moustache = 0;  ///< beside the philtrum, mean of both sides
  double chin = 0;       ///< below the lower lip
  double jaw = 0;        ///< half-way from the corners of the mouth to the jaw, the lighter side: the other may lie in the shade
};

/// `landmarks` in pixels of the RGB picture; nothing where they are not finite or lie outside.
std::optional<FacialHair> facial_hair(const Image& picture, const Landmarks& landmarks);

/// What a character lacks of the photo's dark hair, 0 to 3, plus half of what it has too much where the photo has some (less where the
/// photo's is below 0.3). A photo without dark hair asks for nothing: its beard may be fair. Chin and jaw count as far as the upper lip is
/// dark too: alone they lie in the shade.
double facial_hair_distance(const FacialHair& photo, const FacialHair& character);

}  // namespace likeness
