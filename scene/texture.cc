#include "scene/texture.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "image/color.hpp"
#include "scene/clones.hpp"

namespace likeness::scene {
namespace {

// Size and place of one level inside Texture::rgba.
struct Level {
  int width, height;
  std::size_t first;  // byte
};

Level level_at(const Texture& texture, int level) {
  Level l{texture.width, texture.height, 0};
  for (int i = 0; i < level; ++i) {
    l.first += std::size_t{4} * static_cast<std::size_t>(l.width) * static_cast<std::size_t>(l.height);
    l.width = std::max(1, l.width / 2);
    l.height = std::max(1, l.height / 2);
  }
  return l;
}

const std::uint8_t* texel(const Texture& texture, const Level& level, int x, int y) {
  x = std::clamp(x, 0, level.width - 1);
  y = std::clamp(y, 0, level.height - 1);
  return texture.rgba.data() + level.first + std::size_t{4} * (static_cast<std::size_t>(y) * level.width + x);
}

bool empty(const Texture& texture) {
  return texture.width <= 0 || texture.height <= 0 || texture.rgba.size() < std::size_t{4} * texture.width * texture.height;
}

// Without the calls and branches of std::clamp and std::floor on plain x86-64.
float limit(float v, float low, float high) { return std::min(high, std::max(low, v)); }
float floor_of(float v) {
  const auto whole = static_cast<float>(static_cast<int>(v));
  return whole > v ? whole - 1 : whole;
}

// Weights of Catmull-Rom for the texels at -1, 0, 1, 2 and a position t in [0, 1) between 0 and 1.
std::array<float, 4> catmull_rom(float t) {
  const float t2 = t * t;
  const float t3 = t2 * t;
  return {0.5F * (-t3 + 2 * t2 - t), 0.5F * (3 * t3 - 5 * t2 + 2), 0.5F * (-3 * t3 + 4 * t2 + t), 0.5F * (t3 - t2)};
}

}  // namespace

void add_levels(Texture& texture) {
  if (empty(texture) || texture.levels > 1) return;
  texture.mean_luminance = measure_luminance(texture);
  const auto& linear = srgb_to_linear_table();
  while (true) {
    const Level from = level_at(texture, texture.levels - 1);
    if (std::min(from.width, from.height) < 8) return;
    const int width = from.width / 2;
    const int height = from.height / 2;
    std::vector<std::uint8_t> half;
    half.reserve(std::size_t{4} * static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        float sum[3] = {}, alpha = 0;
        for (int k = 0; k < 4; ++k) {
          const std::uint8_t* t = texel(texture, from, 2 * x + k % 2, 2 * y + k / 2);
          // A little weight for transparent texels, so that a wholly transparent block keeps a colour.
          const float weight = static_cast<float>(t[3]) + 1e-3F;
          for (int c = 0; c < 3; ++c) sum[c] += weight * linear[t[c]];
          alpha += weight;
        }
        for (const float s : sum) half.push_back(srgb8_from_linear(s / alpha));
        half.push_back(static_cast<std::uint8_t>(alpha / 4 + 0.5F));
      }
    }
    texture.rgba.insert(texture.rgba.end(), half.begin(), half.end());
    ++texture.levels;
  }
}

float measure_luminance(const Texture& texture) {
  if (empty(texture)) return 1;
  const auto& linear = srgb_to_linear_table();
  double sum = 0, weight = 0;
  const std::size_t count = static_cast<std::size_t>(texture.width) * static_cast<std::size_t>(texture.height);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* t = texture.rgba.data() + 4 * i;
    sum += static_cast<double>(t[3]) * luminance(linear[t[0]], linear[t[1]], linear[t[2]]);
    weight += t[3];
  }
  return weight > 0 && sum > 0 ? static_cast<float>(sum / weight) : 1.0F;
}

TextureLevel level_of(const Texture& texture, int level) {
  if (empty(texture)) return {};
  const Level l = level_at(texture, std::clamp(level, 0, texture.levels - 1));
  return {texture.rgba.data() + l.first, texture.grey.empty() ? nullptr : texture.grey.data() + l.first / 4, l.width, l.height};
}

