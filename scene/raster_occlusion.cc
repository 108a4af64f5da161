#include "scene/raster_occlusion.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "scene/clones.hpp"

namespace likeness::scene {
namespace {

// About 0.02 dm on the face: finer than the shadows are soft, and as coarse as the mesh.
constexpr int most_cells = 128;
// Cells round the grid that repeat its border; no tap reaches farther.
constexpr int margin = 48;
constexpr float backdrop_distance = 100;  // dm

// A field seen from (dx, dy) cells away: where its row starts, and the bilinear weights.
struct Tap {
  std::ptrdiff_t offset;
  float w00, w10, w01, w11;
};

Tap tap_at(float dx, float dy, int stride) {
  constexpr float most = margin - 2;
  dx = std::min(std::max(dx, -most), most);
  dy = std::min(std::max(dy, -most), most);
  const float fx = std::floor(dx), fy = std::floor(dy);
  const float tx = dx - fx, ty = dy - fy;
  return {static_cast<std::ptrdiff_t>(fy) * stride + static_cast<std::ptrdiff_t>(fx), (1 - tx) * (1 - ty), tx * (1 - ty), (1 - tx) * ty,
          tx * ty};
}

inline float read(const float* row, const Tap& tap, int stride, int x) {
  const float* at = row + tap.offset + x;
  return tap.w00 * at[0] + tap.w10 * at[1] + tap.w01 * at[stride] + tap.w11 * at[stride + 1];
}

// Height in radii of a neighbour at distance `there` above a point at distance `here`.
inline float height(float here, float there, float inverse_radius) {
  const float h = (here - there) * inverse_radius;
  // What lies far in front is not part of this hollow.
  const float far = 1 / (1 + 0.2F * (std::max(h, 1.0F) - 1));
  return h > 1 ? far : std::max(h, -1.0F);
}

// Adds what two opposite neighbours rise above each point of a row: their mean height tells a hollow from a slope (paired samples
// of Loos and Sloan, "Volumetric obscurance", I3D 2010).
LIKENESS_CLONES void add_pair(const float* __restrict row, Tap a, Tap b, int stride, int cells, float inverse_radius,
                              float* __restrict hollow) {
  for (int x = 0; x < cells; ++x) {
    const float here = row[x];
    const float sum = height(here, read(row, a, stride, x), inverse_radius) + height(here, read(row, b, stride, x), inverse_radius);
    hollow[x] += std::max(0.0F, sum - 0.04F);
  }
}

// Raises `blocked` where the ray to the lamp, which has climbed `rise` dm at the tap, is below the surface there.
LIKENESS_CLONES void add_shadow(const float* __restrict row, Tap tap, int stride, int cells, float rise, float softness,
                                float* __restrict blocked) {
  for (int x = 0; x < cells; ++x) {
    const float above = row[x] - read(row, tap, stride, x) - rise;
    blocked[x] = std::max(blocked[x], std::min((above + 0.01F) * softness, 1.0F));
  }
}

}  // namespace

const float* ScreenOcclusion::distance_row(int y) const {
  return distance_.data() + static_cast<std::ptrdiff_t>(y + margin) * stride_ + margin;
}

void ScreenOcclusion::shade_row(int y, float cells_per_dm, const Vec3& to_key) {
  struct Ring {
    float radius, weight;  // dm; share of the light
  };
  constexpr Ring rings[] = {{0.05F, 0.50F}, {0.11F, 0.65F}, {0.24F, 0.70F}, {0.45F, 0.50F}};
  constexpr float diagonal = 0.70710678F;
  constexpr Vec2 lines[] = {{1, 0}, {0, 1}, {diagonal, diagonal}, {diagonal, -diagonal}};
  const auto cells = static_cast<std::size_t>(cells_);
  const float* row = distance_row(y);
  const float* locks_row = hair_.data() + (row - distance_.data());
  Light* out = raw_.data() + static_cast<std::size_t>(y) * cells;
  for (const Ring& ring : rings) {
    hollow_.assign(cells, 0);
    const float reach = ring.radius * cells_per_dm;
    for (const Vec2& line : lines) {
      add_pair(row, tap_at(reach * line[0], reach * line[1], stride_), tap_at(-reach * line[0], -reach * line[1], stride_), stride_, cells_,
               1 / ring.radius, hollow_.data());
    }
    for (std::size_t x = 0; x < cells; ++x) out[x].ambient *= 1 - ring.weight * std::min(hollow_[x] * 0.125F, 1.0F);
  }
  // The key lamp's ray climbs over the surface; what rises above it casts a shadow, the softer the farther it is.
  const float flat = std::sqrt(std::max(to_key[0] * to_key[0] + to_key[1] * to_key[1], 1e-6F));
  const float climb = std::max(to_key[2], 0.05F) / flat;
  hollow_.assign(cells, 0);
  for (const float reach : {0.06F, 0.10F, 0.16F, 0.24F, 0.35F, 0.50F, 0.70F}) {
    const float along = reach * cells_per_dm / flat;
    add_shadow(row, tap_at(along * to_key[0], -along * to_key[1], stride_), stride_, cells_, reach * climb, 1 / (0.35F * reach),
               hollow_.data());
  }
  for (std::size_t x = 0; x < cells; ++x) {
    const float b = std::min(std::max(hollow_[x], 0.0F), 1.0F);
    out[x].key = 1 - 0.68F * b * b * (3 - 2 * b);
  }
  hollow_.assign(cells, 0);
  for (const float reach : {0.03F, 0.06F, 0.10F, 0.15F, 0.21F}) {
    const Tap tap = tap_at(reach * cells_per_dm * to_key[0], -1.3F * reach * cells_per_dm * to_key[1], stride_);
    for (int x = 0; x < cells_; ++x) hollow_[static_cast<std::size_t>(x)] += 0.12F * read(locks_row, tap, stride_, x);
  }
  for (std::size_t x = 0; x < cells; ++x) {
    out[x].key *= 1 - hollow_[x];
    out[x].ambient *= 1 - 0.35F * hollow_[x];
  }
}

void ScreenOcclusion::fill(const std::vector<float>& depth, int side, const std::vector<float>& hair, int size) {
  const auto index = [](int x, int y, int width) {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
  };
  // Each cell is the mean of up to 4 x 4 of its samples.
  const auto place = [&](int cell, int k, int taps, int total) {
    return std::min((cell * taps + k) * total / (cells_ * taps) + total / (2 * cells_ * taps), total - 1);
  };
  const int taps = std::min(4, (side + cells_ - 1) / cells_), hair_taps = std::min(2, (size + cells_ - 1) / cells_);
  nearest_ = backdrop_distance;
  for (int y = 0; y < cells_; ++y) {
    float* row = distance_.data() + index(margin, y + margin, stride_);
    float* locks_row = hair_.data() + index(margin, y + margin, stride_);
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
        for (int i = 0; i < hair_taps; ++i) locks += hair[index(place(x, i, hair_taps, size), place(y, j, hair_taps, size), size)];
      }
      row[x] = sum > 0 ? seen / sum : backdrop_distance;
      locks_row[x] = std::min(locks / static_cast<float>(hair_taps * hair_taps), 1.0F);
      nearest_ = std::min(nearest_, row[x]);
    }
  }
  for (std::vector<float>* field : {&distance_, &hair_}) {
    for (int y = 0; y < cells_; ++y) {
      float* row = field->data() + index(0, y + margin, stride_);
      std::fill_n(row, margin, row[margin]);
      std::fill_n(row + margin + cells_, margin, row[margin + cells_ - 1]);
    }
    const auto first = field->begin() + static_cast<std::ptrdiff_t>(margin) * stride_;
    const auto last = field->begin() + static_cast<std::ptrdiff_t>(margin + cells_ - 1) * stride_;
    for (int y = 0; y < margin; ++y) {
      std::copy_n(first, stride_, field->begin() + static_cast<std::ptrdiff_t>(y) * stride_);
      std::copy_n(last, stride_, field->begin() + static_cast<std::ptrdiff_t>(margin + cells_ + y) * stride_);
    }
  }
}

