// Arithmetic of 3-D vectors.
#pragma once

#include <cmath>

#include "scene/draw_list.hpp"

namespace likeness::scene {

inline float dot(const Vec3& a, const Vec3& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

inline Vec3 cross(const Vec3& a, const Vec3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

/// `v` with length 1; `fallback` when it has next to none.
inline Vec3 normalised(const Vec3& v, const Vec3& fallback = {0, 0, 1}) {
  const float length = std::sqrt(dot(v, v));
  return length > 1e-12F ? Vec3{v[0] / length, v[1] / length, v[2] / length} : fallback;
}

}  // namespace likeness::scene
