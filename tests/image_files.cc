#include "image_files.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#define STBI_WRITE_NO_STDIO
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb_image_write.h>
#pragma GCC diagnostic pop

namespace likeness::testing {

Bytes operator+(const Bytes& a, const Bytes& b) {
  Bytes sum = a;
  sum.insert(sum.end(), b.begin(), b.end());
  return sum;
}
Bytes text(const std::string& s) { return {s.begin(), s.end()}; }
Bytes big16(std::uint32_t v) { return {static_cast<std::uint8_t>(v >> 8), static_cast<std::uint8_t>(v)}; }
Bytes big32(std::uint32_t v) { return big16(v >> 16) + big16(v); }
Bytes little16(std::uint32_t v) { return {static_cast<std::uint8_t>(v), static_cast<std::uint8_t>(v >> 8)}; }
Bytes little32(std::uint32_t v) { return little16(v) + little16(v >> 16); }
Bytes first(const Bytes& bytes, std::size_t count) { return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count)}; }

Image picture(int width, int height, int channels) {
  Image image(width, height, channels);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double u = (x + 0.5) / width;
      const double v = (y + 0.5) / height;
      const std::array<double, 4> value = {u, v * v, 0.5 + 0.4 * std::sin(5 * u + 3 * v), 0.2 + 0.6 * u * v};
      for (int c = 0; c < channels; ++c)
        image.at(x, y)[c] = static_cast<std::uint8_t>(std::lround(20 + 215 * value[static_cast<std::size_t>(c)]));
    }
  }
  return image;
}

int largest_difference(const Image& a, const Image& b) {
  if (a.width != b.width || a.height != b.height || a.channels != b.channels || a.pixels.size() != b.pixels.size()) return 999;
  int largest = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  return largest;
}

Bytes jpeg(const Image& image, int quality) {
  Bytes out;
  const auto append = [](void* context, void* data, int size) {
    const auto* from = static_cast<const std::uint8_t*>(data);
    static_cast<Bytes*>(context)->insert(static_cast<Bytes*>(context)->end(), from, from + size);
  };
  stbi_write_jpg_to_func(append, &out, image.width, image.height, image.channels, image.pixels.data(), quality);
  return out;
}

Bytes with_segment(const Bytes& file, unsigned marker, const Bytes& body) {
  const Bytes rest(file.begin() + 2, file.end());
  return first(file, 2) + Bytes{0xFF, static_cast<std::uint8_t>(marker)} + big16(static_cast<std::uint32_t>(body.size() + 2)) + body + rest;
}

namespace {

// Entropy-coded bits, with the zero byte that JPEG puts behind 0xFF.
class BitWriter {
 public:
  void put(unsigned value, int bits) {
    for (int i = bits - 1; i >= 0; --i) {
      current_ = (current_ << 1) | ((value >> i) & 1U);
      if (++used_ == 8) flush_byte();
    }
  }
  void align() {
    while (used_ != 0) put(1, 1);
  }
  void marker(unsigned code) {
    align();
    bytes_.push_back(0xFF);
    bytes_.push_back(static_cast<std::uint8_t>(code));
  }
  const Bytes& bytes() const { return bytes_; }

 private:
  void flush_byte() {
    bytes_.push_back(static_cast<std::uint8_t>(current_));
    if (current_ == 0xFF) bytes_.push_back(0);
    current_ = 0;
    used_ = 0;
  }
  Bytes bytes_;
  unsigned current_ = 0;
  int used_ = 0;
};

Bytes segment(unsigned marker, const Bytes& body) {
  return Bytes{0xFF, static_cast<std::uint8_t>(marker)} + big16(static_cast<std::uint32_t>(body.size() + 2)) + body;
}

}  // namespace

