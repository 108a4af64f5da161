#include "scene/occlusion.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/parallel.hpp"
#include "scene/vector.hpp"

namespace likeness::scene {
namespace {

constexpr int kSide = 512;          // depth map, pixels
constexpr float kHalfWidth = 2.6F;  // dm that the map covers on each side of the receivers' middle
constexpr float kLift = 0.02F;      // dm along the normal, so that a surface does not shade itself
constexpr float kBias = 0.015F;     // dm of depth, for the map's coarse grid

Vec3 subtract(const Vec3& a, const Vec3& b) { return {a[0] - b[0], a[1] - b[1], a[2] - b[2]}; }

/// Points of a spiral that covers the sphere evenly (the Fibonacci lattice).
Vec3 direction(int i, int count) {
  const float z = 1 - (2 * static_cast<float>(i) + 1) / static_cast<float>(count);
  const float r = std::sqrt(std::max(0.0F, 1 - z * z));
  const float angle = static_cast<float>(i) * std::numbers::pi_v<float> * (3 - std::sqrt(5.0F));
  return {r * std::cos(angle), r * std::sin(angle), z};
}

struct View2 {
  Vec3 right, up, toward, middle;
  // Map coordinates in pixels and the distance towards the light.
  Vec3 project(const Vec3& p) const {
    const Vec3 d = subtract(p, middle);
    constexpr float kScale = kSide / (2 * kHalfWidth);
    return {dot(d, right) * kScale + kSide / 2.0F, dot(d, up) * kScale + kSide / 2.0F, dot(d, toward)};
  }
};

void draw(const Vec3& a, const Vec3& b, const Vec3& c, std::vector<float>& depth) {
  const float area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
  if (std::abs(area) < 1e-9F) return;
  const auto low = [](float v) { return std::max(0, static_cast<int>(std::ceil(std::max(v, -1.0F) - 0.5F))); };
  const auto high = [](float v) { return std::min(kSide - 1, static_cast<int>(std::floor(std::min(v, kSide + 1.0F) - 0.5F))); };
  const int x0 = low(std::min({a[0], b[0], c[0]})), x1 = high(std::max({a[0], b[0], c[0]}));
  const int y0 = low(std::min({a[1], b[1], c[1]})), y1 = high(std::max({a[1], b[1], c[1]}));
  for (int y = y0; y <= y1; ++y) {
    for (int x = x0; x <= x1; ++x) {
      const float px = static_cast<float>(x) + 0.5F, py = static_cast<float>(y) + 0.5F;
      const float u = ((b[0] - px) * (c[1] - py) - (b[1] - py) * (c[0] - px)) / area;
      const float v = ((c[0] - px) * (a[1] - py) - (c[1] - py) * (a[0] - px)) / area;
      if (u < 0 || v < 0 || u + v > 1) continue;
      float& z = depth[static_cast<std::size_t>(y * kSide + x)];
      z = std::max(z, u * a[2] + v * b[2] + (1 - u - v) * c[2]);
    }
  }
}

}  // namespace

std::vector<float> ambient_occlusion(std::span<const Vec3> receiver, std::span<const Vec3> normal, std::span<const Vec3> point,
                                     std::span<const std::uint32_t> triangle, int directions) {
  Vec3 low = receiver.empty() ? Vec3{} : receiver[0];
  Vec3 high = low;
  for (const Vec3& p : receiver) {
    for (std::size_t i = 0; i < 3; ++i) {
      low[i] = std::min(low[i], p[i]);
      high[i] = std::max(high[i], p[i]);
    }
  }
  const Vec3 middle = {(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, (low[2] + high[2]) / 2};
  std::vector<std::vector<std::uint8_t>> lit(static_cast<std::size_t>(directions));
  parallel_for(directions, [&](std::int64_t i) {
    View2 view;
    view.toward = direction(static_cast<int>(i), directions);
    view.right = normalised(cross(std::abs(view.toward[1]) < 0.9F ? Vec3{0, 1, 0} : Vec3{1, 0, 0}, view.toward), {1, 0, 0});
    view.up = cross(view.toward, view.right);
    view.middle = middle;
    std::vector<Vec3> projected(point.size());
    for (std::size_t p = 0; p < point.size(); ++p) projected[p] = view.project(point[p]);
    std::vector<float> depth(static_cast<std::size_t>(kSide) * kSide, -std::numeric_limits<float>::infinity());
    for (std::size_t t = 0; t + 2 < triangle.size(); t += 3)
      draw(projected[triangle[t]], projected[triangle[t + 1]], projected[triangle[t + 2]], depth);
    auto& flags = lit[static_cast<std::size_t>(i)];
    flags.assign(receiver.size(), 0);
    for (std::size_t r = 0; r < receiver.size(); ++r) {
      const Vec3& n = normal[r];
      if (dot(n, view.toward) <= 0) continue;
      const Vec3& p = receiver[r];
      const Vec3 at = view.project({p[0] + kLift * n[0], p[1] + kLift * n[1], p[2] + kLift * n[2]});
      const bool inside = at[0] >= 0 && at[1] >= 0 && at[0] < kSide && at[1] < kSide;
      flags[r] = !inside || depth[static_cast<std::size_t>(static_cast<int>(at[1]) * kSide + static_cast<int>(at[0]))] <= at[2] + kBias;
    }
  });
  std::vector<float> out(receiver.size());
  for (std::size_t r = 0; r < receiver.size(); ++r) {
    float open = 0, all = 0;
    for (int i = 0; i < directions; ++i) {
      const float cosine = std::max(0.0F, dot(normal[r], direction(i, directions)));
      all += cosine;
      open += cosine * static_cast<float>(lit[static_cast<std::size_t>(i)][r]);
    }
    out[r] = all > 0 ? std::clamp(open / all, 0.0F, 1.0F) : 1.0F;
  }
  return out;
}

}  // namespace likeness::scene
