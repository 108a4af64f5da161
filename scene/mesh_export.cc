#include "scene/mesh_export.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "image/color.hpp"
#include "scene/shade.hpp"
#include "scene/texture.hpp"

namespace likeness::scene {
namespace {

// How a material is shown elsewhere. Hair is many layers deep: engines do not sort its triangles, so its edges are cut, not blended.
struct Look {
  const char* name;
  AlphaMode alpha;
  bool double_sided;
  float roughness;
};
Look look_of(Material material) {
  switch (material) {
    case Material::skin:
      break;
    case Material::eye:
      return {"eye", AlphaMode::opaque, false, 0.15F};
    case Material::teeth:
      return {"teeth", AlphaMode::opaque, false, 0.3F};
    case Material::tongue:
      return {"tongue", AlphaMode::opaque, false, 0.4F};
    case Material::lash:
      return {"lash", AlphaMode::blend, true, 1};
    case Material::brow:
      return {"brow", AlphaMode::blend, true, 0.8F};
    case Material::hair:
      return {"hair", AlphaMode::mask, true, 0.6F};
    case Material::glasses:
      return {"glasses", AlphaMode::blend, true, 0.2F};
  }
  return {"skin", AlphaMode::opaque, false, 0.55F};
}

// Colour of a texel that other programs will filter. Where it is clear, what is painted around it: MakeHuman's clear texels are
// white or black, and that would show as a fringe.
Colour texel_colour(const Texture& texture, float u, float v) {
  Colour c = sample_bilinear(level_of(texture, 0), u, v);
  const float alpha = c[3];
  for (int level = 1; level < texture.levels && c[3] < 0.02F; ++level) c = sample_bilinear(level_of(texture, level), u, v);
  c[3] = alpha;
  return c;
}

void bake(const Draw& draw, bool opaque, MeshPart* part) {
  Texture none;
  none.width = none.height = 1;
  none.rgba.assign(4, 255);
  const Texture texture = as_srgb(draw.texture != nullptr ? *draw.texture : none);
  const Tint tint(draw);
  // The tints of teeth and tongue also say how much light gets past the lips; elsewhere the mouth may open.
  const bool inside = draw.material == Material::teeth || draw.material == Material::tongue;
  const float light = inside ? std::max(*std::max_element(draw.tint.begin(), draw.tint.end()), 1e-3F) : 1;
  part->width = texture.width;
  part->height = texture.height;
  part->rgba.reserve(std::size_t{4} * static_cast<std::size_t>(texture.width) * static_cast<std::size_t>(texture.height));
  for (int y = 0; y < texture.height; ++y) {
    for (int x = 0; x < texture.width; ++x) {
      const float u = (static_cast<float>(x) + 0.5F) / static_cast<float>(texture.width);
      const float v = 1 - (static_cast<float>(y) + 0.5F) / static_cast<float>(texture.height);
      const Colour c = tint.apply(texel_colour(texture, u, v));
      for (const float shown : corrected(draw.material, {c[0] / light, c[1] / light, c[2] / light}))
        part->rgba.push_back(srgb8_from_linear(shown));
      part->rgba.push_back(opaque ? 255 : static_cast<std::uint8_t>(std::lround(std::clamp(c[3], 0.0F, 1.0F) * 255)));
    }
  }
}

bool shown(const Draw& draw, const std::uint32_t* v) {
  if (draw.material == Material::eye && is_cornea(draw, {v[0], v[1], v[2]})) return false;
  return draw.fade.empty() || std::any_of(v, v + 3, [&](std::uint32_t i) { return draw.fade[i] > 0; });
}

MeshPart part_from(const Draw& draw) {
  const Look look = look_of(draw.material);
  MeshPart part;
  part.name = look.name;
  part.alpha_mode = look.alpha;
  part.double_sided = look.double_sided;
  part.roughness = look.roughness;
  constexpr std::uint32_t kUnused = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> place(draw.position.size(), kUnused);
  for (std::size_t t = 0; t + 2 < draw.triangle.size(); t += 3) {
    const std::uint32_t* v = draw.triangle.data() + t;
    if (!shown(draw, v)) continue;
    for (std::size_t k = 0; k < 3; ++k) {
      if (place[v[k]] == kUnused) {
        place[v[k]] = static_cast<std::uint32_t>(part.position.size());
        const Vec3& p = draw.position[v[k]];
        part.position.push_back({p[0] * 0.1F, p[1] * 0.1F, p[2] * 0.1F});
        part.normal.push_back(draw.normal[v[k]]);
        part.uv.push_back({draw.uv[v[k]][0], 1 - draw.uv[v[k]][1]});
        if (!draw.fade.empty()) part.alpha.push_back(static_cast<std::uint8_t>(std::lround(std::clamp(draw.fade[v[k]], 0.0F, 1.0F) * 255)));
      }
      part.triangle.push_back(place[v[k]]);
    }
  }
  if (!part.triangle.empty()) bake(draw, look.alpha == AlphaMode::opaque, &part);
  return part;
}

}  // namespace

Mesh mesh_from(const DrawList& list) {
  Mesh mesh;
  for (const Draw& draw : list.draws) {
    MeshPart part = part_from(draw);
    if (part.triangle.empty()) continue;
    const auto alike = std::count_if(mesh.parts.begin(), mesh.parts.end(),
                                     [&](const MeshPart& other) { return other.name.compare(0, part.name.size(), part.name) == 0; });
    if (alike > 0) part.name += "_" + std::to_string(alike + 1);
    mesh.parts.push_back(std::move(part));
  }
  return mesh;
}

}  // namespace likeness::scene
