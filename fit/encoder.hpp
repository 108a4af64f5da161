// The first guess: from the extractor's features of a photo, its landmarks and the mean colours of its regions to parameters in one pass
// (train/encoder.py). The search starts from it.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "fit/companions.hpp"
#include "likeness/nn.hpp"
#include "likeness/scene.hpp"
#include "likeness/status.hpp"
#include "weights/safetensors.hpp"

namespace likeness {

/// What an encoder sees of a photo, not yet centred.
struct EncoderInput {
  std::span<const float> shallow;        ///< the extractor's last stage but one, [C, 2S, 2S]
  std::span<const float> deep;           ///< its last stage, [D, S, S]
  const Landmarks* landmarks = nullptr;  ///< in pixels of the 512 frame; nullptr: none
  std::array<double, 3 * kColourRegions> colours{};
  std::array<bool, kColourRegions> seen{};  ///< regions that have a colour
};

/// The contents of encoder.safetensors. Immutable. Two 3x3 convolutions (stride 2, ReLU) of the features' z-scores over photographs, the
/// shallower stage averaged over 2x2 places; with z-scores of landmarks and colours appended (0 where there is none), two dense layers,
/// ReLU between; sigmoid, or softmax for each simplex and choice.
class Encoder {
 public:
  /// `extractor` has photo statistics of its last two stages; `extractor_hash` is its file's SHA-256, which the encoder's metadata must
  /// name: features of another extractor mean something else. Errors: corrupt_model (tensors missing or of wrong shapes, numbers that
  /// are not finite, deviations that are not positive), schema_mismatch (another scene or extractor).
  static Result<Encoder> load(const Safetensors& file, const Schema& schema, const ResidualNet<float>& extractor,
                              const std::string& extractor_hash);

  /// Parameters: continuous entries in [0, 1], simplex and choice groups summing to 1. Errors: invalid_argument (sizes), diverged
  /// (numbers that are not finite).
  Result<std::vector<float>> operator()(const EncoderInput& input) const;

 private:
  struct Group {
    std::size_t begin, size;
  };

  std::int64_t side_ = 0;  // S
  std::size_t shallow_channels_ = 0, deep_channels_ = 0;
  Tensor<float> mean_, scale_;  // [C + D, S, S] of stacked maps, and 1 / deviation of their channels
  Tensor<float> conv1_weight_, conv1_bias_, conv2_weight_, conv2_bias_, dense1_weight_, dense1_bias_, dense2_weight_, dense2_bias_;
  std::vector<float> point_mean_, point_deviation_, colour_mean_, colour_deviation_;
  std::vector<Group> groups_;
};

}  // namespace likeness
