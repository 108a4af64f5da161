#include "scene/head_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/parallel.hpp"
#include "scene/mesh.hpp"
#include "scene/texture.hpp"

namespace likeness::scene {
namespace {

constexpr float kEyeDistance = 0.225F;  // between the eyes' middles in the default picture, in parts of its width
constexpr float kEyeLine = 0.475F;      // height of the eyes in the default picture, in parts of it
constexpr float kTeethDrop = 0.045F;    // dm
constexpr std::size_t kInner = 17;      // first of the 51 landmarks that frame a face (the jaw's 17 are the least certain)

// Copies points to the corners of a surface and hands out its constant parts.
void spread(const Surface& surface, std::span<const Vec3> point, std::span<const std::uint32_t> point_triangle, Draw* draw) {
  const std::vector<Vec3> normal = point_normals(point, point_triangle);
  draw->position.reserve(surface.point.size());
  draw->normal.reserve(surface.point.size());
  for (const std::uint16_t p : surface.point) {
    draw->position.push_back(point[p]);
    draw->normal.push_back(normal[p]);
  }
  draw->uv = surface.uv;
  draw->occlusion = surface.occlusion;
  draw->triangle = surface.triangle;
}

// Where hair is taken away: in front of a line that recedes from the temples to the crown, and below a horizontal cut.
struct HairCut {
  float recession = 0;  // 0 none, 1 only a wreath is left
  float length = 1;     // 0 above the jaw, 1 as the style has it

