#include "scene/makehuman_skin.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>

#include "scene/mesh.hpp"

namespace likeness::scene {
namespace {

constexpr std::int32_t kPicture = 512;  // side of MakeHuman's skins
constexpr std::int32_t kBorder = 3;     // texels around a part that interpolation may touch
constexpr std::int32_t kAtlasWidth = 1024;
constexpr float kShoulder = 5.0F;  // dm; the frame ends above
constexpr float kBack = -0.45F;    // z of the normal; what faces away more than that is never seen
constexpr float kFace = 0.2F;      // dm, z: the part of the head before it is drawn in detail
constexpr std::int32_t kDetail = 3;

// The islands of the uv map that the head uses.
enum Part : std::size_t { head, face, mouth, left_socket, right_socket, torso, part_count };

Part part_of(const SourceMesh& base, const SourceFace& f, Region region) {
  switch (region) {
    case Region::mouth_interior:
      return mouth;
    case Region::eye_socket:
      return base.position[static_cast<std::size_t>(f.vertex[0])][0] < 0 ? left_socket : right_socket;
    case Region::body:
      return torso;
    case Region::head:
      break;
  }
  float depth = 0;
  for (const std::int32_t v : f.vertex) depth += base.position[static_cast<std::size_t>(v)][2] / 4;
  return depth > kFace ? face : head;
}

bool visible(const SourceMesh& base, const SourceFace& f, Region region, const std::vector<Vec3>& normal) {
  if (f.material != 0) return false;
  float back = -1;
  for (const std::int32_t v : f.vertex) {
    const Vec3& p = base.position[static_cast<std::size_t>(v)];
    if (region == Region::body && (p[1] < kShoulder || std::abs(p[0]) > 2.2F)) return false;
    back = std::max(back, normal[static_cast<std::size_t>(v)][2]);
  }
  return back > kBack || region == Region::mouth_interior || region == Region::eye_socket;
}

// Shelves: tallest first, left to right, a new shelf when the row is full.
void place(std::vector<SkinRegion>& parts, SkinLayout* layout) {
  std::vector<std::size_t> order(parts.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return parts[a].height * parts[a].scale > parts[b].height * parts[b].scale; });
  std::int32_t x = 0, y = 0, shelf = 0;
  for (const std::size_t i : order) {
    SkinRegion& part = parts[i];
    const std::int32_t width = part.width * part.scale, height = part.height * part.scale;
    if (x + width > kAtlasWidth) {
      x = 0;
      y += shelf;
      shelf = 0;
    }
    part.atlas_x = x;
    part.atlas_y = y;
    x += width;
    shelf = std::max(shelf, height);
    layout->atlas_width = std::max(layout->atlas_width, x);
  }
  layout->atlas_height = y + shelf;
}

}  // namespace

SkinLayout layout_skin(const SourceMesh& base, const std::vector<Region>& region) {
  std::vector<std::uint32_t> all;
  for (const SourceFace& f : base.face) {
    if (f.material != 0) continue;
    for (const std::size_t k : {0, 1, 2, 0, 2, 3}) all.push_back(static_cast<std::uint32_t>(f.vertex[k]));
  }
  const std::vector<Vec3> normal = point_normals(base.position, all);

  struct Box {
    float x0 = 1e9F, y0 = 1e9F, x1 = -1e9F, y1 = -1e9F;
  };
  std::array<Box, part_count> boxes;
  std::vector<std::pair<std::size_t, Part>> kept;
  const auto texel = [&](std::int32_t uv) {
    const Vec2& t = base.uv[static_cast<std::size_t>(uv)];
    return Vec2{t[0] * kPicture, (1 - t[1]) * kPicture};
  };
  for (std::size_t i = 0; i < base.face.size(); ++i) {
    const SourceFace& f = base.face[i];
    if (!visible(base, f, region[i], normal)) continue;
    const Part part = part_of(base, f, region[i]);
    kept.emplace_back(i, part);
    Box& box = boxes[part];
    for (const std::int32_t uv : f.uv) {
      const Vec2 t = texel(uv);
      box = {std::min(box.x0, t[0]), std::min(box.y0, t[1]), std::max(box.x1, t[0]), std::max(box.y1, t[1])};
    }
  }
  SkinLayout layout;
  for (std::size_t i = 0; i < part_count; ++i) {
    SkinRegion part;
    const auto bound = [](float v) { return std::clamp(static_cast<std::int32_t>(std::floor(v)), 0, kPicture); };
    part.x = bound(boxes[i].x0 - kBorder);
    part.y = bound(boxes[i].y0 - kBorder);
    part.width = std::max(1, bound(boxes[i].x1 + kBorder + 1) - part.x);
    part.height = std::max(1, bound(boxes[i].y1 + kBorder + 1) - part.y);
    part.scale = i == face ? kDetail : 1;
    layout.parts.push_back(part);
  }
  place(layout.parts, &layout);

  std::map<std::tuple<std::int32_t, std::int32_t, Part>, std::uint32_t> corner_of;  // (vertex, uv, part)
  for (const auto& [i, part] : kept) {
    const SourceFace& f = base.face[i];
    std::array<std::uint32_t, 4> corner{};
    for (std::size_t k = 0; k < 4; ++k) {
      const auto [entry, fresh] = corner_of.try_emplace({f.vertex[k], f.uv[k], part}, static_cast<std::uint32_t>(layout.corner.size()));
      corner[k] = entry->second;
      if (!fresh) continue;
      const SkinRegion& r = layout.parts[part];
      const Vec2 t = texel(f.uv[k]);
      const float x = static_cast<float>(r.atlas_x) + static_cast<float>(r.scale) * (t[0] - static_cast<float>(r.x));
      const float y = static_cast<float>(r.atlas_y) + static_cast<float>(r.scale) * (t[1] - static_cast<float>(r.y));
      layout.corner.push_back({f.vertex[k], {x / static_cast<float>(layout.atlas_width), 1 - y / static_cast<float>(layout.atlas_height)}});
    }
    for (int t = 0; t + 2 < f.sides; ++t) {
      layout.triangle.insert(layout.triangle.end(),
                             {corner[0], corner[static_cast<std::size_t>(t) + 1], corner[static_cast<std::size_t>(t) + 2]});
      layout.region.push_back(region[i]);
    }
  }
  return layout;
}

std::vector<std::uint8_t> crop_skin(const Texture& picture, const std::vector<SkinRegion>& parts) {
  std::vector<std::uint8_t> out;
  for (const SkinRegion& part : parts) {
    for (std::int32_t y = part.y; y < part.y + part.height; ++y) {
      for (std::int32_t x = part.x; x < part.x + part.width; ++x) {
        const std::uint8_t* p =
            picture.rgba.data() + (static_cast<std::size_t>(y) * static_cast<std::size_t>(picture.width) + static_cast<std::size_t>(x)) * 4;
        out.insert(out.end(), p, p + 3);
      }
    }
  }
  return out;
}

}  // namespace likeness::scene
