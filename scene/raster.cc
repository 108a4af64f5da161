#include "scene/raster.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "scene/raster_mesh.hpp"
#include "scene/raster_occlusion.hpp"
#include "scene/raster_queue.hpp"
#include "scene/raster_scan.hpp"
#include "scene/raster_surface.hpp"
#include "scene/shade.hpp"

namespace likeness::scene {
namespace {

constexpr std::uint32_t nothing = 0xFFFFFFFFU;
// All that is inside the mouth is drawn this much farther back (dm), so that morphed gums do not poke through lips and chin.
constexpr float mouth_setback = 0.25F;
// Shares of a pixel from which it counts as hair, as brow.
constexpr float hair_label = 0.5F, brow_label = 0.25F;
// Layers farther behind solid hair than this (dm) are not drawn.
constexpr float lock_thickness = 0.01F;
constexpr float least_alpha = 0.004F;
// Samples of a pixel on one part of one mesh whose depths differ by less (dm) are shaded as one.
constexpr float same_surface = 0.05F;
// Layers under more cover than this leave no trace.
constexpr float hidden_below = 0.01F;

// Buffers that are too large to allocate anew for every picture; one set a thread.
struct Scratch {
  std::vector<float> depth;                // a sample: of the nearest opaque surface, 0 = none
  std::vector<std::uint32_t> nearest;      // a sample: index of the opaque triangle, or `nothing`
  std::vector<float> solid;                // a sample: depth of the nearest solid hair, 0 = none
  std::vector<float> open;                 // a sample: share of light that passes all layers but glasses
  std::vector<float> glass;                // a sample: share of light that passes the glasses; empty without any
  std::vector<Vec3> light;                 // a pixel: of the layers, then of all
  std::vector<float> hair;                 // a pixel: how much of it is hair
  std::vector<std::array<float, 2>> brow;  // a pixel: how much of it is left, right brow
  ScreenOcclusion occlusion;
};

// One picture with S x S samples a pixel.
template <int S>
class Picture {
 public:
  Picture(const DrawList& list, const Projector& projector, const View& view, const Framing& framing, const RenderOptions& options,
          Scratch& scratch)
      : list_(list),
        s_(scratch),
        lights_(view),
        queue_(lights_, scratch.light),
        backdrop_(view.background),
        mesh_(project(list, projector, framing, options.size, S)),
        surfaces_(list, mesh_),
        size_(options.size),
        side_(size_ * S),
        pixels_per_dm_(static_cast<float>(size_) * framing.scale) {
    const std::size_t grid = static_cast<std::size_t>(side_) * static_cast<std::size_t>(side_);
    const std::size_t pixels = static_cast<std::size_t>(size_) * static_cast<std::size_t>(size_);
    s_.depth.assign(grid, 0);
    s_.nearest.assign(grid, nothing);
    s_.solid.assign(grid, 0);
    s_.open.assign(grid, 1);
    s_.glass.clear();
    const auto glasses = [](const Draw& draw) { return draw.material == Material::glasses; };
    if (std::any_of(list.draws.begin(), list.draws.end(), glasses)) s_.glass.assign(grid, 1);
    s_.light.assign(pixels, {0, 0, 0});
    s_.hair.assign(pixels, 0);
    s_.brow.assign(pixels, {0, 0});
  }

  void draw_opaque();
  void draw_layers();
  void find_shadows() {
    s_.occlusion.build(s_.depth, side_, s_.hair, size_, pixels_per_dm_ / static_cast<float>(size_), lights_.key_direction());
  }
  void resolve(Rendering& out, bool labels);

 private:
  static constexpr int samples = S * S;
  static constexpr float share = 1 / static_cast<float>(samples);

  Material material(const ScreenTriangle& t) const { return list_.draws[t.draw].material; }
  bool inside_mouth(const ScreenTriangle& t) const {
    return material(t) == Material::teeth || material(t) == Material::tongue || t.region == Region::mouth_interior;
  }
  void draw_layer(const ScreenTriangle& triangle);
  void blend(const ScreenTriangle& triangle, const std::size_t* seen, int count, float x, float y, std::size_t pixel);
  std::uint8_t add_surface(std::uint32_t id, int px, int py, float x, float y, float open);
  std::uint8_t add_pixel(int px, int py, bool labels);
  // Whether opaque triangles (or `nothing`) seen by two samples of a pixel at these depths are one surface.
  bool same(std::uint32_t a, std::uint32_t b, float depth_a, float depth_b) const {
    if (a == b) return true;
    if (a == nothing || b == nothing) return false;
    const ScreenTriangle &s = mesh_.opaque[a], &t = mesh_.opaque[b];
    return s.draw == t.draw && s.region == t.region && s.left == t.left && s.clear == t.clear &&
           std::fabs(depth_a - depth_b) < same_surface * depth_a * depth_a;
  }
  std::uint8_t final_label(std::size_t pixel, std::uint8_t opaque) const;
  float lid_shadow(int px, int py, float inverse) const;
  // Light that reaches the camera from behind the layers drawn so far.
  float through(std::size_t sample) const { return s_.glass.empty() ? s_.open[sample] : s_.open[sample] * s_.glass[sample]; }
  std::size_t sample_index(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(side_) + static_cast<std::size_t>(x);
  }
  std::size_t pixel_index(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(size_) + static_cast<std::size_t>(x);
  }