  // Alpha that is left at a point, dm from the head's centre; not clamped, so that interpolation keeps the border sharp.
  float left(const Vec3& p) const {
    constexpr float kSoft = 0.14F;  // dm
    const auto part = [](float from, float to, float v) { return std::clamp((v - from) / (to - from), 0.0F, 1.0F); };
    // How far to the front; the temples count as further in front than the middle, the sides below them less and less.
    const float front =
        p[2] + 0.45F * std::min(std::abs(p[0]), 0.6F) - 1.2F * part(0.70F, -0.10F, p[1]) * part(0.45F, 0.80F, std::abs(p[0]));
    const float line = 1.0F - 1.2F * recession * std::sqrt(recession);
    const float cut = -0.5F - 2.4F * length * length;
    return std::min((line - front) / kSoft, (p[1] - cut) / kSoft) + 0.5F;
  }
};

Vec2 middle(std::span<const Vec2> points) {
  Vec2 sum = {0, 0};
  for (const Vec2& p : points) sum = {sum[0] + p[0], sum[1] + p[1]};
  return {sum[0] / static_cast<float>(points.size()), sum[1] / static_cast<float>(points.size())};
}

}  // namespace

Result<HeadModel> HeadModel::create(HeadAsset asset, const Schema& schema) {
  HeadModel model;
  Result<SkinBlender> skins = SkinBlender::create(asset);
  if (!skins.ok()) return skins.status();
  model.skins_.push_back(std::move(*skins));
  parallel_for(static_cast<std::int64_t>(asset.textures.size()), [&](std::int64_t index) {
    Texture& texture = asset.textures[static_cast<std::size_t>(index)].texture;
    add_levels(texture);
    const auto grey = [index](const Proxy& proxy) {
      return proxy.texture == static_cast<std::uint64_t>(index) && (proxy.material == Material::hair || proxy.material == Material::brow);
    };
    if (std::ranges::any_of(asset.proxies, grey)) add_grey(texture);
  });
  model.asset_ = std::move(asset);
  if (Status status = model.resolve_parameters(schema); !status.ok()) return status;
  if (Status status = model.resolve_targets(schema); !status.ok()) return status;
  if (Status status = model.resolve_options(); !status.ok()) return status;
  model.skin_points_ = point_triangles(model.asset_.skin);
  for (const Proxy& proxy : model.asset_.proxies) model.proxy_points_.push_back(point_triangles(proxy.surface));
  model.set_reference_frame(schema);
  return model;
}

void HeadModel::apply(std::span<const float> weights, std::vector<Vec3>* point) const {
  for (std::size_t t = 0; t < weights.size(); ++t) {
    const float w = weights[t] * 1e-3F;
    if (w == 0) continue;
    const SparseTarget& target = asset_.targets[t];
    const std::int16_t* d = target.delta.data();
    for (const std::uint16_t p : target.point) {
      Vec3& to = (*point)[p];
      for (std::size_t i = 0; i < 3; ++i) to[i] += w * static_cast<float>(*d++);
    }
  }
}

HeadModel::Shape HeadModel::morph(std::span<const float> x) const {
  Shape shape;
  shape.relaxed = asset_.base;
  const Weights weights = target_weights(x);
  apply(weights.identity, &shape.relaxed);
  const Vec3& chin = shape.relaxed[asset_.centre[0]];
  const Vec3& crown = shape.relaxed[asset_.centre[1]];
  const Vec3 centre = {0, (chin[1] + crown[1]) / 2, (chin[2] + crown[2]) / 2};
  for (Vec3& p : shape.relaxed) {
    for (std::size_t i = 0; i < 3; ++i) p[i] -= centre[i];
  }
  shape.point = shape.relaxed;
  apply(weights.expression, &shape.point);
  return shape;
}

Draw& HeadModel::add_proxy(std::size_t index, const Shape& shape, DrawList* list) const {
  const Proxy& proxy = asset_.proxies[index];
  return add_points(index, fit_proxy(proxy, shape.point, shape.relaxed), list);
}

Draw& HeadModel::add_points(std::size_t index, std::span<const Vec3> point, DrawList* list) const {
  const Proxy& proxy = asset_.proxies[index];
  Draw& draw = list->draws.emplace_back();
  draw.material = proxy.material;
  spread(proxy.surface, point, proxy_points_[index], &draw);
  draw.texture = &asset_.textures[proxy.texture].texture;
  return draw;
}

// Light that reaches the teeth: next to none through the slit of a closed mouth. The occlusion of the vertices was computed for
// one shape and cannot know.
float HeadModel::mouth_light(std::span<const Vec3> point) const {
  const Vec3& upper = point[asset_.landmarks[62]];
  const Vec3& lower = point[asset_.landmarks[66]];
  const float gap = std::hypot(upper[1] - lower[1], upper[2] - lower[2]);
  return 0.12F + 0.98F * std::clamp((gap - 0.03F) / 0.06F, 0.0F, 1.0F);
}

DrawList HeadModel::draw(std::span<const float> x) const {
  DrawList list;
  const Shape shape = morph(x);
  const float mouth = mouth_light(shape.point);
  list.draws.reserve(common_.size() + 3);
  Draw& skin = list.draws.emplace_back();
  spread(asset_.skin, shape.point, skin_points_, &skin);
  skin.fields = asset_.fields;
  skin.region = asset_.region;
  list.textures.push_back(skins_.front().blend(skin_mix(x)));
  skin.texture = list.textures.back().get();
  const float light = std::exp2(0.8F * value(skin_tone, x)), warmth = value(skin_warmth, x);
  skin.tint = {light * (1 + 0.10F * warmth), light, light * (1 - 0.18F * warmth)};
  for (const std::size_t index : common_) {
    add_proxy(index, shape, &list);
    Draw& draw = list.draws.back();
    if (draw.material == Material::eye) draw.texture = &asset_.textures[eye_texture_[chosen(eye_color, x)]].texture;
    if (draw.material == Material::tongue) {
      // MakeHuman's expressions leave the tongue where it is; it has to ride on the jaw.
      const std::uint16_t chin = asset_.landmarks[8];
      for (Vec3& p : draw.position) {
        for (std::size_t i = 1; i < 3; ++i) p[i] += 0.9F * (shape.point[chin][i] - shape.relaxed[chin][i]);
      }
    }
    if (draw.material == Material::teeth) {
      // MakeHuman's upper teeth end at the lips, so that an open mouth shows the lower ones only; people show the upper ones.
      for (Vec3& p : draw.position) p[1] -= kTeethDrop;
      draw.tint = {mouth, 0.95F * mouth, 0.86F * mouth};
    }
    if (draw.material == Material::tongue) draw.tint = {0.5F * mouth, 0.4F * mouth, 0.4F * mouth};
  }
  const Vec3 hair_tint = hair_colour(x, 1);
  add_brows(x, shape, &list);
  if (const std::size_t index = hair_[chosen(hair, x)]; index != std::numeric_limits<std::size_t>::max()) {
    Draw& draw = add_proxy(index, shape, &list);
    draw.tint = hair_tint;
    draw.recolour = true;
    const HairCut cut{value(hairline_recession, x), value(hair_length, x)};
    draw.fade.reserve(draw.position.size());
    for (const Vec3& p : draw.position) draw.fade.push_back(cut.left(p));
  }
  for (const std::uint16_t p : asset_.landmarks) list.landmarks.push_back(shape.point[p]);
  if (const GlassesStyle* style = glasses_[chosen(glasses, x)]; style != nullptr) add_glasses(*style, list.landmarks, &list);
  return list;
}

// Thicker brows: every point moves away from its side's middle line, which the landmarks of the brow give.
void HeadModel::add_brows(std::span<const float> x, const Shape& shape, DrawList* list) const {
  const std::size_t index = brow_[chosen(eyebrows, x)];
  std::vector<Vec3> point = fit_proxy(asset_.proxies[index], shape.point, shape.relaxed);
  const auto line = [&](float at, std::size_t first) {
    const auto mark = [&](std::size_t k) -> const Vec3& { return shape.point[asset_.landmarks[first + k]]; };
    std::size_t k = 0;
    while (k < 3 && at > mark(k + 1)[0]) ++k;
    const Vec3 &a = mark(k), &b = mark(k + 1);
    const float t = std::clamp((at - a[0]) / std::max(b[0] - a[0], 1e-3F), 0.0F, 1.0F);
    return a[1] + t * (b[1] - a[1]);
  };
  const float thickness = value(eyebrow_thickness, x);
  const float scale = std::exp2(0.8F * thickness);
  for (const bool left : {true, false}) {
    const std::size_t first = left ? 17 : 22;
    float sum = 0, count = 0;
    for (const Vec3& p : point) {
      if ((p[0] < 0) != left) continue;
      sum += p[1] - line(p[0], first);
      ++count;
    }
    const float mean = sum / std::max(count, 1.0F);
    for (Vec3& p : point) {
      if ((p[0] < 0) == left) p[1] += (scale - 1) * (p[1] - line(p[0], first) - mean);
    }
  }
  Draw& draw = add_points(index, point, list);
  // Brows are painted as single hairs with skin between them, so the same colour looks lighter on them.
  const float light = 0.6F * std::exp2(1.3F * value(eyebrow_lightness, x));
  draw.tint = hair_colour(x, 0.5F);
  for (float& c : draw.tint) c *= light;
  draw.recolour = true;
  draw.fade.assign(draw.position.size(), 1 + 0.35F * std::min(0.0F, thickness));
}

View HeadModel::view(std::span<const float> x) const {
  constexpr float kRadians = std::numbers::pi_v<float> / 180;
  View v;
  v.yaw = value(yaw, x) * kRadians;
  v.pitch = value(pitch, x) * kRadians;
  v.distance = value(camera_distance, x);
  v.light_side = value(light_side, x);
  v.light_height = value(light_height, x);
  v.light_strength = value(light_strength, x);
  v.light_warmth = value(light_warmth, x);
  v.background = value(background, x);
  return v;
}

void HeadModel::set_reference_frame(const Schema& schema) {
  const std::vector<float> x = schema.default_vector();
  const std::vector<Vec3> point = morph(x).point;
  const Projector projector(camera(), view(x));
  std::array<Vec2, 68> plane;
  for (std::size_t i = 0; i < plane.size(); ++i) plane[i] = Projector::plane(projector.eye(point[asset_.landmarks[i]]));
  const Vec2 left = middle(std::span(plane).subspan(36, 6)), right = middle(std::span(plane).subspan(42, 6));
  const float scale = kEyeDistance / std::max(1e-6F, std::hypot(right[0] - left[0], right[1] - left[1]));
  const Vec2 shift = {0.5F - scale * (left[0] + right[0]) / 2, kEyeLine - scale * (left[1] + right[1]) / 2};
  for (std::size_t i = 0; i < reference_.size(); ++i)
    reference_[i] = {scale * plane[kInner + i][0] + shift[0], scale * plane[kInner + i][1] + shift[1]};
}

Framing HeadModel::framing(std::span<const Vec3> landmarks, const View& view) const {
  const Projector projector(camera(), view);
  std::array<Vec2, 51> plane;
  for (std::size_t i = 0; i < plane.size(); ++i) plane[i] = Projector::plane(projector.eye(landmarks[kInner + i]));
  const Vec2 from = middle(plane), to = middle(reference_);
  float cross = 0, square = 0;
  for (std::size_t i = 0; i < plane.size(); ++i) {
    for (std::size_t c = 0; c < 2; ++c) {
      const float d = plane[i][c] - from[c];
      cross += d * (reference_[i][c] - to[c]);
      square += d * d;
    }
  }
  Framing framing;
  framing.scale = cross / std::max(square, 1e-12F);
  framing.shift = {to[0] - framing.scale * from[0], to[1] - framing.scale * from[1]};
  return framing;
}

}  // namespace likeness::scene
