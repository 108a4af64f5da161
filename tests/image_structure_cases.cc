#include "image_structure_cases.hpp"

#include <algorithm>
#include <utility>

#include "image_files.hpp"

namespace likeness::testing {
namespace {

constexpr Expected kDamaged = refused_as(Code::corrupt_image);
constexpr Expected kUnsupported = refused_as(Code::unsupported_format);

Bytes behind_start(const Bytes& file, const Bytes& inserted) { return first(file, 2) + inserted + Bytes(file.begin() + 2, file.end()); }

std::size_t find(const Bytes& file, const Bytes& what) {
  return static_cast<std::size_t>(std::search(file.begin(), file.end(), what.begin(), what.end()) - file.begin());
}

}  // namespace

void jpeg_structure(const CaseVisitor& visit) {
  const Bytes file = FlatJpeg().build();
  visit("a flat JPEG", kRead, file);
  visit("nothing between start and end", kDamaged, {0xFF, 0xD8, 0xFF, 0xD9});
  visit("short quantisation table", kDamaged, with_segment(file, 0xDB, Bytes{0} + Bytes(63, 1)));
  visit("quantisation table 4", kDamaged, with_segment(file, 0xDB, Bytes{4} + Bytes(64, 1)));
  visit("quantisation table of 24 bits", kDamaged, with_segment(file, 0xDB, Bytes{0x20} + Bytes(192, 1)));
  visit("restart interval of 1 byte", kDamaged, with_segment(file, 0xDD, Bytes{1}));
  visit("a scan before its frame", kDamaged, with_segment(file, 0xDA, Bytes{1, 1, 0, 0, 63, 0}));
  visit("two frames", kDamaged, with_segment(file, 0xC0, Bytes{8, 0, 64, 0, 64, 1, 1, 17, 0}));
  visit("an unknown marker", kDamaged, with_segment(file, 0xF0, Bytes{1}));
  visit("a segment of length 0", kDamaged, behind_start(file, {0xFF, 0xE1, 0, 0}));
  visit("a segment of length 1", kDamaged, behind_start(file, {0xFF, 0xE1, 0, 1}));
  visit("a segment longer than the file", kDamaged, behind_start(file, {0xFF, 0xE1, 0xFF, 0xFF}));
  visit("a restart marker out of place", kDamaged, behind_start(file, {0xFF, 0xD0}));
  visit("a second start", kDamaged, behind_start(file, {0xFF, 0xD8}));
  visit("an end before the frame", kDamaged, behind_start(file, {0xFF, 0xD9}));
  visit("bytes that are no marker behind the start", kUnsupported, behind_start(file, {1, 2, 3}));
  visit("bytes that are no marker between segments", kDamaged, first(file, 71) + Bytes{1, 2, 3} + Bytes(file.begin() + 71, file.end()));
  FlatJpeg odd;  // sampling 3 beside 2 does not divide; stb's upsampling would read outside its planes
  odd.levels = {1, 2, 3};
  odd.sampling = 3;
  const Bytes three = odd.build();
  const std::size_t component = find(three, {2, 17, 0});
  for (const std::uint8_t sampling : {0x00, 0x01, 0x10, 0x51, 0x15, 0xFF}) {
    Bytes bytes = three;
    bytes[component + 1] = sampling;
    visit("sampling " + std::to_string(sampling), kDamaged, bytes);
  }
  Bytes bytes = three;
  bytes[component + 1] = 0x22;
  visit("sampling 3 beside 2", kUnsupported, bytes);
  for (const unsigned marker : {0xC3U, 0xC5U, 0xC6U, 0xC7U, 0xC9U, 0xCAU, 0xCBU, 0xCDU, 0xCEU, 0xCFU}) {
    FlatJpeg rare;
    rare.frame_marker = marker;
    visit("frame " + std::to_string(marker), kUnsupported, rare.build());
  }
  FlatJpeg deep;
  deep.precision = 12;
  visit("12 bits", kUnsupported, deep.build());
  FlatJpeg two;
  two.levels = {1, 2};
  visit("2 components", kUnsupported, two.build());
  FlatJpeg missing;
  missing.levels = {1, 2, 3};
  missing.skip_last_component = true;
  visit("a component that no scan fills", kDamaged, missing.build());
  FlatJpeg inks;
  inks.levels = {1, 2, 3, 4};
  visit("4 components without Adobe's marker", kUnsupported, inks.build());
  inks.adobe = 7;
  visit("an unknown Adobe transform", kUnsupported, inks.build());
  for (std::uint8_t byte = 0; byte < 6; ++byte) {  // every field of a scan header, out of range
    Bytes scan = file;
    scan[find(file, {0xFF, 0xDA}) + 4 + byte] = 0xEE;
    visit("scan header byte " + std::to_string(byte), byte < 3 ? kDamaged : kEither, scan);
  }
}

void jpeg_tables(const CaseVisitor& visit) {
  const Bytes file = FlatJpeg().build();
  const auto with_table = [&](const std::string& what, const Expected& expected, unsigned kind,
                              const std::vector<std::pair<int, int>>& lengths, std::size_t symbols) {
    Bytes counts(16, 0);
    for (const auto& [bits, count] : lengths) counts[static_cast<std::size_t>(bits - 1)] = static_cast<std::uint8_t>(count);
    visit(what, expected, with_segment(file, 0xC4, Bytes{static_cast<std::uint8_t>(kind << 4 | 3)} + counts + Bytes(symbols, 1)));
  };
  with_table("200 symbols", kRead, 1, {{8, 100}, {16, 100}}, 200);
  with_table("255 symbols", kRead, 1, {{8, 100}, {16, 155}}, 255);
  with_table("256 symbols: stb misreads the last", kDamaged, 1, {{8, 100}, {16, 156}}, 256);
  with_table("965 symbols: stb would write behind its arrays", kDamaged, 1, {{12, 200}, {14, 255}, {15, 255}, {16, 255}}, 965);
  with_table("more codes than bits allow", kDamaged, 0, {{1, 3}}, 3);
  with_table("more long codes than bits allow", kDamaged, 0, {{1, 1}, {2, 1}, {3, 3}}, 5);
  with_table("no symbols", kDamaged, 0, {}, 0);
  with_table("fewer symbols than codes", kDamaged, 0, {{4, 10}}, 9);
  with_table("kind 2", kDamaged, 2, {{4, 1}}, 1);
  visit("half a table", kDamaged, with_segment(file, 0xC4, Bytes(9, 0)));
}

void png_structure(const CaseVisitor& visit) {
  const Bytes head = png_signature() + png_header(8, 8, 8, 0);
  const Bytes data = png_chunk("IDAT", zlib_stored(Bytes(72, 0)));
  const Bytes end = png_chunk("IEND", {});
  const Bytes palette = png_chunk("PLTE", Bytes(6, 1));
  const Bytes indexed = png_signature() + png_header(8, 8, 8, 3);
  visit("grey", kRead, head + data + end);
  visit("indexed", kRead, indexed + palette + data + end);
  visit("a ZIP archive behind the end", kRead, head + data + end + text("PK\x03\x04 tail"));
  visit("no header", kDamaged, png_signature() + data + end);
  visit("header not first", kDamaged, png_signature() + png_chunk("gAMA", big32(45455)) + png_header(8, 8, 8, 0) + data + end);
  visit("two headers", kDamaged, head + png_header(8, 8, 8, 0) + data + end);
  visit("no data", kDamaged, head + end);
  visit("empty data", kDamaged, head + png_chunk("IDAT", {}) + end);
  visit("no end", kDamaged, head + data);
  visit("data in two places", kDamaged, head + data + png_chunk("tEXt", text("x")) + data + end);
  visit("unknown critical chunk", kDamaged, head + png_chunk("ABCD", {}) + data + end);
  visit("Apple's variant", kDamaged, png_signature() + png_chunk("CgBI", big32(0x50002002)) + png_header(8, 8, 8, 0) + data + end);
  visit("no palette", kDamaged, indexed + data + end);
  visit("palette behind the data", kDamaged, indexed + data + palette + end);
  visit("empty palette", kDamaged, indexed + png_chunk("PLTE", {}) + data + end);
  visit("palette of 7 bytes", kDamaged, indexed + png_chunk("PLTE", Bytes(7, 1)) + data + end);
  visit("palette of 257", kDamaged, indexed + png_chunk("PLTE", Bytes(771, 1)) + data + end);
  visit("two palettes", kDamaged, indexed + palette + palette + data + end);
  visit("transparency for more colours than there are", kDamaged, indexed + palette + png_chunk("tRNS", Bytes(3, 1)) + data + end);
  visit("transparency before the palette", kDamaged, indexed + png_chunk("tRNS", Bytes(1, 1)) + palette + data + end);
  visit("transparency behind the data", kDamaged, head + data + png_chunk("tRNS", Bytes(2, 1)) + end);
  visit("transparency of RGB in a grey picture", kDamaged, head + png_chunk("tRNS", Bytes(6, 1)) + data + end);
  visit("too few rows", kDamaged, head + png_chunk("IDAT", zlib_stored(Bytes(71, 0))) + end);
  visit("filter 5", kDamaged, head + png_chunk("IDAT", zlib_stored(Bytes(72, 5))) + end);
  visit("data that are no zlib stream", kDamaged, head + png_chunk("IDAT", Bytes(80, 0xAA)) + end);
  visit("a preset dictionary", kDamaged, head + png_chunk("IDAT", Bytes{0x78, 0x20} + Bytes(80, 0)) + end);
  visit("a stored block longer than the data", kDamaged, head + png_chunk("IDAT", Bytes{0x78, 1, 1, 0xFF, 0xFF, 0, 0, 1, 2}) + end);
  visit("a copy from before the start", kDamaged, head + png_chunk("IDAT", Bytes{0x78, 1, 3 | 0x40, 0x1F, 0xC0, 0x00, 0, 0}) + end);
  for (const std::uint32_t length : {0x7FFFFFFFU, 0x80000000U, 0xFFFFFFFFU, 0xFFFFFFF4U}) {
    Bytes lying = head + data + end;
    const Bytes bytes = big32(length);
    std::copy(bytes.begin(), bytes.end(), lying.begin() + static_cast<std::ptrdiff_t>(head.size()));
    visit("a chunk of length " + std::to_string(length), kDamaged, lying);
  }
  for (unsigned color = 0; color < 9; ++color) {
    for (const unsigned depth : {0U, 1U, 2U, 3U, 4U, 5U, 8U, 9U, 16U, 32U, 255U}) {
      const bool grey = color == 0 && (depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16);
      const bool index = color == 3 && (depth == 1 || depth == 2 || depth == 4 || depth == 8);
      const bool full = (color == 2 || color == 4 || color == 6) && (depth == 8 || depth == 16);
      if (grey || index || full) continue;
      visit("colour " + std::to_string(color) + " with depth " + std::to_string(depth), kDamaged,
            png_signature() + png_header(8, 8, depth, color) + palette + data + end);
    }
  }
}

void png_checksums(const CaseVisitor& visit) {
  PngFile file{8, 8, 8, 3, false, std::vector<std::uint32_t>(64, 1), png_chunk("PLTE", Bytes(6, 99)) + png_chunk("tRNS", Bytes(2, 50))};
  const Bytes good = file.build();
  visit("right checksums", kRead, good);
  // Every bit of every chunk: type, body and checksum are all covered, so no flip may pass.
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    Bytes flipped = good;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    visit("bit " + std::to_string(bit), kRefused, flipped);
  }
}

