#include "scene/shade.hpp"

#include <algorithm>
#include <cmath>

#include "image/color.hpp"

namespace likeness::scene {
namespace {

float dot(const Vec3& a, const Vec3& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

Vec3 normalise(const Vec3& v) {
  const float length = std::sqrt(std::max(dot(v, v), 1e-20F));
  return {v[0] / length, v[1] / length, v[2] / length};
}

Vec3 direction(float azimuth, float elevation) {
  return {std::sin(azimuth) * std::cos(elevation), std::sin(elevation), std::cos(azimuth) * std::cos(elevation)};
}

// x^(2^n), x clamped to [0, 1].
float power(float x, int n) {
  x = std::min(std::max(x, 0.0F), 1.0F);
  for (int i = 0; i < n; ++i) x *= x;
  return x;
}

// Lambert's law wrapped around the edge by w: light that is scattered under the surface leaves beyond the terminator.
float wrapped(float cosine, float w) { return std::max(0.0F, (cosine + w) / (1 + w)); }

constexpr float radians = 0.017453293F;

float limit(float v, float low, float high) { return std::min(high, std::max(low, v)); }
float mix(float a, float b, float t) { return a + (b - a) * t; }

// Ambient light in a hollow with what its own walls reflect (Jimenez et al. 2016, "Practical real-time strategies for accurate
// indirect occlusion", their fit).
float reflected(float open, float albedo) {
  const float a = 2.0404F * albedo - 0.3324F, b = -4.7951F * albedo + 0.6417F, c = 2.7552F * albedo + 0.6903F;
  return std::max(open, ((open * a + b) * open + c) * open);
}

}  // namespace

Lights::Lights(const View& view) {
  const float side = std::clamp(view.light_side, -1.0F, 1.0F), height = std::clamp(view.light_height, -1.0F, 1.0F);
  const float strength = std::clamp(view.light_strength, -1.0F, 1.0F), warmth = std::clamp(view.light_warmth, -1.0F, 1.0F);
  const float turn = std::fabs(side);
  const float standard = 38 - 8 * turn;
  lamps_[0].direction = direction(62 * radians * side, (height < 0 ? mix(standard, -22, -height) : mix(standard, 70, height)) * radians);
  lamps_[0].colour = {0.85F, 0.84F, 0.83F};
  // The fill comes from the other side; in the standard light from both, that is from the middle and below the key.
  lamps_[1].direction = direction(-40 * radians * side, 5 * radians);
  const float fill = 0.20F - 0.06F * turn;
  lamps_[1].colour = {fill * 0.95F, fill, fill * 1.08F};
  sky_ = {0.27F, 0.285F, 0.315F};
  ground_ = {0.18F, 0.16F, 0.15F};
  // What the key lamp gains the surroundings lose, so that the exposure stays that of a usable photo.
  const float key = strength < 0 ? mix(1, 0.15F, -strength) : mix(1, 1.35F, strength);
  const float around = strength < 0 ? mix(1, 1.65F, -strength) : mix(1, 0.45F, strength);
  // A lamp above lights less of the face than one before it; cameras expose for that.
  const float exposure = 1 + 0.12F * height;
  // Warm and cold light of about equal luminance.
  const Vec3 tone = warmth < 0 ? Vec3{mix(1, 0.84F, -warmth), mix(1, 1.01F, -warmth), mix(1, 1.24F, -warmth)}
                               : Vec3{mix(1, 1.17F, warmth), mix(1, 0.98F, warmth), mix(1, 0.70F, warmth)};
  for (std::size_t c = 0; c < 3; ++c) {
    const float gain = exposure * tone[c];
    lamps_[0].colour[c] *= gain * key;
    lamps_[1].colour[c] *= gain * around;
    sky_[c] *= gain * around;
    ground_[c] *= gain * around;
  }
  for (Lamp& lamp : lamps_) lamp.half = normalise({lamp.direction[0], lamp.direction[1], lamp.direction[2] + 1});
}

Vec3 corrected(Material material, const Vec3& albedo) {
  if (material == Material::skin) {
    // MakeHuman's skins are yellower than people in photos (green over blue 1.24 against 1.12 in sRGB), its dark ones brick red.
    constexpr Vec3 complexion = {1.05F, 1.0F, 1.13F};
    const float grey = luminance(albedo[0], albedo[1], albedo[2]);
    const float colourful = 0.74F + 0.26F * std::min(grey * 5, 1.0F);
    Vec3 skin;
    for (std::size_t c = 0; c < 3; ++c) skin[c] = complexion[c] * (grey + (albedo[c] - grey) * colourful);
    return skin;
  }
  // MakeHuman's brown irises are blood red in linear light.
  if (material == Material::eye) return {albedo[0], std::max(albedo[1], 0.40F * albedo[0]), std::max(albedo[2], 0.17F * albedo[0])};
  // Enamel lets the light of the mouth through: warmer than the texture in the bluish sky light.
  if (material == Material::teeth) return {albedo[0] * 1.26F, albedo[1] * 1.20F, albedo[2] * 1.10F};
  return albedo;
}

Vec3 Lights::ambient(const Vec3& normal, float occlusion) const {
  const float up = 0.5F + 0.5F * normal[1];
  Vec3 light;
  for (int c = 0; c < 3; ++c) light[c] = occlusion * mix(ground_[c], sky_[c], up);
  return light;
}

// Skin: the red light spreads farthest under the surface, so each channel has a wrap of its own; a broad and a narrow highlight.
Vec3 Lights::skin(const Fragment& f) const {
  constexpr Vec3 wrap = {0.38F, 0.24F, 0.20F};
  const Vec3 albedo = corrected(Material::skin, f.albedo);
  Vec3 arriving = ambient(f.normal, 1);
  for (std::size_t c = 0; c < 3; ++c) arriving[c] *= reflected(f.occlusion, std::min(albedo[c], 1.0F));
  const float open = 0.55F + 0.45F * f.occlusion;
  const float grazing = 1 - limit(f.normal[2], 0.0F, 1.0F);
  const float fresnel = (0.55F + 0.45F * grazing) * f.occlusion;
  Vec3 shine = {0, 0, 0};
  for (std::size_t i = 0; i < 2; ++i) {
    const Lamp& lamp = lamps_[i];
    // Shadows of the key lamp only: the fill is as broad as a wall.
    const float lit = open * (i == 0 ? f.shadow : 0.5F + 0.5F * f.shadow);
    const float cosine = dot(f.normal, lamp.direction);
    const float half = dot(f.normal, lamp.half);
    const float highlight = limit(4 * cosine, 0.0F, 1.0F) * fresnel * (0.045F * power(half, 4) + 0.09F * f.gloss * power(half, 5));
    for (std::size_t c = 0; c < 3; ++c) {
      // Light that seeps into a shadow's edge is red.
      const float seeped = c == 0 ? lit + 0.10F * (1 - f.shadow) * f.shadow : lit;
      arriving[c] += lamp.colour[c] * seeped * wrapped(cosine, wrap[c]);
      shine[c] += lamp.colour[c] * lit * highlight;
    }
  }
  Vec3 out;
  for (std::size_t c = 0; c < 3; ++c) out[c] = albedo[c] * arriving[c] + shine[c];
  return out;
}

// Unit direction of the strands: as they are painted as far as that agrees with hair that hangs down. Some locks are cut from the
// texture crosswise.
Vec3 strand_direction(const Vec3& painted, const Vec3& n) {
  const Vec3 hanging = normalise({-n[1] * n[0], 1 - n[1] * n[1] + 1e-4F, -n[1] * n[2]});
  const Vec3 along = normalise(painted);
  const float agreement = std::max(0.0F, along[0] * hanging[0] + along[1] * hanging[1] + along[2] * hanging[2]);
  const float share = agreement * agreement;
  return normalise({hanging[0] + share * (along[0] - hanging[0]), hanging[1] + share * (along[1] - hanging[1]),
                    hanging[2] + share * (along[2] - hanging[2])});
}

// Hair: wrapped diffuse light and two highlights across the strands, after Marschner et al. 2003 in the form of Scheuermann 2004:
// the first, from the strands' surface, white and nearer to the root; the second, from inside, in the hair's colour.
Vec3 Lights::hair(const Fragment& f) const {
  const Vec3& n = f.normal;
  const Vec3 t = strand_direction(f.strand, n);
  const float lean = f.lean;
  Vec3 light = ambient(n, f.occlusion);
  Vec3 white = {0, 0, 0}, tinted = {0, 0, 0};
  const float lit = f.shadow * (0.25F + 0.75F * f.occlusion);
  for (const Lamp& lamp : lamps_) {
    const float cosine = dot(n, lamp.direction);
    const float across = dot(n, lamp.half), along = dot(t, lamp.half);
    const float facing = limit(2 * cosine, 0.0F, 1.0F);
    const float first = along + (lean + 0.10F) * across, second = along + (lean - 0.14F) * across;
    const float narrow = facing * power(1 - first * first, 5), broad = facing * power(1 - second * second, 3);
    for (std::size_t c = 0; c < 3; ++c) {
      light[c] += lamp.colour[c] * lit * wrapped(cosine, 0.35F);
      white[c] += lamp.colour[c] * lit * narrow;
      tinted[c] += lamp.colour[c] * lit * broad;
    }
  }
  Vec3 out;
  for (std::size_t c = 0; c < 3; ++c)
    out[c] = f.albedo[c] * (0.88F * light[c] + 0.34F * tinted[c]) + (0.012F + 0.10F * f.albedo[c]) * white[c];
  return out;
}

// The eyeball: white of the eye and iris in one texture.
Vec3 Lights::eye(const Fragment& f) const {
  Fragment eye = f;
  eye.albedo = corrected(Material::eye, f.albedo);
  Vec3& a = eye.albedo;
  // The iris lies behind a lens: light that enters above leaves below.
  const float iris = limit(1 - 2.5F * luminance(a[0], a[1], a[2]), 0.0F, 1.0F);
  const float gathered = 1 - 0.15F * (1 - iris) - iris * (0.15F + 1.5F * f.normal[1]);
  for (float& c : a) c *= limit(gathered, 0.7F, 1.3F);
  // Towards the corners the ball turns away under the lids.
  eye.shadow *= 1 - 0.35F * (1 - f.normal[2]);
  return plain(eye, 0.5F, 0.05F);
}

Vec3 Lights::plain(const Fragment& f, float wrap, float gloss_level) const {
  Vec3 light = ambient(f.normal, f.occlusion);
  Vec3 shine = {0, 0, 0};
  for (const Lamp& lamp : lamps_) {
    const float cosine = dot(f.normal, lamp.direction);
    const float highlight = gloss_level * power(dot(f.normal, lamp.half), 6);
    for (int c = 0; c < 3; ++c) {
      light[c] += lamp.colour[c] * wrapped(cosine, wrap);
      shine[c] += lamp.colour[c] * highlight;
    }
  }
  Vec3 out;
  for (int c = 0; c < 3; ++c) out[c] = f.shadow * (f.albedo[c] * light[c] + f.occlusion * shine[c]);
  return out;
}

Vec3 Lights::gloss(const Vec3& normal) const {
  Vec3 out = {0, 0, 0};
  for (const Lamp& lamp : lamps_) {
    // A soft box of about eight degrees, with a crisp edge.
    const float inside = limit((dot(normal, lamp.half) - 0.9935F) * (1 / 0.003F), 0.0F, 1.0F);
    const float window = inside * inside * (3 - 2 * inside);
    for (int c = 0; c < 3; ++c) out[c] += lamp.colour[c] * (1.0F * window + 0.03F * power(dot(normal, lamp.half), 6));
  }
  return out;
}

Vec3 Lights::reflection(const Vec3& normal) const {
  const float facing = limit(normal[2], 0.0F, 1.0F);
  const float grazing = 1 - facing;
  const float fresnel = 0.04F + 0.96F * grazing * grazing * grazing * grazing * grazing;  // Schlick 1994, refraction index 1.5
  // The camera looks along -z: the mirrored direction is 2 (n . z) n - z.
  const Vec3 mirrored = {2 * facing * normal[0], 2 * facing * normal[1], 2 * facing * normal[2] - 1};
  Vec3 out = ambient(mirrored, 1);
  for (const Lamp& lamp : lamps_) {
    const float highlight = 14 * power(dot(normal, lamp.half), 9);
    for (int c = 0; c < 3; ++c) out[c] += lamp.colour[c] * highlight;
  }
  for (float& c : out) c = fresnel * c;
  return out;
}

Vec3 Lights::shade(const Fragment& fragment) const {
  switch (fragment.material) {
    case Material::skin:
      return skin(fragment);
    case Material::eye:
      return eye(fragment);
    case Material::teeth: {
      Fragment warm = fragment;
      warm.albedo = corrected(Material::teeth, fragment.albedo);
      return plain(warm, 0.4F, 0.14F);
    }
    case Material::tongue:
      return plain(fragment, 0.4F, 0.05F);
    case Material::lash:
      return plain(fragment, 0.5F, 0);
    case Material::glasses:
      return plain(fragment, 0.2F, 0.08F);
    case Material::brow:
    case Material::hair:
      break;
  }
  return hair(fragment);
}

Backdrop::Backdrop(float tone) : top_{0.150F, 0.172F, 0.198F}, bottom_{0.090F, 0.108F, 0.130F}, vignette_(0.30F) {
  tone = limit(tone, -1.0F, 1.0F);
  const float target = tone < 0 ? 0.002F : 0.93F;
  // Steps of tone that look alike: cube roots of linear light, as in CIE lightness.
  for (Vec3* colour : {&top_, &bottom_}) {
    for (float& c : *colour) {
      const float root = mix(std::cbrt(c), std::cbrt(target), std::fabs(tone));
      c = root * root * root;
    }
  }
  vignette_ *= 1 - std::fabs(tone);
}

Vec3 Backdrop::operator()(float x, float y) const {
  const float dx = x - 0.5F, dy = y - 0.5F;
  const float light = 1 - vignette_ * std::min(1.0F, 2 * (dx * dx + dy * dy));
  return {light * mix(top_[0], bottom_[0], y), light * mix(top_[1], bottom_[1], y), light * mix(top_[2], bottom_[2], y)};
}

Display::Display() {
  constexpr float knee = 0.8F;
  for (std::size_t i = 0; i < table_.size(); ++i) {
    const float x = limit * static_cast<float>(i) / steps;
    table_[i] = srgb8_from_linear(x < knee ? x : knee + (1 - knee) * (1 - std::exp(-(x - knee) / (1 - knee))));
  }
}

}  // namespace likeness::scene
