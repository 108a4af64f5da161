#include "scene/makehuman_skin_maps.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>

#include "base/parallel.hpp"

namespace likeness::scene {
namespace {

using Span = SkinMaps::Span;

// Smooth step from 0 at `from` to 1 at `to`; `from` may be the larger.
float step(float from, float to, float v) {
  const float t = std::clamp((v - from) / (to - from), 0.0F, 1.0F);
  return t * t * (3 - 2 * t);
}

// Value of a lattice point in [0, 1): an integer hash (Wang), the same on every machine.
float lattice(std::int32_t x, std::int32_t y, std::uint32_t salt) {
  std::uint32_t h = static_cast<std::uint32_t>(x) * 0x9E3779B1U ^ static_cast<std::uint32_t>(y) * 0x85EBCA77U ^ salt * 0xC2B2AE3DU;
  h = (h ^ 61U) ^ (h >> 16);
  h *= 9;
  h ^= h >> 4;
  h *= 0x27D4EB2DU;
  h ^= h >> 15;
  return static_cast<float>(h >> 8) / 16777216.0F;
}

// Smooth noise in [0, 1] with one lattice point a unit.
float noise(float x, float y, std::uint32_t salt) {
  const float fx = std::floor(x), fy = std::floor(y);
  const auto ix = static_cast<std::int32_t>(fx), iy = static_cast<std::int32_t>(fy);
  const float tx = step(0, 1, x - fx), ty = step(0, 1, y - fy);
  const float top = lattice(ix, iy, salt) * (1 - tx) + lattice(ix + 1, iy, salt) * tx;
  const float bottom = lattice(ix, iy + 1, salt) * (1 - tx) + lattice(ix + 1, iy + 1, salt) * tx;
  return top * (1 - ty) + bottom * ty;
}

// A wrinkle: a line on the front view of the base mesh (dm; x >= 0 side, drawn on both), and its depth and half width.
struct Line {
  std::array<Vec2, 4> point;
  float depth, width;
};
constexpr Line kLines[] = {
    {{{{0, 7.60F}, {0.14F, 7.615F}, {0.28F, 7.61F}, {0.36F, 7.59F}}}, 0.8F, 0.012F},  // forehead
    {{{{0, 7.70F}, {0.15F, 7.715F}, {0.30F, 7.71F}, {0.40F, 7.68F}}}, 1.0F, 0.012F},
    {{{{0, 7.81F}, {0.14F, 7.82F}, {0.28F, 7.815F}, {0.37F, 7.79F}}}, 0.7F, 0.012F},
    {{{{0.050F, 7.36F}, {0.052F, 7.41F}, {0.058F, 7.46F}, {0.070F, 7.51F}}}, 0.9F, 0.011F},  // between the brows
    {{{{0.475F, 7.295F}, {0.52F, 7.315F}, {0.56F, 7.34F}, {0.60F, 7.375F}}}, 0.8F, 0.009F},  // crow's feet
    {{{{0.475F, 7.280F}, {0.53F, 7.280F}, {0.58F, 7.282F}, {0.62F, 7.29F}}}, 0.9F, 0.009F},
    {{{{0.470F, 7.262F}, {0.52F, 7.240F}, {0.56F, 7.215F}, {0.59F, 7.185F}}}, 0.8F, 0.009F},
    {{{{0.165F, 7.205F}, {0.23F, 7.160F}, {0.31F, 7.135F}, {0.40F, 7.150F}}}, 0.8F, 0.014F},  // under the eye
    {{{{0.170F, 7.170F}, {0.24F, 7.110F}, {0.32F, 7.080F}, {0.42F, 7.085F}}}, 0.6F, 0.018F},
    {{{{0.150F, 6.875F}, {0.22F, 6.800F}, {0.30F, 6.700F}, {0.345F, 6.575F}}}, 1.1F, 0.018F},   // nose to mouth
    {{{{0.295F, 6.560F}, {0.315F, 6.500F}, {0.33F, 6.440F}, {0.335F, 6.380F}}}, 0.8F, 0.014F},  // mouth to chin
    {{{{0, 6.455F}, {0.06F, 6.450F}, {0.12F, 6.435F}, {0.17F, 6.410F}}}, 0.5F, 0.016F},         // above the chin
};

constexpr float kReach = 5;  // half widths from a line to where it ends

// Whether a line reaches a point, or may: most are told apart by their boxes.
bool may_reach(const Line& line, float x, float y) {
  const auto [x0, x1] = std::minmax({line.point[0][0], line.point[1][0], line.point[2][0], line.point[3][0]});
  const auto [y0, y1] = std::minmax({line.point[0][1], line.point[1][1], line.point[2][1], line.point[3][1]});
  const float slack = 1.01F * kReach * line.width;
  return x > x0 - slack && x < x1 + slack && y > y0 - slack && y < y1 + slack;
}

struct Near {
  float distance, along;  // dm; 0 to 1
};

Near nearest(const Line& line, float x, float y) {
  Near best{81, 0};  // squared until the end
  for (std::size_t i = 0; i + 1 < line.point.size(); ++i) {
    const Vec2 &a = line.point[i], &b = line.point[i + 1];
    const float dx = b[0] - a[0], dy = b[1] - a[1];
    const float t = std::clamp(((x - a[0]) * dx + (y - a[1]) * dy) / (dx * dx + dy * dy), 0.0F, 1.0F);
    const float away_x = x - a[0] - t * dx, away_y = y - a[1] - t * dy;
    const float square = away_x * away_x + away_y * away_y;
    if (square < best.distance) best = {square, (static_cast<float>(i) + t) / static_cast<float>(line.point.size() - 1)};
  }
  best.distance = std::sqrt(best.distance);
  return best;
}

// Depth of all wrinkles at a point of the front view: furrows positive, the ridges beside them slightly negative.
float wrinkle(float x, float y) {
  // Real furrows waver and differ from side to side.
  const float wx = x + 0.04F * (noise(7 * x, 7 * y, 11) - 0.5F), wy = y + 0.07F * (noise(5 * x, 3 * y, 12) - 0.5F);
  float sum = 0;
  for (const Line& line : kLines) {
    if (!may_reach(line, std::abs(wx), wy)) continue;
    const Near near = nearest(line, std::abs(wx), wy);
    const float r = near.distance / line.width;
    if (r > kReach) continue;
    const bool starts_in_the_middle = line.point[0][0] == 0;
    const float ends = step(1.0F, 0.75F, near.along) * (starts_in_the_middle ? 1 : step(0, 0.2F, near.along));
    const float broken = 0.35F + 0.65F * noise(6 * wx, 23 * wy, 13);
    sum += line.depth * ends * broken * (std::exp(-0.5F * r * r) - 0.22F * std::exp(-0.5F * (r - 2.4F) * (r - 2.4F)));
  }
  return sum;
}

// Upper border of a beard on the cheeks at x (dm from the middle), from the moustache to the sideburns.
float cheek_line(float x) {
  constexpr std::array<Vec2, 6> line = {{{0.22F, 6.60F}, {0.34F, 6.62F}, {0.46F, 6.70F}, {0.58F, 6.84F}, {0.66F, 7.02F}, {0.71F, 7.32F}}};
  if (x <= line.front()[0]) return line.front()[1];
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (x > line[i][0]) continue;
    const float t = (x - line[i - 1][0]) / (line[i][0] - line[i - 1][0]);
    return line[i - 1][1] + t * (line[i][1] - line[i - 1][1]);
  }
  return line.back()[1];
}

float moustache_area(float x, float y) {
  constexpr Line line = {{{{0, 6.750F}, {0.13F, 6.735F}, {0.23F, 6.685F}, {0.32F, 6.550F}}}, 1, 0};
  const Near near = nearest(line, std::abs(x), y);
  const float half = 0.065F - 0.03F * near.along;
  return step(half + 0.025F, half - 0.02F, near.distance);
}

float chin_area(float x, float y) {
  x = std::abs(x);
  const float soul_patch = step(0.09F, 0.05F, x) * step(6.52F, 6.49F, y);
  const float top = 6.40F + 0.55F * std::max(0.0F, x - 0.14F);
  const float body = step(0.36F, 0.27F, x) * step(top + 0.05F, top - 0.04F, y);
  return std::max(soul_patch, body);
}

// Texels beyond those that triangles cover which interpolation reads, here or in the mip levels of an exported head.
constexpr std::int32_t reach = 6;

void widen(Span& span, std::int32_t begin, std::int32_t end) {
  const bool none = span.begin >= span.end;
  span = {none ? begin : std::min(span.begin, begin), none ? end : std::max(span.end, end)};
}

// Three corners' values of a triangle drawn into rows of a region of the atlas: calls put(x, y, weights) for every texel it covers.
template <class Put>
void cover(const HeadAsset& asset, std::size_t triangle, const SkinRegion& region, Span rows, Put&& put) {
  const std::int32_t width = region.width * region.scale, height = region.height * region.scale;
  std::array<Vec2, 3> p;
  for (std::size_t k = 0; k < 3; ++k) {
    const Vec2& uv = asset.skin.uv[asset.skin.triangle[3 * triangle + k]];
    p[k] = {uv[0] * static_cast<float>(asset.atlas_width) - static_cast<float>(region.atlas_x),
            (1 - uv[1]) * static_cast<float>(asset.atlas_height) - static_cast<float>(region.atlas_y)};
  }
  const auto [x0, x1] = std::minmax({p[0][0], p[1][0], p[2][0]});
  const auto [y0, y1] = std::minmax({p[0][1], p[1][1], p[2][1]});
  if (x0 < -1 || y0 < -1 || x1 > static_cast<float>(width + 1) || y1 > static_cast<float>(height + 1)) return;  // of another region
  const float area = (p[1][0] - p[0][0]) * (p[2][1] - p[0][1]) - (p[1][1] - p[0][1]) * (p[2][0] - p[0][0]);
  if (std::abs(area) < 1e-9F) return;
  const auto bound = [](float v, std::int32_t limit) { return std::clamp(static_cast<std::int32_t>(std::floor(v)), 0, limit - 1); };
  for (std::int32_t y = std::max(bound(y0 - 1, height), rows.begin); y <= std::min(bound(y1 + 1, height), rows.end - 1); ++y) {
    for (std::int32_t x = bound(x0 - 1, width); x <= bound(x1 + 1, width); ++x) {
      const float px = static_cast<float>(x) + 0.5F, py = static_cast<float>(y) + 0.5F;
      const float u = ((p[1][0] - px) * (p[2][1] - py) - (p[1][1] - py) * (p[2][0] - px)) / area;
      const float v = ((p[2][0] - px) * (p[0][1] - py) - (p[2][1] - py) * (p[0][0] - px)) / area;
      // A texel whose centre is just outside is read by interpolation too.
      constexpr float kSlack = -0.35F;
      if (u < kSlack || v < kSlack || 1 - u - v < kSlack) continue;
      put(x, y, Vec3{u, v, 1 - u - v});
    }
  }
}

// Some rows of what lies on the head; `covered`: the texels of each row on which triangles lie.
void draw_fields(const HeadAsset& asset, const SkinRegion& region, Span rows, std::span<Span> covered, SkinMaps& maps) {
  const std::int32_t width = region.width * region.scale;
  for (std::size_t t = 0; t < asset.region.size(); ++t) {
    const std::uint32_t* corner = asset.skin.triangle.data() + 3 * t;
    cover(asset, t, region, rows, [&](std::int32_t x, std::int32_t y, const Vec3& weight) {
      const std::size_t at = static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
      widen(covered[static_cast<std::size_t>(y)], x, x + 1);
      if (asset.region[t] != Region::head) return;
      Vec3 p{};
      float ring = 0, ear = 0;
      for (std::size_t k = 0; k < 3; ++k) {
        const Vec3& base = asset.base[asset.skin.point[corner[k]]];
        for (std::size_t c = 0; c < 3; ++c) p[c] += weight[k] * base[c];
        ring += weight[k] * asset.fields[corner[k]].lip;
        ear += weight[k] * asset.fields[corner[k]].ear;
      }
      const float off_lips = step(6.0F, 6.8F, ring) * step(0.5F, 0.3F, ear);
      const bool off = off_lips > 0;
      maps.lip[at] = share_range.code((6.8F - ring) / 1.6F);
      maps.wrinkle[at] = wrinkle_range.code(off ? wrinkle(p[0], p[1]) * off_lips : 0);
      maps.moustache[at] = share_range.code(off ? moustache_area(p[0], p[1]) * off_lips : 0);
      maps.chin[at] = share_range.code(off ? chin_area(p[0], p[1]) * off_lips : 0);
      maps.cheek[at] = cheek_range.code(off_lips > 0.5F ? cheek_line(std::abs(p[0])) - p[1] : cheek_range.low);
      if (maps.moustache[at] != 0 || maps.chin[at] != 0 || maps.cheek[at] != 0) widen(maps.beard[static_cast<std::size_t>(y)], x, x + 1);
    });
  }
}

void draw_noise(std::int32_t width, Span rows, SkinMaps& maps) {
  for (std::int32_t y = rows.begin; y < rows.end; ++y) {
    const std::size_t first = static_cast<std::size_t>(y) * static_cast<std::size_t>(width);
    std::uint8_t* strand = maps.strand.data() + first;
    std::uint8_t* grain = maps.grain.data() + first;
    for (std::int32_t x = 0; x < width; ++x) {
      // The face lies on its side in the picture, so hairs grow along x; a slow noise bends them.
      const auto fx = static_cast<float>(x), fy = static_cast<float>(y);
      const float bent = fy + 5 * noise(fx / 14, fy / 14, 1);
      strand[x] = share_range.code(0.6F * noise(fx / 9, bent / 1.7F, 2) + 0.4F * noise(fx / 6, bent / 1.1F, 3));
      grain[x] = share_range.code(0.5F * noise(fx / 1.3F, fy / 1.3F, 4) + 0.5F * noise(fx / 2.1F, fy / 2.1F, 5));
    }
  }
}

}  // namespace

