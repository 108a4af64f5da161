// How far two pictures of a face are from each other inside it.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <span>

#include "scene/labels.hpp"

namespace likeness {

/// Whether a class is part of the face: all but background and hair. Values that are no class are not.
constexpr bool in_face(std::uint8_t label) { return label == 1 || (label >= 3 && label < kClasses); }

/// A sum of absolute differences of RGB in [0, 1] over pixels.
struct Difference {
  double sum = 0, count = 0;
  void add(const std::uint8_t* a, const std::uint8_t* b) {
    for (int c = 0; c < 3; ++c) sum += std::abs(int{a[c]} - int{b[c]}) / 255.0;
    count += 3;
  }
  double mean() const { return count > 0 ? sum / count : 0; }
};

/// Between two RGB pictures inside the face of a label map, all of one size.
inline Difference difference_in_face(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b,
                                     std::span<const std::uint8_t> labels) {
  Difference difference;
  for (std::size_t p = 0; p < labels.size(); ++p) {
    if (in_face(labels[p])) difference.add(&a[3 * p], &b[3 * p]);
  }
  return difference;
}

}  // namespace likeness
