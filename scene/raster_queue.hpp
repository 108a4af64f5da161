// Points that wait to be shaded, many of a kind at a time.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "scene/shade.hpp"
#include "scene/texture.hpp"

namespace likeness::scene {

/// Shades fragments and adds their light to pixels. Skin and hair wait until there are enough for vector code, or until flush().
class LightQueue {
 public:
  /// `pixels` receives the light; both must outlive the queue.
  LightQueue(const Lights& lights, std::vector<Vec3>& pixels) : lights_(lights), pixels_(pixels) {}

  /// Adds `amount` times the light that `fragment` sends to the camera to `pixel`, now or later. Hair's normal may have any length.
  void add(const Fragment& fragment, float amount, std::size_t pixel) {
    if (fragment.material == Material::hair || fragment.material == Material::brow) {
      put(hair_, fragment, amount, pixel);
      if (hair_.count == FragmentLanes::size) flush_hair();
    } else {
      add_light(lights_.shade(fragment), amount, pixel);
    }
  }
  /// The same for skin. Its albedo, a tint, is multiplied by `texture` at uv, unless that is nullptr; normals may have any length.
  void add_skin(const Fragment& fragment, const SmoothTexture* texture, const Vec2& uv, float amount, std::size_t pixel) {
    if (texture != texture_) flush_skin();
    texture_ = texture;
    u_[skin_.count] = uv[0];
    v_[skin_.count] = uv[1];
    put(skin_, fragment, amount, pixel);
    if (skin_.count == FragmentLanes::size) flush_skin();
  }
  void add_light(const Vec3& light, float amount, std::size_t pixel) {
    for (std::size_t c = 0; c < 3; ++c) pixels_[pixel][c] += amount * light[c];
  }
  void flush() {
    flush_skin();
    flush_hair();
  }

 private:
  struct Waiting {
    FragmentLanes lanes;
    FragmentLanes::Lane amount;
    std::array<std::size_t, FragmentLanes::size> pixel;
    std::size_t count = 0;
  };

  void put(Waiting& waiting, const Fragment& fragment, float amount, std::size_t pixel) {
    waiting.lanes.put(waiting.count, fragment);
    waiting.amount[waiting.count] = amount;
    waiting.pixel[waiting.count++] = pixel;
  }
  void flush_skin() {
    if (texture_ != nullptr) texture_->tint(u_, v_, skin_.count, skin_.lanes.albedo);
    skin_.lanes.normalise(skin_.count);
    lights_.shade_skin(skin_.lanes, skin_.count);
    add_lights(skin_);
  }
  void flush_hair() {
    hair_.lanes.normalise(hair_.count);
    lights_.shade_hair(hair_.lanes, hair_.count);
    add_lights(hair_);
  }
  void add_lights(Waiting& waiting) {
    const auto& light = waiting.lanes.light;
    for (std::size_t i = 0; i < waiting.count; ++i) add_light({light[0][i], light[1][i], light[2][i]}, waiting.amount[i], waiting.pixel[i]);
    waiting.count = 0;
  }

  const Lights& lights_;
  std::vector<Vec3>& pixels_;
  Waiting skin_, hair_;
  const SmoothTexture* texture_ = nullptr;  // of all the skin that waits
  FragmentLanes::Lane u_, v_;
};

}  // namespace likeness::scene
