// Writing pictures.
#pragma once

#include <cstdint>
#include <vector>

#include "image/image.hpp"
#include "likeness/status.hpp"

namespace likeness {

/// The picture (1, 3 or 4 channels) as an 8-bit PNG without ancillary chunks. Equal pictures give equal bytes.
/// Errors: invalid_argument (no pixels, another number of channels, or `pixels` of the wrong size).
Result<std::vector<std::uint8_t>> encode_png(const Image& image);

}  // namespace likeness
