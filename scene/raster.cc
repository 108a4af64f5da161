#include "scene/raster.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <tuple>

#include "scene/raster_buffers.hpp"
#include "scene/raster_layers.hpp"
#include "scene/raster_mesh.hpp"
#include "scene/raster_queue.hpp"
#include "scene/raster_scan.hpp"
#include "scene/raster_surface.hpp"
#include "scene/shade.hpp"

namespace likeness::scene {
namespace {

// All that is inside the mouth is drawn this much farther back (dm), so that morphed gums do not poke through lips and chin.
constexpr float mouth_setback = 0.25F;
// Shares of a pixel from which it counts as hair, as brow.
constexpr float hair_label = 0.5F, brow_label = 0.25F;
// Samples of a pixel on one part of one mesh whose depths differ by less (dm) are shaded as one.
constexpr float same_surface = 0.05F;

// One picture with S x S samples a pixel.
template <int S>
class Picture {
 public:
  Picture(const DrawList& list, const Projector& projector, const View& view, const Framing& framing, const RenderOptions& options,
          PictureBuffers& buffers)
      : list_(list),
        b_(buffers),
        lights_(view),
        queue_(lights_, buffers.light),
        backdrop_(view.background),
        mesh_(project(list, projector, framing, options.size, S)),
        surfaces_(list, mesh_),
        size_(options.size),
        side_(size_ * S),
        pixels_per_dm_(static_cast<float>(size_) * framing.scale) {
    const auto glasses = [](const Draw& draw) { return draw.material == Material::glasses; };
    b_.clear(size_, S, std::any_of(list.draws.begin(), list.draws.end(), glasses));
  }

  void draw_opaque();
  void draw_layers() { LayerPass<S>(list_, mesh_, surfaces_, lights_, queue_, b_, size_).run(); }
  void find_shadows() {
    b_.occlusion.build(b_.depth, side_, b_.hair, size_, pixels_per_dm_ / static_cast<float>(size_), lights_.key_direction());
  }
  void resolve(Rendering& out, bool labels);

 private:
  static constexpr int samples = S * S;
  static constexpr float share = 1 / static_cast<float>(samples);

  // What part of a pixel sees: a triangle (or no_triangle), its samples' mean position, and the share of light that passes.
  struct Group {
    std::uint32_t id = no_triangle;
    float x = 0, y = 0, open = 0;
    int count = 0;
  };

  Material material(const ScreenTriangle& t) const { return list_.draws[t.draw].material; }
  bool inside_mouth(const ScreenTriangle& t) const {
    return material(t) == Material::teeth || material(t) == Material::tongue || t.region == Region::mouth_interior;
  }
  std::uint8_t add_group(const Group& group, int px, int py, bool label_matters);
  std::uint8_t add_pixel(int px, int py, bool labels);
  std::uint8_t add_mixed_pixel(const std::array<std::size_t, samples>& at, int px, int py, bool label_matters);
  // Whether opaque triangles (or no_triangle) seen by two samples of a pixel at these depths are one surface.
  bool same(std::uint32_t a, std::uint32_t b, float depth_a, float depth_b) const {
    if (a == b) return true;
    if (a == no_triangle || b == no_triangle) return false;
    const ScreenTriangle &s = mesh_.opaque[a], &t = mesh_.opaque[b];
    return s.draw == t.draw && s.region == t.region && s.left == t.left && s.clear == t.clear &&
           std::fabs(depth_a - depth_b) < same_surface * depth_a * depth_a;
  }
  std::uint8_t final_label(std::size_t pixel, std::uint8_t opaque) const;
  float lid_shadow(int px, int py, float inverse) const;
  // Light that reaches the camera from behind the layers.
  float through(std::size_t sample) const { return b_.glass.empty() ? b_.open[sample] : b_.open[sample] * b_.glass[sample]; }
  std::size_t sample_index(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(side_) + static_cast<std::size_t>(x);
  }
  std::size_t pixel_index(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(size_) + static_cast<std::size_t>(x);
  }

