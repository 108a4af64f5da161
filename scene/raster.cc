#include "scene/raster.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>

#include "scene/raster_mesh.hpp"
#include "scene/raster_scan.hpp"
#include "scene/shade.hpp"
#include "scene/texture.hpp"

namespace likeness::scene {
namespace {

constexpr std::uint32_t nothing = 0xFFFFFFFFU;

// Classes of the label map.
enum Label : std::uint8_t {
  label_background = 0,
  label_face = 1,
  label_hair = 2,
  label_left_brow = 3,
  label_left_eye = 5,
  label_nose = 7,
  label_upper_lip = 8,
  label_inner_mouth = 9,
  label_lower_lip = 10,
};

// A texture as the materials want it: skin is enlarged smoothly, the rest is read bilinearly from the level that fits.
struct Paint {
  const Texture* texture = nullptr;
  std::optional<LinearTexture> smooth;
  Vec3 factor = {1, 1, 1};
  bool recolour = false;

  Colour read(float u, float v, int level) const {
    Colour c = {1, 1, 1, 1};
    if (smooth) {
      c = smooth->sample(u, v);
    } else if (texture != nullptr) {
      c = sample_bilinear(*texture, level, u, v);
    }
    if (recolour) c[0] = c[1] = c[2] = 0.2126F * c[0] + 0.7152F * c[1] + 0.0722F * c[2];
    for (int k = 0; k < 3; ++k) c[k] *= factor[k];
    return c;
  }
};

// Buffers that are too large to allocate anew for every picture; one set a thread.
struct Scratch {
  std::vector<float> depth;                // a sample: of the nearest opaque surface, 0 = none
  std::vector<std::uint32_t> nearest;      // a sample: index of the opaque triangle, or `nothing`
  std::vector<float> open;                 // a sample: share of light that passes all layers
  std::vector<Vec3> layered;               // a pixel: light of the layers
  std::vector<float> hair;                 // a pixel: how much of it is hair
  std::vector<std::array<float, 2>> brow;  // a pixel: how much of it is left, right brow
};

class Picture {
 public:
  Picture(const DrawList& list, const Projector& projector, const View& view, const Framing& framing, const RenderOptions& options,
          Scratch& scratch)
      : list_(list),
        s_(scratch),
        lights_(view.light_side),
        mesh_(project(list, projector, framing, options.size, options.supersample)),
        size_(options.size),
        per_pixel_(options.supersample),
        side_(size_ * per_pixel_),
        pixels_per_dm_(static_cast<float>(size_) * framing.scale) {
    const std::size_t samples = static_cast<std::size_t>(side_) * static_cast<std::size_t>(side_);
    const std::size_t pixels = static_cast<std::size_t>(size_) * static_cast<std::size_t>(size_);
    s_.depth.assign(samples, 0);
    s_.nearest.assign(samples, nothing);
    s_.open.assign(samples, 1);
    s_.layered.assign(pixels, {0, 0, 0});
    s_.hair.assign(pixels, 0);
    s_.brow.assign(pixels, {0, 0});
    prepare_paints();
  }

  void draw_opaque();
  void draw_layers();
  void resolve(Rendering& out, bool labels) const;

 private:
  // What a triangle looks like at one place.
  struct Surface {
    Fragment fragment;
    float alpha = 1;
    std::uint8_t label = 0;
    float inverse = 0;
  };

  void prepare_paints();
  const ScreenVertex* vertices(const ScreenTriangle& t) const { return mesh_.vertices.data() + mesh_.first[t.draw]; }
  void draw_layer(const ScreenTriangle& triangle);
  Surface surface(const ScreenTriangle& triangle, float x, float y) const;
  std::uint8_t skin_label(const Draw& draw, const ScreenTriangle& triangle, const Barycentric& place) const;
  float lid_shadow(int px, int py, float inverse) const;
  float hair_shadow(int px, int py, float inverse) const;
  std::size_t sample_index(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(side_) + static_cast<std::size_t>(x);
  }
  std::size_t pixel_index(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(size_) + static_cast<std::size_t>(x);
  }

