#include "scene/skin_blend.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

#include "base/parallel.hpp"
#include "image/color.hpp"
#include "scene/clones.hpp"

namespace likeness::scene {
namespace {

constexpr std::array<const char*, 3> kAges = {"young", "middleage", "old"};
constexpr std::array<const char*, 3> kTypes = {"african", "asian", "caucasian"};
constexpr std::array<const char*, 2> kSexes = {"female", "male"};
constexpr std::size_t kSkins = kAges.size() * kTypes.size() * kSexes.size();

std::size_t skin_index(std::size_t age, std::size_t type, std::size_t sex) { return (age * 3 + type) * 2 + sex; }

// Taps of an enlargement on either side of a texel.
constexpr std::int32_t reach = 2;
constexpr std::int32_t taps = 2 * reach + 1;
using Weights = std::array<float, taps>;

// Weights of Catmull-Rom for the source texels around each of the `scale` positions inside a texel.
std::vector<Weights> enlarging_weights(std::int32_t scale) {
  std::vector<Weights> weights(static_cast<std::size_t>(scale));
  for (std::int32_t i = 0; i < scale; ++i) {
    const float at = (static_cast<float>(i) + 0.5F) / static_cast<float>(scale) - 0.5F;  // from the texel's centre
    for (std::int32_t tap = -reach; tap <= reach; ++tap) {
      const float d = std::abs(at - static_cast<float>(tap));
      float w = 0;
      if (d < 1) {
        w = (1.5F * d - 2.5F) * d * d + 1;
      } else if (d < 2) {
        w = ((-0.5F * d + 2.5F) * d - 4) * d + 2;
      }
      weights[static_cast<std::size_t>(i)][static_cast<std::size_t>(tap + reach)] = w;
    }
  }
  return weights;
}

struct Source {
  const std::uint16_t* values;
  float weight;
};

// The weighted sum of `count` values of the sources from `first` on.
LIKENESS_CLONES void mix_row(const std::vector<Source>& sources, std::size_t first, std::size_t count, float* __restrict sum) {
  std::fill_n(sum, count, 0.0F);
  for (const Source& source : sources) {
    const std::uint16_t* from = source.values + first;
    const float weight = source.weight;
    for (std::size_t i = 0; i < count; ++i) sum[i] += weight * static_cast<float>(from[i]);
  }
}

// One of the `scale` values of each of `count` texels; `from` can be read `reach` values before its start and after its end.
LIKENESS_CLONES void enlarge_row(const float* __restrict from, std::int32_t count, const Weights& weights, std::int32_t scale,
                                 float* __restrict to) {
  const Weights w = weights;
  for (std::int32_t x = 0; x < count; ++x)
    to[x * scale] = w[0] * from[x - 2] + w[1] * from[x - 1] + w[2] * from[x] + w[3] * from[x + 1] + w[4] * from[x + 2];
}

LIKENESS_CLONES void mix_rows(const std::array<const float*, taps>& rows, const Weights& weights, std::int32_t begin, std::int32_t end,
                              float* __restrict to) {
  const Weights w = weights;
  const std::array<const float*, taps> r = rows;
  for (std::int32_t x = begin; x < end; ++x) {
    const float v = w[0] * r[0][x] + w[1] * r[1][x] + w[2] * r[2][x] + w[3] * r[3][x] + w[4] * r[4][x];
    to[x] = v > 0 ? v : 0;
  }
}

// Texels [begin, end) of Texture::linear.
LIKENESS_CLONES void pack_row(const float* __restrict red, const float* __restrict green, const float* __restrict blue, std::int32_t begin,
                              std::int32_t end, std::uint16_t* __restrict to) {
  const auto code = [](float v) { return static_cast<std::uint16_t>(static_cast<std::int32_t>((v < 1 ? v : 1) * 65535 + 0.5F)); };
  for (std::int32_t x = begin; x < end; ++x) {
    to[4 * x] = code(red[x]);
    to[4 * x + 1] = code(green[x]);
    to[4 * x + 2] = code(blue[x]);
    to[4 * x + 3] = 65535;
  }
}

// A row of linear colours in three planes, each with `reach` more values on both sides that repeat its ends.
class Planes {
 public:
  explicit Planes(std::int32_t width) : width_(width), stride_(width + 2 * reach), values_(3 * static_cast<std::size_t>(stride_)) {}
  float* plane(std::size_t c) { return values_.data() + c * static_cast<std::size_t>(stride_) + reach; }
  const float* plane(std::size_t c) const { return values_.data() + c * static_cast<std::size_t>(stride_) + reach; }
  void repeat_ends() {
    for (std::size_t c = 0; c < 3; ++c) {
      std::fill_n(plane(c) - reach, reach, plane(c)[0]);
      std::fill_n(plane(c) + width_, reach, plane(c)[width_ - 1]);
    }
  }