  const DrawList& list_;
  PictureBuffers& b_;
  Lights lights_;
  LightQueue queue_;
  Backdrop backdrop_;
  std::vector<Vec3> backdrop_row_;  // of the pixel row that is resolved
  ScreenMesh mesh_;
  Surfaces surfaces_;
  // The triangle that was looked at last: the next pixel often sees it too.
  std::uint32_t current_ = no_triangle;
  TrianglePoints points_;
  int size_, side_;
  float pixels_per_dm_;  // at distance 1
};

template <int S>
void Picture<S>::draw_opaque() {
  bool skin = true;
  for (std::size_t i = 0; i < mesh_.opaque.size(); ++i) {
    const ScreenTriangle& triangle = mesh_.opaque[i];
    if (skin && material(triangle) != Material::skin) {
      // Most of the eyeballs and all of the teeth may lie behind it.
      b_.tiles.build(side_, b_.depth);
      skin = false;
    }
    const ScreenVertex* v = mesh_.vertices.data() + mesh_.first[triangle.draw];
    std::array<ScreenVertex, 3> corner = {v[triangle.vertex[0]], v[triangle.vertex[1]], v[triangle.vertex[2]]};
    if (inside_mouth(triangle)) {
      for (ScreenVertex& c : corner) c.depth = c.inverse / (1 + mouth_setback * c.inverse);
    }
    if (!skin && b_.tiles.hidden(corner[0], corner[1], corner[2], std::max({corner[0].depth, corner[1].depth, corner[2].depth}))) continue;
    const TriangleRows rows(corner[0], corner[1], corner[2], side_);
    for (int y = rows.first; y < rows.end; ++y) {
      const auto [x0, x1] = rows.span(y);
      fill_row(b_.depth.data() + sample_index(0, y), b_.nearest.data() + sample_index(0, y), x0, x1, rows.depth_at(y), rows.depth_step(),
               rows.farthest, rows.nearest, static_cast<std::uint32_t>(i));
    }
  }
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
    const std::uint32_t id = b_.nearest[sample_index(x, y)];
    if (id != no_triangle && material(mesh_.opaque[id]) == Material::skin) light -= tap.weight;
  }
  return light;
}

// Adds the light of a group of a pixel's samples. Returns its label.
template <int S>
std::uint8_t Picture<S>::add_group(const Group& group, int px, int py, bool label_matters) {
  const std::size_t pixel = pixel_index(px, py);
  if (group.id == no_triangle) {
    queue_.add_light(backdrop_row_[static_cast<std::size_t>(px)], group.open, pixel);
    return label_background;
  }
  const bool hidden = group.open < hidden_below;
  if (hidden && !label_matters) return label_background;
  const ScreenTriangle& triangle = mesh_.opaque[group.id];
  if (current_ != group.id) points_.set(mesh_, triangle);
  current_ = group.id;
  const TrianglePoints::Place place = points_.at(group.x, group.y);
  const bool skin = material(triangle) == Material::skin;
  Surfaces::SkinPoint here;
  if (skin) here = points_.template read<std::tuple_size_v<Attributes>>(place, 0);
  const std::uint8_t label = label_matters ? surfaces_.label(triangle, here) : std::uint8_t{label_background};
  if (hidden) return label;
  const float scale = 1 / static_cast<float>(side_);
  const ScreenOcclusion::Light arriving = b_.occlusion.at((group.x + 0.5F) * scale, (group.y + 0.5F) * scale);
  if (skin) {
    surfaces_.add_skin(triangle, here, arriving.ambient, arriving.key, group.open, pixel, queue_);
    return label;
  }
  const auto uv = points_.template read<2>(place, at_uv);
  const Colour c = surfaces_.colour(triangle, uv);
  Fragment fragment = surfaces_.fragment(triangle, points_, place, {c[0], c[1], c[2]});
  fragment.occlusion *= arriving.ambient;
  if (fragment.material == Material::eye) fragment.shadow = lid_shadow(px, py, place.inverse);
  queue_.add(fragment, group.open, pixel);
  return label;
}

template <int S>
std::uint8_t Picture<S>::final_label(std::size_t pixel, std::uint8_t opaque) const {
  if (b_.hair[pixel] > hair_label) return label_hair;
  const auto& [left, right] = b_.brow[pixel];
  if (left + right > brow_label) return left >= right ? label_left_brow : label_left_brow + 1;
  return opaque;
}

// Adds the light of what lies behind a pixel's layers. Returns the label of most of its samples.
template <int S>
std::uint8_t Picture<S>::add_pixel(int px, int py, bool labels) {
  const bool label_matters = labels && b_.hair[pixel_index(px, py)] <= hair_label;
  std::array<std::size_t, samples> at;
  for (int k = 0; k < samples; ++k) at[static_cast<std::size_t>(k)] = sample_index(px * S + k % S, py * S + k / S);
  Group all;
  all.id = b_.nearest[at[0]];
  bool mixed = false;
  for (const std::size_t i : at) {
    mixed = mixed || b_.nearest[i] != all.id;
    all.open += through(i);
  }
  if (mixed) return add_mixed_pixel(at, px, py, label_matters);
  constexpr float middle = 0.5F * (S - 1);
  all.x = static_cast<float>(px * S) + middle;
  all.y = static_cast<float>(py * S) + middle;
  all.open *= share;
  return add_group(all, px, py, label_matters);
}

template <int S>
std::uint8_t Picture<S>::add_mixed_pixel(const std::array<std::size_t, samples>& at, int px, int py, bool label_matters) {
  std::uint8_t winner = label_background;
  int most = 0;
  std::array<int, label_count> votes{};
  std::uint32_t done = 0;  // bit k: sample k
  for (int k = 0; k < samples; ++k) {
    if ((done >> k & 1U) != 0) continue;
    // Samples that see the same surface are shaded together, at their mean position.
    const std::size_t first = at[static_cast<std::size_t>(k)];
    Group group;
    group.id = b_.nearest[first];
    int sum_x = 0, sum_y = 0;
    for (int j = k; j < samples; ++j) {
      const std::size_t i = at[static_cast<std::size_t>(j)];
      if (!same(group.id, b_.nearest[i], b_.depth[first], b_.depth[i])) continue;
      done |= 1U << j;
      group.open += through(i);
      ++group.count;
      sum_x += j % S;
      sum_y += j / S;
    }
    const float n = 1 / static_cast<float>(group.count);
    group.open *= share;
    group.x = static_cast<float>(px * S) + static_cast<float>(sum_x) * n;
    group.y = static_cast<float>(py * S) + static_cast<float>(sum_y) * n;
    const std::uint8_t label = add_group(group, px, py, label_matters);
    votes[label] += group.count;
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
    backdrop_.row(py, size_, backdrop_row_);
    for (int px = 0; px < size_; ++px) {
      const std::uint8_t label = add_pixel(px, py, labels);
      if (labels) out.labels[pixel_index(px, py)] = final_label(pixel_index(px, py), label);
    }
    queue_.flush();
    const std::size_t first = pixel_index(0, py);
    display.encode(b_.light[first].data(), 3 * static_cast<std::size_t>(size_), out.rgb.data() + 3 * first);
  }
}

template <int S>
void paint(const DrawList& list, const Projector& projector, const View& view, const Framing& framing, const RenderOptions& options,
           Rendering& out) {
  thread_local PictureBuffers buffers;
  Picture<S> picture(list, projector, view, framing, options, buffers);
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
