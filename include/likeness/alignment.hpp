// Landmarks of a face and the two ways of laying one face on another.
#pragma once

#include <array>

namespace likeness {

/// A position in pixels: x right, y down, pixel centres at .5.
using Point = std::array<float, 2>;

/// The 68 landmarks of the iBUG 300-W scheme, in dlib's order: jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, mouth 48-67.
using Landmarks = std::array<Point, 68>;

/// affine: 6 parameters, the patent's map. similarity: 4 (turn, scale, shift), which keeps the proportions of the face.
enum class AlignKind { affine, similarity };

}  // namespace likeness