  const DrawList& list_;
  Scratch& s_;
  Lights lights_;
  LightQueue queue_;
  Backdrop backdrop_;
  ScreenMesh mesh_;
  Surfaces surfaces_;
  int size_, side_;
  float pixels_per_dm_;  // at distance 1
};

template <int S>
void Picture<S>::draw_opaque() {
  for (std::size_t i = 0; i < mesh_.opaque.size(); ++i) {
    const ScreenTriangle& triangle = mesh_.opaque[i];
    const ScreenVertex* v = mesh_.vertices.data() + mesh_.first[triangle.draw];
    std::array<ScreenVertex, 3> corner = {v[triangle.vertex[0]], v[triangle.vertex[1]], v[triangle.vertex[2]]};
    if (inside_mouth(triangle)) {
      for (ScreenVertex& c : corner) c.depth = c.inverse / (1 + mouth_setback * c.inverse);
    }
    const TriangleRows rows(corner[0], corner[1], corner[2], side_);
    for (int y = rows.first; y < rows.end; ++y) {
      const auto [x0, x1] = rows.span(y);
      fill_row(s_.depth.data() + sample_index(0, y), s_.nearest.data() + sample_index(0, y), x0, x1, rows.depth_at(y), rows.depth_step(),
               rows.farthest, rows.nearest, static_cast<std::uint32_t>(i));
    }
  }
}

template <int S>
void Picture<S>::draw_layers() {
  // Locks cross each other, so no order of triangles is right everywhere: what lies behind solid hair is left out.
  for (const ScreenTriangle& triangle : mesh_.layers) {
    if (!triangle.solid) continue;
    const ScreenVertex* v = mesh_.vertices.data() + mesh_.first[triangle.draw];
    const TriangleRows rows(v[triangle.vertex[0]], v[triangle.vertex[1]], v[triangle.vertex[2]], side_);
    for (int y = rows.first; y < rows.end; ++y) {
      const auto [x0, x1] = rows.span(y);
      raise_row(s_.solid.data() + sample_index(0, y), x0, x1, rows.depth_at(y), rows.depth_step(), rows.farthest, rows.nearest);
    }
  }
  for (const ScreenTriangle& triangle : mesh_.layers) draw_layer(triangle);
}

template <int S>
void Picture<S>::draw_layer(const ScreenTriangle& triangle) {
  const ScreenVertex* v = mesh_.vertices.data() + mesh_.first[triangle.draw];
  const TriangleRows rows(v[triangle.vertex[0]], v[triangle.vertex[1]], v[triangle.vertex[2]], side_);
  if (rows.first >= rows.end) return;
  const float step = rows.depth_step();
  for (int py = rows.first / S; py * S < rows.end; ++py) {
    const int y0 = std::max(py * S, rows.first);
    const int y1 = std::min((py + 1) * S, rows.end);
    std::array<std::pair<int, int>, S> spans;
    std::array<float, S> bases;
    int low = side_, high = 0;
    for (int y = y0; y < y1; ++y) {
      const auto span = rows.span(y);
      spans[static_cast<std::size_t>(y - y0)] = span;
      bases[static_cast<std::size_t>(y - y0)] = rows.depth_at(y);
      if (span.first >= span.second) continue;
      low = std::min(low, span.first);
      high = std::max(high, span.second);
    }
    for (int px = low / S; px * S < high; ++px) {
      std::array<std::size_t, samples> seen;
      int count = 0;
      int sum_x = 0, sum_y = 0;
      for (int y = y0; y < y1; ++y) {
        const auto row = static_cast<std::size_t>(y - y0);
        const int x1 = std::min((px + 1) * S, spans[row].second);
        for (int x = std::max(px * S, spans[row].first); x < x1; ++x) {
          const float z = std::min(std::max(bases[row] + step * static_cast<float>(x), rows.farthest), rows.nearest);
          const std::size_t i = sample_index(x, y);
          if (z <= s_.depth[i] || z + lock_thickness * z * z < s_.solid[i] || s_.open[i] < hidden_below) continue;
          seen[static_cast<std::size_t>(count++)] = i;
          sum_x += x;
          sum_y += y;
        }
      }
      if (count == 0) continue;
      const float n = 1 / static_cast<float>(count);
      blend(triangle, seen.data(), count, static_cast<float>(sum_x) * n, static_cast<float>(sum_y) * n, pixel_index(px, py));
    }
  }
}

// Puts a layer under those already drawn at a pixel's samples seen[0 ... count - 1], whose mean position is (x, y).
template <int S>
void Picture<S>::blend(const ScreenTriangle& triangle, const std::size_t* seen, int count, float x, float y, std::size_t pixel) {
  const SurfacePoint point = surfaces_.at(triangle, x, y, least_alpha);
  const bool glasses = material(triangle) == Material::glasses;
  if (!triangle.clear && !glasses && point.alpha < least_alpha) return;
  // Labels are those of the head without glasses: `cover` counts what would be seen, `visible` what is.
  float cover = 0, visible = 0;
  for (int k = 0; k < count; ++k) {
    cover += s_.open[seen[k]];
    visible += through(seen[k]);
  }
  cover *= share;
  visible *= share;
  if (triangle.clear) {
    queue_.add_light(lights_.gloss(point.fragment.normal), visible, pixel);
    return;
  }
  queue_.add(point.fragment, visible * point.alpha, pixel);
  if (glasses) {
    queue_.add_light(lights_.reflection(point.fragment.normal), visible, pixel);
    for (int k = 0; k < count; ++k) s_.glass[seen[k]] *= 1 - point.alpha;
    return;
  }
  for (int k = 0; k < count; ++k) s_.open[seen[k]] *= 1 - point.alpha;
  if (material(triangle) == Material::hair) s_.hair[pixel] += cover * point.alpha;
  if (material(triangle) == Material::brow) s_.brow[pixel][triangle.left ? 0 : 1] += cover * point.alpha;
}

// The eyeball is darker near the lids, most of all under the upper one: looks for skin around the sample.
template <int S>
float Picture<S>::lid_shadow(int px, int py, float inverse) const {
  struct Tap {
    float x, y, weight;  // dm; share of light
  };
  constexpr Tap taps[] = {{0, 0.010F, 0.13F},  {0, 0.022F, 0.13F}, {0, 0.036F, 0.11F}, {0, 0.052F, 0.08F},
                          {0, -0.010F, 0.10F}, {0.018F, 0, 0.09F}, {-0.018F, 0, 0.09F}};
  const float scale = pixels_per_dm_ * inverse * S;
  float light = 1;
  for (const Tap& tap : taps) {
    const int x = std::clamp(px * S + static_cast<int>(std::lround(tap.x * scale)), 0, side_ - 1);
    const int y = std::clamp(py * S - static_cast<int>(std::lround(tap.y * scale)), 0, side_ - 1);
    const std::uint32_t id = s_.nearest[sample_index(x, y)];
    if (id != nothing && material(mesh_.opaque[id]) == Material::skin) light -= tap.weight;
  }
  return light;
}

// Adds the light of an opaque triangle at sample coordinates (x, y) in pixel (px, py), of which `open` is seen. Returns its label.
template <int S>
std::uint8_t Picture<S>::add_surface(std::uint32_t id, int px, int py, float x, float y, float open) {
  SurfacePoint point = surfaces_.at(mesh_.opaque[id], x, y);
  if (open < hidden_below) return point.label;
  if (point.fragment.material == Material::eye) point.fragment.shadow = lid_shadow(px, py, point.inverse);
  const float scale = 1 / static_cast<float>(side_);
  const ScreenOcclusion::Light arriving = s_.occlusion.at((x + 0.5F) * scale, (y + 0.5F) * scale);
  point.fragment.occlusion *= arriving.ambient;
  if (point.fragment.material == Material::skin) point.fragment.shadow = arriving.key;
  queue_.add(point.fragment, open, pixel_index(px, py));
  return point.label;
}

template <int S>
std::uint8_t Picture<S>::final_label(std::size_t pixel, std::uint8_t opaque) const {
  if (s_.hair[pixel] > hair_label) return label_hair;
  const auto& [left, right] = s_.brow[pixel];
  if (left + right > brow_label) return left >= right ? label_left_brow : label_left_brow + 1;
  return opaque;
}

// Adds the light of what lies behind a pixel's layers. Returns the label of most of its samples.
template <int S>
std::uint8_t Picture<S>::add_pixel(int px, int py, bool labels) {
  const std::size_t pixel = pixel_index(px, py);
  std::array<std::uint32_t, samples> id;
  std::array<float, samples> open, depth;
  for (int k = 0; k < samples; ++k) {
    const std::size_t i = sample_index(px * S + k % S, py * S + k / S);
    id[static_cast<std::size_t>(k)] = s_.nearest[i];
    open[static_cast<std::size_t>(k)] = through(i);
    depth[static_cast<std::size_t>(k)] = s_.depth[i];
  }
  const bool label_matters = labels && s_.hair[pixel] <= hair_label;
  std::uint8_t winner = label_background;
  int most = 0;
  std::array<int, label_count> votes{};
  std::uint32_t done = 0;  // bit k: sample k
  for (int k = 0; k < samples; ++k) {
    if ((done >> k & 1U) != 0) continue;
    // Samples that see the same surface are shaded together, at their mean position.
    const std::uint32_t triangle = id[static_cast<std::size_t>(k)];
    float passed = 0;
    int count = 0, sum_x = 0, sum_y = 0;
    for (int j = k; j < samples; ++j) {
      if (!same(triangle, id[static_cast<std::size_t>(j)], depth[static_cast<std::size_t>(k)], depth[static_cast<std::size_t>(j)]))
        continue;
      done |= 1U << j;
      passed += open[static_cast<std::size_t>(j)];
      ++count;
      sum_x += j % S;
      sum_y += j / S;
    }
    passed *= share;
    std::uint8_t label = label_background;
    if (triangle == nothing) {
      const float scale = 1 / static_cast<float>(size_);
      queue_.add_light(backdrop_((static_cast<float>(px) + 0.5F) * scale, (static_cast<float>(py) + 0.5F) * scale), passed, pixel);
    } else if (label_matters || passed >= hidden_below) {
      const float n = 1 / static_cast<float>(count);
      label = add_surface(triangle, px, py, static_cast<float>(px * S) + static_cast<float>(sum_x) * n,
                          static_cast<float>(py * S) + static_cast<float>(sum_y) * n, passed);
    }
    votes[label] += count;
    if (votes[label] > most) {
      most = votes[label];
      winner = label;
    }
  }
  return winner;
}

template <int S>
void Picture<S>::resolve(Rendering& out, bool labels) {
  static const Display display;
  const std::size_t pixels = static_cast<std::size_t>(size_) * static_cast<std::size_t>(size_);
  out.size = size_;
  out.rgb.resize(3 * pixels);
  out.labels.assign(labels ? pixels : 0, label_background);
  for (int py = 0; py < size_; ++py) {
    for (int px = 0; px < size_; ++px) {
      const std::uint8_t label = add_pixel(px, py, labels);
      if (labels) out.labels[pixel_index(px, py)] = final_label(pixel_index(px, py), label);
    }
    queue_.flush();
    for (std::size_t pixel = pixel_index(0, py); pixel < pixel_index(0, py + 1); ++pixel) {
      for (std::size_t c = 0; c < 3; ++c) out.rgb[3 * pixel + c] = display(s_.light[pixel][c]);
    }
  }
}

template <int S>
void paint(const DrawList& list, const Projector& projector, const View& view, const Framing& framing, const RenderOptions& options,
           Rendering& out) {
  thread_local Scratch scratch;
  Picture<S> picture(list, projector, view, framing, options, scratch);
  picture.draw_opaque();
  picture.draw_layers();
  picture.find_shadows();
  picture.resolve(out, options.labels);
  if (options.labels) remove_specks(out.labels, options.size);
}

}  // namespace

Rendering rasterise(const DrawList& list, const Camera& camera, const View& view, const Framing& framing, const RenderOptions& options) {
  const Projector projector(camera, view);
  Rendering out;
  switch (options.supersample) {
    case 1:
      paint<1>(list, projector, view, framing, options, out);
      break;
    case 2:
      paint<2>(list, projector, view, framing, options, out);
      break;
    case 3:
      paint<3>(list, projector, view, framing, options, out);
      break;
    default:
      paint<4>(list, projector, view, framing, options, out);
  }
  for (std::size_t i = 0; i < out.landmarks.size() && i < list.landmarks.size(); ++i) {
    const Vec2 p = to_pixels(framing, Projector::plane(projector.eye(list.landmarks[i])), static_cast<float>(options.size));
    out.landmarks[i] = {p[0], p[1]};
  }
  return out;
}

}  // namespace likeness::scene
