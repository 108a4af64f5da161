#include "scene/raster_surface.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "image/color.hpp"

namespace likeness::scene {
namespace {

float limit(float v, float low, float high) { return std::min(high, std::max(low, v)); }

// Lips are moist and the nose is oily.
float skin_gloss(Region region, const LabelFields& fields) {
  if (region == Region::mouth_interior) return 0.3F;
  return 1 + 0.8F * limit(7 - fields.lip, 0.0F, 1.0F) + 0.3F * limit(fields.nose, 0.0F, 1.0F);
}

// Weighted mean of three vertices' attributes. Plain loops over floats, so that it becomes vector code.
Attributes interpolate(const Attributes& a, const Attributes& b, const Attributes& c, const std::array<float, 3>& weight) {
  using Floats = std::array<float, sizeof(Attributes) / sizeof(float)>;
  const auto x = std::bit_cast<Floats>(a), y = std::bit_cast<Floats>(b), z = std::bit_cast<Floats>(c);
  Floats sum;
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] = weight[0] * x[i] + weight[1] * y[i] + weight[2] * z[i];
  return std::bit_cast<Attributes>(sum);
}

}  // namespace

Colour Surfaces::Paint::read(float u, float v, int level) const {
  Colour c = {1, 1, 1, 1};
  if (smooth) {
    c = smooth->sample(u, v);
  } else if (!levels.empty()) {
    c = sample_bilinear(levels[static_cast<std::size_t>(level)], u, v);
  }
  return tint.apply(c);
}

Surfaces::Surfaces(const DrawList& list, const ScreenMesh& mesh) : list_(list), mesh_(mesh) {
  paints_.reserve(list.draws.size());
  for (std::size_t d = 0; d < list.draws.size(); ++d) {
    const Draw& draw = list.draws[d];
    Paint& paint = paints_.emplace_back(draw);
    const auto& [low, high] = mesh.uv[d];
    const bool seen = low[0] <= high[0] && low[1] <= high[1];
    if (draw.texture == nullptr || !seen) continue;
    for (int level = 0; level < draw.texture->levels; ++level) paint.levels.push_back(level_of(*draw.texture, level));
    if (draw.material == Material::skin) paint.smooth.emplace(*draw.texture, low, high);
  }
}

SurfacePoint Surfaces::at(const ScreenTriangle& triangle, float x, float y, float least_alpha) const {
  const Draw& draw = list_.draws[triangle.draw];
  const ScreenVertex* v = mesh_.vertices.data() + mesh_.first[triangle.draw];
  const Attributes* attributes = mesh_.attributes.data() + mesh_.first[triangle.draw];
  const auto& index = triangle.vertex;
  const Barycentric place = barycentric(v[index[0]], v[index[1]], v[index[2]], x, y);
  const Attributes here = interpolate(attributes[index[0]], attributes[index[1]], attributes[index[2]], place.weight);
  SurfacePoint s;
  s.inverse = place.inverse;
  s.fragment.material = draw.material;
  if (!triangle.clear) {
    const Colour colour = paints_[triangle.draw].read(here.uv[0], here.uv[1], triangle.level);
    s.fragment.albedo = {colour[0], colour[1], colour[2]};
    s.alpha = triangle.solid ? 1 : colour[3] * limit(here.fade, 0, 1);
    if (s.alpha < least_alpha && draw.material != Material::glasses) return s;
  }
  const bool hair = draw.material == Material::hair || draw.material == Material::brow;
  // Locks are not as dense as their cards.
  s.fragment.occlusion = limit(hair ? 0.45F + 0.55F * here.occlusion : here.occlusion, 0, 1);
  const Vec3& n = here.normal;
  const float length = std::sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]);
  const float scale = (triangle.back && draw.material != Material::hair ? -1.0F : 1.0F) / std::max(length, 1e-6F);
  s.fragment.normal = {n[0] * scale, n[1] * scale, n[2] * scale};
  if (triangle.clear) return s;
  if (hair) {
    s.fragment.strand = {here.more[0], here.more[1], here.more[2]};
    // Painted strands stand for strands that leave the surface differently: the highlight breaks up along them.
    if (draw.recolour) s.fragment.lean = 0.12F * (std::min(s.fragment.albedo[0] / std::max(draw.tint[0], 1e-6F), 2.0F) - 1);
  } else if (draw.material == Material::skin) {
    const LabelFields fields = {here.more[0], here.more[1], here.more[2], here.more[3]};
    s.label = skin_label(triangle.region, triangle.left, fields);
    s.fragment.gloss = skin_gloss(triangle.region, fields);
  } else if (draw.material == Material::eye) {
    s.label = triangle.left ? label_left_eye : label_left_eye + 1;
  } else if (draw.material == Material::teeth || draw.material == Material::tongue) {
    s.label = label_inner_mouth;
  }
  return s;
}

}  // namespace likeness::scene
