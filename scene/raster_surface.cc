#include "scene/raster_surface.hpp"

#include <algorithm>
#include <cmath>

#include "scene/clones.hpp"

namespace likeness::scene {
namespace {

float limit(float v, float low, float high) { return std::min(high, std::max(low, v)); }

// Lips are moist and the nose is oily.
float skin_gloss(Region region, const Surfaces::SkinPoint& here) {
  if (region == Region::mouth_interior) return 0.3F;
  return 1 + 0.8F * limit(7 - here[at_more + 1], 0.0F, 1.0F) + 0.3F * limit(here[at_more + 3], 0.0F, 1.0F);
}

// Places of the points, and what decides how much is seen there.
LIKENESS_CLONES void find_places(const TrianglePoints& triangle, std::size_t count, Surfaces::LayerPoints& at) {
  const TrianglePoints points = triangle;
  const auto corners = points.corners<3>(at_uv);
  for (std::size_t i = 0; i < count; ++i) {
    const auto [a, b, c] = points.at(at.x[i], at.y[i]).weight;
    at.weight[0][i] = a;
    at.weight[1][i] = b;
    at.weight[2][i] = c;
    at.grey.u[i] = a * corners[0][0] + b * corners[1][0] + c * corners[2][0];
    at.grey.v[i] = a * corners[0][1] + b * corners[1][1] + c * corners[2][1];
    at.fade[i] = a * corners[0][2] + b * corners[1][2] + c * corners[2][2];
  }
}

}  // namespace

Surfaces::Surfaces(const DrawList& list, const ScreenMesh& mesh) : list_(list) {
  paints_.reserve(list.draws.size());
  for (std::size_t d = 0; d < list.draws.size(); ++d) {
    const Draw& draw = list.draws[d];
    Paint& paint = paints_.emplace_back(draw);
    const auto& [low, high] = mesh.uv[d];
    const bool seen = low[0] <= high[0] && low[1] <= high[1];
    if (draw.texture == nullptr || !seen) continue;
    if (draw.material == Material::skin) {
      paint.smooth.emplace(*draw.texture, low, high);
    } else {
      for (int level = 0; level < draw.texture->levels; ++level) paint.levels.push_back(level_of(*draw.texture, level));
    }
  }
}

Colour Surfaces::colour(const ScreenTriangle& triangle, const Vec2& uv) const {
  const Paint& paint = paints_[triangle.draw];
  return paint.tint.apply(paint.levels.empty() ? Colour{1, 1, 1, 1} : sample_bilinear(paint.levels[triangle.level], uv[0], uv[1]));
}

void Surfaces::look(const ScreenTriangle& triangle, const TrianglePoints& points, std::size_t count, LayerPoints& at) const {
  find_places(points, count, at);
  const Draw& draw = list_.draws[triangle.draw];
  if (draw.recolour) {
    const Paint& paint = paints_[triangle.draw];
    sample_grey(paint.levels.empty() ? TextureLevel{} : paint.levels[triangle.level], count, at.grey);
    at.alpha = at.grey.alpha;
  } else {
    for (std::size_t i = 0; i < count; ++i) {
      const Colour c = colour(triangle, {at.grey.u[i], at.grey.v[i]});
      at.colour[i] = {c[0], c[1], c[2]};
      at.alpha[i] = c[3];
    }
  }
  for (std::size_t i = 0; i < count; ++i) at.alpha[i] = triangle.solid ? 1 : at.alpha[i] * limit(at.fade[i], 0, 1);
}

Fragment Surfaces::fragment(const ScreenTriangle& triangle, const TrianglePoints& points, const TrianglePoints::Place& place,
                            const Vec3& albedo) const {
  const auto here = points.read<4>(place, at_normal);
  Fragment f;
  f.material = list_.draws[triangle.draw].material;
  f.albedo = albedo;
  const float length = std::sqrt(here[0] * here[0] + here[1] * here[1] + here[2] * here[2]);
  const float scale = (triangle.back ? -1.0F : 1.0F) / std::max(length, 1e-6F);
  f.normal = {here[0] * scale, here[1] * scale, here[2] * scale};
  f.occlusion = limit(here[at_occlusion], 0, 1);
  return f;
}

void Surfaces::add_hair(const ScreenTriangle& triangle, const TrianglePoints& points, const LayerPoints& at, std::size_t i, float amount,
                        std::size_t pixel, LightQueue& queue) const {
  const Draw& draw = list_.draws[triangle.draw];
  const TrianglePoints::Place place = at.place(i);
  const auto here = points.read<4>(place, at_normal);
  const auto strand = points.read<4>(place, at_more);
  Fragment f;
  f.material = draw.material;
  if (draw.recolour) {
    const float strands = paints_[triangle.draw].tint.contrast(at.grey.luminance[i]);
    f.albedo = {strands * draw.tint[0], strands * draw.tint[1], strands * draw.tint[2]};
    // Painted strands stand for strands that leave the surface differently: the highlight breaks up along them.
    f.lean = 0.12F * (strands - 1);
  } else {
    f.albedo = at.colour[i];
  }
  // Locks are not as dense as their cards.
  f.occlusion = limit(0.45F + 0.55F * here[at_occlusion], 0, 1);
  const float sign = triangle.back && draw.material != Material::hair ? -1.0F : 1.0F;
  f.normal = {sign * here[0], sign * here[1], sign * here[2]};
  f.strand = {strand[0], strand[1], strand[2]};
  queue.add(f, amount, pixel);
}

void Surfaces::add_skin(const ScreenTriangle& triangle, const SkinPoint& here, float ambient, float key, float amount, std::size_t pixel,
                        LightQueue& queue) const {
  const Paint& paint = paints_[triangle.draw];
  Fragment f;
  f.albedo = list_.draws[triangle.draw].tint;
  f.normal = {here[0], here[1], here[2]};
  f.occlusion = limit(here[at_occlusion], 0, 1) * ambient;
  f.shadow = key;
  f.gloss = skin_gloss(triangle.region, here);
  queue.add_skin(f, paint.smooth ? &*paint.smooth : nullptr, {here[at_uv], here[at_uv + 1]}, amount, pixel);
}

std::uint8_t Surfaces::label(const ScreenTriangle& triangle, const SkinPoint& here) const {
  switch (list_.draws[triangle.draw].material) {
    case Material::skin:
      return skin_label(triangle.region, triangle.left, {here[at_more], here[at_more + 1], here[at_more + 2], here[at_more + 3]});
    case Material::eye:
      return triangle.left ? label_left_eye : label_left_eye + 1;
    case Material::teeth:
    case Material::tongue:
      return label_inner_mouth;
    default:
      return label_background;
  }
}

}  // namespace likeness::scene