SkinMaps draw_skin_maps(const HeadAsset& asset, const SkinRegion& region) {
  const std::int32_t width = region.width * region.scale, height = region.height * region.scale;
  const std::size_t texels = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  SkinMaps maps;
  for (const auto map : kSkinMaps) (maps.*map).resize(texels, map == &SkinMaps::wrinkle ? wrinkle_range.code(0) : std::uint8_t{0});
  maps.span.resize(static_cast<std::size_t>(height));
  maps.beard.resize(static_cast<std::size_t>(height));
  std::vector<Span> covered(static_cast<std::size_t>(height));
  constexpr std::int32_t kBand = 64;  // rows of a task, each of which looks at every triangle
  parallel_for((height + kBand - 1) / kBand, [&](std::int64_t task) {
    const auto first = static_cast<std::int32_t>(task) * kBand;
    const Span rows = {first, std::min(first + kBand, height)};
    draw_fields(asset, region, rows, covered, maps);
    draw_noise(width, rows, maps);
  });
  for (std::int32_t y = 0; y < height; ++y) {
    const Span of = covered[static_cast<std::size_t>(y)];
    if (of.begin >= of.end) continue;
    for (std::int32_t near = std::max(y - reach, 0); near <= std::min(y + reach, height - 1); ++near)
      widen(maps.span[static_cast<std::size_t>(near)], std::max(of.begin - reach, 0), std::min(of.end + reach, width));
  }
  return maps;
}

}  // namespace likeness::scene
