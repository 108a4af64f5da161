// Header checks that run before any decoder: what a file declares must be sane, affordable and backed by its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "image/decode.hpp"
#include "likeness/status.hpp"

namespace likeness::guard {

using Bytes = std::span<const std::uint8_t>;

/// A JPEG or PNG that passed, and what its decoder needs to know.
struct Checked {
  int width = 0;
  int height = 0;
  int orientation = 1;  ///< EXIF, 1 to 8
  bool alpha = false;
  bool deep = false;                ///< 16 bits a sample
  bool labels = false;              ///< 8-bit grey PNG without alpha
  std::vector<std::uint8_t> clean;  ///< the same picture, with nothing in the file that was not checked
  std::size_t budget = 0;           ///< bytes that an honest file of this size makes the decoder allocate at most
};

/// JPEG (ITU-T T.81): the whole marker structure up to the end marker is walked; the decoder gets a copy that holds only
/// checked tables, frame, scans and colour markers. Refuses: truncation (no end marker, too few restart markers, fewer bits
/// than blocks), tables that overrun their segments, more than `max_scans` scans or 2e9 scanned pixels, components that no
/// scan fills, 12-bit, lossless and arithmetic coding, 4 components without Adobe's marker.
Result<Checked> check_jpeg(Bytes bytes, const DecodeLimits& limits);

/// PNG (RFC 2083 and the third edition): order, lengths and CRCs of all chunks up to IEND; the decoder gets a copy that holds only IHDR,
/// PLTE (padded to 256 colours, so that no index is undefined), tRNS, IDAT and IEND. Refuses data too short to inflate to the picture.
Result<Checked> check_png(Bytes bytes, const DecodeLimits& limits);

/// Decodes an uncompressed BMP (1, 4, 8, 16, 24 or 32 bits, palette or bit fields, bottom-up or top-down) to RGBA.
/// Our own, because stb takes undefined palette entries from the stack and accepts truncated rows.
/// `alpha` says whether the file has an alpha channel in use.
struct DecodedBmp {
  Image rgba;
  bool alpha = false;
};
Result<DecodedBmp> decode_bmp(Bytes bytes, const DecodeLimits& limits);

/// The orientation in an EXIF block (TIFF header, IFD0), 1 where there is none or the block is malformed.
int exif_orientation(Bytes tiff);
/// The picture that `orientation` (1 to 8) asks to show.
Image apply_orientation(Image image, int orientation);

/// Refuses sizes outside the limits. Sizes may be anything that a header can say.
Status check_size(std::int64_t width, std::int64_t height, const DecodeLimits& limits);

inline Status corrupt(const std::string& message) { return {Code::corrupt_image, message}; }
inline Status unsupported(const std::string& message) { return {Code::unsupported_format, message}; }

/// Big-endian numbers; the caller has checked that they lie inside.
inline unsigned big16(Bytes b, std::size_t at) { return static_cast<unsigned>(b[at] << 8 | b[at + 1]); }
inline std::uint32_t big32(Bytes b, std::size_t at) { return static_cast<std::uint32_t>(big16(b, at)) << 16 | big16(b, at + 2); }
inline unsigned little16(Bytes b, std::size_t at) { return static_cast<unsigned>(b[at + 1] << 8 | b[at]); }
inline std::uint32_t little32(Bytes b, std::size_t at) { return static_cast<std::uint32_t>(little16(b, at + 2)) << 16 | little16(b, at); }

}  // namespace likeness::guard