// A 3 x 3 binomial filter hides the grid; cells of the backdrop have no say.
void ScreenOcclusion::smooth() {
  for (int y = 0; y < cells_; ++y) {
    for (int x = 0; x < cells_; ++x) {
      Light sum{0, 0};
      float total = 0;
      for (int j = std::max(y - 1, 0); j <= std::min(y + 1, cells_ - 1); ++j) {
        for (int i = std::max(x - 1, 0); i <= std::min(x + 1, cells_ - 1); ++i) {
          if (distance_row(j)[i] >= backdrop_distance) continue;
          const Light& at = raw_[static_cast<std::size_t>(j) * static_cast<std::size_t>(cells_) + static_cast<std::size_t>(i)];
          const float weight = (i == x ? 2.0F : 1.0F) * (j == y ? 2.0F : 1.0F);
          sum.ambient += weight * at.ambient;
          sum.key += weight * at.key;
          total += weight;
        }
      }
      light_[static_cast<std::size_t>(y) * static_cast<std::size_t>(cells_) + static_cast<std::size_t>(x)] =
          total > 0 ? Light{sum.ambient / total, sum.key / total} : Light{};
    }
  }
}

void ScreenOcclusion::build(const std::vector<float>& depth, int side, const std::vector<float>& hair, int size, float scale,
                            const Vec3& to_key) {
  cells_ = std::min(most_cells, size);
  stride_ = cells_ + 2 * margin;
  const auto cells = static_cast<std::size_t>(cells_), stride = static_cast<std::size_t>(stride_);
  distance_.resize(stride * stride);
  hair_.resize(stride * stride);
  raw_.assign(cells * cells, Light{});
  light_.resize(cells * cells);
  fill(depth, side, hair, size);
  // One size of a decimetre for the whole picture, that of the face's front.
  const float cells_per_dm = scale * static_cast<float>(cells_) / (nearest_ + 0.4F);
  for (int y = 0; y < cells_; ++y) {
    const float* row = distance_row(y);
    if (std::any_of(row, row + cells_, [](float d) { return d < backdrop_distance; })) shade_row(y, cells_per_dm, to_key);
  }
  smooth();
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
