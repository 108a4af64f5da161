// Files that are wrong, made here: each ends in a clear refusal, never in half a picture, and never in a lot of memory.
#include <gtest/gtest.h>
#include <malloc.h>

#include <array>
#include <limits>

#include "image/decode.hpp"
#include "image/encode.hpp"
#include "image_files.hpp"

namespace likeness {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the builders' operator+

DecodeLimits limits(int min_side = 1) {
  DecodeLimits l;
  l.min_side = min_side;
  return l;
}

Code code_of(const Bytes& file) { return decode_photo(file, limits()).status().code; }
std::string message_of(const Bytes& file) { return decode_photo(file, limits()).status().message; }

void expect_every_truncation_refused(const Bytes& file, const char* what) {
  ASSERT_EQ(code_of(file), Code::ok) << what << ": " << message_of(file);
  for (std::size_t length = 0; length < file.size(); ++length) {
    const auto image = decode_photo(first(file, length), limits());
    ASSERT_FALSE(image.ok()) << what << " cut to " << length << " of " << file.size();
    ASSERT_FALSE(image.status().message.empty());
  }
}

TEST(Truncated, EveryLengthIsRefused) {
  expect_every_truncation_refused(jpeg(picture(40, 33, 3), 85), "JPEG");
  expect_every_truncation_refused(jpeg(picture(40, 33, 1), 98), "grey JPEG");
  FlatJpeg file;
  file.levels = {120, 90, 180};
  file.progressive = true;
  expect_every_truncation_refused(file.build(), "progressive JPEG");
  file.restart = 5;
  file.sampling = 2;
  expect_every_truncation_refused(file.build(), "JPEG with restart markers");
  expect_every_truncation_refused(encode_png(picture(20, 20, 4)).value(), "PNG");
  const BmpFile bmp{4, 4, 24, 0, 0, 40, {}, Bytes(48, 9)};
  expect_every_truncation_refused(bmp.build(), "BMP");
}

// What a browser that gave up, or a careless repair, leaves: the end marker is there, the end of the picture is not.
TEST(Truncated, AJpegWithAFalseEndIsRefused) {
  const Bytes file = jpeg(picture(120, 100, 3), 90);
  ASSERT_EQ(code_of(file), Code::ok);
  const Bytes sos = {0xFF, 0xDA};
  const auto scan = static_cast<std::size_t>(std::search(file.begin(), file.end(), sos.begin(), sos.end()) - file.begin()) + 14;
  std::size_t cases = 0;
  for (std::size_t length = scan; length + 40 < file.size(); length += 7, ++cases) {
    Bytes cut = first(file, length);
    if (cut.back() == 0xFF) cut.pop_back();
    EXPECT_EQ(code_of(cut + Bytes{0xFF, 0xD9}), Code::corrupt_image) << length << " of " << file.size();
  }
  EXPECT_GT(cases, 50U);
  FlatJpeg restarts;
  restarts.restart = 8;
  const Bytes whole = restarts.build();
  const Bytes last = {0xFF, 0xD6};
  const auto seventh = static_cast<std::size_t>(std::search(whole.begin(), whole.end(), last.begin(), last.end()) - whole.begin());
  ASSERT_LT(seventh, whole.size());
  EXPECT_NE(message_of(first(whole, seventh) + Bytes{0xFF, 0xD9}).find("restart markers are missing"), std::string::npos);
  FlatJpeg missing;
  missing.levels = {1, 2, 3};
  missing.skip_last_component = true;
  EXPECT_NE(message_of(missing.build()).find("a colour component is missing"), std::string::npos);
}

TEST(Damaged, EveryFlippedBitOfAPngIsRefused) {
  const Bytes file = encode_png(picture(9, 7, 3)).value();
  ASSERT_EQ(code_of(file), Code::ok);
  for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
    Bytes flipped = file;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    ASSERT_NE(code_of(flipped), Code::ok) << "byte " << bit / 8;
  }
}

// A JPEG has no checksum, so some damage shows as wrong colours. It must not depend on what memory held before.
void expect_same_twice(const Bytes& file) {
  ::mallopt(M_PERTURB, 0x5A);
  const auto one = decode_photo(file, limits());
  ::mallopt(M_PERTURB, 0xA3);
  const auto two = decode_photo(file, limits());
  ::mallopt(M_PERTURB, 0);
  ASSERT_EQ(one.status().code, two.status().code);
  ASSERT_EQ(one.status().message, two.status().message);
  if (one.ok()) {
    ASSERT_EQ(largest_difference(one.value(), two.value()), 0);
  }
}