Bytes FlatJpeg::build() const {
  const auto count = levels.size();
  Bytes out = {0xFF, 0xD8};
  if (adobe >= 0) out = out + segment(0xEE, text("Adobe") + Bytes{0, 100, 0, 0, 0, 0, static_cast<std::uint8_t>(adobe)});
  out = out + segment(0xDB, Bytes{0} + Bytes(64, 1));
  // DC: categories 0 to 11 as 4-bit codes. AC: only "end of block", one bit.
  Bytes dc(16, 0);
  dc[3] = 12;
  for (std::uint8_t i = 0; i < 12; ++i) dc.push_back(i);
  Bytes ac(16, 0);
  ac[0] = 1;
  ac.push_back(0);
  out = out + segment(0xC4, Bytes{0x00} + dc + Bytes{0x10} + ac);
  Bytes frame = Bytes{static_cast<std::uint8_t>(precision)} + big16(height) + big16(width) + Bytes{static_cast<std::uint8_t>(count)};
  for (std::size_t i = 0; i < count; ++i)
    frame = frame + Bytes{static_cast<std::uint8_t>(i + 1), static_cast<std::uint8_t>(i == 0 ? 17 * sampling : 17), 0};
  out = out + segment(frame_marker != 0 ? frame_marker : progressive ? 0xC2 : 0xC0, frame);
  if (restart != 0) out = out + segment(0xDD, big16(restart));

  const auto put_dc = [](BitWriter& bits, int difference) {
    int category = 0;
    while ((std::abs(difference) >> category) != 0) ++category;
    bits.put(static_cast<unsigned>(category), 4);
    bits.put(static_cast<unsigned>(difference >= 0 ? difference : difference + (1 << category) - 1), category);
  };
  // One scan of the components [from, to), with their first DC coefficients.
  const auto scan = [&](std::size_t from, std::size_t to) {
    Bytes head = {static_cast<std::uint8_t>(to - from)};
    for (std::size_t i = from; i < to; ++i) head = head + Bytes{static_cast<std::uint8_t>(i + 1), 0};
    out = out + segment(0xDA, head + Bytes{0, static_cast<std::uint8_t>(progressive ? 0 : 63), 0});
    const bool interleaved = to - from > 1;
    const std::uint32_t step = interleaved ? 8U * static_cast<std::uint32_t>(sampling) : 8U;
    const std::uint32_t mcus = ((width + step - 1) / step) * ((height + step - 1) / step);
    BitWriter bits;
    std::vector<int> previous(count, 0);
    for (std::uint32_t mcu = 0; mcu < mcus; ++mcu) {
      if (restart != 0 && mcu != 0 && mcu % restart == 0) {
        bits.marker(0xD0 + (mcu / restart - 1) % 8);
        std::fill(previous.begin(), previous.end(), 0);
      }
      for (std::size_t i = from; i < to; ++i) {
        const int blocks = interleaved && i == 0 ? sampling * sampling : 1;
        for (int b = 0; b < blocks; ++b) {
          const int value = 8 * (levels[i] - 128);
          put_dc(bits, value - previous[i]);
          previous[i] = value;
          if (!progressive) bits.put(0, 1);
        }
      }
    }
    bits.align();
    out = out + bits.bytes();
  };
  if (skip_last_component) {
    for (std::size_t i = 0; i + 1 < count; ++i) scan(i, i + 1);
  } else {
    scan(0, count);
  }
  for (int s = 0; progressive && s < ac_scans; ++s) {
    out = out + segment(0xDA, Bytes{1, 1, 0, 1, 63, 0});
    BitWriter bits;
    const std::uint32_t blocks = ((width + 7) / 8) * ((height + 7) / 8);
    for (std::uint32_t b = 0; b < blocks; ++b) {
      if (restart != 0 && b != 0 && b % restart == 0) bits.marker(0xD0 + (b / restart - 1) % 8);
      bits.put(0, 1);
    }
    bits.align();
    out = out + bits.bytes();
  }
  return out + Bytes{0xFF, 0xD9};
}

Bytes png_chunk(const std::string& type, const Bytes& body) {
  const Bytes typed = text(type) + body;
  std::uint32_t crc = ~0U;
  for (const std::uint8_t byte : typed) {
    crc ^= byte;
    for (int k = 0; k < 8; ++k) crc = (crc & 1U) != 0 ? 0xEDB88320U ^ (crc >> 1) : crc >> 1;
  }
  return big32(static_cast<std::uint32_t>(body.size())) + typed + big32(~crc);
}

