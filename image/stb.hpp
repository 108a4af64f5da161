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

/// Decodes a JPEG or PNG to `channels` (1, 3 or 4) 8-bit channels. 16-bit PNG samples are rounded to 8 bits if `deep`.
/// At most `budget` bytes are live at once inside the decoder.
Decoded decode(std::span<const std::uint8_t> bytes, int channels, bool deep, std::size_t budget);

}  // namespace likeness::stb
