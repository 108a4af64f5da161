// Skin textures mixed from MakeHuman's 18 ordinary skins.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "likeness/status.hpp"
#include "scene/head_asset.hpp"
#include "scene/skin_detail.hpp"

namespace likeness::scene {

/// What a skin is mixed from. All weights are >= 0 and each group sums to 1.
struct SkinMix {
  std::array<float, 3> age{};   ///< young, middle-aged, old
  std::array<float, 3> type{};  ///< african, asian, caucasian
  std::array<float, 2> sex{};   ///< female, male
  SkinPaint paint;              ///< what is painted on the face
};

/// Holds the skins in linear light. Immutable, safe to share between threads.
class SkinBlender {
 public:
  /// Takes the skins and their maps out of `asset`. Errors: corrupt_scene when a skin is missing.
  static Result<SkinBlender> create(HeadAsset& asset);
  /// The atlas of one character, opaque, as Texture::linear; black where no triangle of the head lies.
  std::unique_ptr<Texture> blend(const SkinMix& mix) const;

 private:
  std::int32_t width_ = 0, height_ = 0;
  std::vector<SkinRegion> regions_;
  std::array<std::vector<std::uint16_t>, 18>
      linear_;                                   ///< [age][type][sex]: linear light * 65535; each row of a region: its reds, greens, blues
  std::vector<std::optional<SkinDetail>> detail_;  ///< of each region; none where the texture is only copied
};

}  // namespace likeness::scene