namespace {

// Where the four texels around (u, v) are, in texels from the start of the level, and their weights. Edges are clamped.
struct Corners {
  std::array<std::size_t, 4> at;
  std::array<float, 4> weight;
};

inline Corners corners_at(const TextureLevel& level, float u, float v) {
  const float x = limit(u, 0, 1) * static_cast<float>(level.width) - 0.5F;
  const float y = (1 - limit(v, 0, 1)) * static_cast<float>(level.height) - 0.5F;
  const float fx = floor_of(x), fy = floor_of(y);
  const float tx = x - fx, ty = y - fy;
  const int ix = static_cast<int>(fx), iy = static_cast<int>(fy);
  const auto left = static_cast<std::size_t>(std::max(ix, 0)), right = static_cast<std::size_t>(std::min(ix + 1, level.width - 1));
  const std::size_t top = static_cast<std::size_t>(std::max(iy, 0)) * static_cast<std::size_t>(level.width);
  const std::size_t bottom = static_cast<std::size_t>(std::min(iy + 1, level.height - 1)) * static_cast<std::size_t>(level.width);
  return {{top + left, top + right, bottom + left, bottom + right}, {(1 - tx) * (1 - ty), tx * (1 - ty), (1 - tx) * ty, tx * ty}};
}

}  // namespace

Colour sample_bilinear(const TextureLevel& level, float u, float v) {
  if (level.rgba == nullptr) return {1, 1, 1, 1};
  const Corners corners = corners_at(level, u, v);
  const auto& linear = srgb_to_linear_table();
  float red = 0, green = 0, blue = 0, alpha = 0;
  for (std::size_t k = 0; k < 4; ++k) {
    const std::uint8_t* t = level.rgba + 4 * corners.at[k];
    const float weight = corners.weight[k] * (static_cast<float>(t[3]) + 1e-3F);
    red += weight * linear[t[0]];
    green += weight * linear[t[1]];
    blue += weight * linear[t[2]];
    alpha += weight;
  }
  const float inverse = 1 / std::max(alpha, 1e-6F);
  return {red * inverse, green * inverse, blue * inverse, std::min(alpha * (1.0F / 255), 1.0F)};
}

namespace {

LIKENESS_CLONES void read_grey(const TextureLevel& level, std::size_t count, GreySamples& samples) {
  const std::uint32_t* texels = level.grey;
  const int width = level.width, right_edge = level.width - 1, bottom_edge = level.height - 1;
  const auto columns = static_cast<float>(level.width), rows = static_cast<float>(level.height);
  for (std::size_t i = 0; i < count; ++i) {
    const float x = limit(samples.u[i], 0, 1) * columns - 0.5F, y = (1 - limit(samples.v[i], 0, 1)) * rows - 0.5F;
    const float fx = floor_of(x), fy = floor_of(y);
    const float tx = x - fx, ty = y - fy;
    const int ix = static_cast<int>(fx), iy = static_cast<int>(fy);
    const int left = ix > 0 ? ix : 0, right = ix < right_edge ? ix + 1 : right_edge;
    const int top = (iy > 0 ? iy : 0) * width, bottom = (iy < bottom_edge ? iy + 1 : bottom_edge) * width;
    const std::uint32_t a = texels[top + left], b = texels[top + right], c = texels[bottom + left], d = texels[bottom + right];
    const float wa = (1 - tx) * (1 - ty), wb = tx * (1 - ty), wc = (1 - tx) * ty, wd = tx * ty;
    const auto low = [](std::uint32_t t) { return static_cast<float>(static_cast<int>(t & 0xFFFFU)); };
    const auto high = [](std::uint32_t t) { return static_cast<float>(static_cast<int>(t >> 16)); };
    const float light = wa * low(a) + wb * low(b) + wc * low(c) + wd * low(d);
    const float alpha = wa * high(a) + wb * high(b) + wc * high(c) + wd * high(d);
    samples.luminance[i] = light / (alpha > 1e-3F ? alpha : 1e-3F);
    samples.alpha[i] = alpha * (1.0F / 65535);
  }
}

}  // namespace

