#include "image/decode.hpp"

#include <string>

#include "image/stb.hpp"

namespace likeness {
namespace {

Result<Image> decode_as(std::span<const std::uint8_t> bytes, int channels, const DecodeLimits& limits) {
  if (bytes.size() > limits.max_bytes) return Status{Code::image_too_large, "the file is larger than the limit"};
  stb::Decoded decoded = stb::decode(bytes, channels, false, std::size_t{1} << 30);
  if (!decoded.error.empty()) return Status{Code::corrupt_image, "the picture is damaged: " + decoded.error};
  return std::move(decoded.image);
}

}  // namespace

Result<Image> decode_photo(std::span<const std::uint8_t> bytes, const DecodeLimits& limits) { return decode_as(bytes, 3, limits); }
Result<Image> decode_rgba(std::span<const std::uint8_t> bytes, const DecodeLimits& limits) { return decode_as(bytes, 4, limits); }
Result<Image> decode_labels(std::span<const std::uint8_t> bytes, const DecodeLimits& limits) { return decode_as(bytes, 1, limits); }

}  // namespace likeness
