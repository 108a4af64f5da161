#include "fit/feature_target.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace likeness {

Result<FeatureTarget> FeatureTarget::create(const Var<float>& feature, std::size_t depth, const ResidualNet<float>& extractor,
                                            PictureDomain domain, bool centre) {
  const Shape shape = feature.shape();
  FeatureTarget made;
  std::vector<float>& target = made.target_.data;
  made.target_ = {shape, std::vector<float>(feature.value().begin(), feature.value().end())};
  if (!std::ranges::all_of(target, [](float v) { return std::isfinite(v); })) {
    return Status{Code::diverged, "the extractor's features of the photo are not finite"};
  }
  const FeatureStatistics<float>& renders = extractor.render_statistics();
  const FeatureStatistics<float>& photos = domain == PictureDomain::render ? renders : extractor.photo_statistics();
  const auto has = [&](const FeatureStatistics<float>& s) {
    return depth < s.mean.size() && depth < s.std.size() && s.mean[depth].data.size() == target.size() &&
           s.std[depth].data.size() == static_cast<std::size_t>(shape[1]);
  };
  if (!centre || !has(photos) || !has(renders)) {
    made.imitated_ = made.target_;
    return made;
  }
  const std::size_t channels = photos.std[depth].data.size(), area = target.size() / channels;
  made.scale_ = {{shape[1]}, std::vector<float>(channels)};
  made.zero_ = {{shape[1]}, std::vector<float>(channels)};
  made.shift_ = {{shape[1], shape[2], shape[3]}, std::vector<float>(channels * area)};
  for (std::size_t c = 0; c < channels; ++c) {
    made.scale_.data[c] = 1 / renders.std[depth].data[c];
    for (std::size_t i = c * area; i < (c + 1) * area; ++i) {
      made.shift_.data[i] = renders.mean[depth].data[i] * made.scale_.data[c];
      target[i] = (target[i] - photos.mean[depth].data[i]) / photos.std[depth].data[c] + made.shift_.data[i];
    }
  }
  made.imitated_ = made.target_;
  return made;
}

Var<float> FeatureTarget::scaled(Tape<float>& tape, Var<float> feature) const {
  return scale_.data.empty() ? feature : affine(feature, tape.constant(scale_), tape.constant(zero_));
}

Var<float> FeatureTarget::distance(Tape<float>& tape, const Var<float>& scaled, LossKind loss, Painter painter) const {
  const Var<float> wanted = tape.constant(target(painter)), places = tape.constant(places_);
  return loss == LossKind::l1 ? l1_mean(scaled, wanted, places) : l2_mean(scaled, wanted, places);
}

double FeatureTarget::dissimilarity(std::span<const float> scaled, Painter painter) const {
  const std::vector<float>& wanted = target(painter).data;
  const std::size_t area = places_.data.size();
  double apart = 0, together = 0;
  for (std::size_t i = 0; i < scaled.size(); ++i) {
    const double shift = shift_.data.empty() ? 0 : shift_.data[i];
    const double a = target_.data[i] - shift, difference = wanted[i] - scaled[i], w = places_.data[i % area];
    apart += w * std::abs(difference);
    together += w * (std::abs(a) + std::abs(a - difference));
  }
  return together > 0 ? apart / together : 0;
}

void FeatureTarget::correct(std::span<const float> client, std::span<const float> imitator) {
  for (std::size_t i = 0; i < client.size(); ++i) imitated_.data[i] = target_.data[i] - (client[i] - imitator[i]);
}

}  // namespace likeness
