#include "image/decode.hpp"

#include <string>
#include <utility>

#include "image/guard.hpp"
#include "image/sniff.hpp"
#include "image/stb.hpp"

namespace likeness {

Status guard::check_size(std::int64_t width, std::int64_t height, const DecodeLimits& limits) {
  const std::string size = std::to_string(width) + " x " + std::to_string(height) + " pixels";
  if (width < 1 || height < 1) return corrupt("the picture declares " + size);
  if (width > limits.max_side || height > limits.max_side || width * height > limits.max_pixels) {
    return {Code::image_too_large, "the picture has " + size + "; at most " + std::to_string(limits.max_side) + " a side and " +
                                       std::to_string(limits.max_pixels / 1'000'000) + " million are read: make it smaller"};
  }
  if (width < limits.min_side || height < limits.min_side) {
    return {Code::image_too_small, "the picture has " + size + "; at least " + std::to_string(limits.min_side) + " a side are needed"};
  }
  return Status::success();
}

namespace {

using guard::Bytes;
using guard::Checked;

enum class Wish { rgb, rgba, labels };

// The alpha channel laid over mid grey.
Image flatten(const Image& rgba) {
  Image rgb(rgba.width, rgba.height, 3);
  for (std::size_t from = 0, to = 0; from < rgba.pixels.size(); from += 4, to += 3) {
    const unsigned alpha = rgba.pixels[from + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      rgb.pixels[to + c] = static_cast<std::uint8_t>((rgba.pixels[from + c] * alpha + 128U * (255U - alpha) + 127U) / 255U);
    }
  }
  return rgb;
}

Result<Image> run_decoder(const Checked& checked, bool png, int channels) {
  stb::Decoded decoded = png ? stb::decode_png(checked.clean, channels, checked.deep, checked.budget)
                             : stb::decode_jpeg(checked.clean, channels, checked.budget);
  const std::string name = png ? "PNG" : "JPEG";
  if (decoded.over_budget)
    return Status{Code::corrupt_image, "the " + name + " is damaged: it unpacks to more than the picture it declares"};
  if (!decoded.error.empty()) return Status{Code::corrupt_image, "the " + name + " is damaged: " + decoded.error};
  if (decoded.image.width != checked.width || decoded.image.height != checked.height) {
    return Status{Code::corrupt_image, "the " + name + " is damaged: it declares two sizes"};
  }
  return std::move(decoded.image);
}

Result<Image> decode(Bytes bytes, const DecodeLimits& limits, Wish wish) {
  if (bytes.size() > limits.max_bytes) {
    return Status{Code::image_too_large,
                  "the file has " + std::to_string(bytes.size()) + " bytes; at most " + std::to_string(limits.max_bytes) + " are read"};
  }
  const FileKind kind = sniff(bytes);
  if (kind == FileKind::other)
    return guard::unsupported("this seems to be " + describe_unread(bytes) + "; only JPEG, PNG and BMP are read");
  if (wish == Wish::labels && kind != FileKind::png) return guard::unsupported("a label map must be a PNG");
  if (kind == FileKind::bmp) {
    Result<guard::DecodedBmp> bmp = guard::decode_bmp(bytes, limits);
    if (!bmp.ok()) return bmp.status();
    return wish == Wish::rgba ? std::move(bmp->rgba) : flatten(bmp->rgba);
  }
  const bool png = kind == FileKind::png;
  const Result<Checked> checked = png ? guard::check_png(bytes, limits) : guard::check_jpeg(bytes, limits);
  if (!checked.ok()) return checked.status();
  if (wish == Wish::labels) {
    if (!checked->labels) return guard::unsupported("a label map must be an 8-bit grey PNG without transparency");
    return run_decoder(checked.value(), png, 1);
  }
  const bool with_alpha = wish == Wish::rgba || checked->alpha;
  Result<Image> image = run_decoder(checked.value(), png, with_alpha ? 4 : 3);
  if (!image.ok() || wish == Wish::rgba) return image;
  if (with_alpha) image = flatten(image.value());
  return guard::apply_orientation(std::move(image).value(), checked->orientation);
}

// Assets and label maps may be as small as they like.
DecodeLimits any_small(DecodeLimits limits) {
  limits.min_side = 1;
  return limits;
}

}  // namespace

Result<Image> decode_photo(std::span<const std::uint8_t> bytes, const DecodeLimits& limits) { return decode(bytes, limits, Wish::rgb); }

Result<Image> decode_rgba(std::span<const std::uint8_t> bytes, const DecodeLimits& limits) {
  return decode(bytes, any_small(limits), Wish::rgba);
}

Result<Image> decode_labels(std::span<const std::uint8_t> bytes, const DecodeLimits& limits) {
  return decode(bytes, any_small(limits), Wish::labels);
}

}  // namespace likeness
