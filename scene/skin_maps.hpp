// Maps of what is painted into a region of the skin atlas: made when the head is packed (makehuman_skin_maps.hpp), read by SkinDetail.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace likeness::scene {

/// Maps of the texels of an enlarged region, row by row. Bytes, because every picture reads them all.
struct SkinMaps {
  /// Texels of a row: [begin, end).
  struct Span {
    std::int32_t begin = 0, end = 0;
  };

  std::vector<std::uint8_t> lip, moustache, chin;  ///< areas, [0, 1]
  std::vector<std::uint8_t> cheek;                 ///< how far below the upper border of the beard on the cheeks, see cheek_range
  std::vector<std::uint8_t> wrinkle;               ///< depth, see wrinkle_range
  std::vector<std::uint8_t> strand, grain;         ///< noise along the hairs, fine noise, [0, 1]
  std::vector<Span> span;                          ///< of each row: what triangles cover, and what interpolation reads around it
  std::vector<Span> beard;                         ///< of each row: where a beard can grow
};

/// The maps in the order in which they are stored.
constexpr std::array<std::vector<std::uint8_t> SkinMaps::*, 7> kSkinMaps = {
    &SkinMaps::lip, &SkinMaps::moustache, &SkinMaps::chin, &SkinMaps::cheek, &SkinMaps::wrinkle, &SkinMaps::strand, &SkinMaps::grain};

/// Numbers kept as bytes: their least value and their step.
struct ByteRange {
  float low, step;
  /// std::lround() of what is not negative, without a call.
  std::uint8_t code(float v) const {
    const float steps = std::clamp((v - low) / step, 0.0F, 255.0F);
    const auto whole = static_cast<std::int32_t>(steps);
    return static_cast<std::uint8_t>(whole + (steps - static_cast<float>(whole) >= 0.5F ? 1 : 0));
  }
};
constexpr ByteRange share_range = {0, 1.0F / 255};
constexpr ByteRange cheek_range = {-0.20F, 0.38F / 255};    // dm; beyond, a beard of no height begins or ends
constexpr ByteRange wrinkle_range = {-0.60F, 3.06F / 255};  // neighbouring lines may add up

}  // namespace likeness::scene