void sample_grey(const TextureLevel& level, std::size_t count, GreySamples& samples) {
  if (level.grey != nullptr) return read_grey(level, count, samples);
  for (std::size_t i = 0; i < count; ++i) {
    const Colour c = sample_bilinear(level, samples.u[i], samples.v[i]);
    samples.luminance[i] = luminance(c[0], c[1], c[2]);
    samples.alpha[i] = c[3];
  }
}

void add_grey(Texture& texture) {
  const auto& linear = srgb_to_linear_table();
  texture.grey.clear();
  texture.grey.reserve(texture.rgba.size() / 4);
  for (std::size_t i = 0; i + 3 < texture.rgba.size(); i += 4) {
    const std::uint8_t* t = texture.rgba.data() + i;
    const std::uint32_t alpha = 257U * t[3];
    const float light = luminance(linear[t[0]], linear[t[1]], linear[t[2]]) * static_cast<float>(alpha);
    texture.grey.push_back(static_cast<std::uint32_t>(light + 0.5F) | alpha << 16);
  }
}

float nearest_alpha(const Texture& texture, float u, float v) {
  if (empty(texture)) return 1;
  const int x = static_cast<int>(limit(u, 0, 1) * static_cast<float>(texture.width));
  const int y = static_cast<int>((1 - limit(v, 0, 1)) * static_cast<float>(texture.height));
  return static_cast<float>(texel(texture, level_at(texture, 0), x, y)[3]) * (1.0F / 255);
}

Texture as_srgb(const Texture& texture) {
  if (texture.linear.empty()) return texture;
  Texture out;
  out.width = texture.width;
  out.height = texture.height;
  out.rgba.reserve(texture.linear.size());
  for (std::size_t i = 0; i < texture.linear.size(); ++i) {
    const float value = static_cast<float>(texture.linear[i]) * (1.0F / 65535);
    out.rgba.push_back(i % 4 == 3 ? std::uint8_t{255} : srgb8_from_linear(value));
  }
  return out;
}

Tint::Tint(const Draw& draw) : factor_(draw.tint), recolour_(draw.recolour) {
  if (!recolour_ || draw.texture == nullptr) return;
  inverse_mean_ = 1 / (draw.texture->mean_luminance > 0 ? draw.texture->mean_luminance : measure_luminance(*draw.texture));
}

bool is_cornea(const Draw& draw, const std::array<std::uint32_t, 3>& vertex) {
  if (draw.texture == nullptr) return false;
  Vec2 sum = {0, 0};
  for (const std::uint32_t v : vertex) {
    for (std::size_t k = 0; k < 2; ++k) sum[k] += draw.uv[v][k];
  }
  return sample_bilinear(level_of(*draw.texture, 0), sum[0] / 3, sum[1] / 3)[3] < 0.5F;
}

SmoothTexture::SmoothTexture(const Texture& texture, Vec2 low, Vec2 high)
    : width_(static_cast<float>(texture.width)), height_(static_cast<float>(texture.height)) {
  if (!texture.linear.empty() && std::min(texture.width, texture.height) >= 4) {
    columns_ = texture.width;
    rows_ = texture.height;
    texels_ = texture.linear.data();
    return;
  }
  if (empty(texture)) return;
  const auto column = [&](float u) { return static_cast<int>(floor_of(limit(u, 0, 1) * width_ - 0.5F)); };
  const auto line = [&](float v) { return static_cast<int>(floor_of((1 - limit(v, 0, 1)) * height_ - 0.5F)); };
  // Two texels more on each side, for the reach of the filter; the edge of the texture is repeated there.
  x0_ = column(low[0]) - 2;
  y0_ = line(high[1]) - 2;
  columns_ = std::max(column(high[0]) + 4 - x0_, 4);
  rows_ = std::max(line(low[1]) + 4 - y0_, 4);
  converted_.reserve(std::size_t{4} * static_cast<std::size_t>(columns_) * static_cast<std::size_t>(rows_));
  const auto& linear = srgb_to_linear_table();
  const Level level{texture.width, texture.height, 0};
  for (int y = 0; y < rows_; ++y) {
    for (int x = 0; x < columns_; ++x) {
      const std::uint8_t* t = texel(texture, level, x0_ + x, y0_ + y);
      for (int c = 0; c < 3; ++c) converted_.push_back(static_cast<std::uint16_t>(linear[t[c]] * 65535 + 0.5F));
      converted_.push_back(65535);
    }
  }
  texels_ = converted_.data();
}

