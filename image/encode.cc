#include "image/encode.hpp"

#include <array>
#include <cstdlib>
#include <utility>

#include "image/crc32.hpp"
#include "image/deflate.hpp"

namespace likeness {
namespace {

using Bytes = std::vector<std::uint8_t>;

void append_big32(Bytes& out, std::size_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(v >> shift));
}

void append_chunk(Bytes& out, const char* type, const Bytes& body) {
  append_big32(out, body.size());
  const std::size_t begin = out.size();
  out.insert(out.end(), type, type + 4);
  out.insert(out.end(), body.begin(), body.end());
  append_big32(out, crc32(std::span(out).subspan(begin)));
}

std::uint8_t paeth(int left, int up, int corner) {
  const int estimate = left + up - corner;
  const int to_left = std::abs(estimate - left);
  const int to_up = std::abs(estimate - up);
  const int to_corner = std::abs(estimate - corner);
  if (to_left <= to_up && to_left <= to_corner) return static_cast<std::uint8_t>(left);
  return static_cast<std::uint8_t>(to_up <= to_corner ? up : corner);
}

// One row under filter `type` (PNG specification, section 9); `up` is the row above, or zeros.
void filter_row(int type, const std::uint8_t* row, const std::uint8_t* up, std::size_t bytes, std::size_t pixel, std::uint8_t* out) {
  for (std::size_t i = 0; i < bytes; ++i) {
    const int left = i < pixel ? 0 : row[i - pixel];
    const int above = up[i];
    const int corner = i < pixel ? 0 : up[i - pixel];
    int guess = 0;
    if (type == 1) guess = left;
    if (type == 2) guess = above;
    if (type == 3) guess = (left + above) / 2;
    if (type == 4) guess = paeth(left, above, corner);
    out[i] = static_cast<std::uint8_t>(row[i] - guess);
  }
}

// All rows, each behind its filter's number: no filter at all, or for every row the one with the smallest sum of absolute
// differences (the specification's own advice, section 12.8).
Bytes filter_rows(const Image& image, bool adaptive) {
  const std::size_t bytes = image.row_bytes();
  const Bytes zeros(bytes, 0);
  Bytes out;
  out.reserve((bytes + 1) * static_cast<std::size_t>(image.height));
  std::array<Bytes, 5> tried;
  for (Bytes& t : tried) t.resize(bytes);
  for (int y = 0; y < image.height; ++y) {
    const std::uint8_t* up = y == 0 ? zeros.data() : image.row(y - 1);
    std::size_t best = 0;
    std::uint64_t least = ~std::uint64_t{0};
    for (std::size_t type = 0; type < (adaptive ? 5U : 1U); ++type) {
      filter_row(static_cast<int>(type), image.row(y), up, bytes, static_cast<std::size_t>(image.channels), tried[type].data());
      std::uint64_t sum = 0;
      for (const std::uint8_t v : tried[type]) sum += v < 128 ? v : 256U - v;
      if (sum < least) {
        least = sum;
        best = type;
      }
    }
    out.push_back(static_cast<std::uint8_t>(best));
    out.insert(out.end(), tried[best].begin(), tried[best].end());
  }
  return out;
}

}  // namespace

Result<std::vector<std::uint8_t>> encode_png(const Image& image) {
  const bool channels_ok = image.channels == 1 || image.channels == 3 || image.channels == 4;
  if (image.width < 1 || image.height < 1 || !channels_ok ||
      image.pixels.size() != image.row_bytes() * static_cast<std::size_t>(image.height) || image.pixels.size() > (std::size_t{1} << 30)) {
    return Status{Code::invalid_argument, "encode_png: needs 1, 3 or 4 channels and height * width * channels samples"};
  }
  // Photos pack better filtered, label maps not.
  Bytes data = zlib_compress(filter_rows(image, image.channels > 1));
  if (image.channels == 1) {
    Bytes filtered = zlib_compress(filter_rows(image, true));
    if (filtered.size() < data.size()) data = std::move(filtered);
  }
  Bytes header;
  append_big32(header, static_cast<std::size_t>(image.width));
  append_big32(header, static_cast<std::size_t>(image.height));
  header.insert(header.end(), {8, static_cast<std::uint8_t>(image.channels == 1 ? 0 : image.channels == 3 ? 2 : 6), 0, 0, 0});
  Bytes out = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  out.reserve(data.size() + 64);
  append_chunk(out, "IHDR", header);
  append_chunk(out, "IDAT", data);
  append_chunk(out, "IEND", {});
  return out;
}

}  // namespace likeness
