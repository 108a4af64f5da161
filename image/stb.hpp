// The only door to stb. Callers have checked the file's headers; here every allocation is zero-filled and budgeted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "image/image.hpp"

namespace likeness::stb {

/// What one call may do and what went wrong.
struct Decoded {
  Image image;
  bool over_budget = false;  ///< the decoder asked for more memory than `budget`
  std::string error;         ///< empty when `image` is valid
};

/// Decodes a JPEG to `channels` (3 or 4) channels. Besides what stb refuses, refuses one whose last scan runs out of bits.
/// At most `budget` bytes are live at once inside the decoder.
Decoded decode_jpeg(std::span<const std::uint8_t> bytes, int channels, std::size_t budget);

/// Decodes a PNG to `channels` (1, 3 or 4) 8-bit channels; `deep` says that it has 16 bits a sample, which are rounded to 8.
Decoded decode_png(std::span<const std::uint8_t> bytes, int channels, bool deep, std::size_t budget);

}  // namespace likeness::stb