 private:
  std::int32_t width_, stride_;
  std::vector<float> values_;
};

}  // namespace

Result<SkinBlender> SkinBlender::create(HeadAsset& asset) {
  SkinBlender blender;
  blender.width_ = asset.atlas_width;
  blender.height_ = asset.atlas_height;
  blender.regions_ = asset.skin_regions;
  std::array<std::uint16_t, 256> linear{};
  for (std::size_t i = 0; i < linear.size(); ++i) linear[i] = static_cast<std::uint16_t>(std::lround(srgb_to_linear_table()[i] * 65535));
  std::array<const Skin*, kSkins> skins{};
  for (std::size_t age = 0; age < 3; ++age) {
    for (std::size_t type = 0; type < 3; ++type) {
      for (std::size_t sex = 0; sex < 2; ++sex) {
        const std::string name = std::string(kAges[age]) + "_" + kTypes[type] + "_" + kSexes[sex];
        const auto skin = std::find_if(asset.skins.begin(), asset.skins.end(), [&](const Skin& s) { return s.name == name; });
        if (skin == asset.skins.end()) return Status{Code::corrupt_scene, "the head asset has no skin \"" + name + "\""};
        skins[skin_index(age, type, sex)] = &*skin;
      }
    }
  }
  parallel_for(static_cast<std::int64_t>(kSkins), [&](std::int64_t index) {
    const std::vector<std::uint8_t>& rgb = skins[static_cast<std::size_t>(index)]->rgb;
    auto& to = blender.linear_[static_cast<std::size_t>(index)];
    to.resize(rgb.size());
    std::uint16_t* next = to.data();
    const std::uint8_t* row = rgb.data();
    for (const SkinRegion& region : blender.regions_) {
      for (std::int32_t y = 0; y < region.height; ++y, row += 3 * region.width) {
        for (std::int32_t c = 0; c < 3; ++c) {
          for (std::int32_t x = 0; x < region.width; ++x) *next++ = linear[row[3 * x + c]];
        }
      }
    }
  });
  asset.skins.clear();
  auto maps = asset.skin_maps.begin();
  for (const SkinRegion& region : blender.regions_) {
    auto& detail = blender.detail_.emplace_back();
    if (region.scale > 1) detail.emplace(std::move(*maps++), region.width * region.scale);
  }
  asset.skin_maps.clear();
  return blender;
}

std::shared_ptr<const Texture> SkinBlender::blend(const SkinMix& mix) const {
  std::vector<Kept>& skins = recent_->skins;
  const auto known = [&]() -> std::shared_ptr<const Texture> {
    const auto found = std::ranges::find(skins, mix, &Kept::mix);
    if (found == skins.end()) return nullptr;
    std::rotate(skins.begin(), found, found + 1);
    return skins.front().skin;
  };
  {
    const std::lock_guard lock(recent_->mutex);
    if (std::shared_ptr<const Texture> skin = known()) return skin;
  }
  std::shared_ptr<const Texture> skin = mixed(mix), dropped;
  const std::lock_guard lock(recent_->mutex);
  if (std::shared_ptr<const Texture> same = known()) return same;  // of another thread
  skins.insert(skins.begin(), {mix, skin});
  if (skins.size() > kMostKept) dropped = std::move(skins.back().skin), skins.pop_back();
  return skin;
}

std::unique_ptr<Texture> SkinBlender::mixed(const SkinMix& mix) const {
  std::vector<Source> sources;
  for (std::size_t age = 0; age < 3; ++age) {
    for (std::size_t type = 0; type < 3; ++type) {
      for (std::size_t sex = 0; sex < 2; ++sex) {
        const float weight = mix.age[age] * mix.type[type] * mix.sex[sex] / 65535;
        if (weight > 0) sources.push_back({linear_[skin_index(age, type, sex)].data(), weight});
      }
    }
  }
  auto out = std::make_unique<Texture>();
  out->width = width_;
  out->height = height_;
  out->linear.assign(static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_) * 4, 0);
  for (std::size_t k = 0; k < regions_.size(); ++k) {
    const SkinRegion& region = regions_[k];
    const auto width = static_cast<std::size_t>(region.width);
    const auto texels = [&](std::int32_t y) {
      return out->linear.data() +
             (static_cast<std::size_t>(region.atlas_y + y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(region.atlas_x)) *
                 4;
    };
    if (!detail_[k]) {
      std::vector<float> row(3 * width);
      for (std::int32_t y = 0; y < region.height; ++y) {
        mix_row(sources, 0, row.size(), row.data());
        pack_row(row.data(), row.data() + width, row.data() + 2 * width, 0, region.width, texels(y));
        for (Source& source : sources) source.values += row.size();
      }
      continue;
    }
    // Rows stream through: each source row is enlarged sideways once, and five of them make the rows of the atlas.
    const SkinDetail& detail = *detail_[k];
    const std::int32_t scale = region.scale;
    const std::vector<Weights> weights = enlarging_weights(scale);
    Planes narrow(region.width), painted(region.width * scale);
    std::vector<Planes> wide(taps, Planes(region.width * scale));
    const auto ring = [&](std::int32_t y) -> Planes& { return wide[static_cast<std::size_t>(y % taps)]; };
    std::int32_t ready = 0;  // source rows that have been enlarged
    for (std::int32_t y = 0; y < region.height; ++y) {
      for (; ready <= std::min(y + reach, region.height - 1); ++ready) {
        for (std::size_t c = 0; c < 3; ++c) mix_row(sources, c * width, width, narrow.plane(c));
        for (Source& source : sources) source.values += 3 * width;
        narrow.repeat_ends();
        for (std::int32_t i = 0; i < scale; ++i) {
          for (std::size_t c = 0; c < 3; ++c)
            enlarge_row(narrow.plane(c), region.width, weights[static_cast<std::size_t>(i)], scale, ring(ready).plane(c) + i);
        }
      }
      for (std::int32_t i = 0; i < scale; ++i) {
        const std::int32_t row = y * scale + i;
        const SkinMaps::Span span = detail.span(row);
        for (std::size_t c = 0; c < 3; ++c) {
          std::array<const float*, taps> rows{};
          for (std::int32_t t = 0; t < taps; ++t)
            rows[static_cast<std::size_t>(t)] = ring(std::clamp(y + t - reach, 0, region.height - 1)).plane(c);
          mix_rows(rows, weights[static_cast<std::size_t>(i)], span.begin, span.end, painted.plane(c));
        }
        detail.paint(mix.paint, row, {painted.plane(0), painted.plane(1), painted.plane(2)});
        pack_row(painted.plane(0), painted.plane(1), painted.plane(2), span.begin, span.end, texels(row));
      }
    }
  }
  return out;
}

}  // namespace likeness::scene
