#include "scene/mesh.hpp"

#include <cmath>

namespace likeness::scene {

std::vector<std::uint32_t> point_triangles(const Surface& surface) {
  std::vector<std::uint32_t> triangle;
  triangle.reserve(surface.triangle.size());
  for (const std::uint32_t corner : surface.triangle) triangle.push_back(surface.point[corner]);
  return triangle;
}

std::vector<Vec3> point_normals(std::span<const Vec3> point, std::span<const std::uint32_t> triangle) {
  std::vector<Vec3> normal(point.size(), Vec3{0, 0, 0});
  for (std::size_t t = 0; t + 2 < triangle.size(); t += 3) {
    const Vec3& a = point[triangle[t]];
    const Vec3& b = point[triangle[t + 1]];
    const Vec3& c = point[triangle[t + 2]];
    const Vec3 u = {b[0] - a[0], b[1] - a[1], b[2] - a[2]};
    const Vec3 v = {c[0] - a[0], c[1] - a[1], c[2] - a[2]};
    const Vec3 n = {u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]};
    for (std::size_t k = 0; k < 3; ++k) {
      Vec3& sum = normal[triangle[t + k]];
      for (std::size_t i = 0; i < 3; ++i) sum[i] += n[i];
    }
  }
  for (Vec3& n : normal) {
    const float length = std::sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]);
    n = length > 1e-20F ? Vec3{n[0] / length, n[1] / length, n[2] / length} : Vec3{0, 0, 1};
  }
  return normal;
}

std::vector<Vec3> fit_proxy(const Proxy& proxy, std::span<const Vec3> base, std::span<const Vec3> relaxed) {
  Vec3 scale{};
  for (std::size_t i = 0; i < 3; ++i)
    scale[i] = std::abs(relaxed[proxy.scale[i].point[0]][i] - relaxed[proxy.scale[i].point[1]][i]) / proxy.scale[i].length;
  std::vector<Vec3> out(proxy.reference.size());
  for (std::size_t v = 0; v < out.size(); ++v) {
    const auto& r = proxy.reference[v];
    const Vec3& w = proxy.weight[v];
    for (std::size_t i = 0; i < 3; ++i)
      out[v][i] = w[0] * base[r[0]][i] + w[1] * base[r[1]][i] + w[2] * base[r[2]][i] + scale[i] * proxy.offset[v][i];
  }
  return out;
}

}  // namespace likeness::scene
