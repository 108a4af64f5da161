// The picture's geometry: a perspective camera that orbits the head, then a 2-D scale and shift (the framing).
#pragma once

#include <array>
#include <cmath>

#include "scene/draw_list.hpp"

namespace likeness::scene {

/// A perspective camera on +z that looks at `centre` from View::distance; the head turns about `pivot` before it.
/// The light stays with the camera.
struct Camera {
  Vec3 centre = {0, 0, 0};         ///< dm; the optical axis passes here when the head is not turned
  Vec3 pivot = {0, -0.4F, -0.5F};  ///< dm; the point in the upper neck about which yaw and pitch turn
};

/// Picture coordinates after projection: pixel = size * (scale * plane + shift), where plane has x right, y down.
struct Framing {
  float scale = 1;
  Vec2 shift = {0.5F, 0.5F};
};

/// Rotation of the head and projection of points, for one view. Cheap to copy.
class Projector {
 public:
  Projector(const Camera& camera, const View& view)
      : camera_(camera),
        distance_(view.distance),
        cy_(std::cos(view.yaw)),
        sy_(std::sin(view.yaw)),
        cp_(std::cos(view.pitch)),
        sp_(std::sin(view.pitch)) {}

  /// Turns a direction (a normal) with the head: pitch about x (up positive), then yaw about y (to image right positive).
  Vec3 turn(const Vec3& v) const {
    const float y = cp_ * v[1] + sp_ * v[2];
    const float z = -sp_ * v[1] + cp_ * v[2];
    return {cy_ * v[0] + sy_ * z, y, -sy_ * v[0] + cy_ * z};
  }
  /// World position -> eye space: x right, y up, z = distance in front of the eye (positive), decimetres.
  Vec3 eye(const Vec3& p) const {
    const Vec3 r = turn({p[0] - camera_.pivot[0], p[1] - camera_.pivot[1], p[2] - camera_.pivot[2]});
    return {r[0] + camera_.pivot[0] - camera_.centre[0], r[1] + camera_.pivot[1] - camera_.centre[1],
            distance_ - (r[2] + camera_.pivot[2] - camera_.centre[2])};
  }
  /// Eye space -> picture plane before the framing: x right, y DOWN, tangents of the angle to the axis.
  static Vec2 plane(const Vec3& e) { return {e[0] / e[2], -e[1] / e[2]}; }

 private:
  Camera camera_;
  float distance_, cy_, sy_, cp_, sp_;
};

/// Plane coordinates -> pixels of a picture of `size`, pixel centres at .5.
inline Vec2 to_pixels(const Framing& framing, const Vec2& plane, float size) {
  return {size * (framing.scale * plane[0] + framing.shift[0]), size * (framing.scale * plane[1] + framing.shift[1])};
}

}  // namespace likeness::scene
