#include "scene/raster_occlusion.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace likeness::scene {
namespace {

// About 0.02 dm on the face: finer than the shadows are soft, and as coarse as the mesh.
constexpr int most_cells = 128;
constexpr float backdrop_distance = 100;  // dm

}  // namespace

float ScreenOcclusion::fetch(const std::vector<float>& field, float x, float y) const {
  const auto last = static_cast<float>(cells_ - 1);
  x = std::clamp(x, 0.0F, last);
  y = std::clamp(y, 0.0F, last);
  const int ix = std::min(static_cast<int>(x), cells_ - 2), iy = std::min(static_cast<int>(y), cells_ - 2);
  const float tx = x - static_cast<float>(ix), ty = y - static_cast<float>(iy);
  const float* at = field.data() + static_cast<std::size_t>(iy) * static_cast<std::size_t>(cells_) + ix;
  const float top = at[0] + (at[1] - at[0]) * tx;
  const float bottom = at[cells_] + (at[cells_ + 1] - at[cells_]) * tx;
  return top + (bottom - top) * ty;
}

ScreenOcclusion::Light ScreenOcclusion::cell_light(int x, int y, float scale, const Vec3& to_key) const {
  // Heights above the point at both ends of a line through it: their mean tells a hollow from a slope (paired samples of
  // Loos and Sloan, "Volumetric obscurance", I3D 2010).
  struct Ring {
    float radius, weight;  // dm; share of the light
  };
  constexpr Ring rings[] = {{0.05F, 0.50F}, {0.11F, 0.65F}, {0.24F, 0.70F}, {0.45F, 0.50F}};
  constexpr float diagonal = 0.70710678F;
  constexpr Vec2 lines[] = {{1, 0}, {0, 1}, {diagonal, diagonal}, {diagonal, -diagonal}};
  const auto cx = static_cast<float>(x), cy = static_cast<float>(y);
  const std::size_t here = static_cast<std::size_t>(y) * static_cast<std::size_t>(cells_) + static_cast<std::size_t>(x);
  const float distance = distance_[here];
  const float cells_per_dm = scale * static_cast<float>(cells_) / distance;
  const auto height = [&](float dx, float dy, float radius) {
    const float h = (distance - fetch(distance_, cx + dx, cy + dy)) / radius;
    // What lies far in front is not part of this hollow.
    return h > 1 ? 1 / (1 + 0.2F * (h - 1)) : std::max(h, -1.0F);
  };
  Light light;
  for (const Ring& ring : rings) {
    float hollow = 0;
    for (const Vec2& line : lines) {
      const float dx = ring.radius * cells_per_dm * line[0], dy = ring.radius * cells_per_dm * line[1];
      hollow += std::max(0.0F, height(dx, dy, ring.radius) + height(-dx, -dy, ring.radius) - 0.04F);
    }
    light.ambient *= 1 - ring.weight * std::min(hollow / 8, 1.0F);
  }
  // The key lamp's ray climbs over the surface; what rises above it casts a shadow, the softer the farther it is.
  const float flat = std::sqrt(std::max(to_key[0] * to_key[0] + to_key[1] * to_key[1], 1e-6F));
  const float climb = std::max(to_key[2], 0.05F) / flat;
  float blocked = 0, locks = 0;
  for (const float reach : {0.06F, 0.10F, 0.16F, 0.24F, 0.35F, 0.50F, 0.70F}) {
    const float dx = reach * cells_per_dm * to_key[0] / flat, dy = -reach * cells_per_dm * to_key[1] / flat;
    const float above = distance - fetch(distance_, cx + dx, cy + dy) - reach * climb;
    blocked = std::max(blocked, std::clamp((above + 0.01F) / (0.35F * reach), 0.0F, 1.0F));
  }
  for (const float reach : {0.03F, 0.06F, 0.10F, 0.15F, 0.21F}) {
    const float dx = reach * cells_per_dm * to_key[0], dy = -1.3F * reach * cells_per_dm * to_key[1];
    locks += 0.12F * fetch(hair_, cx + dx, cy + dy);
  }
  light.key = (1 - 0.68F * blocked * blocked * (3 - 2 * blocked)) * (1 - locks);
  light.ambient *= 1 - 0.35F * locks;
  return light;
}

