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

// Weights of Catmull-Rom for the source texels around each of the `scale` positions inside a texel: [position][tap], taps at -2 ... 2.
std::vector<std::array<float, 5>> enlarging_weights(std::int32_t scale) {
  std::vector<std::array<float, 5>> weights(static_cast<std::size_t>(scale));
  for (std::int32_t i = 0; i < scale; ++i) {
    const float at = (static_cast<float>(i) + 0.5F) / static_cast<float>(scale) - 0.5F;  // from the texel's centre
    for (std::int32_t tap = -2; tap <= 2; ++tap) {
      const float d = std::abs(at - static_cast<float>(tap));
      float w = 0;
      if (d < 1) {
        w = (1.5F * d - 2.5F) * d * d + 1;
      } else if (d < 2) {
        w = ((-0.5F * d + 2.5F) * d - 4) * d + 2;
      }
      weights[static_cast<std::size_t>(i)][static_cast<std::size_t>(tap + 2)] = w;
    }
  }
  return weights;
}

// `from` (height x width x 3) enlarged `scale` times each way by Catmull-Rom interpolation (Keys 1981, a = -0.5), edges repeated.
std::vector<float> enlarge(std::span<const float> from, std::int32_t width, std::int32_t height, std::int32_t scale) {
  const auto weights = enlarging_weights(scale);
  const std::size_t row = 3 * static_cast<std::size_t>(width), wide_row = row * static_cast<std::size_t>(scale);
  std::vector<float> wide(wide_row * static_cast<std::size_t>(height));
  for (std::int32_t y = 0; y < height; ++y) {
    const float* source = from.data() + static_cast<std::size_t>(y) * row;
    float* to = wide.data() + static_cast<std::size_t>(y) * wide_row;
    for (std::int32_t x = 0; x < width; ++x) {
      std::array<const float*, 5> tap{};
      for (std::int32_t t = 0; t < 5; ++t) tap[static_cast<std::size_t>(t)] = source + 3 * std::clamp(x + t - 2, 0, width - 1);
      for (const auto& w : weights) {
        for (std::size_t c = 0; c < 3; ++c)
          *to++ = w[0] * tap[0][c] + w[1] * tap[1][c] + w[2] * tap[2][c] + w[3] * tap[3][c] + w[4] * tap[4][c];
      }
    }
  }
  std::vector<float> out(wide.size() * static_cast<std::size_t>(scale));
  for (std::int32_t y = 0; y < height; ++y) {
    std::array<const float*, 5> tap{};
    for (std::int32_t t = 0; t < 5; ++t)
      tap[static_cast<std::size_t>(t)] = wide.data() + static_cast<std::size_t>(std::clamp(y + t - 2, 0, height - 1)) * wide_row;
    for (std::size_t k = 0; k < weights.size(); ++k) {
      const auto& w = weights[k];
      float* to = out.data() + (static_cast<std::size_t>(y * scale) + k) * wide_row;
      for (std::size_t i = 0; i < wide_row; ++i)
        to[i] = std::max(0.0F, w[0] * tap[0][i] + w[1] * tap[1][i] + w[2] * tap[2][i] + w[3] * tap[3][i] + w[4] * tap[4][i]);
    }
  }
  return out;
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
  for (const SkinRegion& region : blender.regions_) {
    auto& detail = blender.detail_.emplace_back();
    if (region.scale > 1) detail.emplace_back(asset, region);
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
  auto out = std::make_unique<Texture>();
  out->width = width_;
  out->height = height_;
  out->rgba.assign(static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_) * 4, 255);
  std::span<const float> rest = sum;
  for (std::size_t k = 0; k < regions_.size(); ++k) {
    const SkinRegion& region = regions_[k];
    const std::size_t size = 3 * static_cast<std::size_t>(region.width) * static_cast<std::size_t>(region.height);
    std::vector<float> enlarged;
    if (!detail_[k].empty()) {
      enlarged = enlarge(rest.first(size), region.width, region.height, region.scale);
      detail_[k].front().paint(mix.paint, enlarged);
    }
    const float* from = enlarged.empty() ? rest.data() : enlarged.data();
    for (std::int32_t y = 0; y < region.height * region.scale; ++y) {
      std::uint8_t* to =
          out->rgba.data() +
          (static_cast<std::size_t>(region.atlas_y + y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(region.atlas_x)) * 4;
      for (std::int32_t x = 0; x < region.width * region.scale; ++x, from += 3, to += 4) {
        for (std::size_t c = 0; c < 3; ++c) to[c] = srgb8_from_linear(from[c]);
      }
    }
    rest = rest.subspan(size);
  }
  return out;
}

}  // namespace likeness::scene
