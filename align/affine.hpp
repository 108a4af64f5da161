// The plane maps that carry one set of landmarks onto another.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "likeness/alignment.hpp"
#include "likeness/status.hpp"

namespace likeness {

/// The landmarks that alignment uses: all but the jaw, which is the least certain part and moves with the head's turn.
constexpr std::size_t kFirstInnerLandmark = 17;

/// x' = a[0] x + a[1] y + a[2],  y' = a[3] x + a[4] y + a[5].
struct Affine {
  std::array<double, 6> a = {1, 0, 0, 0, 1, 0};

  std::array<double, 2> apply(double x, double y) const { return {a[0] * x + a[1] * y + a[2], a[3] * x + a[4] * y + a[5]}; }
  double determinant() const { return a[0] * a[4] - a[1] * a[3]; }
  /// The map that undoes this one. Precondition: determinant() != 0.
  Affine inverse() const;
  /// This map after `first`: x -> this(first(x)).
  Affine after(const Affine& first) const;
};

/// The map of the given kind with the least sum of squared distances between map(from[i]) and to[i].
/// affine: linear least squares, QR. similarity: closed form in complex numbers (Umeyama, TPAMI 13(4) 1991, in the plane, never a
/// reflection). Errors: invalid_argument (lengths differ or fewer than 3 points), landmarks_bad (the points do not span the plane,
/// or are not finite).
Result<Affine> estimate_map(AlignKind kind, std::span<const Point> from, std::span<const Point> to);

/// Root mean square distance between map(from[i]) and to[i], in pixels of `to`.
double map_residual(const Affine& map, std::span<const Point> from, std::span<const Point> to);

/// Distance between the means of landmarks 36-41 and 42-47.
double interocular_distance(const Landmarks& landmarks);

/// Whether these landmarks can be a frontal face that is worth fitting, judged against those of the reference face.
/// Errors: landmarks_bad (not finite, not the arrangement of a face), face_too_small (inter-ocular distance under 20 px of the
/// photo), pose (turned so far that the nose has left the middle between the eyes; about 35 degrees).
Status check_landmarks(const Landmarks& photo, const Landmarks& reference);

}  // namespace likeness