namespace {

// Places in a texture that wait to be read, one after the other in each array.
struct Places {
  static constexpr std::size_t size = 128;
  std::array<std::uint32_t, size> first;                // the number of the first of 4 x 4 texels
  std::array<std::array<float, 4>, size> across, down;  // weights of their columns and rows
  std::array<Colour, size> colour;
};

// Fills the colours, not yet divided by 65535. These loops become vector code; `stride`: numbers a row of texels.
LIKENESS_CLONES void mix_texels(const std::uint16_t* texels, std::size_t stride, std::size_t count, Places& places) {
  for (std::size_t p = 0; p < count; ++p) {
    const std::uint16_t* r0 = texels + std::size_t{4} * places.first[p];
    const std::uint16_t *r1 = r0 + stride, *r2 = r1 + stride, *r3 = r2 + stride;
    const float* down = places.down[p].data();
    const float d0 = down[0], d1 = down[1], d2 = down[2], d3 = down[3];
    // Down the four columns first, sixteen numbers at a time.
    float column[16];
    for (std::size_t i = 0; i < 16; ++i)
      column[i] =
          d0 * static_cast<float>(r0[i]) + d1 * static_cast<float>(r1[i]) + d2 * static_cast<float>(r2[i]) + d3 * static_cast<float>(r3[i]);
    const float* across = places.across[p].data();
    float* __restrict to = places.colour[p].data();
    for (std::size_t c = 0; c < 4; ++c)
      to[c] = across[0] * column[c] + across[1] * column[4 + c] + across[2] * column[8 + c] + across[3] * column[12 + c];
  }
}

}  // namespace

void SmoothTexture::tint(const float* u, const float* v, std::size_t count, const std::array<float*, 3>& rgb) const {
  if (texels_ == nullptr) return;
  Places places;
  for (std::size_t done = 0; done < count; done += Places::size) {
    const std::size_t some = std::min(Places::size, count - done);
    for (std::size_t i = 0; i < some; ++i) {
      const float x = limit(u[done + i], 0, 1) * width_ - 0.5F;
      const float y = (1 - limit(v[done + i], 0, 1)) * height_ - 0.5F;
      const float fx = floor_of(x), fy = floor_of(y);
      const int ix = std::min(std::max(static_cast<int>(fx) - 1 - x0_, 0), columns_ - 4);
      const int iy = std::min(std::max(static_cast<int>(fy) - 1 - y0_, 0), rows_ - 4);
      places.first[i] = static_cast<std::uint32_t>(iy * columns_ + ix);
      places.across[i] = catmull_rom(x - fx);
      places.down[i] = catmull_rom(y - fy);
    }
    mix_texels(texels_, std::size_t{4} * static_cast<std::size_t>(columns_), some, places);
    for (std::size_t i = 0; i < some; ++i) {
      for (std::size_t c = 0; c < 3; ++c) rgb[c][done + i] *= std::max(places.colour[i][c] * (1.0F / 65535), 0.0F);
    }
  }
}

Colour SmoothTexture::sample(float u, float v) const {
  Colour c = {1, 1, 1, 1};
  tint(&u, &v, 1, {&c[0], &c[1], &c[2]});
  return c;
}

}  // namespace likeness::scene
