// A picture in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace likeness {

/// 8-bit samples, row by row from the top, channels interleaved, no padding between rows.
/// 1 channel = grey or labels, 3 = RGB, 4 = RGBA (alpha not premultiplied). Colours are sRGB values.
struct Image {
  int width = 0;
  int height = 0;
  int channels = 0;
  std::vector<std::uint8_t> pixels;  ///< height * width * channels

  Image() = default;
  /// All samples zero.
  Image(int w, int h, int c)
      : width(w), height(h), channels(c), pixels(static_cast<std::size_t>(w) * static_cast<std::size_t>(h) * static_cast<std::size_t>(c)) {}

  std::size_t row_bytes() const { return static_cast<std::size_t>(width) * static_cast<std::size_t>(channels); }
  std::uint8_t* row(int y) { return pixels.data() + static_cast<std::size_t>(y) * row_bytes(); }
  const std::uint8_t* row(int y) const { return pixels.data() + static_cast<std::size_t>(y) * row_bytes(); }
  /// The first sample of the pixel in column x of row y.
  std::uint8_t* at(int x, int y) { return row(y) + static_cast<std::size_t>(x) * static_cast<std::size_t>(channels); }
  const std::uint8_t* at(int x, int y) const { return row(y) + static_cast<std::size_t>(x) * static_cast<std::size_t>(channels); }
};

}  // namespace likeness
