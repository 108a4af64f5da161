#include <array>
#include <utility>

#include "image/guard.hpp"

namespace likeness::guard {
namespace {

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t n = 0; n < 256; ++n) {
    std::uint32_t c = n;
    for (int k = 0; k < 8; ++k) c = (c & 1U) != 0 ? 0xEDB88320U ^ (c >> 1) : c >> 1;
    table[n] = c;
  }
  return table;
}

std::uint32_t crc32(Bytes bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = make_crc_table();
  std::uint32_t c = ~0U;
  for (const std::uint8_t byte : bytes) c = kTable[(c ^ byte) & 255U] ^ (c >> 8);
  return ~c;
}

Status damaged(const std::string& what) { return corrupt("the PNG is damaged: " + what); }
Status truncated() { return corrupt("the PNG is truncated"); }

struct Header {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  unsigned depth = 0;
  unsigned color = 0;  // 0 grey, 2 RGB, 3 palette, 4 grey + alpha, 6 RGBA
  bool interlaced = false;

  unsigned channels() const { return (color == 2 || color == 6 ? 3U : 1U) + (color >= 4 ? 1U : 0U); }
  // Bytes of a picture of this size before deflate: a filter byte and the samples for every row.
  std::uint64_t raw_bytes(std::uint64_t w, std::uint64_t h) const { return w == 0 ? 0 : h * (1 + (w * channels() * depth + 7) / 8); }
  std::uint64_t raw_bytes() const {
    if (!interlaced) return raw_bytes(width, height);
    // Adam7: first column and row, and the distances, of the seven passes.
    constexpr std::array<std::array<std::uint64_t, 4>, 7> kPasses = {
        {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}};
    std::uint64_t sum = 0;
    for (const auto& [x, y, dx, dy] : kPasses) sum += raw_bytes((width + dx - 1 - x) / dx, (height + dy - 1 - y) / dy);
    return sum;
  }
};

bool valid_kind(unsigned color, unsigned depth) {
  switch (color) {
    case 0:
      return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
    case 3:
      return depth == 1 || depth == 2 || depth == 4 || depth == 8;
    case 2:
    case 4:
    case 6:
      return depth == 8 || depth == 16;
    default:
      return false;
  }
}

class Walker {
 public:
  Walker(Bytes bytes, const DecodeLimits& limits) : bytes_(bytes), limits_(limits) {}

  Result<Checked> walk() {
    out_.clean.assign(bytes_.begin(), bytes_.begin() + 8);
    std::size_t position = 8;
    while (!ended_) {
      if (bytes_.size() - position < 12) return truncated();
      const std::size_t length = big32(bytes_, position);
      if (length > 0x7FFFFFFF) return damaged("a chunk's length");
      if (length > bytes_.size() - position - 12) return truncated();
      const Bytes typed = bytes_.subspan(position + 4, length + 4);
      if (crc32(typed) != big32(bytes_, position + 8 + length)) return damaged("a chunk's checksum is wrong");
      if (Status s = chunk(std::string(typed.begin(), typed.begin() + 4), typed.subspan(4)); !s.ok()) return s;
      position += 12 + length;
    }
    return finish();
  }

 private:
  Status chunk(const std::string& type, Bytes body) {
    if (!header_seen_) return type == "IHDR" ? header(body) : damaged("it does not begin with its header");
    const bool data = type == "IDAT";
    if (data && data_ended_) return damaged("its data is not in one piece");
    if (!data && data_begun_) data_ended_ = true;
    if (data) {
      if (header_.color == 3 && palette_.empty()) return damaged("its palette is missing");
      if (!data_begun_) emit_begin("IDAT", 0);  // the length is known when all pieces are there
      data_begun_ = true;
      out_.clean.insert(out_.clean.end(), body.begin(), body.end());
      data_bytes_ += body.size();
    } else if (type == "PLTE") {
      return palette(body);
    } else if (type == "tRNS") {
      return transparency(body);
    } else if (type == "eXIf") {
      out_.orientation = exif_orientation(body);
    } else if (type == "IEND") {
      ended_ = true;
    } else if (type == "IHDR" || (type[0] & 0x20) == 0) {
      return damaged("a critical chunk that is not known");
    }
    return Status::success();
  }