TEST(Damaged, FlippedBitsOfJpegAndBmpGiveOneAnswer) {
  FlatJpeg progressive;
  progressive.levels = {120, 90, 180};
  progressive.progressive = true;
  progressive.sampling = 2;
  const BmpFile bmp{5, 4, 4, 0, 9, 40, Bytes(36, 77), Bytes(16, 0x31)};
  for (const Bytes& file : {jpeg(picture(24, 17, 3), 60), jpeg(picture(17, 24, 1), 97), progressive.build(), bmp.build()}) {
    ASSERT_EQ(code_of(file), Code::ok);
    for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
      Bytes flipped = file;
      flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      expect_same_twice(flipped);
      if (::testing::Test::HasFatalFailure()) FAIL() << "bit " << bit;
    }
  }
}

TEST(Sizes, HugeHeadersAreRefusedBeforeAnythingIsAllocated) {
  for (const std::uint32_t side : {16385U, 65535U, 0x7FFFFFFFU, 0x80000000U, 0xFFFFFFFFU}) {
    const Bytes png = png_signature() + png_header(side, side, 8, 6) + png_chunk("IDAT", zlib_stored(Bytes(1))) + png_chunk("IEND", {});
    EXPECT_EQ(code_of(png), Code::image_too_large) << side;
  }
  FlatJpeg file;
  Bytes bytes = file.build();
  const Bytes sof = {0xFF, 0xC0};
  const auto at = static_cast<std::size_t>(std::search(bytes.begin(), bytes.end(), sof.begin(), sof.end()) - bytes.begin()) + 5;
  for (int i = 0; i < 4; ++i) bytes[at + static_cast<std::size_t>(i)] = 0xFF;
  EXPECT_EQ(code_of(bytes), Code::image_too_large);
  // Inside the limits of sides, outside that of pixels; and inside both, without the bits to fill it.
  for (int i = 0; i < 4; i += 2) {
    bytes[at + static_cast<std::size_t>(i)] = 16000 >> 8;
    bytes[at + static_cast<std::size_t>(i) + 1] = 16000 & 255;
  }
  EXPECT_EQ(code_of(bytes), Code::image_too_large);
  DecodeLimits wide = limits();
  wide.max_pixels = 1'000'000'000;
  EXPECT_NE(decode_photo(bytes, wide).status().message.find("fewer bits than blocks"), std::string::npos);
  const Bytes thin = png_signature() + png_header(16000, 16000, 8, 6) + png_chunk("IDAT", zlib_stored(Bytes(1))) + png_chunk("IEND", {});
  EXPECT_NE(decode_photo(thin, wide).status().message.find("cannot fill the picture"), std::string::npos);
}

TEST(Sizes, ZeroNegativeAndExtreme) {
  constexpr std::int32_t kLeast = std::numeric_limits<std::int32_t>::min();
  for (const auto& [width, height] :
       std::initializer_list<std::pair<std::int32_t, std::int32_t>>{{0, 4}, {4, 0}, {0, 0}, {-4, 4}, {kLeast, 4}}) {
    EXPECT_EQ(code_of(BmpFile{width, height, 24, 0, 0, 40, {}, Bytes(64, 1)}.build()), Code::corrupt_image) << width << " " << height;
  }
  const std::int32_t most = std::numeric_limits<std::int32_t>::max();
  for (const auto& [width, height] :
       std::initializer_list<std::pair<std::int32_t, std::int32_t>>{{4, kLeast}, {most, most}, {most, -1}, {1, kLeast + 1}}) {
    EXPECT_EQ(code_of(BmpFile{width, height, 24, 0, 0, 40, {}, Bytes(64, 1)}.build()), Code::image_too_large) << width << " " << height;
  }
  FlatJpeg none;
  none.width = 0;
  EXPECT_EQ(code_of(none.build()), Code::corrupt_image);
  none.width = 8;
  none.height = 0;
  EXPECT_EQ(code_of(none.build()), Code::unsupported_format) << "a height that follows later";
  for (const auto& [width, height] : {std::pair<unsigned, unsigned>{0, 8}, {8, 0}}) {
    EXPECT_EQ(code_of(png_signature() + png_header(width, height, 8, 0) + png_chunk("IDAT", zlib_stored(Bytes(9))) + png_chunk("IEND", {})),
              Code::corrupt_image);
  }
}

