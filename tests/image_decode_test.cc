// Files that are right, in every kind that is read, against pixels computed here.
#include "image/decode.hpp"

#include <gtest/gtest.h>

#include "image/encode.hpp"
#include "image_files.hpp"

namespace likeness {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the builders' operator+

DecodeLimits small() {
  DecodeLimits limits;
  limits.min_side = 1;
  return limits;
}

std::uint8_t to8(std::uint32_t sample, unsigned depth) {
  const std::uint32_t top = (1U << depth) - 1;
  return static_cast<std::uint8_t>((sample * 255 + top / 2) / top);
}

std::uint8_t over_grey(std::uint32_t color, std::uint32_t alpha) {
  return static_cast<std::uint8_t>((color * alpha + 128 * (255 - alpha) + 127) / 255);
}

struct Kind {
  unsigned color;
  unsigned depth;
};
constexpr Kind kKinds[] = {{0, 1}, {0, 2}, {0, 4}, {0, 8}, {0, 16}, {2, 8}, {2, 16}, {3, 1},
                           {3, 2}, {3, 4}, {3, 8}, {4, 8}, {4, 16}, {6, 8}, {6, 16}};

Bytes palette_of(std::size_t colors) {
  Bytes palette;
  for (std::size_t i = 0; i < 3 * colors; ++i) palette.push_back(static_cast<std::uint8_t>(37 * i + 11));
  return palette;
}

// All 15 kinds, interlaced and not, with and without tRNS, sizes around the passes of Adam7: RGB and RGBA are exact.
TEST(DecodePng, EveryKindIsExact) {
  for (const Kind kind : kKinds) {
    for (const bool interlaced : {false, true}) {
      for (const bool transparency : {false, true}) {
        if (transparency && kind.color >= 4) continue;
        for (const std::uint32_t width : {1U, 3U, 9U, 32U}) {
          const std::uint32_t height = 11 - width % 4;
          PngFile file{width, height, kind.depth, kind.color, interlaced, {}, {}};
          const std::uint32_t top = (1U << kind.depth) - 1;
          const std::size_t count = std::size_t{width} * height * file.channels();
          for (std::size_t i = 0; i < count; ++i)
            file.samples.push_back(static_cast<std::uint32_t>((i * i * 7919 + i * 104729) >> 3) & top);
          const Bytes palette = palette_of(top + 1);
          if (kind.color == 3) file.before_data = png_chunk("PLTE", palette);
          if (transparency) {
            Bytes entry;
            if (kind.color == 3) entry = {0, 77};
            if (kind.color == 0) entry = big16(file.samples[0]);
            if (kind.color == 2) entry = big16(file.samples[0]) + big16(file.samples[1]) + big16(file.samples[2]);
            file.before_data = file.before_data + png_chunk("tRNS", entry);
          }
          Image rgba(static_cast<int>(width), static_cast<int>(height), 4);
          for (std::size_t p = 0; p < std::size_t{width} * height; ++p) {
            const std::uint32_t* s = file.samples.data() + p * file.channels();
            std::uint8_t* to = rgba.pixels.data() + 4 * p;
            to[3] = 255;
            const bool keyed = transparency && kind.color != 3 && std::equal(s, s + file.channels(), file.samples.begin());
            for (unsigned c = 0; c < 3; ++c) {
              to[c] = kind.color == 3 ? palette[3 * *s + c] : to8(s[kind.color == 2 || kind.color == 6 ? c : 0], kind.depth);
            }
            if (kind.color >= 4) to[3] = to8(s[file.channels() - 1], kind.depth);
            if (keyed) to[3] = 0;
            if (transparency && kind.color == 3 && *s < 2) to[3] = *s == 0 ? 0 : 77;
          }
          const std::string what = "colour " + std::to_string(kind.color) + " depth " + std::to_string(kind.depth) +
                                   (interlaced ? " interlaced" : "") + (transparency ? " tRNS" : "") + " width " + std::to_string(width);
          const auto stored = decode_rgba(file.build());
          ASSERT_TRUE(stored.ok()) << what << ": " << stored.status().message;
          ASSERT_EQ(largest_difference(stored.value(), rgba), 0) << what;
          Image rgb(rgba.width, rgba.height, 3);
          for (std::size_t p = 0; p < std::size_t{width} * height; ++p) {
            for (std::size_t c = 0; c < 3; ++c) rgb.pixels[3 * p + c] = over_grey(rgba.pixels[4 * p + c], rgba.pixels[4 * p + 3]);
          }
          const auto photo = decode_photo(file.build(), small());
          ASSERT_TRUE(photo.ok()) << what << ": " << photo.status().message;
          ASSERT_EQ(largest_difference(photo.value(), rgb), 0) << what;
        }
      }
    }
  }
}

TEST(DecodePng, DataInManyPiecesOtherChunksAndATail) {
  PngFile file{64, 64, 8, 2, false, {}, {}};
  const Image expected = picture(64, 64, 3);
  file.samples.assign(expected.pixels.begin(), expected.pixels.end());
  const Bytes whole = file.build();
  const Bytes data(whole.begin() + 8 + 25 + 8, whole.end() - 12 - 4);
  Bytes split = png_signature() + png_header(64, 64, 8, 2) + png_chunk("tEXt", text("Comment")) + png_chunk("PLTE", palette_of(3));
  for (std::size_t at = 0; at < data.size(); at += 1000) {
    split = split + png_chunk("IDAT", Bytes(data.begin() + static_cast<std::ptrdiff_t>(at),
                                            data.begin() + static_cast<std::ptrdiff_t>(std::min(at + 1000, data.size()))));
  }
  split = split + png_chunk("IDAT", {}) + png_chunk("tIME", Bytes(7, 1)) + png_chunk("IEND", {}) + text("PK tail");
  const auto image = decode_photo(split);
  ASSERT_TRUE(image.ok()) << image.status().message;
  EXPECT_EQ(largest_difference(image.value(), expected), 0);
}

TEST(DecodeLabels, ExactAndOnlyGrey) {
  Image labels(16, 9, 1);
  for (std::size_t i = 0; i < labels.pixels.size(); ++i) labels.pixels[i] = static_cast<std::uint8_t>(i % 11);
  const auto back = decode_labels(encode_png(labels).value());
  ASSERT_TRUE(back.ok()) << back.status().message;
  EXPECT_EQ(largest_difference(back.value(), labels), 0);
  EXPECT_EQ(decode_labels(encode_png(picture(8, 8, 3)).value()).status().code, Code::unsupported_format);
  EXPECT_EQ(decode_labels(jpeg(picture(8, 8, 3), 90)).status().code, Code::unsupported_format);
  const PngFile shallow{8, 1, 4, 0, false, {0, 1, 2, 3, 4, 5, 6, 7}, {}};
  EXPECT_EQ(decode_labels(shallow.build()).status().code, Code::unsupported_format) << "4 bits would be scaled";
}

TEST(DecodeJpeg, StaysCloseToThePicture) {
  for (const int channels : {1, 3}) {
    for (const int quality : {80, 98}) {
      const Image original = picture(83, 70, channels);
      Image expected(83, 70, 3);
      for (std::size_t p = 0; p < 83U * 70U; ++p) {
        for (std::size_t c = 0; c < 3; ++c)
          expected.pixels[3 * p + c] = original.pixels[static_cast<std::size_t>(channels) * p + (channels == 3 ? c : 0)];
      }
      const auto image = decode_photo(jpeg(original, quality));
      ASSERT_TRUE(image.ok()) << image.status().message;
      EXPECT_LE(largest_difference(image.value(), expected), quality > 90 ? 6 : 20) << channels << " " << quality;
    }
  }
}

void expect_flat(const FlatJpeg& file, int red, int green, int blue, const char* what) {
  const auto image = decode_photo(file.build(), small());
  ASSERT_TRUE(image.ok()) << what << ": " << image.status().message;
  ASSERT_EQ(image->width, static_cast<int>(file.width)) << what;
  ASSERT_EQ(image->height, static_cast<int>(file.height)) << what;
  for (std::size_t p = 0; p < image->pixels.size(); p += 3) {
    ASSERT_NEAR(image->pixels[p], red, 1) << what;
    ASSERT_NEAR(image->pixels[p + 1], green, 1) << what;
    ASSERT_NEAR(image->pixels[p + 2], blue, 1) << what;
  }
}

TEST(DecodeJpeg, KindsBuiltByHand) {
  FlatJpeg grey;
  grey.levels = {200};
  expect_flat(grey, 200, 200, 200, "grey");
  grey.progressive = true;
  expect_flat(grey, 200, 200, 200, "progressive grey");
  grey.ac_scans = 90;
  expect_flat(grey, 200, 200, 200, "90 scans and more");
  FlatJpeg color;
  color.levels = {120, 90, 180};  // Y, Cb, Cr
  const auto red = static_cast<int>(120 + 1.402 * 52 + 0.5);
  const auto green = static_cast<int>(120 + 0.344136 * 38 - 0.714136 * 52 + 0.5);
  const auto blue = static_cast<int>(120 - 1.772 * 38 + 0.5);
  for (const bool progressive : {false, true}) {
    for (const int sampling : {1, 2, 4}) {
      for (const unsigned restart : {0U, 1U, 3U, 7U}) {
        color.progressive = progressive;
        color.sampling = sampling;
        color.restart = restart;
        color.width = 65 + restart;
        expect_flat(color, red, green, blue, "YCbCr");
      }
    }
  }
  FlatJpeg rgb;
  rgb.levels = {10, 100, 240};
  rgb.adobe = 0;
  expect_flat(rgb, 10, 100, 240, "Adobe RGB");
  FlatJpeg cmyk;  // Adobe stores CMYK inverted: 255 is no ink
  cmyk.levels = {255, 100, 50, 128};
  cmyk.adobe = 0;
  expect_flat(cmyk, 128, 100 * 128 / 255, 50 * 128 / 255, "Adobe CMYK");
  cmyk.adobe = -1;
  EXPECT_EQ(decode_photo(cmyk.build()).status().code, Code::unsupported_format) << "whose colours nobody knows";
}

TEST(DecodeJpeg, RareKindsAreNamed) {
  for (const unsigned marker : {0xC3U, 0xC5U, 0xC6U, 0xC7U, 0xC9U, 0xCAU, 0xCBU, 0xCDU, 0xCEU, 0xCFU}) {
    FlatJpeg file;
    file.frame_marker = marker;
    EXPECT_EQ(decode_photo(file.build()).status().code, Code::unsupported_format) << marker;
  }
  FlatJpeg deep;
  deep.precision = 12;
  EXPECT_EQ(decode_photo(deep.build()).status().code, Code::unsupported_format);
  FlatJpeg two;
  two.levels = {1, 2};
  EXPECT_EQ(decode_photo(two.build()).status().code, Code::unsupported_format);
}

TEST(DecodeJpeg, PaddingBetweenSegmentsAndTailsAreIgnored) {
  const Bytes file = jpeg(picture(64, 64, 3), 95);
  const auto plain = decode_photo(file);
  const std::size_t app0 = 2 + 2 + 16;  // the first segment's end
  const Bytes rest(file.begin() + app0, file.end());
  const auto padded = decode_photo(first(file, app0) + Bytes{0, 0, 0, 0xFF, 0xFF} + rest + text("tail \xFF\xD8"));
  ASSERT_TRUE(plain.ok() && padded.ok()) << padded.status().message;
  EXPECT_EQ(largest_difference(plain.value(), padded.value()), 0);
}

// A BMP's rows of 24-bit pixels, bottom-up unless `top_down`.
Bytes rows24(const Image& rgb, bool top_down) {
  Bytes rows;
  for (int y = 0; y < rgb.height; ++y) {
    const std::size_t begin = rows.size();
    for (int x = 0; x < rgb.width; ++x) {
      const std::uint8_t* p = rgb.at(x, top_down ? y : rgb.height - 1 - y);
      rows = rows + Bytes{p[2], p[1], p[0]};
    }
    while ((rows.size() - begin) % 4 != 0) rows.push_back(0xEE);
  }
  return rows;
}

TEST(DecodeBmp, TrueColour) {
  for (const int width : {1, 2, 3, 4, 21}) {
    const Image expected = picture(width, 5, 3);
    for (const bool top_down : {false, true}) {
      for (const std::uint32_t info : {40U, 12U}) {
        if (info == 12 && top_down) continue;
        const BmpFile file{width, top_down ? -5 : 5, 24, 0, 0, info, {}, rows24(expected, top_down)};
        const auto image = decode_photo(file.build(), small());
        ASSERT_TRUE(image.ok()) << image.status().message;
        EXPECT_EQ(largest_difference(image.value(), expected), 0) << width << " " << top_down << " " << info;
      }
    }
  }
}

TEST(DecodeBmp, Palettes) {
  for (const unsigned bits : {1U, 4U, 8U}) {
    const std::uint32_t colors = bits == 1 ? 2 : bits == 4 ? 11 : 200;
    Bytes palette;
    for (std::uint32_t i = 0; i < colors; ++i)
      palette = palette + Bytes{static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(2 * i), static_cast<std::uint8_t>(255 - i), 0};
    constexpr int kWidth = 13;
    Image expected(kWidth, 3, 3);
    Bytes rows;
    for (int y = 2; y >= 0; --y) {
      Bytes row((kWidth * bits + 31) / 32 * 4, 0);
      for (int x = 0; x < kWidth; ++x) {
        const std::uint32_t index = (colors - 1 + static_cast<std::uint32_t>(7 * x + 31 * y)) % colors;
        const auto bit = static_cast<unsigned>(x) * bits;
        row[bit / 8] = static_cast<std::uint8_t>(row[bit / 8] | index << (8 - bits - bit % 8));
        std::uint8_t* p = expected.at(x, y);
        p[0] = static_cast<std::uint8_t>(255 - index);
        p[1] = static_cast<std::uint8_t>(2 * index);
        p[2] = static_cast<std::uint8_t>(index);
      }
      rows = rows + row;
    }
    const BmpFile file{kWidth, 3, bits, 0, colors, 40, palette, rows};
    const auto image = decode_photo(file.build(), small());
    ASSERT_TRUE(image.ok()) << image.status().message;
    EXPECT_EQ(largest_difference(image.value(), expected), 0) << bits;
    BmpFile short_palette = file;
    short_palette.colors = colors - 1;
    short_palette.extra.resize(4 * (colors - 1));
    EXPECT_EQ(decode_photo(short_palette.build(), small()).status().code, Code::corrupt_image) << "an index outside the palette";
  }
}

TEST(DecodeBmp, BitFieldsAndAlpha) {
  // 5-6-5 and one 32-bit pixel order with alpha at the top.
  const BmpFile fields{
      2, 1, 16, 3, 0, 40, little32(0xF800) + little32(0x07E0) + little32(0x001F), little16(0xF800) + little16(0x07E0 | 0x000F)};
  const auto image = decode_photo(fields.build(), small());
  ASSERT_TRUE(image.ok()) << image.status().message;
  EXPECT_EQ(image->pixels, (Bytes{255, 0, 0, 0, 255, 123}));
  const BmpFile plain{2, 1, 16, 0, 0, 40, {}, little16(0x7C00) + little16(0x03E0)};
  EXPECT_EQ(decode_photo(plain.build(), small())->pixels, (Bytes{255, 0, 0, 0, 255, 0}));
  const Bytes masks = little32(0x00FF0000) + little32(0x0000FF00) + little32(0x000000FF) + little32(0xFF000000);
  const BmpFile alpha{2, 1, 32, 6, 0, 40, masks, little32(0x80C86432) + little32(0x00FFFFFF)};
  EXPECT_EQ(decode_rgba(alpha.build())->pixels, (Bytes{200, 100, 50, 128, 255, 255, 255, 0}));
  EXPECT_EQ(decode_photo(alpha.build(), small())->pixels,
            (Bytes{over_grey(200, 128), over_grey(100, 128), over_grey(50, 128), 128, 128, 128}));
  const BmpFile unused{1, 1, 32, 6, 0, 40, masks, little32(0x00C86432)};
  EXPECT_EQ(decode_rgba(unused.build())->pixels, (Bytes{200, 100, 50, 255})) << "alpha that is zero everywhere is no alpha";
  const BmpFile overlapping{1, 1, 32, 3, 0, 40, little32(0xFF00) + little32(0xFF00) + little32(0xFF), little32(0)};
  EXPECT_EQ(decode_rgba(overlapping.build()).status().code, Code::corrupt_image);
  const BmpFile hole{1, 1, 32, 3, 0, 40, little32(0xFF0000) + little32(0xF500) + little32(0xFF), little32(0)};
  EXPECT_EQ(decode_rgba(hole.build()).status().code, Code::corrupt_image);
}

}  // namespace
}  // namespace likeness
