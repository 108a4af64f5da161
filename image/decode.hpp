// Reading pictures from bytes that may be hostile. Every header is checked here before a decoder runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "image/image.hpp"
#include "likeness/status.hpp"

namespace likeness {

/// What a picture may ask for. A file that asks for more is refused before anything of its size is allocated.
struct DecodeLimits {
  std::size_t max_bytes = std::size_t{64} << 20;  ///< size of the file
  int max_side = 16384;                           ///< pixels, width and height
  std::int64_t max_pixels = 64'000'000;           ///< width * height: about 6 bytes of memory each, 12 for a progressive JPEG
  int max_scans = 100;                            ///< scans of a JPEG (cameras write at most about 10)
  int min_side = 64;                              ///< photos only; a smaller one cannot hold a usable face
};

/// Decodes a photo (JPEG, PNG or BMP, told by content) to upright RGB: the EXIF orientation is applied, grey becomes RGB,
/// alpha is composited on mid grey (128), 16 bits are rounded to 8, Adobe CMYK is converted.
/// Equal bytes give equal pixels: nothing depends on earlier contents of memory.
/// Errors: unsupported_format (names what the file seems to be), corrupt_image, image_too_large, image_too_small.
Result<Image> decode_photo(std::span<const std::uint8_t> bytes, const DecodeLimits& limits = {});

/// Decodes a picture of our own assets to RGBA exactly as stored (alpha 255 where it has none), with the same guards
/// but no smallest size. Errors: as decode_photo.
Result<Image> decode_rgba(std::span<const std::uint8_t> bytes, const DecodeLimits& limits = {});

/// Decodes a label map: an 8-bit grey PNG without alpha, to 1 channel, values untouched. Errors: as decode_photo, and
/// unsupported_format for any other picture.
Result<Image> decode_labels(std::span<const std::uint8_t> bytes, const DecodeLimits& limits = {});

}  // namespace likeness
