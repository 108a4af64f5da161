// Points that wait to be shaded, many of a kind at a time.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "scene/shade.hpp"

namespace likeness::scene {

/// Shades fragments and adds their light to pixels. Skin and hair wait until there are enough for vector code, or until flush().
class LightQueue {
 public:
  /// `pixels` receives the light; both must outlive the queue.
  LightQueue(const Lights& lights, std::vector<Vec3>& pixels) : lights_(lights), pixels_(pixels) {}

  /// Adds `amount` times the light that `fragment` sends to the camera to `pixel`, now or later.
  void add(const Fragment& fragment, float amount, std::size_t pixel) {
    if (fragment.material == Material::skin) {
      wait(skin_, fragment, amount, pixel, &Lights::shade_skin);
    } else if (fragment.material == Material::hair || fragment.material == Material::brow) {
      wait(hair_, fragment, amount, pixel, &Lights::shade_hair);
    } else {
      add_light(lights_.shade(fragment), amount, pixel);
    }
  }
  void add_light(const Vec3& light, float amount, std::size_t pixel) {
    for (std::size_t c = 0; c < 3; ++c) pixels_[pixel][c] += amount * light[c];
  }
  void flush() {
    shade(skin_, &Lights::shade_skin);
    shade(hair_, &Lights::shade_hair);
  }

 private:
  using Shader = void (Lights::*)(FragmentLanes&, std::size_t) const;
  struct Waiting {
    FragmentLanes lanes;
    FragmentLanes::Lane amount;
    std::array<std::size_t, FragmentLanes::size> pixel;
    std::size_t count = 0;
  };

  void wait(Waiting& waiting, const Fragment& fragment, float amount, std::size_t pixel, Shader shader) {
    waiting.lanes.put(waiting.count, fragment);
    waiting.amount[waiting.count] = amount;
    waiting.pixel[waiting.count++] = pixel;
    if (waiting.count == FragmentLanes::size) shade(waiting, shader);
  }
  void shade(Waiting& waiting, Shader shader) {
    (lights_.*shader)(waiting.lanes, waiting.count);
    const auto& light = waiting.lanes.light;
    for (std::size_t i = 0; i < waiting.count; ++i) add_light({light[0][i], light[1][i], light[2][i]}, waiting.amount[i], waiting.pixel[i]);
    waiting.count = 0;
  }

  const Lights& lights_;
  std::vector<Vec3>& pixels_;
  Waiting skin_, hair_;
};

}  // namespace likeness::scene