Bytes png_signature() { return {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'}; }

Bytes png_header(std::uint32_t width, std::uint32_t height, unsigned depth, unsigned color, unsigned interlaced) {
  return png_chunk(
      "IHDR", big32(width) + big32(height) +
                  Bytes{static_cast<std::uint8_t>(depth), static_cast<std::uint8_t>(color), 0, 0, static_cast<std::uint8_t>(interlaced)});
}

namespace {
Bytes adler32(const Bytes& raw) {
  std::uint32_t a = 1;
  std::uint32_t b = 0;
  for (const std::uint8_t byte : raw) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return big32(b << 16 | a);
}
}  // namespace

Bytes zlib_stored(const Bytes& raw) {
  Bytes out = {0x78, 0x01};
  for (std::size_t at = 0; at < raw.size() || at == 0; at += 65535) {
    const std::size_t n = std::min<std::size_t>(65535, raw.size() - at);
    out.push_back(at + n >= raw.size() ? 1 : 0);
    out = out + little16(static_cast<std::uint32_t>(n)) + little16(~static_cast<std::uint32_t>(n));
    out.insert(out.end(), raw.begin() + static_cast<std::ptrdiff_t>(at), raw.begin() + static_cast<std::ptrdiff_t>(at + n));
  }
  return out + adler32(raw);
}

Bytes zlib_zeros(std::size_t runs) {
  Bytes out = {0x78, 0x01};
  unsigned current = 0;
  int used = 0;
  const auto bit = [&](unsigned value) {
    current |= value << used;
    if (++used == 8) {
      out.push_back(static_cast<std::uint8_t>(current));
      current = 0;
      used = 0;
    }
  };
  const auto code = [&](unsigned value, int bits) {  // Huffman codes go in from their top bit
    for (int i = bits - 1; i >= 0; --i) bit((value >> i) & 1U);
  };
  bit(1);  // last block
  bit(1);  // fixed codes
  bit(0);
  code(0x30, 8);  // literal 0
  for (std::size_t i = 0; i < runs; ++i) {
    code(0xC5, 8);  // length 258
    code(0, 5);     // distance 1
  }
  code(0, 7);  // end
  while (used != 0) bit(0);
  return out + Bytes{0, 0, 0, 0};  // no decoder here reads the checksum
}

unsigned PngFile::channels() const { return (color == 2 || color == 6 ? 3U : 1U) + (color == 4 || color == 6 ? 1U : 0U); }

Bytes PngFile::build() const {
  Bytes raw;
  const auto pass = [&](std::uint32_t x0, std::uint32_t y0, std::uint32_t dx, std::uint32_t dy) {
    if (x0 >= width) return;
    for (std::uint32_t y = y0; y < height; y += dy) {
      raw.push_back(0);
      unsigned current = 0;
      unsigned used = 0;
      for (std::uint32_t x = x0; x < width; x += dx) {
        for (unsigned c = 0; c < channels(); ++c) {
          const std::uint32_t sample = samples[(std::size_t{y} * width + x) * channels() + c];
          if (depth == 16) raw.push_back(static_cast<std::uint8_t>(sample >> 8));
          if (depth >= 8) {
            raw.push_back(static_cast<std::uint8_t>(sample));
            continue;
          }
          current = current << depth | sample;
          used += depth;
          if (used == 8) {
            raw.push_back(static_cast<std::uint8_t>(current));
            current = used = 0;
          }
        }
      }
      if (used != 0) raw.push_back(static_cast<std::uint8_t>(current << (8 - used)));
    }
  };
  if (interlaced) {
    pass(0, 0, 8, 8);
    pass(4, 0, 8, 8);
    pass(0, 4, 4, 8);
    pass(2, 0, 4, 4);
    pass(0, 2, 2, 4);
    pass(1, 0, 2, 2);
    pass(0, 1, 1, 2);
  } else {
    pass(0, 0, 1, 1);
  }
  return png_signature() + png_header(width, height, depth, color, interlaced ? 1 : 0) + before_data + png_chunk("IDAT", zlib_stored(raw)) +
         png_chunk("IEND", {});
}

Bytes BmpFile::build() const {
  Bytes info = little32(info_bytes);
  if (info_bytes == 12) {
    info = info + little16(static_cast<std::uint32_t>(width)) + little16(static_cast<std::uint32_t>(height)) + little16(1) + little16(bits);
  } else {
    info = info + little32(static_cast<std::uint32_t>(width)) + little32(static_cast<std::uint32_t>(height)) + little16(1) +
           little16(bits) + little32(compression) + little32(0) + little32(2835) + little32(2835) + little32(colors) + little32(0);
  }
  const auto offset = static_cast<std::uint32_t>(14 + info.size() + extra.size());
  return text("BM") + little32(offset + static_cast<std::uint32_t>(rows.size())) + little32(0) + little32(offset) + info + extra + rows;
}

}  // namespace likeness::testing
