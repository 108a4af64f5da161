// Skin textures mixed from MakeHuman's 18 ordinary skins.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
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
  bool operator==(const SkinMix&) const = default;
};

/// Holds the skins in linear light. Safe to share between threads. The last skins are kept: who compares a character's hair, glasses or
/// nose draws the same skin again, and mixing it is a fifth of a small picture's time.
class SkinBlender {
 public:
  /// Takes the skins and their maps out of `asset`. Errors: corrupt_scene when a skin is missing.
  static Result<SkinBlender> create(HeadAsset& asset);
  /// The atlas of one character, opaque, as Texture::linear; black where no triangle of the head lies.
  std::shared_ptr<const Texture> blend(const SkinMix& mix) const;

 private:
  struct Kept {
    SkinMix mix;
    std::shared_ptr<const Texture> skin;
  };
  static constexpr std::size_t kMostKept = 2;
  struct Recent {
    std::mutex mutex;
    std::vector<Kept> skins;  // the last one used first
  };
  std::unique_ptr<Texture> mixed(const SkinMix& mix) const;

  std::unique_ptr<Recent> recent_ = std::make_unique<Recent>();
  std::int32_t width_ = 0, height_ = 0;
  std::vector<SkinRegion> regions_;
  std::array<std::vector<std::uint16_t>, 18>
      linear_;  ///< [age][type][sex]: linear light * 65535; each row of a region: its reds, greens, blues
  std::vector<std::optional<SkinDetail>> detail_;  ///< of each region; none where the texture is only copied
};

}  // namespace likeness::scene