void ScreenOcclusion::build(const std::vector<float>& depth, int side, const std::vector<float>& hair, int size, float scale,
                            const Vec3& to_key) {
  cells_ = std::min(most_cells, size);
  const auto cells = static_cast<std::size_t>(cells_);
  distance_.resize(cells * cells);
  hair_.resize(cells * cells);
  raw_.assign(cells * cells, Light{});
  light_.resize(cells * cells);
  // Each cell is the mean of up to 4 x 4 of its samples.
  const auto place = [&](int cell, int k, int taps, int total) {
    const float at = (static_cast<float>(cell) + (static_cast<float>(k) + 0.5F) / static_cast<float>(taps)) / static_cast<float>(cells_);
    return std::min(static_cast<int>(at * static_cast<float>(total)), total - 1);
  };
  const auto index = [](int x, int y, int width) {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
  };
  const int taps = std::min(4, (side + cells_ - 1) / cells_), hair_taps = std::min(2, (size + cells_ - 1) / cells_);
  for (int y = 0; y < cells_; ++y) {
    for (int x = 0; x < cells_; ++x) {
      float sum = 0, seen = 0, locks = 0;
      for (int j = 0; j < taps; ++j) {
        for (int i = 0; i < taps; ++i) {
          const float d = depth[index(place(x, i, taps, side), place(y, j, taps, side), side)];
          sum += d;
          seen += d > 0 ? 1.0F : 0.0F;
        }
      }
      for (int j = 0; j < hair_taps; ++j) {
        for (int i = 0; i < hair_taps; ++i) {
          locks += hair[index(place(x, i, hair_taps, size), place(y, j, hair_taps, size), size)];
        }
      }
      distance_[index(x, y, cells_)] = sum > 0 ? seen / sum : backdrop_distance;
      hair_[index(x, y, cells_)] = std::min(locks / static_cast<float>(hair_taps * hair_taps), 1.0F);
    }
  }
  for (int y = 0; y < cells_; ++y) {
    for (int x = 0; x < cells_; ++x) {
      if (distance_[index(x, y, cells_)] < backdrop_distance) raw_[index(x, y, cells_)] = cell_light(x, y, scale, to_key);
    }
  }
  // A 3 x 3 binomial filter hides the grid; cells of the backdrop have no say.
  for (int y = 0; y < cells_; ++y) {
    for (int x = 0; x < cells_; ++x) {
      Light sum{0, 0};
      float total = 0;
      for (int j = std::max(y - 1, 0); j <= std::min(y + 1, cells_ - 1); ++j) {
        for (int i = std::max(x - 1, 0); i <= std::min(x + 1, cells_ - 1); ++i) {
          const std::size_t at = index(i, j, cells_);
          if (distance_[at] >= backdrop_distance) continue;
          const float weight = (i == x ? 2.0F : 1.0F) * (j == y ? 2.0F : 1.0F);
          sum.ambient += weight * raw_[at].ambient;
          sum.key += weight * raw_[at].key;
          total += weight;
        }
      }
      light_[index(x, y, cells_)] = total > 0 ? Light{sum.ambient / total, sum.key / total} : Light{};
    }
  }
}

ScreenOcclusion::Light ScreenOcclusion::at(float x, float y) const {
  const auto last = static_cast<float>(cells_ - 1);
  x = std::clamp(x * static_cast<float>(cells_) - 0.5F, 0.0F, last);
  y = std::clamp(y * static_cast<float>(cells_) - 0.5F, 0.0F, last);
  const int ix = std::min(static_cast<int>(x), cells_ - 2), iy = std::min(static_cast<int>(y), cells_ - 2);
  const float tx = x - static_cast<float>(ix), ty = y - static_cast<float>(iy);
  const Light* corner = light_.data() + static_cast<std::size_t>(iy) * static_cast<std::size_t>(cells_) + ix;
  const Light &a = corner[0], &b = corner[1], &c = corner[cells_], &d = corner[cells_ + 1];
  const float wa = (1 - tx) * (1 - ty), wb = tx * (1 - ty), wc = (1 - tx) * ty, wd = tx * ty;
  return {wa * a.ambient + wb * b.ambient + wc * c.ambient + wd * d.ambient, wa * a.key + wb * b.key + wc * c.key + wd * d.key};
}

}  // namespace likeness::scene
