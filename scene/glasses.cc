#include "scene/glasses.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "scene/random.hpp"
#include "scene/vector.hpp"

namespace likeness::scene {
namespace {

constexpr int kAround = 48;  // points of a rim
constexpr int kTube = 6;     // sides of its section
constexpr Vec3 kBlack = {0.02F, 0.018F, 0.016F}, kMetal = {0.45F, 0.40F, 0.32F}, kSteel = {0.12F, 0.11F, 0.10F},
               kTortoiseshell = {0.10F, 0.045F, 0.02F};

Vec3 mean(std::span<const Vec3> points) {
  Vec3 sum{};
  for (const Vec3& p : points) {
    for (std::size_t c = 0; c < 3; ++c) sum[c] += p[c] / static_cast<float>(points.size());
  }
  return sum;
}

// A tube along a line of points, `tall` times as high as deep.
void add_tube(std::span<const Vec3> line, bool closed, float radius, float tall, Draw* draw) {
  const std::size_t n = line.size();
  const auto first = static_cast<std::uint32_t>(draw->position.size());
  for (std::size_t i = 0; i < n; ++i) {
    const Vec3& before = line[i > 0 ? i - 1 : closed ? n - 1 : 0];
    const Vec3& after = line[i + 1 < n ? i + 1 : closed ? 0 : n - 1];
    const Vec3 along = normalised({after[0] - before[0], after[1] - before[1], after[2] - before[2]});
    // The section's axes: as far as possible upwards and to the front.
    const Vec3 help = std::abs(along[2]) < 0.9F ? Vec3{0, 0, 1} : Vec3{1, 0, 0};
    const Vec3 wide = normalised(cross(along, help));
    const Vec3 deep = cross(wide, along);
    for (int k = 0; k < kTube; ++k) {
      const float angle = 2 * std::numbers::pi_v<float> * static_cast<float>(k) / kTube;
      const float a = std::cos(angle), b = std::sin(angle);
      Vec3 p{}, normal{};
      for (std::size_t c = 0; c < 3; ++c) {
        p[c] = line[i][c] + radius * (tall * a * wide[c] + b * deep[c]);
        normal[c] = a * wide[c] + b * deep[c];
      }
      draw->position.push_back(p);
      draw->normal.push_back(normalised(normal));
      draw->uv.push_back({0, 0});
    }
  }
  const auto point = [&](std::size_t i, int k) {
    return first + static_cast<std::uint32_t>((i % n) * kTube) + static_cast<std::uint32_t>(k % kTube);
  };
  for (std::size_t i = 0; i + (closed ? 0 : 1) < n; ++i) {
    for (int k = 0; k < kTube; ++k) {
      draw->triangle.insert(draw->triangle.end(), {point(i, k), point(i + 1, k), point(i, k + 1)});
      draw->triangle.insert(draw->triangle.end(), {point(i, k + 1), point(i + 1, k), point(i + 1, k + 1)});
    }
  }
}

void add_lens(std::span<const Vec3> rim, const Vec3& centre, Draw* draw) {
  const auto first = static_cast<std::uint32_t>(draw->position.size());
  const auto put = [&](const Vec3& p) {
    draw->position.push_back(p);
    // Slightly bulging, so that the reflection of a lamp is a spot.
    draw->normal.push_back(normalised({0.8F * (p[0] - centre[0]) + 0.15F * centre[0], 0.8F * (p[1] - centre[1]), 1}));
    draw->uv.push_back({0.5F, 0.5F});
  };
  put(centre);
  for (const Vec3& p : rim) put(p);
  const auto n = static_cast<std::uint32_t>(rim.size());
  for (std::uint32_t i = 0; i < n; ++i) draw->triangle.insert(draw->triangle.end(), {first, first + 1 + i, first + 1 + (i + 1) % n});
}

}  // namespace

const GlassesStyle* glasses_style(std::string_view name) {
  struct Named {
    std::string_view name;
    GlassesStyle style;
  };
  constexpr std::array<std::uint8_t, 4> kClear = {40, 40, 44, 16};
  static constexpr std::array<Named, 5> kStyles = {{{"rectangular", {0.39F, 0.68F, 3.5F, 0.12F, 0.018F, kBlack, kClear}},
                                                    {"narrow", {0.38F, 0.60F, 3.5F, 0.12F, 0.011F, kBlack, kClear}},
                                                    {"round", {0.40F, 0.88F, 2.3F, 0.15F, 0.016F, kBlack, kClear}},
                                                    {"tortoiseshell", {0.39F, 0.80F, 2.6F, 0.15F, 0.016F, kTortoiseshell, kClear}},
                                                    {"metal", {0.39F, 0.64F, 3.0F, 0.12F, 0.008F, kSteel, kClear}}}};
  const auto found = std::ranges::find(kStyles, name, &Named::name);
  return found == kStyles.end() ? nullptr : &found->style;
}

GlassesStyle random_glasses(std::uint64_t seed) {
  Random random(seed, 0);
  const auto between = [&random](double low, double high) { return static_cast<float>(low + (high - low) * random.uniform()); };
  GlassesStyle style;
  style.half_width = between(0.34, 0.44);
  style.aspect = between(0.55, 0.95);
  style.exponent = between(2, 4.5);
  style.drop = between(0, 0.25);
  style.radius = between(0.006, 0.022);
  const float kind = between(0, 1);
  style.frame = kind < 0.35F ? kMetal : kind > 0.8F ? kTortoiseshell : kBlack;
  const bool dark = random.chance(0.12);
  style.lens = {40, 40, 44, static_cast<std::uint8_t>(dark ? between(140, 245) : between(8, 40))};
  return style;
}

void add_glasses(const GlassesStyle& style, std::span<const Vec3> landmarks, DrawList* list) {
  const Vec3 left = mean(landmarks.subspan(36, 6)), right = mean(landmarks.subspan(42, 6));
  const float apart = right[0] - left[0];
  const float half_width = apart * style.half_width, half_height = half_width * style.aspect;
  const float drop = half_height * style.drop;
  // Before everything that they must not cut into.
  float front = left[2];
  for (std::size_t i = 17; i < 28; ++i) front = std::max(front, landmarks[i][2]);
  front += 0.06F;
  const float middle = (left[0] + right[0]) / 2;
  const auto bent = [&](float x) { return front - 0.22F * (x - middle) * (x - middle); };

  Draw frame, lens;
  frame.material = lens.material = Material::glasses;
  frame.tint = style.frame;
  for (const Vec3& eye : {left, right}) {
    const Vec3 centre = {eye[0], eye[1] - drop, bent(eye[0])};
    std::vector<Vec3> rim;
    for (int i = 0; i < kAround; ++i) {
      const float angle = 2 * std::numbers::pi_v<float> * static_cast<float>(i) / kAround;
      const float c = std::cos(angle), s = std::sin(angle);
      const float x = centre[0] + half_width * std::copysign(std::pow(std::abs(c), 2 / style.exponent), c);
      rim.push_back({x, centre[1] + half_height * std::copysign(std::pow(std::abs(s), 2 / style.exponent), s), bent(x)});
    }
    add_lens(rim, centre, &lens);
    add_tube(rim, true, style.radius, 1, &frame);
    const bool is_left = eye[0] < middle;
    const Vec3& ear = landmarks[is_left ? 0 : 16];
    const float side = is_left ? -1.0F : 1.0F;
    const float height = centre[1] + 0.45F * half_height;
    const std::array<Vec3, 3> temple = {{{centre[0] + side * half_width, height, bent(centre[0] + side * half_width)},
                                         {centre[0] + side * (half_width + 0.04F), height, bent(centre[0] + side * half_width) - 0.05F},
                                         {ear[0] + side * 0.05F, height, ear[2] - 0.15F}}};
    add_tube(temple, false, std::max(style.radius, 0.012F), 1.4F, &frame);
  }
  const float inner = std::min(half_width, apart / 2 - 0.02F);
  const float bridge = (left[1] + right[1]) / 2 - drop + 0.3F * half_height;
  const std::array<Vec3, 3> line = {{{left[0] + inner, bridge, bent(left[0] + inner)},
                                     {middle, bridge + 0.03F, front + 0.02F},
                                     {right[0] - inner, bridge, bent(right[0] - inner)}}};
  add_tube(line, false, style.radius, 1.2F, &frame);
  auto glass = std::make_unique<Texture>();
  glass->width = glass->height = 1;
  glass->rgba.assign(style.lens.begin(), style.lens.end());
  lens.texture = glass.get();
  list->textures.push_back(std::move(glass));
  list->draws.push_back(std::move(lens));
  list->draws.push_back(std::move(frame));
}

}  // namespace likeness::scene
