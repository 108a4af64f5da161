// Compression for our PNG files: a zlib stream (RFC 1950) of dynamic Huffman blocks (RFC 1951).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace likeness {

/// Packs `raw`. Our own, because stb_image_write knows only the fixed codes; renders become a quarter smaller.
/// Equal input gives equal bytes.
std::vector<std::uint8_t> zlib_compress(std::span<const std::uint8_t> raw);

}  // namespace likeness
