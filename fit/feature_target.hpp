// What the loss compares with at one depth of the extractor: the photo's features, and how those of a generated picture are laid beside
// them.
#pragma once

#include <cstddef>
#include <span>

#include "likeness/likeness.hpp"
#include "likeness/nn.hpp"

namespace likeness {

/// Who drew a picture: the game, or the generator that imitates it.
enum class Painter { client, imitator };

/// Centred, the photo is a = (f - m_p) / s_p and the generated picture b = (g - m_r) / s_r, with mean m [C, H, W] and deviation s [C] of
/// each domain's features. Their difference is that of a + m_r / s_r, which is constant, and g / s_r, which is one affine operation on the
/// tape.
class FeatureTarget {
 public:
  /// `feature` [1, C, H, W]: the photo's, at depth `depth` of `extractor`. Not centred without the statistics of both domains.
  /// Errors: diverged (features that are not finite).
  static Result<FeatureTarget> create(const Var<float>& feature, std::size_t depth, const ResidualNet<float>& extractor,
                                      PictureDomain domain, bool centre);

  /// How much each place counts, [1, 1, H, W].
  void set_places(Tensor<float> places) { places_ = std::move(places); }

  /// g / s_r of a generated picture's feature [1, C, H, W].
  Var<float> scaled(Tape<float>& tape, Var<float> feature) const;
  /// Mean of w |a - b| or of w (a - b)^2; `scaled`: scaled() of a picture by `painter`.
  Var<float> distance(Tape<float>& tape, const Var<float>& scaled, LossKind loss, Painter painter) const;
  /// sum w |a - b| / sum w (|a| + |b|) of scaled() values of a picture by `painter`.
  double dissimilarity(std::span<const float> scaled, Painter painter) const;
  /// From now on the imitator's values count as what the client's would be, were these two pictures' difference that of all.
  void correct(std::span<const float> client, std::span<const float> imitator);

 private:
  const Tensor<float>& target(Painter painter) const { return painter == Painter::client ? target_ : imitated_; }

  Tensor<float> target_;    // [1, C, H, W]: a + m_r / s_r
  Tensor<float> imitated_;  // the same less the client's lead over the imitator
  Tensor<float> shift_;     // [C, H, W] or empty: m_r / s_r
  Tensor<float> scale_;     // [C] or empty: 1 / s_r
  Tensor<float> zero_;      // [C], the shift of the affine operation
  Tensor<float> places_;    // [1, 1, H, W]
};

}  // namespace likeness
