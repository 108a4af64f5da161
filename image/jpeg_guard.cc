#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "image/guard.hpp"

namespace likeness::guard {
namespace {

// Markers (ITU-T T.81, table B.1), without their first byte 0xFF.
enum Marker : unsigned {
  kSof0 = 0xC0,
  kSof2 = 0xC2,
  kDht = 0xC4,
  kJpg = 0xC8,
  kDac = 0xCC,
  kSof15 = 0xCF,
  kRst0 = 0xD0,
  kRst7 = 0xD7,
  kSoi = 0xD8,
  kEoi = 0xD9,
  kSos = 0xDA,
  kDqt = 0xDB,
  kDnl = 0xDC,
  kDri = 0xDD,
  kApp0 = 0xE0,
  kApp1 = 0xE1,
  kApp14 = 0xEE,
  kApp15 = 0xEF,
  kComment = 0xFE
};

constexpr std::int64_t kMaxScannedPixels = 2'000'000'000;
// Zero bytes behind the data of a scan. The decoder reads at most 4 bytes ahead, so an intact scan never reaches the marker
// behind them; a scan that does is truncated (stb.cc looks).
constexpr std::size_t kScanPadding = 16;

struct Component {
  unsigned id = 0;
  int h = 1;
  int v = 1;
  unsigned quantisation = 0;
  bool filled = false;  // a scan with its first DC coefficients was seen
  std::int64_t blocks_wide = 0;
  std::int64_t blocks_high = 0;
};

class Walker {
 public:
  Walker(Bytes bytes, const DecodeLimits& limits) : bytes_(bytes), limits_(limits) {}

  Result<Checked> walk() {
    out_.clean.reserve(bytes_.size() + 64);
    emit_marker(kSoi);
    position_ = 2;
    for (;;) {
      unsigned marker = 0;
      if (Status s = next_marker(&marker); !s.ok()) return s;
      if (marker == kEoi) break;
      if (Status s = segment(marker); !s.ok()) return s;
    }
    if (Status s = finish(); !s.ok()) return s;
    emit_marker(kEoi);
    return std::move(out_);
  }

 private:
  static Status truncated() { return corrupt("the JPEG is truncated: it has no end marker"); }

  Status next_marker(unsigned* marker) {
    while (position_ < bytes_.size() && bytes_[position_] == 0) ++position_;  // some cameras pad with zeros
    if (position_ >= bytes_.size()) return truncated();
    if (bytes_[position_] != 0xFF) return corrupt("the JPEG is damaged: a marker is missing at byte " + std::to_string(position_));
    while (position_ < bytes_.size() && bytes_[position_] == 0xFF) ++position_;  // any number of fill bytes
    if (position_ >= bytes_.size()) return truncated();
    *marker = bytes_[position_++];
    return Status::success();
  }

  // A marker other than the end, whose segment begins at position_.
  Status segment(unsigned marker) {
    if (marker == 0 || marker == 1 || (marker >= kRst0 && marker <= kSoi)) return damaged("a marker out of place");
    if (bytes_.size() - position_ < 2) return truncated();
    const std::size_t length = big16(bytes_, position_);
    if (length < 2) return damaged("a segment shorter than its own length");
    if (length > bytes_.size() - position_) return truncated();
    const Bytes body = bytes_.subspan(position_ + 2, length - 2);
    position_ += length;
    switch (marker) {
      case kDht:
        return huffman_tables(body);
      case kDqt:
        return quantisation_tables(body);
      case kDri:
        if (body.size() != 2) return damaged("its restart interval");
        restart_interval_ = big16(body, 0);
        emit(marker, body);
        return Status::success();
      case kSos:
        return scan(body);
      case kDnl:
      case kDac:
      case kJpg:
        return unsupported_kind();
      case kApp0:
        if (begins_with(body, "JFIF")) emit(marker, body);
        return Status::success();
      case kApp1:
        if (!exif_seen_ && body.size() >= 6 && begins_with(body, "Exif")) {
          exif_seen_ = true;
          out_.orientation = exif_orientation(body.subspan(6));
        }
        return Status::success();
      case kApp14:
        if (body.size() >= 12 && begins_with(body, "Adobe")) {
          adobe_transform_ = body[11];
          emit(marker, body.first(12));
        }
        return Status::success();
      default:
        if (marker >= kSof0 && marker <= kSof15) return frame(marker, body);
        if ((marker >= kApp0 && marker <= kApp15) || marker == kComment) return Status::success();
        return damaged("an unknown marker");
    }
  }

  static bool begins_with(Bytes body, const char* tag) {  // the tag with its closing zero
    const std::size_t n = std::strlen(tag) + 1;
    return body.size() >= n && std::memcmp(body.data(), tag, n) == 0;
  }

