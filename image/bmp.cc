#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "image/guard.hpp"

namespace likeness::guard {
namespace {

Status damaged(const char* what) { return corrupt(std::string("the BMP is damaged: ") + what); }

// One colour channel of a 16- or 32-bit pixel.
struct Field {
  std::uint32_t mask = 0;
  int shift = 0;
  std::uint32_t top = 0;  // the largest value

  explicit Field(std::uint32_t m = 0) : mask(m), shift(m == 0 ? 0 : std::countr_zero(m)), top(m >> shift) {}
  bool contiguous() const { return (top & (top + 1)) == 0; }
  std::uint8_t of(std::uint32_t pixel) const {
    return static_cast<std::uint8_t>((std::uint64_t{(pixel & mask) >> shift} * 255 + top / 2) / top);
  }
};

struct Header {
  std::int64_t width = 0;
  std::int64_t height = 0;
  bool top_down = false;
  unsigned bits = 0;
  std::size_t data = 0;
  std::size_t palette = 0;
  std::size_t colors = 0;
  std::size_t color_bytes = 4;
  std::array<Field, 4> fields;  // red, green, blue, alpha
};

Result<Header> parse(Bytes b, const DecodeLimits& limits) {
  if (b.size() < 26) return corrupt("the BMP is truncated");
  Header h;
  h.data = little32(b, 10);
  const std::size_t info = little32(b, 14);
  std::uint32_t compression = 0;
  std::size_t used = 0;
  if (info == 12) {
    h.width = little16(b, 18);
    h.height = little16(b, 20);
    h.bits = little16(b, 24);
    h.color_bytes = 3;
    if (little16(b, 22) != 1) return damaged("its header");
  } else if (info == 40 || info == 52 || info == 56 || info == 108 || info == 124) {
    if (b.size() < 14 + info) return corrupt("the BMP is truncated");
    h.width = static_cast<std::int32_t>(little32(b, 18));
    h.height = static_cast<std::int32_t>(little32(b, 22));
    h.bits = little16(b, 28);
    compression = little32(b, 30);
    used = little32(b, 46);
    if (little16(b, 26) != 1) return damaged("its header");
    h.top_down = h.height < 0;
    h.height = h.top_down ? -h.height : h.height;
  } else {
    return unsupported("a BMP of an unknown kind; save it as PNG");
  }
  if (Status s = check_size(h.width, h.height, limits); !s.ok()) return s;

  h.palette = 14 + info;
  const bool by_fields = compression == 3 || compression == 6;
  if (compression != 0 && !(by_fields && (h.bits == 16 || h.bits == 32))) return unsupported("a compressed BMP; save it as PNG");
  switch (h.bits) {
    case 1:
    case 4:
    case 8: {
      const std::size_t all = std::size_t{1} << h.bits;
      if (used > all) return damaged("its palette");
      h.colors = used != 0 ? used : all;
      break;
    }
    case 16:
      h.fields = {Field(0x7C00), Field(0x03E0), Field(0x001F), Field(0)};
      break;
    case 24:
      break;
    case 32:
      h.fields = {Field(0xFF0000), Field(0xFF00), Field(0xFF), Field(0)};
      break;
    default:
      return damaged("its bits per pixel");
  }
  if (by_fields) {
    // Behind a header of 40 bytes, or inside a longer one at the same place.
    const std::size_t masks = compression == 6 || info >= 56 ? 4 : 3;
    if (b.size() < 54 + 4 * masks) return corrupt("the BMP is truncated");
    std::uint32_t all = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      h.fields[i] = Field(i < masks ? little32(b, 54 + 4 * i) : 0);
      if (!h.fields[i].contiguous() || (all & h.fields[i].mask) != 0 || (i < 3 && h.fields[i].mask == 0))
        return damaged("its colour masks");
      all |= h.fields[i].mask;
    }
    if (h.bits == 16 && all > 0xFFFF) return damaged("its colour masks");
    h.palette = std::max(h.palette, 54 + 4 * masks);
  }
  if (h.data < h.palette + h.colors * h.color_bytes) return damaged("its palette");
  return h;
}

}  // namespace

Result<DecodedBmp> decode_bmp(Bytes bytes, const DecodeLimits& limits) {
  const Result<Header> parsed = parse(bytes, limits);
  if (!parsed.ok()) return parsed.status();
  const Header& h = parsed.value();
  const std::size_t stride = (static_cast<std::size_t>(h.width) * h.bits + 31) / 32 * 4;
  // The padding of the last row may be missing.
  const std::size_t row_bytes = (static_cast<std::size_t>(h.width) * h.bits + 7) / 8;
  const std::size_t needed = stride * static_cast<std::size_t>(h.height - 1) + row_bytes;
  if (h.data > bytes.size() || needed > bytes.size() - h.data) return corrupt("the BMP is truncated: rows are missing");

  DecodedBmp out{Image(static_cast<int>(h.width), static_cast<int>(h.height), 4), false};
  for (int y = 0; y < out.rgba.height; ++y) {
    const std::size_t stored_row = static_cast<std::size_t>(h.top_down ? y : out.rgba.height - 1 - y);
    const Bytes row = bytes.subspan(h.data + stored_row * stride, row_bytes);
    std::uint8_t* to = out.rgba.row(y);
    for (std::size_t x = 0; x < static_cast<std::size_t>(h.width); ++x, to += 4) {
      to[3] = 255;
      if (h.bits <= 8) {
        const unsigned per_byte = 8 / h.bits;
        const auto position = static_cast<unsigned>(x % per_byte);
        const std::size_t index = (row[x / per_byte] >> (8 - h.bits * (position + 1))) & ((1U << h.bits) - 1);
        if (index >= h.colors) return damaged("a pixel outside its palette");
        const Bytes color = bytes.subspan(h.palette + index * h.color_bytes, 3);
        to[0] = color[2];
        to[1] = color[1];
        to[2] = color[0];
      } else if (h.bits == 24) {
        to[0] = row[3 * x + 2];
        to[1] = row[3 * x + 1];
        to[2] = row[3 * x];
      } else {
        const std::uint32_t pixel = h.bits == 16 ? little16(row, 2 * x) : little32(row, 4 * x);
        for (std::size_t c = 0; c < 3; ++c) to[c] = h.fields[c].of(pixel);
        if (h.fields[3].mask != 0) to[3] = h.fields[3].of(pixel);
        out.alpha = out.alpha || (h.fields[3].mask != 0 && to[3] != 0);
      }
    }
  }
  // Many programs declare an alpha channel and leave it zero; such a picture is opaque.
  if (!out.alpha) {
    for (std::size_t i = 3; i < out.rgba.pixels.size(); i += 4) out.rgba.pixels[i] = 255;
  }
  return out;
}

}  // namespace likeness::guard
