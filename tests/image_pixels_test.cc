// Encoding, colour and resampling.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "image/color.hpp"
#include "image/decode.hpp"
#include "image/encode.hpp"
#include "image/resample.hpp"
#include "image_files.hpp"

namespace likeness {
namespace {

using testing::largest_difference;
using testing::picture;

TEST(EncodePng, RoundTripAndDeterministic) {
  for (const int channels : {1, 3, 4}) {
    for (const auto& [width, height] : {std::pair{1, 1}, {1, 200}, {300, 1}, {97, 61}}) {
      const Image image = picture(width, height, channels);
      const auto png = encode_png(image);
      ASSERT_TRUE(png.ok()) << png.status().message;
      EXPECT_EQ(png.value(), encode_png(image).value());
      const auto back = decode_rgba(png.value());
      ASSERT_TRUE(back.ok()) << back.status().message;
      Image expected(width, height, 4);
      for (std::size_t p = 0; p < image.pixels.size() / static_cast<std::size_t>(channels); ++p) {
        for (std::size_t c = 0; c < 4; ++c) {
          const std::size_t from = channels == 1 ? 0 : c;
          expected.pixels[4 * p + c] = c == 3 && channels < 4 ? 255 : image.pixels[static_cast<std::size_t>(channels) * p + from];
        }
      }
      EXPECT_EQ(largest_difference(back.value(), expected), 0) << width << " x " << height << " x " << channels;
    }
  }
}

TEST(EncodePng, RefusesWhatIsNoPicture) {
  EXPECT_EQ(encode_png(Image()).status().code, Code::invalid_argument);
  EXPECT_EQ(encode_png(Image(4, 4, 2)).status().code, Code::invalid_argument);
  EXPECT_EQ(encode_png(Image(0, 4, 3)).status().code, Code::invalid_argument);
  Image wrong(4, 4, 3);
  wrong.pixels.pop_back();
  EXPECT_EQ(encode_png(wrong).status().code, Code::invalid_argument);
}

// The standard's two branches, in double precision.
double srgb_decoded(double v) { return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4); }

TEST(Color, TablesFollowTheStandard) {
  for (int v = 0; v < 256; ++v) {
    const double linear = srgb_decoded(v / 255.0);
    EXPECT_NEAR(srgb_to_linear_table()[static_cast<std::size_t>(v)], linear, 1e-7);
    EXPECT_NEAR(linear_from_srgb(static_cast<float>(v) / 255.0F), linear, 1e-6);
    EXPECT_NEAR(srgb_from_linear(static_cast<float>(linear)), v / 255.0, 1e-5);
    EXPECT_EQ(srgb8_from_linear(srgb_to_linear_table()[static_cast<std::size_t>(v)]), v);
  }
  EXPECT_EQ(srgb_to_linear_table()[0], 0.0F);
  EXPECT_EQ(srgb_to_linear_table()[255], 1.0F);
}

TEST(Color, EightBitRoundsToTheNearest) {
  for (int i = 0; i <= 100'000; ++i) {
    const float linear = static_cast<float>(i) / 100'000.0F;
    const double encoded = linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(static_cast<double>(linear), 1 / 2.4) - 0.055;
    const int v = srgb8_from_linear(linear);
    ASSERT_LE(std::abs(v - 255 * encoded), 0.5 + 1e-4) << linear;
  }
  for (const float low : {0.0F, -1.0F, -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_EQ(srgb8_from_linear(low), 0);
    EXPECT_EQ(srgb_from_linear(low), 0.0F);
    EXPECT_EQ(linear_from_srgb(low), 0.0F);
  }
  for (const float high : {1.0F, 2.0F, std::numeric_limits<float>::infinity()}) {
    EXPECT_EQ(srgb8_from_linear(high), 255);
    EXPECT_EQ(srgb_from_linear(high), 1.0F);
    EXPECT_EQ(linear_from_srgb(high), 1.0F);
  }
}

TEST(Resample, AreaIsTheMeanOfBlocks) {
  const Image image = picture(12, 10, 3);
  const auto half = resize(image, 4, 5, Filter::box);
  ASSERT_TRUE(half.ok());
  for (int y = 0; y < 5; ++y) {
    for (int x = 0; x < 4; ++x) {
      for (int c = 0; c < 3; ++c) {
        double sum = 0;
        for (int k = 0; k < 6; ++k) sum += image.at(3 * x + k % 3, 2 * y + k / 3)[c];
        ASSERT_NEAR(half->at(x, y)[c], sum / 6, 0.5 + 1e-4);
      }
    }
  }
  // 5 samples to 2: each is the mean over 2.5 of them.
  const std::vector<float> row = {1, 2, 3, 4, 10};
  const auto two = resize_planes(row, 1, 1, 5, 1, 2, Filter::box).value();
  ASSERT_EQ(two.size(), 2U);
  EXPECT_NEAR(two[0], (1 + 2 + 1.5) / 2.5, 1e-6);
  EXPECT_NEAR(two[1], (1.5 + 4 + 10) / 2.5, 1e-6);
}

// PyTorch 1.13: F.interpolate(torch.tensor([[[1., 2., 4., 8., 16., 32., 64.]]]).reshape(1, 1, 1, 7), (1, N), mode=..., antialias=True)
TEST(Resample, AgreesWithPyTorch) {
  const std::vector<float> row = {1, 2, 4, 8, 16, 32, 64};
  const auto check = [&](Filter filter, const std::vector<float>& expected) {
    const auto across = resize_planes(row, 1, 1, 7, 1, static_cast<int>(expected.size()), filter);
    const auto down = resize_planes(row, 1, 7, 1, static_cast<int>(expected.size()), 1, filter);
    ASSERT_TRUE(across.ok() && down.ok());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(across.value()[i], expected[i], 1e-4) << i;
      EXPECT_NEAR(down.value()[i], expected[i], 1e-4) << i;
    }
  };
  check(Filter::bilinear, {2.07143F, 10.0F, 40.0F});
  check(Filter::bilinear, {1.0F, 1.45455F, 2.18182F, 3.45455F, 5.45455F, 8.0F, 13.0909F, 20.3636F, 30.5455F, 49.4545F, 64.0F});
  check(Filter::bicubic, {1.47177F, 8.42125F, 41.8629F});
  check(Filter::bicubic, {0.929687F, 1.30964F, 2.13674F, 3.28325F, 5.13899F, 8.0F, 12.3336F, 19.3539F, 29.9144F, 51.5581F, 66.25F});
}

TEST(Resample, ConstantsStayAndPlanesDoNotMix) {
  for (const Filter filter : {Filter::box, Filter::bilinear, Filter::bicubic}) {
    for (const int size : {1, 2, 7, 16, 33, 100}) {
      Image flat(16, 9, 4);
      for (std::size_t i = 0; i < flat.pixels.size(); ++i) flat.pixels[i] = static_cast<std::uint8_t>(60 * (i % 4) + 15);
      const auto out = resize(flat, size, size, filter);
      ASSERT_TRUE(out.ok());
      ASSERT_EQ(out->width, size);
      for (std::size_t i = 0; i < out->pixels.size(); ++i) ASSERT_EQ(out->pixels[i], 60 * (i % 4) + 15);
      std::vector<float> planes(2 * 9 * 16, 0.25F);
      std::fill(planes.begin() + 9 * 16, planes.end(), -3.0F);
      const auto resized = resize_planes(planes, 2, 9, 16, size, size, filter).value();
      ASSERT_EQ(resized.size(), static_cast<std::size_t>(2 * size * size));
      for (std::size_t i = 0; i < resized.size(); ++i) ASSERT_NEAR(resized[i], i < resized.size() / 2 ? 0.25F : -3.0F, 1e-6);
    }
  }
}

TEST(Resample, BicubicOvershootIsClamped) {
  Image step(8, 1, 1);
  for (int x = 4; x < 8; ++x) step.pixels[static_cast<std::size_t>(x)] = 255;
  const auto wide = resize(step, 64, 1, Filter::bicubic);
  ASSERT_TRUE(wide.ok());
  EXPECT_EQ(wide->pixels.front(), 0);
  EXPECT_EQ(wide->pixels.back(), 255);
  const std::vector<float> plane = {0, 0, 0, 0, 1, 1, 1, 1};
  const auto planes = resize_planes(plane, 1, 1, 8, 1, 64, Filter::bicubic).value();
  EXPECT_LT(*std::min_element(planes.begin(), planes.end()), -0.01F) << "floats are not clamped";
}

TEST(Resample, SameSizeIsACopyAndWrongSizesAreRefused) {
  const Image image = picture(5, 4, 3);
  EXPECT_EQ(largest_difference(resize(image, 5, 4, Filter::bicubic).value(), image), 0);
  EXPECT_EQ(resize(image, 0, 4, Filter::box).status().code, Code::invalid_argument);
  EXPECT_EQ(resize(Image(), 4, 4, Filter::box).status().code, Code::invalid_argument);
  const std::vector<float> planes(12);
  EXPECT_EQ(resize_planes(planes, 1, 3, 3, 2, 2, Filter::box).status().code, Code::invalid_argument);
  EXPECT_EQ(resize_planes(planes, 1, 3, 4, 2, -1, Filter::box).status().code, Code::invalid_argument);
  EXPECT_EQ(resize_planes({}, 1, -3, -4, 2, 2, Filter::box).status().code, Code::invalid_argument);
}

}  // namespace
}  // namespace likeness