TEST(Sizes, LimitsOfTheCaller) {
  const Bytes file = encode_png(picture(63, 64, 3)).value();
  EXPECT_EQ(decode_photo(file).status().code, Code::image_too_small);
  EXPECT_TRUE(decode_photo(encode_png(picture(64, 64, 3)).value()).ok());
  EXPECT_TRUE(decode_rgba(file).ok()) << "assets may be small";
  DecodeLimits tight;
  tight.max_bytes = file.size() - 1;
  EXPECT_EQ(decode_photo(file, tight).status().code, Code::image_too_large);
  tight = {};
  tight.max_pixels = 64 * 64 - 1;
  EXPECT_EQ(decode_photo(encode_png(picture(64, 64, 3)).value(), tight).status().code, Code::image_too_large);
}

TEST(Bombs, APngThatInflatesToMoreThanItsPicture) {
  // 16 x 16 pixels, 50 KB that inflate to 8 MB.
  const Bytes data = zlib_zeros(31'000);
  const Bytes file = png_signature() + png_header(16, 16, 8, 2) + png_chunk("IDAT", data) + png_chunk("IEND", {});
  EXPECT_NE(message_of(file).find("unpacks to more than the picture"), std::string::npos) << message_of(file);
  // The same data behind a header that asks for it are a picture: 1 + 258 * 31000 bytes are rows of 1 + 3 * 516.
  const std::uint32_t rows = (1 + 258 * 31'000) / 1549;
  const Bytes honest = png_signature() + png_header(516, rows, 8, 2) + png_chunk("IDAT", data) + png_chunk("IEND", {});
  EXPECT_EQ(code_of(honest), Code::ok) << message_of(honest);
}

TEST(Bombs, AJpegWithThousandsOfScans) {
  FlatJpeg file;
  file.progressive = true;
  file.ac_scans = 99;
  EXPECT_EQ(code_of(file.build()), Code::ok) << message_of(file.build());
  file.ac_scans = 100;
  EXPECT_NE(message_of(file.build()).find("too many scans"), std::string::npos);
}

TEST(Damaged, HuffmanTablesThatOverflow) {
  const Bytes file = FlatJpeg().build();
  const auto with_table = [&](unsigned kind, const std::vector<std::pair<int, int>>& lengths, std::size_t symbols) {
    Bytes body = {static_cast<std::uint8_t>(kind << 4 | 3)};
    Bytes counts(16, 0);
    for (const auto& [bits, count] : lengths) counts[static_cast<std::size_t>(bits - 1)] = static_cast<std::uint8_t>(count);
    return code_of(with_segment(file, 0xC4, body + counts + Bytes(symbols, 1)));
  };
  EXPECT_EQ(with_table(1, {{8, 100}, {16, 100}}, 200), Code::ok);
  EXPECT_EQ(with_table(1, {{8, 100}, {16, 155}}, 255), Code::ok);
  EXPECT_EQ(with_table(1, {{8, 100}, {16, 156}}, 256), Code::corrupt_image) << "symbol 255 is misread";
  EXPECT_EQ(with_table(1, {{12, 200}, {14, 255}, {15, 255}, {16, 255}}, 965), Code::corrupt_image) << "stb would write behind its arrays";
  EXPECT_EQ(with_table(0, {{1, 3}}, 3), Code::corrupt_image) << "more codes than bits allow";
  EXPECT_EQ(with_table(0, {}, 0), Code::corrupt_image);
  EXPECT_EQ(with_table(0, {{4, 10}}, 9), Code::corrupt_image) << "fewer symbols than codes";
  EXPECT_EQ(with_table(2, {{4, 1}}, 1), Code::corrupt_image);
}

TEST(Damaged, JpegStructure) {
  const Bytes file = FlatJpeg().build();
  EXPECT_EQ(code_of(Bytes{0xFF, 0xD8, 0xFF, 0xD9}), Code::corrupt_image) << "nothing in it";
  EXPECT_EQ(code_of(with_segment(file, 0xDB, Bytes{0} + Bytes(63, 1))), Code::corrupt_image) << "short quantisation table";
  EXPECT_EQ(code_of(with_segment(file, 0xDB, Bytes{4} + Bytes(64, 1))), Code::corrupt_image);
  EXPECT_EQ(code_of(with_segment(file, 0xDD, Bytes{1})), Code::corrupt_image);
  EXPECT_EQ(code_of(with_segment(file, 0xDA, Bytes{1, 1, 0, 0, 63, 0})), Code::corrupt_image) << "a scan before its frame";
  EXPECT_EQ(code_of(with_segment(file, 0xC0, Bytes{8, 0, 64, 0, 64, 1, 1, 17, 0})), Code::corrupt_image) << "two frames";
  EXPECT_EQ(code_of(with_segment(file, 0xF0, Bytes{1})), Code::corrupt_image) << "an unknown marker";
  EXPECT_EQ(code_of(first(file, 2) + Bytes{0xFF, 0xE1, 0, 1} + Bytes(file.begin() + 2, file.end())), Code::corrupt_image)
      << "a segment of length 1";
  EXPECT_EQ(code_of(first(file, 2) + Bytes{0xFF, 0xD0} + Bytes(file.begin() + 2, file.end())), Code::corrupt_image)
      << "a restart marker out of place";
  // Sampling 3 beside 2 does not divide; stb's upsampling would read outside its planes.
  FlatJpeg odd;
  odd.levels = {1, 2, 3};
  odd.sampling = 3;
  Bytes bytes = odd.build();
  const Bytes component = {2, 17, 0};
  const auto at = std::search(bytes.begin(), bytes.end(), component.begin(), component.end());
  ASSERT_NE(at, bytes.end());
  at[1] = 0x22;
  EXPECT_EQ(code_of(bytes), Code::unsupported_format);
  at[1] = 0x51;
  EXPECT_EQ(code_of(bytes), Code::corrupt_image);
}

TEST(Damaged, PngStructure) {
  const Bytes head = png_signature() + png_header(8, 8, 8, 0);
  const Bytes data = png_chunk("IDAT", zlib_stored(Bytes(72, 0)));
  const Bytes end = png_chunk("IEND", {});
  const Bytes palette = png_chunk("PLTE", Bytes(6, 1));
  const Bytes indexed = png_signature() + png_header(8, 8, 8, 3);
  ASSERT_EQ(code_of(head + data + end), Code::ok);
  ASSERT_EQ(code_of(indexed + palette + data + end), Code::ok);
  const std::array<std::pair<const char*, Bytes>, 22> cases = {{
      {"no header", png_signature() + data + end},
      {"header not first", png_signature() + png_chunk("gAMA", big32(45455)) + png_header(8, 8, 8, 0) + data + end},
      {"two headers", head + png_header(8, 8, 8, 0) + data + end},
      {"no data", head + end},
      {"empty data", head + png_chunk("IDAT", {}) + end},
      {"no end", head + data},
      {"data in two places", head + data + png_chunk("tEXt", text("x")) + data + end},
      {"unknown critical chunk", head + png_chunk("ABCD", {}) + data + end},
      {"Apple's variant", png_signature() + png_chunk("CgBI", big32(0x50002002)) + png_header(8, 8, 8, 0) + data + end},
      {"no palette", indexed + data + end},
      {"palette behind the data", indexed + data + palette + end},
      {"palette of 7 bytes", indexed + png_chunk("PLTE", Bytes(7, 1)) + data + end},
      {"palette of 257", indexed + png_chunk("PLTE", Bytes(771, 1)) + data + end},
      {"two palettes", indexed + palette + palette + data + end},
      {"transparency for more colours than there are", indexed + palette + png_chunk("tRNS", Bytes(3, 1)) + data + end},
      {"transparency before the palette", indexed + png_chunk("tRNS", Bytes(1, 1)) + palette + data + end},
      {"transparency behind the data", head + data + png_chunk("tRNS", Bytes(2, 1)) + end},
      {"transparency of RGB in a grey picture", head + png_chunk("tRNS", Bytes(6, 1)) + data + end},
      {"too few rows", head + png_chunk("IDAT", zlib_stored(Bytes(71, 0))) + end},
      {"filter 5", head + png_chunk("IDAT", zlib_stored(Bytes(72, 5))) + end},
      {"data that are no zlib stream", head + png_chunk("IDAT", Bytes(80, 0xAA)) + end},
      {"a preset dictionary", head + png_chunk("IDAT", Bytes{0x78, 0x20} + Bytes(80, 0)) + end},
  }};
  for (const auto& [what, file] : cases) EXPECT_EQ(code_of(file), Code::corrupt_image) << what << ": " << message_of(file);
  for (unsigned color = 0; color < 9; ++color) {
    for (unsigned depth = 0; depth < 34; ++depth) {
      const bool grey = color == 0 && (depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16);
      const bool index = color == 3 && (depth == 1 || depth == 2 || depth == 4 || depth == 8);
      const bool full = (color == 2 || color == 4 || color == 6) && (depth == 8 || depth == 16);
      if (grey || index || full) continue;
      EXPECT_EQ(code_of(png_signature() + png_header(8, 8, depth, color) + palette + data + end), Code::corrupt_image)
          << color << " " << depth;
    }
  }
}

TEST(Damaged, PaletteIndexThatIsNotThereIsBlackEverywhere) {
  const PngFile file{64, 2, 8, 3, false, std::vector<std::uint32_t>(128, 200), png_chunk("PLTE", Bytes(6, 99))};
  const auto image = decode_photo(file.build(), limits());
  ASSERT_TRUE(image.ok());
  for (const std::uint8_t v : image->pixels) EXPECT_EQ(v, 0);
}

TEST(Damaged, BmpStructure) {
  const BmpFile good{4, 4, 24, 0, 0, 40, {}, Bytes(48, 1)};
  ASSERT_EQ(code_of(good.build()), Code::ok);
  BmpFile bad = good;
  for (const unsigned bits : {0U, 2U, 3U, 5U, 12U, 48U, 64U, 65535U}) {
    bad.bits = bits;
    EXPECT_EQ(code_of(bad.build()), Code::corrupt_image) << bits;
  }
  for (const std::uint32_t compression : {1U, 2U, 3U, 4U, 5U, 6U, 11U, 0xFFFFFFFFU}) {
    bad = good;
    bad.compression = compression;
    EXPECT_EQ(code_of(bad.build()), Code::unsupported_format) << compression;
  }
  for (const std::uint32_t info : {0U, 16U, 39U, 41U, 64U, 0xFFFFFFFFU}) {
    bad = good;
    bad.info_bytes = info;
    EXPECT_EQ(code_of(bad.build()), Code::unsupported_format) << info;
  }
  bad = good;
  bad.bits = 8;
  bad.colors = 257;
  EXPECT_EQ(code_of(bad.build()), Code::corrupt_image);
  bad.colors = 0x40000001;
  EXPECT_EQ(code_of(bad.build()), Code::corrupt_image);
  bad.colors = 0;  // 256 colours that the file has no room for
  EXPECT_EQ(code_of(bad.build()), Code::corrupt_image);
  for (const std::uint32_t offset : {0U, 14U, 53U, 55U, 103U, 0x7FFFFFFFU, 0xFFFFFFFFU}) {
    Bytes bytes = good.build();
    const Bytes moved = little32(offset);
    std::copy(moved.begin(), moved.end(), bytes.begin() + 10);
    EXPECT_EQ(code_of(bytes), Code::corrupt_image) << offset;
  }
}

TEST(OtherFormats, AreNamed) {
  const std::array<std::pair<const char*, Bytes>, 22> cases = {{
      {"an empty file", {}},
      {"a GIF", text("GIF89a") + Bytes(20, 0)},
      {"a WebP", text("RIFF") + little32(100) + text("WEBPVP8 ")},
      {"a HEIC", big32(24) + text("ftypheic") + Bytes(16, 0)},
      {"a HEIF", big32(24) + text("ftypmif1") + Bytes(16, 0)},
      {"an AVIF", big32(24) + text("ftypavif") + Bytes(16, 0)},
      {"a video", big32(24) + text("ftypisom") + Bytes(16, 0)},
      {"a TIFF", text("II*") + Bytes(9, 0)},
      {"a TIFF", text("MM") + Bytes{0, '*', 0, 0, 0, 8}},
      {"a PDF", text("%PDF-1.7\n")},
      {"an SVG", text("<svg xmlns=\"http://www.w3.org/2000/svg\"/>")},
      {"an HTML page", text("<!DOCTYPE html><html>")},
      {"an HTML page", text("<html><body>")},
      {"a ZIP", text("PK\x03\x04") + Bytes(30, 0)},
      {"a Photoshop", text("8BPS") + Bytes(30, 0)},
      {"a JPEG XL", Bytes{0xFF, 0x0A, 1, 2, 3}},
      {"an icon", Bytes{0, 0, 1, 0, 1, 0}},
      {"a PNM", text("P6\n4 4\n255\n")},
      {"a text file", text("hello, world\n")},
      {"no picture format", Bytes(100'000, 0)},
      {"no picture format", Bytes(100'000, 0xFF)},
      {"no picture format", Bytes{0xFF}},
  }};
  for (const auto& [name, file] : cases) {
    EXPECT_EQ(code_of(file), Code::unsupported_format) << name;
    EXPECT_NE(message_of(file).find(name), std::string::npos) << name << ": " << message_of(file);
  }
}

}  // namespace
}  // namespace likeness
