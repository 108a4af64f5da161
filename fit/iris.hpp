// The colour of the irises, for the choice of an eye colour: of a picture's features it changes next to nothing.
#pragma once

#include <array>
#include <optional>

#include "image/image.hpp"
#include "likeness/alignment.hpp"
#include "likeness/likeness.hpp"

namespace likeness {

/// Logarithms of the irises' linear light over that of the whites of the same eyes, which cancels the light's strength and colour: of the
/// luminances, of R / G, of G / B.
using IrisColour = std::array<double, 3>;

/// The colour of the irises in a picture, mean of both eyes. The iris is the ring from 0.04 to 0.085 inter-ocular distances around the
/// middle of each eye's six landmarks, between the lids (anthropometry: an iris measures 11.7 mm, eyes are 63 mm apart), without its
/// darkest sixth (pupil, lashes) and its brightest third (catch light, white); the white is what lies between the lids from the 80th to the
/// 95th per cent by light. `landmarks` in pixels of the RGB picture. Nothing where eyes are closed or places lie outside.
std::optional<IrisColour> iris_colour(const Image& picture, const Landmarks& landmarks);

/// How far the picture's irises are from the drawn ones, in standard deviations of irises of one name in photographs (Mahalanobis): brown
/// and blue are about 2 apart. A photograph's whites are shaded and its room is mirrored in the eyes, so it is compared with what portraits
/// show of such eyes: an affine map that was fitted to the shipped head's five colours and to training portraits whose eyes were looked at
/// (train/fit_irises.py). Other games' eyes are taken to differ from photographs in the same way. `domain`: of the picture; a render is
/// taken through the same map. Neither of the two uncorrelated parts of hue counts for more than 4 deviations: of
/// a colour cast all options would be far away, and what is left between them chance.
double iris_distance(const IrisColour& picture, const IrisColour& drawn, PictureDomain domain);

/// What drawn eyes are charged that cannot be seen where the picture's can: as far as brown is from blue.
inline constexpr double kHiddenIris = 2;

/// Share of the term's weight where the photo wears glasses: lenses mirror the room there and veil drawn irises, which must not speak
/// against glasses.
inline constexpr double kThroughLenses = 0.25;

}  // namespace likeness
