// The colour of the irises, for the choice of an eye colour: of a picture's features it changes next to nothing.
#pragma once

#include <array>
#include <optional>

#include "image/image.hpp"
#include "likeness/alignment.hpp"
#include "likeness/likeness.hpp"

namespace likeness {

/// Hue of the irises: log(R / G) and log(G / B) of the mean linear light of both, less the cheeks', which the light's colour cancels out
/// of.
using IrisHue = std::array<double, 2>;

/// The hue in a picture; photographs', which hold reflections of a bluish room, are moved so that half of 80 training portraits come nearer
/// to brown than to grey. The iris is taken as the ring from 0.045 to 0.085 inter-ocular distances around the middle of each eye's six
/// landmarks, inside the lids (anthropometry: an iris measures 11.7 mm, eyes are 63 mm apart), without its brightest third (catch light,
/// white); the cheek as a disc of 0.12 midway between the eye and the corner of the mouth. `landmarks` in pixels of the RGB picture.
/// Nothing where eyes are closed or places lie outside.
std::optional<IrisHue> iris_hue(const Image& picture, const Landmarks& landmarks, PictureDomain domain);

/// Mean absolute difference of two.
double iris_distance(const IrisHue& a, const IrisHue& b);

}  // namespace likeness