  const DrawList& list_;
  Scratch& s_;
  Lights lights_;
  ScreenMesh mesh_;
  int size_, per_pixel_, side_;
  float pixels_per_dm_;  // at distance 1
  std::vector<Paint> paints_;
};

void Picture::prepare_paints() {
  constexpr int smooth_below = 1024;  // texels; larger skins have been enlarged already
  paints_.resize(list_.draws.size());
  for (std::size_t d = 0; d < paints_.size(); ++d) {
    const Draw& draw = list_.draws[d];
    Paint& paint = paints_[d];
    paint.texture = draw.texture;
    paint.recolour = draw.recolour;
    paint.factor = draw.tint;
    if (draw.texture == nullptr) continue;
    const auto& [low, high] = mesh_.uv[d];
    const bool seen = low[0] <= high[0] && low[1] <= high[1];
    if (seen && draw.material == Material::skin && draw.texture->width <= smooth_below) paint.smooth.emplace(*draw.texture, low, high);
    if (draw.recolour && seen) {
      const float mean = draw.texture->mean_luminance > 0 ? draw.texture->mean_luminance : measure_luminance(*draw.texture);
      for (float& f : paint.factor) f /= mean;
    }
  }
}

void Picture::draw_opaque() {
  for (std::size_t i = 0; i < mesh_.opaque.size(); ++i) {
    const ScreenTriangle& triangle = mesh_.opaque[i];
    const ScreenVertex* v = vertices(triangle);
    const TriangleRows rows(v[triangle.vertex[0]], v[triangle.vertex[1]], v[triangle.vertex[2]], side_);
    const float step = rows.depth_step();
    const auto id = static_cast<std::uint32_t>(i);
    for (int y = rows.first; y < rows.end; ++y) {
      const auto [x0, x1] = rows.span(y);
      const float base = rows.depth_at(y);
      float* depth = s_.depth.data() + sample_index(0, y);
      std::uint32_t* nearest = s_.nearest.data() + sample_index(0, y);
      for (int x = x0; x < x1; ++x) {
        const float z = std::min(std::max(base + step * static_cast<float>(x), rows.farthest), rows.nearest);
        const bool front = z > depth[x];
        depth[x] = front ? z : depth[x];
        nearest[x] = front ? id : nearest[x];
      }
    }
  }
}

std::uint8_t Picture::skin_label(const Draw& draw, const ScreenTriangle& triangle, const Barycentric& place) const {
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
  for (int k = 0; k < 3; ++k) {
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

Picture::Surface Picture::surface(const ScreenTriangle& triangle, float x, float y) const {
  const Draw& draw = list_.draws[triangle.draw];
  const ScreenVertex* v = vertices(triangle);
  const Vec3* normals = mesh_.normals.data() + mesh_.first[triangle.draw];
  const auto& index = triangle.vertex;
  const Barycentric place = barycentric(v[index[0]], v[index[1]], v[index[2]], x, y);
  Surface s;
  s.inverse = place.inverse;
  float u = 0, w = 0, occlusion = 0;
  Vec3 n = {0, 0, 0};
  for (int k = 0; k < 3; ++k) {
    const float weight = place.weight[k];
    u += weight * draw.uv[index[k]][0];
    w += weight * draw.uv[index[k]][1];
    for (int c = 0; c < 3; ++c) n[c] += weight * normals[index[k]][c];
    if (!draw.occlusion.empty()) occlusion += weight * draw.occlusion[index[k]];
  }
  const float length = std::sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]);
  const float scale = (triangle.back ? -1.0F : 1.0F) / std::max(length, 1e-6F);
  s.fragment.material = draw.material;
  s.fragment.normal = {n[0] * scale, n[1] * scale, n[2] * scale};
  s.fragment.occlusion = draw.occlusion.empty() ? 1.0F : std::clamp(occlusion, 0.0F, 1.0F);
  if (triangle.clear) return s;
  const Colour colour = paints_[triangle.draw].read(u, w, triangle.level);
  s.fragment.albedo = {colour[0], colour[1], colour[2]};
  s.alpha = colour[3];
  switch (draw.material) {
    case Material::skin:
      s.label = skin_label(draw, triangle, place);
      break;
    case Material::eye:
      s.label = triangle.left ? label_left_eye : label_left_eye + 1;
      break;
    case Material::teeth:
    case Material::tongue:
      s.label = label_inner_mouth;
      break;
    default:
      break;
  }
  return s;
}

void Picture::draw_layer(const ScreenTriangle& triangle) {
  const Material material = list_.draws[triangle.draw].material;
  const ScreenVertex* v = vertices(triangle);
  const TriangleRows rows(v[triangle.vertex[0]], v[triangle.vertex[1]], v[triangle.vertex[2]], side_);
  if (rows.first >= rows.end) return;
  const float share = 1 / static_cast<float>(per_pixel_ * per_pixel_);
  const float step = rows.depth_step();
  for (int py = rows.first / per_pixel_; py * per_pixel_ < rows.end; ++py) {
    const int y0 = std::max(py * per_pixel_, rows.first);
    const int y1 = std::min((py + 1) * per_pixel_, rows.end);
    std::array<std::pair<int, int>, 4> spans;
    int low = side_, high = 0;
    for (int y = y0; y < y1; ++y) {
      const auto span = rows.span(y);
      spans[y - y0] = span;
      if (span.first >= span.second) continue;
      low = std::min(low, span.first);
      high = std::max(high, span.second);
    }
    for (int px = low / per_pixel_; px * per_pixel_ < high; ++px) {
      std::array<std::size_t, 16> seen;
      int count = 0;
      float mean_x = 0, mean_y = 0;
      for (int y = y0; y < y1; ++y) {
        const float base = rows.depth_at(y);
        const int x1 = std::min((px + 1) * per_pixel_, spans[y - y0].second);
        for (int x = std::max(px * per_pixel_, spans[y - y0].first); x < x1; ++x) {
          const float z = std::clamp(base + step * static_cast<float>(x), rows.farthest, rows.nearest);
          const std::size_t i = sample_index(x, y);
          if (z <= s_.depth[i] || s_.open[i] < 0.01F) continue;
          seen[count++] = i;
          mean_x += static_cast<float>(x);
          mean_y += static_cast<float>(y);
        }
      }
      if (count == 0) continue;
      const float inverse_count = 1 / static_cast<float>(count);
      const Surface s = surface(triangle, mean_x * inverse_count, mean_y * inverse_count);
      if (!triangle.clear && s.alpha < 0.004F) continue;
      float visible = 0;
      for (int k = 0; k < count; ++k) visible += s_.open[seen[k]];
      visible *= share;
      const std::size_t pixel = pixel_index(px, py);
      const Vec3 light = triangle.clear ? lights_.gloss(s.fragment.normal) : lights_.shade(s.fragment);
      const float amount = triangle.clear ? visible : visible * s.alpha;
      for (int c = 0; c < 3; ++c) s_.layered[pixel][c] += amount * light[c];
      if (triangle.clear) continue;
      for (int k = 0; k < count; ++k) s_.open[seen[k]] *= 1 - s.alpha;
      if (material == Material::hair) s_.hair[pixel] += amount;
      if (material == Material::brow) s_.brow[pixel][triangle.left ? 0 : 1] += amount;
    }
  }
}

void Picture::draw_layers() {
  for (const ScreenTriangle& triangle : mesh_.layers) draw_layer(triangle);
}

// The eyeball is darker near the lids, most of all under the upper one: looks for skin around the sample.
float Picture::lid_shadow(int px, int py, float inverse) const {
  struct Tap {
    float x, y, weight;  // dm; share of light
  };
  constexpr Tap taps[] = {{0, 0.010F, 0.13F},  {0, 0.022F, 0.13F}, {0, 0.036F, 0.11F}, {0, 0.052F, 0.08F},
                          {0, -0.010F, 0.10F}, {0.018F, 0, 0.09F}, {-0.018F, 0, 0.09F}};
  const float scale = pixels_per_dm_ * inverse * static_cast<float>(per_pixel_);
  float light = 1;
  for (const Tap& tap : taps) {
    const int x = std::clamp(px * per_pixel_ + static_cast<int>(std::lround(tap.x * scale)), 0, side_ - 1);
    const int y = std::clamp(py * per_pixel_ - static_cast<int>(std::lround(tap.y * scale)), 0, side_ - 1);
    const std::uint32_t id = s_.nearest[sample_index(x, y)];
    if (id != nothing && list_.draws[mesh_.opaque[id].draw].material == Material::skin) light -= tap.weight;
  }
  return light;
}

// Hair shades the skin beside it on the side that is turned away from the key lamp.
float Picture::hair_shadow(int px, int py, float inverse) const {
  constexpr float reach[] = {0.04F, 0.09F, 0.15F, 0.22F};  // dm
  const float scale = pixels_per_dm_ * inverse;
  const Vec3& to_lamp = lights_.key_direction();
  float light = 1;
  for (const float r : reach) {
    const int x = std::clamp(px + static_cast<int>(std::lround(r * scale * to_lamp[0])), 0, size_ - 1);
    const int y = std::clamp(py - static_cast<int>(std::lround(r * scale * to_lamp[1] * 1.3F)), 0, size_ - 1);
    light -= 0.11F * std::min(s_.hair[pixel_index(x, y)], 1.0F);
  }
  return light;
}

void Picture::resolve(Rendering& out, bool labels) const {
  const std::size_t pixels = static_cast<std::size_t>(size_) * static_cast<std::size_t>(size_);
  out.size = size_;
  out.rgb.resize(3 * pixels);
  out.labels.assign(labels ? pixels : 0, label_background);
  const int samples = per_pixel_ * per_pixel_;
  const float share = 1 / static_cast<float>(samples);
  for (int py = 0; py < size_; ++py) {
    const Vec3 behind = backdrop((static_cast<float>(py) + 0.5F) / static_cast<float>(size_));
    for (int px = 0; px < size_; ++px) {
      const std::size_t pixel = pixel_index(px, py);
      Vec3 light = s_.layered[pixel];
      std::array<int, 11> votes{};
      std::array<bool, 16> done{};
      for (int k = 0; k < samples; ++k) {
        if (done[k]) continue;
        // All samples of the pixel that see the same triangle are shaded together, at their mean position.
        const std::size_t corner = sample_index(px * per_pixel_, py * per_pixel_);
        const std::uint32_t id = s_.nearest[corner + static_cast<std::size_t>(k / per_pixel_) * side_ + k % per_pixel_];
        float x = 0, y = 0, open = 0;
        int count = 0;
        for (int j = k; j < samples; ++j) {
          const std::size_t i = corner + static_cast<std::size_t>(j / per_pixel_) * side_ + j % per_pixel_;
          if (s_.nearest[i] != id) continue;
          done[j] = true;
          ++count;
          open += s_.open[i];
          x += static_cast<float>(j % per_pixel_);
          y += static_cast<float>(j / per_pixel_);
        }
        if (id == nothing) {
          votes[label_background] += count;
          for (int c = 0; c < 3; ++c) light[c] += open * share * behind[c];
          continue;
        }
        const bool hidden = open < 0.01F * static_cast<float>(count);
        if (hidden && !labels) continue;
        const float inverse_count = 1 / static_cast<float>(count);
        Surface s = surface(mesh_.opaque[id], static_cast<float>(px * per_pixel_) + x * inverse_count,
                            static_cast<float>(py * per_pixel_) + y * inverse_count);
        votes[s.label] += count;
        if (hidden) continue;
        if (s.fragment.material == Material::eye) s.fragment.shadow = lid_shadow(px, py, s.inverse);
        if (s.fragment.material == Material::skin) s.fragment.shadow = hair_shadow(px, py, s.inverse);
        const Vec3 reflected = lights_.shade(s.fragment);
        for (int c = 0; c < 3; ++c) light[c] += open * share * reflected[c];
      }
      for (int c = 0; c < 3; ++c) out.rgb[3 * pixel + c] = display(light[c]);
      if (!labels) continue;
      auto label = static_cast<std::uint8_t>(std::max_element(votes.begin(), votes.end()) - votes.begin());
      if (s_.hair[pixel] > 0.5F) {
        label = label_hair;
      } else if (const auto& [left, right] = s_.brow[pixel]; left + right > 0.25F) {
        label = left >= right ? label_left_brow : label_left_brow + 1;
      }
      out.labels[pixel] = label;
    }
  }
}

}  // namespace

Rendering rasterise(const DrawList& list, const Camera& camera, const View& view, const Framing& framing, const RenderOptions& options) {
  thread_local Scratch scratch;
  const Projector projector(camera, view);
  Rendering out;
  Picture picture(list, projector, view, framing, options, scratch);
  picture.draw_opaque();
  picture.draw_layers();
  picture.resolve(out, options.labels);
  for (std::size_t i = 0; i < out.landmarks.size() && i < list.landmarks.size(); ++i) {
    const Vec2 p = to_pixels(framing, Projector::plane(projector.eye(list.landmarks[i])), static_cast<float>(options.size));
    out.landmarks[i] = {p[0], p[1]};
  }
  return out;
}

}  // namespace likeness::scene