void bmp_structure(const CaseVisitor& visit) {
  const BmpFile good{4, 4, 24, 0, 0, 40, {}, Bytes(48, 1)};
  visit("24 bits", kRead, good.build());
  BmpFile bad = good;
  for (const unsigned bits : {0U, 2U, 3U, 5U, 12U, 48U, 64U, 65535U}) {
    bad.bits = bits;
    visit("bits " + std::to_string(bits), kDamaged, bad.build());
  }
  for (const std::uint32_t compression : {1U, 2U, 3U, 4U, 5U, 6U, 11U, 0xFFFFFFFFU}) {
    bad = good;
    bad.compression = compression;
    visit("compression " + std::to_string(compression), kUnsupported, bad.build());
  }
  for (const std::uint32_t info : {0U, 16U, 39U, 41U, 64U, 0xFFFFFFFFU}) {
    bad = good;
    bad.info_bytes = info;
    visit("header of " + std::to_string(info), kUnsupported, bad.build());
  }
  for (const std::uint32_t colors : {257U, 0x40000001U, 0xFFFFFFFFU, 0U}) {  // 0 means 256 colours, which the file has no room for
    bad = good;
    bad.bits = 8;
    bad.colors = colors;
    visit("colours " + std::to_string(colors), kDamaged, bad.build());
  }
  for (const std::uint32_t offset : {0U, 14U, 53U, 55U, 103U, 0x7FFFFFFFU, 0xFFFFFFFFU}) {
    Bytes bytes = good.build();
    const Bytes moved = little32(offset);
    std::copy(moved.begin(), moved.end(), bytes.begin() + 10);
    visit("pixels at " + std::to_string(offset), kDamaged, bytes);
  }
  for (std::uint32_t colors = 1; colors < 16; ++colors) {  // every pixel's index is 15
    const BmpFile indexed{4, 1, 4, 0, colors, 40, Bytes(4 * std::size_t{colors}, 7), Bytes(4, 0xFF)};
    visit("index 15 of " + std::to_string(colors), kDamaged, indexed.build());
  }
  const BmpFile indexed{4, 1, 4, 0, 16, 40, Bytes(64, 7), Bytes(4, 0xFF)};
  visit("index 15 of 16", kRead, indexed.build());
  for (const Bytes& masks : {little32(0xFF00) + little32(0xFF00) + little32(0xFF), little32(0xFF0000) + little32(0xF500) + little32(0xFF),
                             little32(0) + little32(0xFF00) + little32(0xFF), little32(0) + little32(0) + little32(0)}) {
    visit("bit masks that overlap, have holes or are empty", kDamaged, BmpFile{1, 1, 32, 3, 0, 40, masks, little32(0)}.build());
  }
  visit("masks wider than the pixel", kDamaged,
        BmpFile{2, 1, 16, 3, 0, 40, little32(0xFF0000) + little32(0xFF00) + little32(0xFF), Bytes(4, 0)}.build());
}

}  // namespace likeness::testing
