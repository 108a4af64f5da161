#include "scene/texture.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "image/color.hpp"

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
  return {texture.rgba.data() + l.first, l.width, l.height};
}

Colour sample_bilinear(const TextureLevel& level, float u, float v) {
  if (level.rgba == nullptr) return {1, 1, 1, 1};
  const float x = limit(u, 0, 1) * static_cast<float>(level.width) - 0.5F;
  const float y = (1 - limit(v, 0, 1)) * static_cast<float>(level.height) - 0.5F;
  const float fx = floor_of(x), fy = floor_of(y);
  const float tx = x - fx, ty = y - fy;
  const int ix = static_cast<int>(fx), iy = static_cast<int>(fy);
  const int left = std::max(ix, 0), right = std::min(ix + 1, level.width - 1);
  const std::uint8_t* top = level.rgba + std::size_t{4} * static_cast<std::size_t>(std::max(iy, 0)) * static_cast<std::size_t>(level.width);
  const std::uint8_t* bottom =
      level.rgba + std::size_t{4} * static_cast<std::size_t>(std::min(iy + 1, level.height - 1)) * static_cast<std::size_t>(level.width);
  const std::array<const std::uint8_t*, 4> texels = {top + 4 * left, top + 4 * right, bottom + 4 * left, bottom + 4 * right};
  const auto& linear = srgb_to_linear_table();
  const std::array<float, 4> weights = {(1 - tx) * (1 - ty), tx * (1 - ty), (1 - tx) * ty, tx * ty};
  float red = 0, green = 0, blue = 0, alpha = 0;
  for (std::size_t k = 0; k < 4; ++k) {
    const std::uint8_t* t = texels[k];
    const float weight = weights[k] * (static_cast<float>(t[3]) + 1e-3F);
    red += weight * linear[t[0]];
    green += weight * linear[t[1]];
    blue += weight * linear[t[2]];
    alpha += weight;
  }
  const float inverse = 1 / std::max(alpha, 1e-6F);
  return {red * inverse, green * inverse, blue * inverse, std::min(alpha * (1.0F / 255), 1.0F)};
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

Colour SmoothTexture::sample(float u, float v) const {
  if (texels_ == nullptr) return {1, 1, 1, 1};
  const float x = limit(u, 0, 1) * width_ - 0.5F;
  const float y = (1 - limit(v, 0, 1)) * height_ - 0.5F;
  const float fx = floor_of(x), fy = floor_of(y);
  const auto wx = catmull_rom(x - fx);
  const auto wy = catmull_rom(y - fy);
  const int ix = std::clamp(static_cast<int>(fx) - 1 - x0_, 0, columns_ - 4);
  const int iy = std::clamp(static_cast<int>(fy) - 1 - y0_, 0, rows_ - 4);
  // Down the four columns first, sixteen numbers at a time.
  std::array<float, 16> column{};
  const std::uint16_t* row =
      texels_ + std::size_t{4} * (static_cast<std::size_t>(iy) * static_cast<std::size_t>(columns_) + static_cast<std::size_t>(ix));
  for (std::size_t j = 0; j < 4; ++j, row += std::size_t{4} * static_cast<std::size_t>(columns_)) {
    for (std::size_t i = 0; i < 16; ++i) column[i] += wy[j] * static_cast<float>(row[i]);
  }
  Colour sum{};
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t c = 0; c < 4; ++c) sum[c] += wx[i] * column[4 * i + c];
  }
  for (std::size_t c = 0; c < 3; ++c) sum[c] = std::max(sum[c] * (1.0F / 65535), 0.0F);
  sum[3] = 1;
  return sum;
}

}  // namespace likeness::scene
