#include "image/color.hpp"

#include <cmath>

namespace likeness {
namespace {

double decode_srgb(double v) { return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4); }

// bound[v] = linear light halfway (in encoded value) between v - 1 and v: the 8-bit value of x is the number of bounds <= x.
// start[i] = the 8-bit value of i / kCells, so that only a few bounds are compared.
constexpr int kCells = 4096;
struct EncodeTable {
  std::array<float, 257> bound{};
  std::array<std::uint8_t, kCells + 1> start{};
  EncodeTable() {
    for (int v = 0; v < 256; ++v) bound[v] = v == 0 ? -1.0F : static_cast<float>(decode_srgb((v - 0.5) / 255.0));
    bound[256] = 2.0F;
    int v = 0;
    for (int i = 0; i <= kCells; ++i) {
      while (bound[v + 1] <= static_cast<float>(i) / kCells) ++v;
      start[i] = static_cast<std::uint8_t>(v);
    }
  }
};

}  // namespace

const std::array<float, 256>& srgb_to_linear_table() {
  static const std::array<float, 256> table = [] {
    std::array<float, 256> t{};
    for (int v = 0; v < 256; ++v) t[v] = static_cast<float>(decode_srgb(v / 255.0));
    return t;
  }();
  return table;
}

float linear_from_srgb(float encoded) {
  if (!(encoded > 0.0F)) return 0.0F;
  return encoded >= 1.0F ? 1.0F : static_cast<float>(decode_srgb(encoded));
}

float srgb_from_linear(float linear) {
  if (!(linear > 0.0F)) return 0.0F;
  if (linear >= 1.0F) return 1.0F;
  return linear <= 0.0031308F ? linear * 12.92F : 1.055F * std::pow(linear, 1.0F / 2.4F) - 0.055F;
}

std::uint8_t srgb8_from_linear(float linear) {
  static const EncodeTable table;
  if (!(linear > 0.0F)) return 0;
  if (linear >= 1.0F) return 255;
  int v = table.start[static_cast<int>(linear * kCells)];
  while (table.bound[v + 1] <= linear) ++v;
  return static_cast<std::uint8_t>(v);
}

}  // namespace likeness
