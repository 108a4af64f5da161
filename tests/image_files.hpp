// Builds picture files byte by byte, right and wrong ones, for the tests of image/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hostile.hpp"
#include "image/image.hpp"

namespace likeness::testing {


Bytes operator+(const Bytes& a, const Bytes& b);
Bytes text(const std::string& s);
Bytes big16(std::uint32_t v);
Bytes big32(std::uint32_t v);
Bytes little16(std::uint32_t v);
Bytes little32(std::uint32_t v);
Bytes first(const Bytes& bytes, std::size_t count);

/// A smooth picture without any symmetry.
Image picture(int width, int height, int channels);
/// Largest difference of two pictures of one size; 999 where sizes differ.
int largest_difference(const Image& a, const Image& b);

/// A baseline JPEG by stb_image_write; quality above 90 keeps full chroma.
Bytes jpeg(const Image& image, int quality);
/// `file` with a segment inserted behind the start marker.
Bytes with_segment(const Bytes& file, unsigned marker, const Bytes& body);

/// A JPEG built by hand: every component is flat, at its 8-bit `level`.
struct FlatJpeg {
  std::uint32_t width = 64;
  std::uint32_t height = 64;
  std::vector<int> levels = {128};  ///< one a component
  int sampling = 1;                 ///< of the first component, both ways
  bool progressive = false;
  int ac_scans = 1;           ///< progressive: scans of AC coefficients 1..63 of the first component
  unsigned restart = 0;       ///< restart interval in MCUs
  int adobe = -1;             ///< transform byte of an Adobe marker
  unsigned frame_marker = 0;  ///< instead of SOF0 or SOF2
  unsigned precision = 8;
  bool skip_last_component = false;  ///< its scan is missing (one scan a component)

  Bytes build() const;
};

/// One chunk with its checksum.
Bytes png_chunk(const std::string& type, const Bytes& body);
Bytes png_signature();
Bytes png_header(std::uint32_t width, std::uint32_t height, unsigned depth, unsigned color, unsigned interlaced = 0);
/// A zlib stream of stored blocks.
Bytes zlib_stored(const Bytes& raw);
/// A zlib stream that inflates to 1 + 258 * runs zeros, about 159 to 1.
Bytes zlib_zeros(std::size_t runs);

/// A PNG of any type from its samples (depth bits each, row by row, channels interleaved), filter 0.
struct PngFile {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  unsigned depth = 8;
  unsigned color = 2;
  bool interlaced = false;
  std::vector<std::uint32_t> samples;
  Bytes before_data;  ///< chunks between IHDR and IDAT

  unsigned channels() const;
  Bytes build() const;
};

/// A BMP: file header, information header of `info_bytes`, `extra` (masks, palette), rows.
struct BmpFile {
  std::int32_t width = 0;
  std::int32_t height = 0;
  unsigned bits = 24;
  std::uint32_t compression = 0;
  std::uint32_t colors = 0;
  std::uint32_t info_bytes = 40;
  Bytes extra;
  Bytes rows;

  Bytes build() const;
};

}  // namespace likeness::testing
