// EXIF orientation: eight ways to store a picture, one way to show it; and blocks that lie.
#include <gtest/gtest.h>

#include "image/decode.hpp"
#include "image_files.hpp"

namespace likeness {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the builders' operator+

constexpr int kWidth = 80;
constexpr int kHeight = 64;

// How a camera stores `upright` under an orientation, from the standard's words (EXIF 2.32, table of tag 0x0112): which side
// of the upright picture the stored row 0 and the stored column 0 are.
Image stored(const Image& upright, int orientation) {
  struct Sides {
    char row;
    char column;
  };
  constexpr Sides kSides[9] = {{}, {'t', 'l'}, {'t', 'r'}, {'b', 'r'}, {'b', 'l'}, {'l', 't'}, {'r', 't'}, {'r', 'b'}, {'l', 'b'}};
  const Sides sides = kSides[orientation];
  const bool rows_are_rows = sides.row == 't' || sides.row == 'b';
  Image out(rows_are_rows ? upright.width : upright.height, rows_are_rows ? upright.height : upright.width, upright.channels);
  const auto place = [&](char side, int i) {
    return side == 't' || side == 'l' ? i : (side == 'b' ? upright.height : upright.width) - 1 - i;
  };
  for (int r = 0; r < out.height; ++r) {
    for (int c = 0; c < out.width; ++c) {
      const int along_row = place(sides.row, r);
      const int along_column = place(sides.column, c);
      const std::uint8_t* from = rows_are_rows ? upright.at(along_column, along_row) : upright.at(along_row, along_column);
      for (int k = 0; k < upright.channels; ++k) out.at(c, r)[k] = from[k];
    }
  }
  return out;
}

// A TIFF block with one other tag and the orientation.
Bytes tiff(bool little, unsigned value, unsigned type = 3, unsigned count = 1) {
  const auto u16 = [&](std::uint32_t v) { return little ? little16(v) : big16(v); };
  const auto u32 = [&](std::uint32_t v) { return little ? little32(v) : big32(v); };
  return text(little ? "II" : "MM") + u16(42) + u32(8) + u16(2) + u16(0x010F) + u16(2) + u32(4) + text("cam") + Bytes{0} + u16(0x0112) +
         u16(type) + u32(count) + u16(value) + u16(0) + u32(0);
}

Bytes exif(const Bytes& block) { return text("Exif") + Bytes{0, 0} + block; }

Bytes png_with(const Image& image, const Bytes& block) {
  PngFile file{
      static_cast<std::uint32_t>(image.width), static_cast<std::uint32_t>(image.height), 8, 2, false, {}, png_chunk("eXIf", block)};
  file.samples.assign(image.pixels.begin(), image.pixels.end());
  return file.build();
}

TEST(Orientation, AllEightShowOnePicture) {
  const Image upright = picture(kWidth, kHeight, 3);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Image turned = stored(upright, orientation);
    for (const bool little : {true, false}) {
      const Bytes block = tiff(little, static_cast<unsigned>(orientation));
      const auto png = decode_photo(png_with(turned, block));
      ASSERT_TRUE(png.ok()) << png.status().message;
      EXPECT_EQ(largest_difference(png.value(), upright), 0) << "PNG " << orientation << (little ? " II" : " MM");
      const auto photo = decode_photo(with_segment(jpeg(turned, 98), 0xE1, exif(block)));
      ASSERT_TRUE(photo.ok()) << photo.status().message;
      EXPECT_LE(largest_difference(photo.value(), upright), 6) << "JPEG " << orientation << (little ? " II" : " MM");
    }
  }
}

TEST(Orientation, AssetsAreReadAsStored) {
  const Image upright = picture(kWidth, kHeight, 3);
  EXPECT_EQ(decode_rgba(png_with(upright, tiff(true, 6)))->width, kWidth);
}

TEST(Orientation, LyingBlocksMeanUpright) {
  const Image image = picture(kWidth, kHeight, 3);
  const auto shown = [&](const Bytes& block) {
    const auto png = decode_photo(png_with(image, block));
    EXPECT_TRUE(png.ok()) << png.status().message;
    return png.ok() ? largest_difference(png.value(), image) : 999;
  };
  EXPECT_NE(shown(tiff(true, 3)), 0) << "the block itself works";
  for (const unsigned value : {0U, 9U, 65535U}) EXPECT_EQ(shown(tiff(true, value)), 0) << value;
  EXPECT_EQ(shown(tiff(true, 3, 4)), 0) << "LONG";
  EXPECT_EQ(shown(tiff(true, 3, 3, 2)), 0) << "two values";
  const Bytes good = tiff(false, 3);
  // The value's last byte is the third last but two; before it nothing is complete.
  for (std::size_t length = 0; length + 6 < good.size(); ++length) EXPECT_EQ(shown(first(good, length)), 0) << length;
  for (const std::uint32_t offset : {0U, 1U, 7U, 9U, 30U, 37U, 38U, 39U, 1000U, 0x7FFFFFFFU, 0xFFFFFFF0U, 0xFFFFFFFFU}) {
    Bytes moved = good;
    const Bytes bytes = big32(offset);
    std::copy(bytes.begin(), bytes.end(), moved.begin() + 4);
    EXPECT_EQ(shown(moved), 0) << offset;
  }
  Bytes many = good;
  many[8] = many[9] = 0xFF;  // 65,535 entries declared
  many[22] = 0;              // and the orientation's tag is gone
  EXPECT_EQ(shown(many), 0);
}

TEST(Orientation, TheFirstExifSegmentCounts) {
  const Image image = picture(kWidth, kHeight, 3);
  const Bytes plain = jpeg(image, 95);
  const Bytes second = with_segment(plain, 0xE1, exif(tiff(true, 6)));
  const Bytes both = with_segment(second, 0xE1, exif(tiff(true, 1)));
  EXPECT_EQ(decode_photo(second)->width, kHeight);
  EXPECT_EQ(decode_photo(both)->width, kWidth);
  const Bytes xmp = with_segment(second, 0xE1, text("http://ns.adobe.com/xap/1.0/") + Bytes{0});
  EXPECT_EQ(decode_photo(xmp)->width, kHeight) << "another use of the marker does not count";
}

}  // namespace
}  // namespace likeness
