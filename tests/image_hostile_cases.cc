#include <algorithm>
#include <limits>
#include <utility>

#include "hostile.hpp"
#include "image/decode.hpp"
#include "image/encode.hpp"
#include "image_files.hpp"
#include "image_structure_cases.hpp"
#include "paint_memory.hpp"

namespace likeness::testing {
namespace {

constexpr Expected kDamaged = refused_as(Code::corrupt_image);
constexpr Expected kTooLarge = refused_as(Code::image_too_large);

// Right files of every kind that is read, small enough to damage thousands of times.
std::vector<std::pair<std::string, Bytes>> right_files(int side) {
  std::vector<std::pair<std::string, Bytes>> files;
  for (const int channels : {1, 3}) {
    for (const int quality : {60, 97}) {
      files.emplace_back("JPEG " + std::to_string(channels) + " at " + std::to_string(quality),
                         jpeg(picture(side, side - 3, channels), quality));
    }
  }
  for (const bool progressive : {false, true}) {
    for (const unsigned restart : {0U, 2U}) {
      FlatJpeg flat;
      flat.width = flat.height = static_cast<std::uint32_t>(side);
      flat.levels = {120, 90, 180};
      flat.progressive = progressive;
      flat.restart = restart;
      flat.sampling = 2;
      files.emplace_back(std::string(progressive ? "progressive" : "baseline") + " JPEG, restart " + std::to_string(restart), flat.build());
    }
  }
  FlatJpeg inks;
  inks.width = inks.height = static_cast<std::uint32_t>(side);
  inks.levels = {255, 100, 50, 128};
  inks.adobe = 0;
  files.emplace_back("CMYK JPEG", inks.build());
  for (const int channels : {1, 3, 4}) {
    files.emplace_back("PNG " + std::to_string(channels), encode_png(picture(side, side - 3, channels)).value());
  }
  const auto samples = [&](unsigned channels, std::uint32_t below) {
    std::vector<std::uint32_t> s(static_cast<std::size_t>(side * side) * channels);
    for (std::size_t i = 0; i < s.size(); ++i) s[i] = static_cast<std::uint32_t>(i * 7 % below);
    return s;
  };
  const auto edge = static_cast<std::uint32_t>(side);
  for (const bool interlaced : {false, true}) {
    files.emplace_back("16-bit PNG", PngFile{edge, edge, 16, 6, interlaced, samples(4, 65536), {}}.build());
    files.emplace_back("PNG with a palette",
                       PngFile{edge, edge, 4, 3, interlaced, samples(1, 9), png_chunk("PLTE", Bytes(27, 88))}.build());
    files.emplace_back("PNG of 1 bit", PngFile{edge, edge, 1, 0, interlaced, samples(1, 2), {}}.build());
  }
  const auto rows = [&](unsigned bits) {
    return Bytes(static_cast<std::size_t>((side * static_cast<int>(bits) + 31) / 32 * 4 * side), 0x31);
  };
  files.emplace_back("BMP of 24 bits", BmpFile{side, side, 24, 0, 0, 40, {}, rows(24)}.build());
  files.emplace_back("BMP, top row first", BmpFile{side, -side, 24, 0, 0, 40, {}, rows(24)}.build());
  files.emplace_back("BMP of 8 bits", BmpFile{side, side, 8, 0, 90, 40, Bytes(360, 77), rows(8)}.build());
  files.emplace_back("BMP of 4 bits", BmpFile{side, side, 4, 0, 9, 40, Bytes(36, 77), rows(4)}.build());
  const Bytes masks = little32(0x00FF0000) + little32(0x0000FF00) + little32(0x000000FF) + little32(0xFF000000);
  files.emplace_back("BMP with masks", BmpFile{side, side, 32, 6, 0, 40, masks, rows(32)}.build());
  return files;
}

void controls(const CaseVisitor& visit) {
  for (const int side : {16, 33, 64}) {
    for (const auto& [what, file] : right_files(side)) visit(what, kRead, file);
  }
}

void truncated(const CaseVisitor& visit) {
  for (const auto& [what, file] : right_files(64)) {
    for (std::size_t percent = 0; percent < 100; ++percent)
      visit(what + ", " + std::to_string(percent) + " %", kRefused, first(file, file.size() * percent / 100));
    visit(what + ", one byte short", what.starts_with("BMP") ? kEither : kRefused, first(file, file.size() - 1));
  }
}

// What a browser that gave up, or a careless repair, leaves: the end marker is there, the end of the picture is not.
void false_end(const CaseVisitor& visit) {
  for (const int channels : {1, 3}) {
    const Bytes file = jpeg(picture(120, 100, channels), 90);
    const Bytes sos = {0xFF, 0xDA};
    const auto scan = static_cast<std::size_t>(std::search(file.begin(), file.end(), sos.begin(), sos.end()) - file.begin()) + 14;
    for (std::size_t percent = 0; percent < 98; ++percent) {
      Bytes cut = first(file, scan + (file.size() - scan) * percent / 100);
      if (cut.back() == 0xFF) cut.pop_back();
      visit(std::to_string(percent) + " % of the scan", kDamaged, cut + Bytes{0xFF, 0xD9});
    }
  }
  FlatJpeg restarts;
  restarts.restart = 8;
  const Bytes whole = restarts.build();
  const Bytes last = {0xFF, 0xD6};
  const auto seventh = std::search(whole.begin(), whole.end(), last.begin(), last.end());
  visit("a restart interval is missing", kDamaged, Bytes(whole.begin(), seventh) + Bytes{0xFF, 0xD9});
  const Bytes png = png_signature() + png_header(8, 8, 8, 0);
  for (std::size_t rows = 0; rows < 8; ++rows) {
    visit(std::to_string(rows) + " rows of 8", kDamaged, png + png_chunk("IDAT", zlib_stored(Bytes(9 * rows, 0))) + png_chunk("IEND", {}));
  }
}

Bytes with_jpeg_size(std::uint32_t width, std::uint32_t height) {
  FlatJpeg flat;
  flat.width = flat.height = 64;
  Bytes file = flat.build();
  const Bytes sof = {0xFF, 0xC0}, size = big16(height) + big16(width);
  const auto at = std::search(file.begin(), file.end(), sof.begin(), sof.end()) + 5;
  std::copy(size.begin(), size.end(), at);
  return file;
}

Bytes with_png_size(std::uint32_t width, std::uint32_t height) {
  return png_signature() + png_header(width, height, 8, 6) + png_chunk("IDAT", zlib_stored(Bytes(1))) + png_chunk("IEND", {});
}

void dimension_bombs(const CaseVisitor& visit) {
  for (const std::uint32_t side : {16385U, 26000U, 65535U, 0x7FFFFFFFU, 0x80000000U, 0xFFFFFFFFU}) {
    visit("PNG of " + std::to_string(side), kTooLarge, with_png_size(side, side));
    visit("PNG of 1 by " + std::to_string(side), kTooLarge, with_png_size(1, side));
    if (side <= 65535) visit("JPEG of " + std::to_string(side), kTooLarge, with_jpeg_size(side, side));
    if (side <= 65535) visit("JPEG of 1 by " + std::to_string(side), kTooLarge, with_jpeg_size(1, side));
  }
  constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();
  for (const auto& [width, height] : std::initializer_list<std::pair<std::int32_t, std::int32_t>>{
           {16385, 1}, {1, -16385}, {65535, 65535}, {kMost, kMost}, {kMost, -1}, {46341, 46341}}) {
    visit("BMP of " + std::to_string(width) + " by " + std::to_string(height), kTooLarge,
          BmpFile{width, height, 24, 0, 0, 40, {}, Bytes(64, 1)}.build());
  }
  // Inside the limit of the sides, outside that of the area.
  visit("JPEG of 16000", kTooLarge, with_jpeg_size(16000, 16000));
  visit("PNG of 16384", kTooLarge, with_png_size(16384, 16384));
  // Inside both, without the bytes to fill them.
  visit("JPEG of 8000 in 200 bytes", kDamaged, with_jpeg_size(8000, 8000));
  visit("PNG of 8000 in 80 bytes", kDamaged, with_png_size(8000, 8000));
  visit("BMP of 8000 in 100 bytes", kDamaged, BmpFile{8000, 8000, 24, 0, 0, 40, {}, Bytes(64, 1)}.build());
}

void zero_and_negative(const CaseVisitor& visit) {
  constexpr std::int32_t kLeast = std::numeric_limits<std::int32_t>::min();
  for (const auto& [width, height] :
       std::initializer_list<std::pair<std::int32_t, std::int32_t>>{{0, 4}, {4, 0}, {0, 0}, {-4, 4}, {-4, -4}, {kLeast, 4}, {-1, kLeast}}) {
    visit("BMP of " + std::to_string(width) + " by " + std::to_string(height), kDamaged,
          BmpFile{width, height, 24, 0, 0, 40, {}, Bytes(64, 1)}.build());
  }
  for (const auto& [width, height] : std::initializer_list<std::pair<std::int32_t, std::int32_t>>{{4, kLeast}, {1, kLeast + 1}}) {
    visit("BMP of " + std::to_string(width) + " by " + std::to_string(height), kTooLarge,
          BmpFile{width, height, 24, 0, 0, 40, {}, Bytes(64, 1)}.build());
  }
  for (const auto& [width, height] : std::initializer_list<std::pair<std::uint32_t, std::uint32_t>>{{0, 8}, {8, 0}, {0, 0}}) {
    visit("PNG of " + std::to_string(width) + " by " + std::to_string(height), kDamaged, with_png_size(width, height));
    visit("JPEG of " + std::to_string(width) + " by " + std::to_string(height),
          height == 0 ? refused_as(Code::unsupported_format) : kDamaged, with_jpeg_size(width, height));
  }
  visit("BMP of 12-byte header, width 0", kDamaged, BmpFile{0, 4, 24, 0, 0, 12, {}, Bytes(64, 1)}.build());
  visit("PNG of 1 by 1", kRead, PngFile{1, 1, 8, 2, false, {1, 2, 3}, {}}.build());
  visit("BMP of 1 by 1", kRead, BmpFile{1, 1, 24, 0, 0, 40, {}, Bytes(4, 1)}.build());
  visit("BMP of 1 by 16384", kRead, BmpFile{1, 16384, 24, 0, 0, 40, {}, Bytes(4 * 16384, 1)}.build());
}

void data_bombs(const CaseVisitor& visit) {
  for (const std::size_t megabytes : {1U, 8U, 64U, 256U}) {
    const Bytes data = zlib_zeros((megabytes << 20) / 258);
    visit("16 by 16 that inflates to " + std::to_string(megabytes) + " MB", kDamaged,
          png_signature() + png_header(16, 16, 8, 2) + png_chunk("IDAT", data) + png_chunk("IEND", {}));
  }
  // The same data behind a header that asks for them are a picture: 1 + 258 * 31000 bytes are rows of 1 + 3 * 516.
  visit("8 MB of zeros as a picture", kRead,
        png_signature() + png_header(516, (1 + 258 * 31'000) / 1549, 8, 2) + png_chunk("IDAT", zlib_zeros(31'000)) + png_chunk("IEND", {}));
}

void scan_bombs(const CaseVisitor& visit) {
  for (const int scans : {99, 100, 1000, 20'000}) {
    FlatJpeg flat;
    flat.width = flat.height = 32;
    flat.progressive = true;
    flat.ac_scans = scans;
    visit(std::to_string(scans + 1) + " scans", scans == 99 ? kRead : kDamaged, flat.build());
  }
  FlatJpeg large;  // inside the number of scans, outside that of scanned pixels
  large.width = large.height = 8000;
  large.progressive = true;
  large.ac_scans = 40;
  visit("41 scans of 64 million pixels", kDamaged, large.build());
}

Bytes repeated(const Bytes& piece, std::size_t count) {
  Bytes out;
  out.reserve(piece.size() * count);
  for (std::size_t i = 0; i < count; ++i) out.insert(out.end(), piece.begin(), piece.end());
  return out;
}

void floods(const CaseVisitor& visit) {
  constexpr std::size_t kMany = 1'000'000;
  const Bytes head = png_signature() + png_header(8, 8, 8, 0);
  const Bytes data = zlib_stored(Bytes(72, 0));
  const Bytes whole = png_chunk("IDAT", data), end = png_chunk("IEND", {});
  visit("empty text chunks", kRead, head + repeated(png_chunk("tEXt", {}), kMany) + whole + end);
  visit("empty data chunks", kRead, head + repeated(png_chunk("IDAT", {}), kMany) + whole + end);
  visit("data chunks of one byte", kRead, head + whole + repeated(png_chunk("IDAT", {0}), kMany) + end);
  visit("text chunks and no end", kDamaged, head + whole + repeated(png_chunk("tEXt", {}), kMany));
  const Bytes flat = FlatJpeg().build();
  const std::size_t table_end = 2 + 2 + 67;  // of its first segment
  const auto between = [&](const Bytes& inserted) {
    return first(flat, table_end) + inserted + Bytes(flat.begin() + static_cast<std::ptrdiff_t>(table_end), flat.end());
  };
  visit("comments", kRead, between(repeated({0xFF, 0xFE, 0, 2}, kMany)));
  visit("fill bytes", kRead, between(Bytes(4 * kMany, 0xFF)));
  visit("zero bytes", kRead, between(Bytes(4 * kMany, 0)));
  visit("restart intervals", kRead, between(repeated({0xFF, 0xDD, 0, 4, 0, 0}, kMany)));
  visit("quantisation tables", kRead, between(repeated(Bytes{0xFF, 0xDB, 0, 67, 0} + Bytes(64, 1), kMany / 20)));
  visit("Exif segments", kRead, between(repeated(Bytes{0xFF, 0xE1, 0, 8} + text("Exif") + Bytes{0, 0}, kMany / 4)));
}

Bytes tiff(bool little, std::uint32_t tag, std::uint32_t type, std::uint32_t count, std::uint32_t value) {
  const auto u16 = [&](std::uint32_t v) { return little ? little16(v) : big16(v); };
  const auto u32 = [&](std::uint32_t v) { return little ? little32(v) : big32(v); };
  return text(little ? "II" : "MM") + u16(42) + u32(8) + u16(2) + u16(0x010F) + u16(2) + u32(4) + text("cam") + Bytes{0} + u16(tag) +
         u16(type) + u32(count) + u16(value) + u16(0) + u32(0);
}

// Orientation in blocks that lie: the picture is read. tests/image_orientation_test.cc looks at what is shown.
void exif(const CaseVisitor& visit) {
  const Bytes photo = jpeg(picture(24, 20, 3), 90);
  PngFile png{9, 7, 8, 2, false, {}, {}};
  for (const std::uint8_t v : picture(9, 7, 3).pixels) png.samples.push_back(v);
  const auto both = [&](const std::string& what, const Bytes& block) {
    visit("JPEG, " + what, kRead, with_segment(photo, 0xE1, text("Exif") + Bytes{0, 0} + block));
    png.before_data = png_chunk("eXIf", block);
    visit("PNG, " + what, kRead, png.build());
  };
  for (const bool little : {false, true}) {
    for (const std::uint32_t value : {0U, 1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U, 9U, 255U, 256U, 65535U})
      both("value " + std::to_string(value), tiff(little, 0x0112, 3, 1, value));
    for (const std::uint32_t type : {0U, 1U, 2U, 4U, 9U, 13U, 65535U})
      both("type " + std::to_string(type), tiff(little, 0x0112, type, 1, 6));
    for (const std::uint32_t count : {0U, 2U, 3U, 0x7FFFFFFFU, 0xFFFFFFFFU})
      both("count " + std::to_string(count), tiff(little, 0x0112, 3, count, 6));
    const Bytes good = tiff(little, 0x0112, 3, 1, 6);
    for (std::size_t length = 0; length < good.size(); ++length) both("first " + std::to_string(length), first(good, length));
    for (const std::uint32_t offset : {0U, 1U, 7U, 9U, 30U, 37U, 38U, 39U, 1000U, 0x7FFFFFFFU, 0xFFFFFFF0U, 0xFFFFFFFFU}) {
      Bytes moved = good;
      const Bytes bytes = little ? little32(offset) : big32(offset);
      std::copy(bytes.begin(), bytes.end(), moved.begin() + 4);
      both("directory at " + std::to_string(offset), moved);
    }
    Bytes many = good;
    many[8] = many[9] = 0xFF;
    both("65,535 entries", many);
  }
  both("no TIFF at all", text("Exif Exif Exif"));
}

void other_formats(const CaseVisitor& visit) {
  const auto box = [](const char* brand) { return big32(24) + text(std::string("ftyp") + brand) + Bytes(16, 0); };
  for (const Bytes& file : {Bytes{},
                            text("G"),
                            text("GIF89a") + Bytes(20, 0),
                            text("GIF87a") + Bytes(20, 0),
                            text("RIFF") + little32(100) + text("WEBPVP8 "),
                            box("heic"),
                            box("heix"),
                            box("hevc"),
                            box("mif1"),
                            box("avif"),
                            box("avis"),
                            box("isom"),
                            box("crx "),
                            text("II*") + Bytes(9, 0),
                            text("MM") + Bytes{0, '*', 0, 0, 0, 8},
                            text("%PDF-1.7\n"),
                            text("<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
                            text("\xEF\xBB\xBF  <svg/>"),
                            text("<!DOCTYPE html><html>"),
                            text("<html><body>"),
                            text("PK\x03\x04") + Bytes(30, 0),
                            text("8BPS") + Bytes(30, 0),
                            Bytes{0xFF, 0x0A, 1, 2, 3},
                            Bytes{0, 0, 1, 0, 1, 0},
                            text("P6\n4 4\n255\n"),
                            text("hello, world\n"),
                            Bytes(1'000'000, 0),
                            Bytes(1'000'000, 0xFF),
                            Bytes{0xFF},
                            Bytes{0xFF, 0xD8},
                            Bytes{0x89, 'P', 'N', 'G'},
                            text("#!/bin/sh\n"),
                            Bytes{0x7F, 'E', 'L', 'F'}}) {
    visit(std::string(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(file.size(), 12))),
          refused_as(Code::unsupported_format), file);
  }
  for (const char* start : {"\xFF\xD8\xFF", "\x89PNG\r\n\x1A\n", "BM"}) {  // the first bytes of one, the rest of another
    visit("a GIF behind a picture's first bytes", kRefused, text(start) + text("GIF89a") + Bytes(200, 0));
    visit("noise behind a picture's first bytes", kRefused, text(start) + Bytes(1000, 0x5A));
  }
}

void flipped_bits(const CaseVisitor& visit) {
  for (const auto& [what, file] : right_files(40)) {
    const std::size_t step = std::max<std::size_t>(1, 8 * file.size() / 1000) | 1U;
    for (std::size_t bit = 0; bit < 8 * file.size(); bit += step) {
      Bytes flipped = file;
      flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      visit(what + ", bit " + std::to_string(bit), kEither, flipped);
    }
  }
}

void extreme_bytes(const CaseVisitor& visit) {
  for (const auto& [what, file] : right_files(16)) {
    for (std::size_t at = 0; at < std::min<std::size_t>(file.size(), 160); ++at) {
      for (const std::uint8_t value : {0x00, 0x01, 0x7F, 0x80, 0xFF}) {
        Bytes changed = file;
        changed[at] = value;
        visit(what + ", byte " + std::to_string(at) + " = " + std::to_string(value), kEither, changed);
      }
    }
  }
}

Outcome read_photo(const Bytes& file) {
  DecodeLimits limits;
  limits.min_side = 1;
  paint_memory(0x00);
  const Result<Image> once = decode_photo(file, limits);
  paint_memory(0xA5);
  const Result<Image> again = decode_photo(file, limits);
  paint_memory(0xFF);
  bool same = once.status().code == again.status().code && once.status().message == again.status().message;
  if (same && once.ok()) same = once->width == again->width && once->height == again->height && once->pixels == again->pixels;
  return {once.status(), same};
}

}  // namespace

std::span<const HostileClass> hostile_photos() {
  static constexpr HostileClass kClasses[] = {
      {"photo", "right files (controls)", controls, read_photo},
      {"photo", "truncated at every 1 %", truncated, read_photo},
      {"photo", "a false end", false_end, read_photo},
      {"photo", "bombs: dimensions", dimension_bombs, read_photo},
      {"photo", "zero, negative, INT_MIN sizes", zero_and_negative, read_photo},
      {"photo", "bombs: PNG data", data_bombs, read_photo},
      {"photo", "bombs: JPEG scans", scan_bombs, read_photo},
      {"photo", "floods of chunks and segments", floods, read_photo},
      {"photo", "PNG checksums, every bit", png_checksums, read_photo},
      {"photo", "PNG structure", png_structure, read_photo},
      {"photo", "JPEG structure", jpeg_structure, read_photo},
      {"photo", "JPEG Huffman tables", jpeg_tables, read_photo},
      {"photo", "BMP structure, palettes, masks", bmp_structure, read_photo},
      {"photo", "EXIF blocks that lie", exif, read_photo},
      {"photo", "other formats, by content", other_formats, read_photo},
      {"photo", "flipped bits, decoded twice", flipped_bits, read_photo},
      {"photo", "extreme bytes in headers, decoded twice", extreme_bytes, read_photo},
  };
  return kClasses;
}

}  // namespace likeness::testing
