#include "align/affine.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdio>
#include <string>

namespace likeness {
namespace {

constexpr double kLeastInterocular = 20;   // pixels of the photo: below, eyes are a few pixels and nothing can be measured
constexpr double kLargestAsymmetry = 0.7;  // of the nose between the outer eye corners; 0 frontal, about 0.7 at 35 degrees
constexpr double kLargestResidual = 0.25;  // RMS after a similarity, in inter-ocular distances; people differ by 0.05 to 0.12

std::complex<double> complex(const Point& p) { return {p[0], p[1]}; }

std::complex<double> mean(std::span<const Point> points) {
  std::complex<double> sum = 0;
  for (const Point& p : points) sum += complex(p);
  return sum / static_cast<double>(points.size());
}

Result<Affine> estimate_similarity(std::span<const Point> from, std::span<const Point> to) {
  const std::complex<double> centre_from = mean(from), centre_to = mean(to);
  std::complex<double> product = 0;
  double norm = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::complex<double> p = complex(from[i]) - centre_from;
    product += std::conj(p) * (complex(to[i]) - centre_to);
    norm += std::norm(p);
  }
  if (!(norm > 1e-9)) return Status{Code::landmarks_bad, "the landmarks fall on one point"};
  const std::complex<double> turn = product / norm;  // scale * exp(i angle)
  const std::complex<double> shift = centre_to - turn * centre_from;
  return Affine{{turn.real(), -turn.imag(), shift.real(), turn.imag(), turn.real(), shift.imag()}};
}

Result<Affine> estimate_affine(std::span<const Point> from, std::span<const Point> to) {
  const std::complex<double> centre_from = mean(from), centre_to = mean(to);
  const auto n = static_cast<Eigen::Index>(from.size());
  Eigen::MatrixX2d source(n, 2), target(n, 2);
  for (Eigen::Index i = 0; i < n; ++i) {
    const auto k = static_cast<std::size_t>(i);
    source.row(i) << from[k][0] - centre_from.real(), from[k][1] - centre_from.imag();
    target.row(i) << to[k][0] - centre_to.real(), to[k][1] - centre_to.imag();
  }
  const Eigen::ColPivHouseholderQR<Eigen::MatrixX2d> qr(source);
  if (qr.rank() < 2) return Status{Code::landmarks_bad, "the landmarks fall on one line"};
  const Eigen::Matrix2d m = qr.solve(target);  // rows: source axis, columns: target axis
  Affine map{{m(0, 0), m(1, 0), 0, m(0, 1), m(1, 1), 0}};
  const auto centre = map.apply(centre_from.real(), centre_from.imag());
  map.a[2] = centre_to.real() - centre[0];
  map.a[5] = centre_to.imag() - centre[1];
  return map;
}

std::span<const Point> inner(const Landmarks& landmarks) { return std::span(landmarks).subspan(kFirstInnerLandmark); }

}  // namespace

Affine Affine::inverse() const {
  const double d = determinant();
  Affine inverse{{a[4] / d, -a[1] / d, 0, -a[3] / d, a[0] / d, 0}};
  const auto origin = inverse.apply(a[2], a[5]);
  inverse.a[2] = -origin[0];
  inverse.a[5] = -origin[1];
  return inverse;
}

Affine Affine::after(const Affine& first) const {
  const auto& b = first.a;
  return Affine{{a[0] * b[0] + a[1] * b[3], a[0] * b[1] + a[1] * b[4], a[0] * b[2] + a[1] * b[5] + a[2],  //
                 a[3] * b[0] + a[4] * b[3], a[3] * b[1] + a[4] * b[4], a[3] * b[2] + a[4] * b[5] + a[5]}};
}

Result<Affine> estimate_map(AlignKind kind, std::span<const Point> from, std::span<const Point> to) {
  if (from.size() != to.size() || from.size() < 3) {
    return Status{Code::invalid_argument, "an alignment needs two equally long lists of at least 3 points"};
  }
  const auto finite = [](const Point& p) { return std::isfinite(p[0]) && std::isfinite(p[1]); };
  if (!std::ranges::all_of(from, finite) || !std::ranges::all_of(to, finite)) {
    return Status{Code::landmarks_bad, "the landmarks are not finite numbers"};
  }
  return kind == AlignKind::affine ? estimate_affine(from, to) : estimate_similarity(from, to);
}

double map_residual(const Affine& map, std::span<const Point> from, std::span<const Point> to) {
  double sum = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto p = map.apply(from[i][0], from[i][1]);
    sum += (p[0] - to[i][0]) * (p[0] - to[i][0]) + (p[1] - to[i][1]) * (p[1] - to[i][1]);
  }
  return from.empty() ? 0 : std::sqrt(sum / static_cast<double>(from.size()));
}

double interocular_distance(const Landmarks& landmarks) {
  const std::span all(landmarks);
  return std::abs(mean(all.subspan(36, 6)) - mean(all.subspan(42, 6)));
}

Status check_landmarks(const Landmarks& photo, const Landmarks& reference) {
  const Result<Affine> map = estimate_map(AlignKind::similarity, inner(photo), inner(reference));
  if (!map.ok()) return map.status();
  const double distance = interocular_distance(photo);
  if (distance < kLeastInterocular) {
    char text[120];
    std::snprintf(text, sizeof text, "the face has %.0f pixels between the eyes, at least %.0f are needed: use a larger photo", distance,
                  kLeastInterocular);
    return {Code::face_too_small, text};
  }
  const std::complex<double> left = complex(photo[36]), right = complex(photo[45]);
  // Position of the nose tip along the line through the outer eye corners: -1 left corner, 0 middle, 1 right corner.
  const std::complex<double> along = (complex(photo[30]) - 0.5 * (left + right)) / (0.5 * (right - left));
  if (std::abs(along.real()) > kLargestAsymmetry) {
    return {Code::pose, "the face is turned too far to the side: use a photo taken from the front"};
  }
  const double residual = map_residual(*map, inner(photo), inner(reference)) / interocular_distance(reference);
  if (!(residual < kLargestResidual) || !(along.imag() > 0)) {
    return {Code::landmarks_bad, "the landmarks found do not have the shape of a face: use a sharper photo taken from the front"};
  }
  return Status::success();
}

}  // namespace likeness
