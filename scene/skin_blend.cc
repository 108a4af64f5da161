#include "scene/skin_blend.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "image/color.hpp"

namespace likeness::scene {
namespace {

constexpr std::array<const char*, 3> kAges = {"young", "middleage", "old"};
constexpr std::array<const char*, 3> kTypes = {"african", "asian", "caucasian"};
constexpr std::array<const char*, 2> kSexes = {"female", "male"};

std::size_t skin_index(std::size_t age, std::size_t type, std::size_t sex) { return (age * 3 + type) * 2 + sex; }

// 1 on the lips, fading out over their border.
float lip_strength(float ring) { return std::clamp((6.8F - ring) / 1.6F, 0.0F, 1.0F); }

// Strength of the lips' tint in every texel of the atlas: the lip field drawn into the uv map.
std::vector<float> lip_map(const HeadAsset& asset) {
  const std::int32_t width = asset.atlas_width, height = asset.atlas_height;
  std::vector<float> map(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), 0.0F);
  for (std::size_t t = 0; t < asset.region.size(); ++t) {
    if (asset.region[t] != Region::head) continue;
    std::array<Vec2, 3> p;
    std::array<float, 3> ring{};
    for (std::size_t k = 0; k < 3; ++k) {
      const std::uint32_t corner = asset.skin.triangle[3 * t + k];
      p[k] = {asset.skin.uv[corner][0] * static_cast<float>(width), (1 - asset.skin.uv[corner][1]) * static_cast<float>(height)};
      ring[k] = asset.fields[corner].lip;
    }
    if (*std::min_element(ring.begin(), ring.end()) > 8) continue;
    const float area = (p[1][0] - p[0][0]) * (p[2][1] - p[0][1]) - (p[1][1] - p[0][1]) * (p[2][0] - p[0][0]);
    if (std::abs(area) < 1e-9F) continue;
    const auto bound = [](float v, std::int32_t limit) {
      return static_cast<std::int32_t>(std::clamp(v, 0.0F, static_cast<float>(limit - 1)));
    };
    const auto xs = std::minmax({p[0][0], p[1][0], p[2][0]});
    const auto ys = std::minmax({p[0][1], p[1][1], p[2][1]});
    for (std::int32_t y = bound(ys.first - 1, height); y <= bound(ys.second + 1, height); ++y) {
      for (std::int32_t x = bound(xs.first - 1, width); x <= bound(xs.second + 1, width); ++x) {
        const float px = static_cast<float>(x) + 0.5F, py = static_cast<float>(y) + 0.5F;
        const float u = ((p[1][0] - px) * (p[2][1] - py) - (p[1][1] - py) * (p[2][0] - px)) / area;
        const float v = ((p[2][0] - px) * (p[0][1] - py) - (p[2][1] - py) * (p[0][0] - px)) / area;
        // Triangles are a texel or less: one that only grazes a texel's centre still colours it.
        constexpr float kSlack = -0.35F;
        if (u < kSlack || v < kSlack || 1 - u - v < kSlack) continue;
        float& to = map[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)];
        to = std::max(to, lip_strength(u * ring[0] + v * ring[1] + (1 - u - v) * ring[2]));
      }
    }
  }
  return map;
}

}  // namespace

Result<SkinBlender> SkinBlender::create(const HeadAsset& asset) {
  SkinBlender blender;
  blender.width_ = asset.atlas_width;
  blender.height_ = asset.atlas_height;
  blender.regions_ = asset.skin_regions;
  std::array<std::uint16_t, 256> linear{};
  for (std::size_t i = 0; i < linear.size(); ++i) linear[i] = static_cast<std::uint16_t>(std::lround(srgb_to_linear_table()[i] * 65535));
  for (std::size_t age = 0; age < 3; ++age) {
    for (std::size_t type = 0; type < 3; ++type) {
      for (std::size_t sex = 0; sex < 2; ++sex) {
        const std::string name = std::string(kAges[age]) + "_" + kTypes[type] + "_" + kSexes[sex];
        const auto skin = std::find_if(asset.skins.begin(), asset.skins.end(), [&](const Skin& s) { return s.name == name; });
        if (skin == asset.skins.end()) return Status{Code::corrupt_scene, "the head asset has no skin \"" + name + "\""};
        auto& to = blender.linear_[skin_index(age, type, sex)];
        to.reserve(skin->rgb.size());
        for (const std::uint8_t v : skin->rgb) to.push_back(linear[v]);
      }
    }
  }
  const std::vector<float> map = lip_map(asset);
  std::uint32_t texel = 0;
  for (const SkinRegion& r : blender.regions_) {
    for (std::int32_t y = 0; y < r.height; ++y) {
      for (std::int32_t x = 0; x < r.width; ++x, ++texel) {
        const float strength = map[static_cast<std::size_t>(r.atlas_y + y) * static_cast<std::size_t>(blender.width_) +
                                   static_cast<std::size_t>(r.atlas_x + x)];
        if (strength > 0) blender.lips_.push_back({texel, strength});
      }
    }
  }
  return blender;
}

std::unique_ptr<Texture> SkinBlender::blend(const SkinMix& mix) const {
  std::vector<float> sum(linear_[0].size(), 0.0F);
  for (std::size_t age = 0; age < 3; ++age) {
    for (std::size_t type = 0; type < 3; ++type) {
      for (std::size_t sex = 0; sex < 2; ++sex) {
        const float weight = mix.age[age] * mix.type[type] * mix.sex[sex] / 65535;
        if (weight <= 0) continue;
        const std::uint16_t* from = linear_[skin_index(age, type, sex)].data();
        float* to = sum.data();
        for (std::size_t i = 0; i < sum.size(); ++i) to[i] += weight * static_cast<float>(from[i]);
      }
    }
  }
  // Redder lips lose green and blue, paler ones red: their lightness hardly changes.
  const float r = mix.lip_redness;
  const Vec3 lip = r >= 0 ? Vec3{0.08F * r, -0.38F * r, -0.28F * r} : Vec3{0.14F * r, -0.10F * r, -0.08F * r};
  for (const LipTexel& l : lips_) {
    for (std::size_t c = 0; c < 3; ++c) sum[3 * l.texel + c] *= 1 + l.strength * lip[c];
  }
  auto out = std::make_unique<Texture>();
  out->width = width_;
  out->height = height_;
  out->rgba.assign(static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_) * 4, 255);
  const float* from = sum.data();
  for (const SkinRegion& region : regions_) {
    for (std::int32_t y = 0; y < region.height; ++y) {
      std::uint8_t* to =
          out->rgba.data() +
          (static_cast<std::size_t>(region.atlas_y + y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(region.atlas_x)) * 4;
      for (std::int32_t x = 0; x < region.width; ++x, from += 3, to += 4) {
        for (std::size_t c = 0; c < 3; ++c) to[c] = srgb8_from_linear(from[c]);
      }
    }
  }
  return out;
}

}  // namespace likeness::scene
