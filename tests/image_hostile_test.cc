// What hostile photos are told, and the caller's limits. The classes of cases themselves are in image_hostile_cases.cc (hostile_table).
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

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

TEST(Truncated, AFalseEndIsExplained) {
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

TEST(Sizes, APictureThatItsBytesCannotFill) {
  FlatJpeg file;
  Bytes bytes = file.build();
  const Bytes sof = {0xFF, 0xC0}, size = big16(6000) + big16(6000);
  std::copy(size.begin(), size.end(), std::search(bytes.begin(), bytes.end(), sof.begin(), sof.end()) + 5);
  EXPECT_NE(message_of(bytes).find("fewer bits than blocks"), std::string::npos);
  const Bytes thin = png_signature() + png_header(6000, 6000, 8, 6) + png_chunk("IDAT", zlib_stored(Bytes(1))) + png_chunk("IEND", {});
  EXPECT_NE(message_of(thin).find("cannot fill the picture"), std::string::npos);
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

TEST(Bombs, AreExplained) {
  // 16 x 16 pixels, 50 KB that inflate to 8 MB.
  const Bytes file = png_signature() + png_header(16, 16, 8, 2) + png_chunk("IDAT", zlib_zeros(31'000)) + png_chunk("IEND", {});
  EXPECT_NE(message_of(file).find("unpacks to more than the picture"), std::string::npos) << message_of(file);
  FlatJpeg scans;
  scans.progressive = true;
  scans.ac_scans = 100;
  EXPECT_NE(message_of(scans.build()).find("too many scans"), std::string::npos);
}

TEST(Damaged, PaletteIndexThatIsNotThereIsBlackEverywhere) {
  const PngFile file{64, 2, 8, 3, false, std::vector<std::uint32_t>(128, 200), png_chunk("PLTE", Bytes(6, 99))};
  const auto image = decode_photo(file.build(), limits());
  ASSERT_TRUE(image.ok());
  for (const std::uint8_t v : image->pixels) EXPECT_EQ(v, 0);
}

TEST(OtherFormats, AreNamed) {
  const std::array<std::pair<const char*, Bytes>, 26> cases = {{
      {"an empty file", {}},
      {"a GIF", text("GIF89a") + Bytes(20, 0)},
      {"a WebP", text("RIFF") + little32(100) + text("WEBPVP8 ")},
      {"a HEIC", big32(24) + text("ftypheic") + Bytes(16, 0)},
      {"a HEIC", big32(24) + text("ftyphevc") + Bytes(16, 0)},
      {"a raw photo", big32(24) + text("ftypcrx ") + Bytes(16, 0)},
      {"an SVG", text("\xEF\xBB\xBF\n  <svg/>")},
      {"an HTML page", text("\r\n\t<html>")},
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
