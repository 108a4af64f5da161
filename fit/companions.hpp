// Short ways from the vector to landmarks and colours: two regressions that are trained with the generator (train/companions.py), and
// the two terms of the loss that use them. Pictures tell the shape of a face only roughly, and through a feature network its colours
// hardly at all; landmarks and mean colours tell both directly.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "likeness/alignment.hpp"
#include "likeness/likeness.hpp"
#include "likeness/scene.hpp"
#include "likeness/status.hpp"
#include "weights/safetensors.hpp"

namespace likeness {

/// Regions whose mean colour is compared, in the order of the companion's outputs.
constexpr std::size_t kColourRegions = 4;
constexpr std::array<const char*, kColourRegions> kColourRegionNames = {"skin", "hair", "lips", "brows"};
/// The two classes of label maps that make up each (twice the same where it is one).
constexpr std::array<std::array<int, 2>, kColourRegions> kColourRegionClasses = {{{1, 7}, {2, 2}, {8, 10}, {3, 4}}};

/// The contents of companions.safetensors. Immutable.
class Companions {
 public:
  /// Errors: corrupt_model (tensors missing or of wrong shapes), schema_mismatch.
  static Result<Companions> load(const Safetensors& file, const Schema& schema);

  /// The vector's landmarks in the 512 frame: x0, y0, x1, ...
  std::array<double, 136> landmarks(std::span<const float> x) const;
  /// Adds the gradient of a function of landmarks(x), given its gradient with respect to them.
  void landmarks_backward(std::span<const double> upstream, std::span<float> gradient) const;

  /// Whether an entry moves any of them.
  bool moves_landmarks(std::size_t entry) const;

  /// Mean sRGB colours in [0, 1]: skin r, g, b, hair r, ...
  std::array<double, 3 * kColourRegions> colours(std::span<const float> x) const;
  /// Adds the gradient of a function of colours(x), on the routed entries only.
  void colours_backward(std::span<const float> x, std::span<const double> upstream, std::span<float> gradient) const;

  /// 1 for entries that change colours and nothing else.
  std::span<const float> routed() const { return routed_; }
  /// Statistics over aligned photographs, empty where the file has none; and over renders.
  std::span<const float> photo_mean() const { return photo_mean_; }
  std::span<const float> photo_deviation() const { return photo_deviation_; }
  std::span<const float> render_mean() const { return render_mean_; }
  /// Mean and deviation of 1 - D between photographs and other people's characters (FitResult::similarity), empty where the file has none.
  std::span<const float> strangers() const { return strangers_; }

 private:
  std::size_t size_ = 0;
  std::vector<float> landmark_weight_, landmark_bias_, photo_mean_, photo_deviation_, render_mean_, strangers_;
  std::vector<std::size_t> inputs_;
  std::vector<float> colour_weight_, routed_;
};

/// sum_i w_i |l_i(x) - t_i| / (s_i + 2 px) / sum w over 136 coordinates, where t is the photo's landmarks less their mean over photographs
/// plus the mean over renders, and s the deviation over photographs. The jaw and the mouth weigh 0.3: the first is found least surely, the
/// second smiles.
class LandmarkTerm {
 public:
  LandmarkTerm() = default;
  /// `photo`: landmarks in pixels of the 512 frame. Those of a render are t as they are.
  LandmarkTerm(const Companions& companions, const Landmarks& photo, PictureDomain domain = PictureDomain::photo);
  /// The value; adds scale * gradient unless `gradient` is empty.
  double evaluate(const Companions& companions, std::span<const float> x, double scale, std::span<float> gradient) const;
  /// The value for landmarks that are known, x0, y0, x1, ... in the 512 frame.
  double distance(const std::array<double, 136>& landmarks) const;
  /// From now on evaluate() adds to the companion's landmarks what it lacks at x, where the client's are `landmarks`.
  void correct(const Companions& companions, std::span<const float> x, const std::array<double, 136>& landmarks);

 private:
  std::array<double, 136> target_{}, weight_{}, lack_{};
};

/// Mean sRGB colours of a label map's regions, and which of them are large enough to have one.
struct RegionColours {
  std::array<double, 3 * kColourRegions> colours{};
  std::array<bool, kColourRegions> there{};
};
/// `rgb` 3 bytes, `labels` one a pixel.
RegionColours region_colours(std::span<const std::uint8_t> rgb, std::span<const std::uint8_t> labels);

/// sum_r w_r mean_c |c_r(x) - t_r| / sum w over regions.
class ColourTerm {
 public:
  ColourTerm() = default;
  /// `target`: mean sRGB colours in [0, 1] of the photo's regions; `weight`: how much each counts (0: not seen).
  ColourTerm(const std::array<double, 3 * kColourRegions>& target, const std::array<double, kColourRegions>& weight);
  /// The value; adds scale * gradient on the routed entries unless `gradient` is empty.
  double evaluate(const Companions& companions, std::span<const float> x, double scale, std::span<float> gradient) const;
  /// The value for colours that are known.
  double distance(const std::array<double, 3 * kColourRegions>& colours) const;
  /// From now on evaluate() adds to the companion's colours what it lacks at x, where the client's are `colours`.
  void correct(const Companions& companions, std::span<const float> x, const std::array<double, 3 * kColourRegions>& colours);
  bool active() const { return sum_ > 0; }
  const std::array<double, 3 * kColourRegions>& target() const { return target_; }
  /// Whether a region counts at all.
  bool seen(std::size_t region) const { return weight_[region] > 0; }

 private:
  std::array<double, 3 * kColourRegions> target_{};
  std::array<double, kColourRegions> weight_{};
  double sum_ = 0;
  std::array<double, 3 * kColourRegions> lack_{};
};

/// Mean colours of a photo's regions from its class probabilities. `rgb` [3, places] in [0, 1], `probabilities` [11, places],
/// `covered` [places]. Weights: hair, lips and brows less than 1 where hardly anything of them is seen.
ColourTerm colour_term(std::span<const float> rgb, std::span<const float> probabilities, std::span<const float> covered);

}  // namespace likeness