  Status quantisation_tables(Bytes body) {
    std::size_t at = 0;
    while (at < body.size()) {
      const unsigned precision = body[at] >> 4;
      const unsigned table = body[at] & 15U;
      const std::size_t bytes = precision != 0 ? 128 : 64;
      if (precision > 1 || table > 3 || body.size() - at - 1 < bytes) return damaged("a quantisation table");
      quantisation_seen_[table] = true;
      at += 1 + bytes;
    }
    emit(kDqt, body);
    return Status::success();
  }

  // stb (2.27) writes behind its arrays when a table declares more than 256 symbols, and reads symbol 255 wrongly.
  Status huffman_tables(Bytes body) {
    std::size_t at = 0;
    while (at < body.size()) {
      if (body.size() - at < 17) return damaged("a Huffman table");
      const unsigned kind = body[at] >> 4;
      const unsigned table = body[at] & 15U;
      std::uint32_t code = 0;  // the first code that is free at this length
      std::size_t symbols = 0;
      for (unsigned bits = 1; bits <= 16; ++bits) {
        code += body[at + bits];
        symbols += body[at + bits];
        if (code > (1U << bits)) return damaged("a Huffman table");
        code <<= 1;
      }
      if (kind > 1 || table > 3 || symbols == 0 || symbols > 255 || body.size() - at - 17 < symbols) return damaged("a Huffman table");
      huffman_seen_[kind][table] = true;
      at += 17 + symbols;
    }
    emit(kDht, body);
    return Status::success();
  }

  Status frame(unsigned marker, Bytes body) {
    if (count_ != 0) return damaged("two frames in one file");
    if (marker > kSof2) return unsupported_kind();
    if (body.size() < 6) return damaged("its frame header");
    if (body[0] != 8) return unsupported_kind();
    progressive_ = marker == kSof2;
    out_.height = static_cast<int>(big16(body, 1));
    out_.width = static_cast<int>(big16(body, 3));
    const std::size_t count = body[5];
    if (body.size() != 6 + 3 * count) return damaged("its frame header");
    if (count != 1 && count != 3 && count != 4)
      return unsupported("the JPEG has " + std::to_string(count) + " colour components; save it as RGB");
    if (out_.height == 0) return unsupported_kind();  // the height follows later (DNL)
    if (Status s = check_size(out_.width, out_.height, limits_); !s.ok()) return s;
    count_ = count;
    for (std::size_t i = 0; i < count; ++i) {
      Component& c = components_[i];
      c.id = body[6 + 3 * i];
      c.h = body[7 + 3 * i] >> 4;
      c.v = body[7 + 3 * i] & 15;
      c.quantisation = body[8 + 3 * i];
      if (c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.quantisation > 3) return damaged("its frame header");
      for (std::size_t k = 0; k < i; ++k) {
        if (components_[k].id == c.id) return damaged("its frame header");
      }
      h_max_ = std::max(h_max_, c.h);
      v_max_ = std::max(v_max_, c.v);
    }
    std::size_t plane_bytes = 0;
    mcus_wide_ = (out_.width + 8 * h_max_ - 1) / (8 * h_max_);
    mcus_high_ = (out_.height + 8 * v_max_ - 1) / (8 * v_max_);
    for (std::size_t i = 0; i < count; ++i) {
      Component& c = components_[i];
      if (h_max_ % c.h != 0 || v_max_ % c.v != 0) return unsupported_kind();
      c.blocks_wide = ((out_.width * c.h + h_max_ - 1) / h_max_ + 7) / 8;
      c.blocks_high = ((out_.height * c.v + v_max_ - 1) / v_max_ + 7) / 8;
      plane_bytes += static_cast<std::size_t>(mcus_wide_ * c.h * 8 * mcus_high_ * c.v * 8);
    }
    const std::size_t pixels = static_cast<std::size_t>(out_.width) * static_cast<std::size_t>(out_.height);
    out_.budget = plane_bytes * (progressive_ ? 3 : 1) + 4 * pixels + 4 * static_cast<std::size_t>(out_.width) + (std::size_t{1} << 17);
    emit(marker, body);
    return Status::success();
  }

  Status scan(Bytes body) {
    if (count_ == 0 || body.empty()) return damaged("a scan before its frame");
    const std::size_t n = body[0];
    if (n < 1 || n > count_ || body.size() != 4 + 2 * n) return damaged("a scan header");
    const std::int64_t pixels = std::int64_t{out_.width} * out_.height;
    if (++scans_ > limits_.max_scans || scans_ * pixels > kMaxScannedPixels) {
      return corrupt("the JPEG has too many scans for its size; save it again");
    }
    const unsigned first = body[1 + 2 * n];
    const unsigned last = body[2 + 2 * n];
    const unsigned high = body[3 + 2 * n] >> 4;
    const bool has_dc = first == 0;
    const bool has_ac = !progressive_ || !has_dc;
    if (progressive_ && (last > 63 || first > last || (has_dc ? last != 0 : n != 1))) return damaged("a scan header");
    if (!progressive_ && !has_dc) return damaged("a scan header");
    const Component* chosen = nullptr;
    for (std::size_t i = 0; i < n; ++i) {
      Component* c = find(body[1 + 2 * i]);
      const unsigned dc = body[2 + 2 * i] >> 4;
      const unsigned ac = body[2 + 2 * i] & 15U;
      if (c == nullptr || dc > 3 || ac > 3) return damaged("a scan header");
      if (!quantisation_seen_[c->quantisation] || (has_dc && high == 0 && !huffman_seen_[0][dc]) || (has_ac && !huffman_seen_[1][ac])) {
        return damaged("a scan without its tables");
      }
      if (has_dc && high == 0) c->filled = true;
      chosen = c;
    }
    emit(kSos, body);
    const std::int64_t mcus = n == 1 ? chosen->blocks_wide * chosen->blocks_high : std::int64_t{mcus_wide_} * mcus_high_;
    return scan_data(mcus);
  }

