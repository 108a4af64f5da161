#include "scene/raster_surface.hpp"

#include <algorithm>
#include <cmath>

#include "image/color.hpp"

namespace likeness::scene {
namespace {

std::uint8_t skin_label(const Draw& draw, const ScreenTriangle& triangle, const Barycentric& place) {
  switch (triangle.region) {
    case Region::body:
      return label_background;
    case Region::mouth_interior:
      return label_inner_mouth;
    case Region::eye_socket:
      return triangle.left ? label_left_eye : label_left_eye + 1;
    case Region::head:
      break;
  }
  if (draw.fields.empty()) return label_face;
  LabelFields f{0, 0, 0, 0};
  for (std::size_t k = 0; k < 3; ++k) {
    const LabelFields& at = draw.fields[triangle.vertex[k]];
    f.ear += place.weight[k] * at.ear;
    f.lip += place.weight[k] * at.lip;
    f.upper += place.weight[k] * at.upper;
    f.nose += place.weight[k] * at.nose;
  }
  if (f.ear > 0.6F) return label_background;
  if (f.lip < 6.5F) return f.upper > 0 ? label_upper_lip : label_lower_lip;
  return f.nose > 0 ? label_nose : label_face;
}

float faded(const Draw& draw, const ScreenTriangle& triangle, const Barycentric& place) {
  if (draw.fade.empty()) return 1;
  float fade = 0;
  for (std::size_t k = 0; k < 3; ++k) fade += place.weight[k] * draw.fade[triangle.vertex[k]];
  return std::min(std::max(fade, 0.0F), 1.0F);
}

// Lips are moist and the nose is oily.
float skin_gloss(const Draw& draw, const ScreenTriangle& triangle, const Barycentric& place) {
  if (triangle.region == Region::mouth_interior) return 0.3F;
  if (draw.fields.empty()) return 1;
  float lip = 0, nose = 0;
  for (std::size_t k = 0; k < 3; ++k) {
    lip += place.weight[k] * draw.fields[triangle.vertex[k]].lip;
    nose += place.weight[k] * draw.fields[triangle.vertex[k]].nose;
  }
  return 1 + 0.8F * std::clamp(7 - lip, 0.0F, 1.0F) + 0.3F * std::clamp(nose, 0.0F, 1.0F);
}

// Unit direction of the strands: as they are painted as far as that agrees with hair that hangs down. Some locks are cut from the
// texture crosswise.
Vec3 strand_direction(const Vec3& painted, const Vec3& n) {
  const auto unit = [](const Vec3& v) {
    const float scale = 1 / std::sqrt(std::max(v[0] * v[0] + v[1] * v[1] + v[2] * v[2], 1e-12F));
    return Vec3{v[0] * scale, v[1] * scale, v[2] * scale};
  };
  const Vec3 hanging = unit({-n[1] * n[0], 1 - n[1] * n[1] + 1e-4F, -n[1] * n[2]});
  const Vec3 along = unit(painted);
  const float agreement = std::max(0.0F, along[0] * hanging[0] + along[1] * hanging[1] + along[2] * hanging[2]);
  const float share = agreement * agreement;
  return unit({hanging[0] + share * (along[0] - hanging[0]), hanging[1] + share * (along[1] - hanging[1]),
               hanging[2] + share * (along[2] - hanging[2])});
}

}  // namespace

Colour Surfaces::Paint::read(float u, float v, int level) const {
  Colour c = {1, 1, 1, 1};
  if (smooth) {
    c = smooth->sample(u, v);
  } else if (texture != nullptr) {
    c = sample_bilinear(*texture, level, u, v);
  }
  return tint.apply(c);
}

Surfaces::Surfaces(const DrawList& list, const ScreenMesh& mesh) : list_(list), mesh_(mesh) {
  paints_.reserve(list.draws.size());
  for (std::size_t d = 0; d < list.draws.size(); ++d) {
    const Draw& draw = list.draws[d];
    Paint& paint = paints_.emplace_back(Paint{draw.texture, {}, Tint(draw)});
    const auto& [low, high] = mesh.uv[d];
    const bool seen = low[0] <= high[0] && low[1] <= high[1];
    if (seen && draw.texture != nullptr && draw.material == Material::skin) paint.smooth.emplace(*draw.texture, low, high);
  }
}

SurfacePoint Surfaces::at(const ScreenTriangle& triangle, float x, float y) const {
  const Draw& draw = list_.draws[triangle.draw];
  const ScreenVertex* v = mesh_.vertices.data() + mesh_.first[triangle.draw];
  const Vec3* normals = mesh_.normals.data() + mesh_.first[triangle.draw];
  const auto& index = triangle.vertex;
  const Barycentric place = barycentric(v[index[0]], v[index[1]], v[index[2]], x, y);
  SurfacePoint s;
  s.inverse = place.inverse;
  float u = 0, w = 0, occlusion = 1;
  Vec3 n = {0, 0, 0};
  for (std::size_t k = 0; k < 3; ++k) {
    const float weight = place.weight[k];
    const Vec2& uv = draw.uv[index[k]];
    u += weight * uv[0];
    w += weight * uv[1];
    for (std::size_t c = 0; c < 3; ++c) n[c] += weight * normals[index[k]][c];
  }
  if (!draw.occlusion.empty()) {
    occlusion = 0;
    for (std::size_t k = 0; k < 3; ++k) occlusion += place.weight[k] * draw.occlusion[index[k]];
  }
  const bool hair = draw.material == Material::hair || draw.material == Material::brow;
  const float length = std::sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]);
  const float scale = (triangle.back && draw.material != Material::hair ? -1.0F : 1.0F) / std::max(length, 1e-6F);
  s.fragment.material = draw.material;
  s.fragment.normal = {n[0] * scale, n[1] * scale, n[2] * scale};
  // Locks are not as dense as their cards.
  s.fragment.occlusion = std::clamp(hair ? 0.45F + 0.55F * occlusion : occlusion, 0.0F, 1.0F);
  if (triangle.clear) return s;
  const Colour colour = paints_[triangle.draw].read(u, w, triangle.level);
  s.fragment.albedo = {colour[0], colour[1], colour[2]};
  if (hair) {
    Vec3 painted = {0, 0, 0};
    const Vec3* strands = mesh_.strands.data() + mesh_.first[triangle.draw];
    for (std::size_t k = 0; k < 3; ++k) {
      for (std::size_t c = 0; c < 3; ++c) painted[c] += place.weight[k] * strands[index[k]][c];
    }
    s.fragment.strand = strand_direction(painted, s.fragment.normal);
    // Painted strands stand for strands that leave the surface differently: the highlight breaks up along them.
    if (draw.recolour) s.fragment.lean = 0.12F * (std::min(colour[0] / std::max(draw.tint[0], 1e-6F), 2.0F) - 1);
  }
  s.alpha = colour[3];
  s.alpha = triangle.solid ? 1 : s.alpha * faded(draw, triangle, place);
  if (draw.material == Material::skin) {
    s.label = skin_label(draw, triangle, place);
    s.fragment.gloss = skin_gloss(draw, triangle, place);
  } else if (draw.material == Material::eye) {
    s.label = triangle.left ? label_left_eye : label_left_eye + 1;
  } else if (draw.material == Material::teeth || draw.material == Material::tongue) {
    s.label = label_inner_mouth;
  }
  return s;
}

}  // namespace likeness::scene
