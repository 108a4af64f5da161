// A photo, a label map, a texture: any bytes. An answer must not depend on memory that was never written, so everything is decoded twice.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "image/decode.hpp"
#include "paint_memory.hpp"

namespace {

using likeness::DecodeLimits;
using likeness::Image;
using likeness::Result;
using Bytes = std::span<const std::uint8_t>;
using Decoder = Result<Image> (*)(Bytes, const DecodeLimits&);

void decode_twice(Decoder decode, Bytes bytes) {
  DecodeLimits limits;
  limits.min_side = 1;
  limits.max_pixels = 1 << 20;  // the search shall try many small pictures
  likeness::testing::paint_memory(0x00);
  const Result<Image> once = decode(bytes, limits);
  likeness::testing::paint_memory(0xA5);
  const Result<Image> again = decode(bytes, limits);
  likeness::testing::paint_memory(0xFF);
  if (once.status().code != again.status().code || once.status().message != again.status().message) std::abort();
  if (!once.ok()) {
    if (once.status().message.empty()) std::abort();
    return;
  }
  const auto samples =
      static_cast<std::size_t>(once->width) * static_cast<std::size_t>(once->height) * static_cast<std::size_t>(once->channels);
  if (once->width < 1 || once->height < 1 || once->pixels.size() != samples || once->pixels != again->pixels) std::abort();
}

void decode_all(Bytes bytes) {
  decode_twice(likeness::decode_photo, bytes);
  decode_twice(likeness::decode_rgba, bytes);
  decode_twice(likeness::decode_labels, bytes);
}

std::uint32_t crc32(Bytes bytes) {
  std::uint32_t c = ~0U;
  for (const std::uint8_t byte : bytes) {
    c ^= byte;
    for (int k = 0; k < 8; ++k) c = (c & 1U) != 0 ? 0xEDB88320U ^ (c >> 1) : c >> 1;
  }
  return ~c;
}

// The same PNG with right checksums: mutants would hardly ever get behind them.
std::vector<std::uint8_t> repaired(Bytes png) {
  std::vector<std::uint8_t> out(png.begin(), png.end());
  std::size_t at = 8;
  while (out.size() - at >= 12) {
    const std::size_t length = std::size_t{out[at]} << 24 | std::size_t{out[at + 1]} << 16 | std::size_t{out[at + 2]} << 8 | out[at + 3];
    if (length > out.size() - at - 12) break;
    const std::uint32_t crc = crc32(Bytes(out).subspan(at + 4, length + 4));
    for (std::size_t i = 0; i < 4; ++i) out[at + 8 + length + i] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
    at += 12 + length;
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(data, size);
  decode_all(bytes);
  if (size > 8 && data[0] == 0x89 && data[1] == 'P') decode_all(repaired(bytes));
  return 0;
}
