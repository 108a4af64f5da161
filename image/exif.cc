#include <algorithm>
#include <cstring>
#include <utility>

#include "base/parallel.hpp"
#include "image/guard.hpp"

namespace likeness::guard {

int exif_orientation(Bytes tiff) {
  if (tiff.size() < 8) return 1;
  const bool little = tiff[0] == 'I' && tiff[1] == 'I';
  if (!little && !(tiff[0] == 'M' && tiff[1] == 'M')) return 1;
  const auto u16 = [&](std::size_t at) { return little ? little16(tiff, at) : big16(tiff, at); };
  const auto u32 = [&](std::size_t at) { return little ? little32(tiff, at) : big32(tiff, at); };
  if (u16(2) != 42) return 1;
  const std::size_t directory = u32(4);
  if (directory > tiff.size() - 2) return 1;
  const std::size_t count = u16(directory);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (tiff.size() < 12 || entry > tiff.size() - 12) return 1;
    if (u16(entry) != 0x0112) continue;
    // Type SHORT, one value, stored in the entry itself.
    const unsigned value = u16(entry + 2) == 3 && u32(entry + 4) == 1 ? u16(entry + 8) : 1;
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Image apply_orientation(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const bool turned = orientation >= 5;
  const int width = image.width;
  const int height = image.height;
  Image out(turned ? height : width, turned ? width : height, image.channels);
  const auto channels = static_cast<std::size_t>(image.channels);
  // Where the stored picture holds pixel (x, y) of the upright one.
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  constexpr int kTile = 32;  // square tiles, because the turned cases read columns
  parallel_for((out.height + kTile - 1) / kTile, [&](std::int64_t band) {
    const int y0 = static_cast<int>(band) * kTile;
    const int y1 = std::min(y0 + kTile, out.height);
    for (int x0 = 0; x0 < out.width; x0 += kTile) {
      const int x1 = std::min(x0 + kTile, out.width);
      for (int y = y0; y < y1; ++y) {
        for (int x = x0; x < x1; ++x) {
          const int column = turned ? y : x;
          const int row = turned ? x : y;
          std::memcpy(out.at(x, y), image.at(from_right ? width - 1 - column : column, from_bottom ? height - 1 - row : row), channels);
        }
      }
    }
  });
  return out;
}

}  // namespace likeness::guard
