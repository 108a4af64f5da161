#include "scene/shade.hpp"

#include <algorithm>
#include <cmath>

#include "image/color.hpp"
#include "scene/clones.hpp"
#include "scene/vector.hpp"

namespace likeness::scene {
namespace {

Vec3 direction(float azimuth, float elevation) {
  return {std::sin(azimuth) * std::cos(elevation), std::sin(elevation), std::cos(azimuth) * std::cos(elevation)};
}

// Minimum and maximum by value, false for NaN, without calls: vector code needs these.
inline float least(float a, float b) { return a < b ? a : b; }
inline float most(float a, float b) { return a > b ? a : b; }
inline float within(float v) { return least(most(v, 0), 1); }

// x^(2^N), x clamped to [0, 1].
template <int N>
inline float power(float x) {
  x = within(x);
  for (int i = 0; i < N; ++i) x *= x;
  return x;
}

// The broad and the narrow highlight of skin at the cosine to the half vector.
inline float highlights(float half, float gloss) {
  const float broad = power<4>(half);
  return 0.045F * broad + 0.09F * gloss * broad * broad;
}

inline float inverse_length(float x, float y, float z) { return 1 / std::sqrt(most(x * x + y * y + z * z, 1e-12F)); }

// Lambert's law wrapped around the edge by w: light that is scattered under the surface leaves beyond the terminator.
inline float wrapped(float cosine, float w) { return most(0, (cosine + w) / (1 + w)); }

constexpr float radians = 0.017453293F;

inline float limit(float v, float low, float high) { return std::min(high, std::max(low, v)); }
inline float mix(float a, float b, float t) { return a + (b - a) * t; }

// Ambient light in a hollow with what its own walls reflect (Jimenez et al. 2016, "Practical real-time strategies for accurate
// indirect occlusion", their fit).
inline float reflected(float open, float albedo) {
  const float a = 2.0404F * albedo - 0.3324F, b = -4.7951F * albedo + 0.6417F, c = 2.7552F * albedo + 0.6903F;
  return most(open, ((open * a + b) * open + c) * open);
}

// MakeHuman's skins are yellower than people in photos (green over blue 1.24 against 1.12 in sRGB), its dark ones brick red.
constexpr Vec3 complexion = {1.05F, 1.0F, 1.13F};
inline float colour_share(float grey) { return 0.74F + 0.26F * least(grey * 5, 1); }

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
  for (Lamp& lamp : lamps_) lamp.half = normalised({lamp.direction[0], lamp.direction[1], lamp.direction[2] + 1});
}

Vec3 corrected(Material material, const Vec3& albedo) {
  if (material == Material::skin) {
    const float grey = luminance(albedo[0], albedo[1], albedo[2]), colourful = colour_share(grey);
    Vec3 skin;
    for (std::size_t c = 0; c < 3; ++c) skin[c] = complexion[c] * mix(grey, albedo[c], colourful);
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

LIKENESS_CLONES void FragmentLanes::normalise(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const float scale = inverse_length(normal[0][i], normal[1][i], normal[2][i]);
    normal[0][i] *= scale;
    normal[1][i] *= scale;
    normal[2][i] *= scale;
  }
}

// Skin: the red light spreads farthest under the surface, so each channel has a wrap of its own; a broad and a narrow highlight.
LIKENESS_CLONES void Lights::shade_skin(FragmentLanes& lanes, std::size_t count) const {
  constexpr Vec3 wrap = {0.38F, 0.24F, 0.20F};
  const Lamp key = lamps_[0], fill = lamps_[1];
  const Vec3 sky = sky_, ground = ground_;
  for (std::size_t i = 0; i < count; ++i) {
    const float nx = lanes.normal[0][i], ny = lanes.normal[1][i], nz = lanes.normal[2][i];
    const float occlusion = lanes.occlusion[i], shadow = lanes.shadow[i], gloss = lanes.gloss[i];
    const float red = lanes.albedo[0][i], green = lanes.albedo[1][i], blue = lanes.albedo[2][i];
    const float grey = luminance(red, green, blue);
    const float colourful = colour_share(grey);
    const float up = 0.5F + 0.5F * ny;
    const float open = 0.55F + 0.45F * occlusion;
    // Shadows of the key lamp only: the fill is as broad as a wall.
    const float key_lit = open * shadow, fill_lit = open * (0.5F + 0.5F * shadow);
    const float key_cosine = nx * key.direction[0] + ny * key.direction[1] + nz * key.direction[2];
    const float fill_cosine = nx * fill.direction[0] + ny * fill.direction[1] + nz * fill.direction[2];
    const float key_half = nx * key.half[0] + ny * key.half[1] + nz * key.half[2];
    const float fill_half = nx * fill.half[0] + ny * fill.half[1] + nz * fill.half[2];
    const float fresnel = (0.55F + 0.45F * (1 - within(nz))) * occlusion;
    const float key_shine = key_lit * within(4 * key_cosine) * fresnel * highlights(key_half, gloss);
    const float fill_shine = fill_lit * within(4 * fill_cosine) * fresnel * highlights(fill_half, gloss);
    // Light that seeps into a shadow's edge is red.
    const float seeped = 0.10F * (1 - shadow) * shadow;
    const auto channel = [&](float albedo, std::size_t c, float extra) {
      const float skin = complexion[c] * mix(grey, albedo, colourful);
      const float arriving = mix(ground[c], sky[c], up) * reflected(occlusion, least(skin, 1)) +
                             key.colour[c] * (key_lit + extra) * wrapped(key_cosine, wrap[c]) +
                             fill.colour[c] * (fill_lit + extra) * wrapped(fill_cosine, wrap[c]);
      return skin * arriving + key.colour[c] * key_shine + fill.colour[c] * fill_shine;
    };
    lanes.light[0][i] = channel(red, 0, seeped);
    lanes.light[1][i] = channel(green, 1, 0);
    lanes.light[2][i] = channel(blue, 2, 0);
  }
}

// Hair: wrapped diffuse light and two highlights across the strands, after Marschner et al. 2003 in the form of Scheuermann 2004:
// the first, from the strands' surface, white and nearer to the root; the second, from inside, in the hair's colour. Strands run as
// they are painted as far as that agrees with hair that hangs down: some locks are cut from the texture crosswise.
LIKENESS_CLONES void Lights::shade_hair(FragmentLanes& lanes, std::size_t count) const {
  const Lamp key = lamps_[0], fill = lamps_[1];
  const Vec3 sky = sky_, ground = ground_;
  for (std::size_t i = 0; i < count; ++i) {
    const float nx = lanes.normal[0][i], ny = lanes.normal[1][i], nz = lanes.normal[2][i];
    const float px = lanes.strand[0][i], py = lanes.strand[1][i], pz = lanes.strand[2][i];
    const float painted = inverse_length(px, py, pz);
    const float hx = -ny * nx, hy = 1 - ny * ny + 1e-4F, hz = -ny * nz;
    const float hanging = inverse_length(hx, hy, hz);
    const float agreement = most(painted * hanging * (px * hx + py * hy + pz * hz), 0);
    const float share = agreement * agreement * painted, rest = (1 - agreement * agreement) * hanging;
    float tx = rest * hx + share * px, ty = rest * hy + share * py, tz = rest * hz + share * pz;
    const float unit = inverse_length(tx, ty, tz);
    tx *= unit;
    ty *= unit;
    tz *= unit;
    const float lean = lanes.lean[i], up = 0.5F + 0.5F * ny;
    const float occlusion = lanes.occlusion[i], lit = lanes.shadow[i] * (0.25F + 0.75F * occlusion);
    const auto lamp_light = [&](const Lamp& lamp, float& diffuse, float& white, float& tinted) {
      const float cosine = nx * lamp.direction[0] + ny * lamp.direction[1] + nz * lamp.direction[2];
      const float across = nx * lamp.half[0] + ny * lamp.half[1] + nz * lamp.half[2];
      const float along = tx * lamp.half[0] + ty * lamp.half[1] + tz * lamp.half[2];
      const float facing = lit * within(2 * cosine);
      const float first = along + (lean + 0.10F) * across, second = along + (lean - 0.14F) * across;
      diffuse = lit * wrapped(cosine, 0.35F);
      white = facing * power<5>(1 - first * first);
      tinted = facing * power<3>(1 - second * second);
    };
    float key_diffuse, key_white, key_tinted, fill_diffuse, fill_white, fill_tinted;
    lamp_light(key, key_diffuse, key_white, key_tinted);
    lamp_light(fill, fill_diffuse, fill_white, fill_tinted);
    for (std::size_t c = 0; c < 3; ++c) {
      const float albedo = lanes.albedo[c][i];
      const float light = occlusion * mix(ground[c], sky[c], up) + key.colour[c] * key_diffuse + fill.colour[c] * fill_diffuse;
      const float white = key.colour[c] * key_white + fill.colour[c] * fill_white;
      const float tinted = key.colour[c] * key_tinted + fill.colour[c] * fill_tinted;
      lanes.light[c][i] = albedo * (0.88F * light + 0.34F * tinted) + (0.012F + 0.10F * albedo) * white;
    }
  }
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
    const float highlight = gloss_level * power<6>(dot(f.normal, lamp.half));
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
    for (int c = 0; c < 3; ++c) out[c] += lamp.colour[c] * (1.0F * window + 0.03F * power<6>(dot(normal, lamp.half)));
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
    const float highlight = 14 * power<9>(dot(normal, lamp.half));
    for (int c = 0; c < 3; ++c) out[c] += lamp.colour[c] * highlight;
  }
  for (float& c : out) c = fresnel * c;
  return out;
}

Vec3 Lights::shade_one(const Fragment& fragment, void (Lights::*shader)(FragmentLanes&, std::size_t) const) const {
  FragmentLanes lanes;
  lanes.put(0, fragment);
  (this->*shader)(lanes, 1);
  return {lanes.light[0][0], lanes.light[1][0], lanes.light[2][0]};
}

Vec3 Lights::shade(const Fragment& fragment) const {
  switch (fragment.material) {
    case Material::skin:
      return shade_one(fragment, &Lights::shade_skin);
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
  return shade_one(fragment, &Lights::shade_hair);
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

LIKENESS_CLONES void Backdrop::row(int y, int size, std::vector<Vec3>& out) const {
  out.resize(static_cast<std::size_t>(size));
  const float scale = 1 / static_cast<float>(size), down = (static_cast<float>(y) + 0.5F) * scale, dy = down - 0.5F;
  const float vignette = vignette_;
  const Vec3 tone = {mix(top_[0], bottom_[0], down), mix(top_[1], bottom_[1], down), mix(top_[2], bottom_[2], down)};
  Vec3* __restrict to = out.data();
  for (int x = 0; x < size; ++x) {
    const float dx = (static_cast<float>(x) + 0.5F) * scale - 0.5F;
    const float light = 1 - vignette * least(1.0F, 2 * (dx * dx + dy * dy));
    to[x] = {light * tone[0], light * tone[1], light * tone[2]};
  }
}

Display::Display() {
  constexpr float knee = 0.8F;
  for (std::size_t i = 0; i < table_.size(); ++i) {
    const float x = limit * static_cast<float>(i) / steps;
    table_[i] = srgb8_from_linear(x < knee ? x : knee + (1 - knee) * (1 - std::exp(-(x - knee) / (1 - knee))));
  }
}

LIKENESS_CLONES void Display::encode(const float* linear, std::size_t count, std::uint8_t* out) const {
  constexpr std::size_t some = 256;
  std::array<std::int32_t, some> index;
  for (std::size_t first = 0; first < count; first += some) {
    const std::size_t n = std::min(some, count - first);
    for (std::size_t i = 0; i < n; ++i) {
      // Comparisons that are false for NaN keep the index in range.
      const float x = linear[first + i] > 0 ? least(linear[first + i], limit) : 0.0F;
      index[i] = static_cast<std::int32_t>(x * (steps / limit) + 0.5F);
    }
    for (std::size_t i = 0; i < n; ++i) out[first + i] = table_[static_cast<std::size_t>(index[i])];
  }
}

}  // namespace likeness::scene