  Status header(Bytes body) {
    if (body.size() != 13) return damaged("its header");
    header_ = {big32(body, 0), big32(body, 4), body[8], body[9], body[12] == 1};
    if (!valid_kind(header_.color, header_.depth) || body[10] != 0 || body[11] != 0 || body[12] > 1) return damaged("its header");
    if (Status s = check_size(header_.width, header_.height, limits_); !s.ok()) return s;
    header_seen_ = true;
    out_.width = static_cast<int>(header_.width);
    out_.height = static_cast<int>(header_.height);
    out_.deep = header_.depth == 16;
    out_.alpha = header_.color >= 4;
    emit("IHDR", body);
    return Status::success();
  }

  Status palette(Bytes body) {
    if (data_begun_ || palette_seen_ || body.empty() || body.size() % 3 != 0 || body.size() > 768) return damaged("its palette");
    palette_seen_ = true;
    if (header_.color != 3) return Status::success();  // only a suggestion for screens with few colours
    colors_ = body.size() / 3;
    palette_.assign(body.begin(), body.end());
    palette_.resize(768, 0);
    emit("PLTE", palette_);
    return Status::success();
  }

  Status transparency(Bytes body) {
    const bool fits =
        header_.color == 3 ? body.size() <= colors_ && !body.empty() : header_.color < 4 && body.size() == 2U * header_.channels();
    if (data_begun_ || out_.alpha || !fits) return damaged("its transparency");
    out_.alpha = true;
    emit("tRNS", body);
    return Status::success();
  }

  Result<Checked> finish() {
    const std::uint64_t raw = header_.raw_bytes();
    // Deflate packs at most 258 bytes in 2 bits, 1032 to 1.
    if (data_bytes_ == 0 || raw / 1032 > data_bytes_) return corrupt("the PNG is truncated: its data cannot fill the picture");
    out_.labels = header_.color == 0 && header_.depth == 8 && !out_.alpha;
    const std::size_t length_at = out_.clean.size() - data_bytes_ - 8;
    for (std::size_t i = 0; i < 4; ++i) out_.clean[length_at + i] = static_cast<std::uint8_t>(data_bytes_ >> (24 - 8 * i));
    emit_end();
    emit("IEND", {});
    // The decoder holds the data and the inflated rows (when interlaced it guesses their number a little short and has to grow
    // once), then the rows and at most two pictures of 4 channels. More is a bomb.
    const std::uint64_t samples = 4ULL * header_.width * header_.height * (out_.deep ? 2 : 1);
    out_.budget = static_cast<std::size_t>(data_bytes_ + raw * (header_.interlaced ? 4 : 2) + 2 * samples + (1U << 16));
    return std::move(out_);
  }

  void emit_begin(const char* type, std::size_t length) {
    for (int shift = 24; shift >= 0; shift -= 8) out_.clean.push_back(static_cast<std::uint8_t>(length >> shift));
    out_.clean.insert(out_.clean.end(), type, type + 4);
  }
  void emit_end() { out_.clean.insert(out_.clean.end(), 4, 0); }  // the decoder does not look at checksums
  void emit(const char* type, Bytes body) {
    emit_begin(type, body.size());
    out_.clean.insert(out_.clean.end(), body.begin(), body.end());
    emit_end();
  }

  Bytes bytes_;
  const DecodeLimits& limits_;
  Header header_;
  Checked out_;
  bool data_begun_ = false;
  std::size_t data_bytes_ = 0;
  std::vector<std::uint8_t> palette_;
  std::size_t colors_ = 0;
  bool header_seen_ = false;
  bool palette_seen_ = false;
  bool data_ended_ = false;
  bool ended_ = false;
};

}  // namespace

Result<Checked> check_png(Bytes bytes, const DecodeLimits& limits) { return Walker(bytes, limits).walk(); }

}  // namespace likeness::guard
