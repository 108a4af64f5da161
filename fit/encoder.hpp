// The first guess: from the extractor's features of a photo, its landmarks and the mean colours of its regions to parameters in one pass,
// by a regression that train/train_encoder.py fits to renders. The search starts from it.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "fit/companions.hpp"
#include "likeness/likeness.hpp"
#include "likeness/nn.hpp"
#include "likeness/scene.hpp"
#include "likeness/status.hpp"
#include "weights/safetensors.hpp"

namespace likeness {

/// What an encoder sees of a picture, not yet centred.
struct EncoderInput {
  PictureDomain domain = PictureDomain::photo;
  std::span<const float> shallow;        ///< the extractor's last stage but one, [A, 2S, 2S]
  std::span<const float> deep;           ///< its last stage, [B, S, S]
  const Landmarks* landmarks = nullptr;  ///< in pixels of the 512 frame; nullptr: none
  std::array<double, 3 * kColourRegions> colours{};
  std::array<bool, kColourRegions> seen{};  ///< regions that have a colour
};

/// The contents of encoder.safetensors. Immutable. x = bias + weight z, clamped to [0, 1] and each group projected onto its simplex. z are
/// z-scores within the picture's domain: features averaged over 4x4 cells, landmarks, colours, products of two colours; 0 where there is
/// nothing.
class Encoder {
 public:
  static constexpr std::int64_t kCells = 4;  ///< a side of the grid that features are averaged over; S is a multiple of it

  /// `extractor` has statistics of its last two stages; `extractor_hash` is its file's SHA-256, which the encoder's metadata must name:
  /// features of another extractor mean something else. Errors: corrupt_model (tensors missing or of wrong shapes, deviations that are
  /// not positive), schema_mismatch (another scene or extractor).
  static Result<Encoder> load(const Safetensors& file, const Schema& schema, const ResidualNet<float>& extractor,
                              const std::string& extractor_hash);

  /// A vector of the scene: continuous entries in [0, 1], simplexes and choices (how likely each option is) summing to 1.
  /// Errors: invalid_argument (sizes).
  Result<std::vector<float>> operator()(const EncoderInput& input) const;

 private:
  struct Domain {
    std::vector<float> maps, points;  // means: features averaged over cells [A + B, 4, 4], landmarks [136]
    std::vector<float> scale;         // 1 / deviation of the features' channels [A + B]
  };
  struct Group {
    std::size_t begin, size;
  };

  std::size_t side_ = 0, shallow_channels_ = 0, deep_channels_ = 0;  // S, A, B
  Domain photos_, renders_;
  std::vector<float> point_deviation_, colour_mean_, colour_deviation_;
  std::vector<float> weight_, bias_;  // [P, inputs], [P]
  std::vector<Group> groups_;
};

}  // namespace likeness