  // Copies the entropy-coded bytes up to the next marker that is no restart marker.
  Status scan_data(std::int64_t mcus) {
    std::int64_t restarts = 0;
    const std::size_t begin = position_;
    for (;;) {
      const void* hit = position_ < bytes_.size() ? std::memchr(bytes_.data() + position_, 0xFF, bytes_.size() - position_) : nullptr;
      const std::size_t end =
          hit == nullptr ? bytes_.size() : static_cast<std::size_t>(static_cast<const std::uint8_t*>(hit) - bytes_.data());
      out_.clean.insert(out_.clean.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(position_),
                        bytes_.begin() + static_cast<std::ptrdiff_t>(end));
      position_ = end;
      std::size_t after = end;
      while (after < bytes_.size() && bytes_[after] == 0xFF) ++after;
      if (after >= bytes_.size()) return truncated();
      const unsigned code = bytes_[after];
      if (code != 0 && (code < kRst0 || code > kRst7)) break;
      restarts += code != 0 ? 1 : 0;
      out_.clean.push_back(0xFF);
      out_.clean.push_back(static_cast<std::uint8_t>(code));
      position_ = after + 1;
    }
    entropy_bytes_ += position_ - begin;
    out_.clean.insert(out_.clean.end(), kScanPadding, 0);
    if (restart_interval_ != 0 && restarts < (mcus - 1) / restart_interval_)
      return corrupt("the JPEG is truncated: restart markers are missing");
    return Status::success();
  }

  // What can only be told when all was seen.
  Status finish() const {
    if (count_ == 0 || scans_ == 0) return damaged("no picture in it");
    std::int64_t blocks = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      if (!components_[i].filled) return corrupt("the JPEG is truncated: a colour component is missing");
      blocks += components_[i].blocks_wide * components_[i].blocks_high;
    }
    // Every block's first DC coefficient takes at least one bit.
    if (static_cast<std::int64_t>(entropy_bytes_) < blocks / 8) return corrupt("the JPEG is truncated: it has fewer bits than blocks");
    if (count_ == 4 && adobe_transform_ != 0 && adobe_transform_ != 2) {
      return unsupported("the JPEG has 4 colour components of an unknown kind; save it as RGB");
    }
    return Status::success();
  }

  Component* find(unsigned id) {
    for (std::size_t i = 0; i < count_; ++i) {
      if (components_[i].id == id) return &components_[i];
    }
    return nullptr;
  }

  static Status damaged(const char* what) { return corrupt(std::string("the JPEG is damaged: ") + what); }
  static Status unsupported_kind() {
    return unsupported("a JPEG of a rare kind (12-bit, lossless, arithmetic or hierarchical coding); save it as ordinary JPEG");
  }

  void emit_marker(unsigned marker) {
    out_.clean.push_back(0xFF);
    out_.clean.push_back(static_cast<std::uint8_t>(marker));
  }
  void emit(unsigned marker, Bytes body) {
    emit_marker(marker);
    out_.clean.push_back(static_cast<std::uint8_t>((body.size() + 2) >> 8));
    out_.clean.push_back(static_cast<std::uint8_t>((body.size() + 2) & 255U));
    out_.clean.insert(out_.clean.end(), body.begin(), body.end());
  }

  Bytes bytes_;
  const DecodeLimits& limits_;
  std::size_t position_ = 0;
  Checked out_;
  bool exif_seen_ = false;
  int adobe_transform_ = -1;
  bool progressive_ = false;
  std::size_t count_ = 0;  // components; 0 before the frame header
  std::array<Component, 4> components_;
  int h_max_ = 1;
  int v_max_ = 1;
  int mcus_wide_ = 0;
  int mcus_high_ = 0;
  unsigned restart_interval_ = 0;
  int scans_ = 0;
  std::size_t entropy_bytes_ = 0;
  std::array<bool, 4> quantisation_seen_{};
  std::array<std::array<bool, 4>, 2> huffman_seen_{};
};

}  // namespace

Result<Checked> check_jpeg(Bytes bytes, const DecodeLimits& limits) { return Walker(bytes, limits).walk(); }

}  // namespace likeness::guard
