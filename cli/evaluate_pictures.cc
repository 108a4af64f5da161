#include "cli/evaluate_pictures.hpp"

#include <cmath>

#include "align/affine.hpp"
#include "image/color_difference.hpp"
#include "image/resample.hpp"

namespace likeness::cli {
namespace {

Image image_of(int size, int channels, std::vector<std::uint8_t> pixels) {
  Image image(size, size, channels);
  image.pixels = std::move(pixels);
  return image;
}

}  // namespace

Image picture_of(Rendering& rendering) { return image_of(rendering.size, 3, std::move(rendering.rgb)); }
Image labels_of(Rendering& rendering) { return image_of(rendering.size, 1, std::move(rendering.labels)); }
Image labels_of(const Labels& labels) { return image_of(labels.size, 1, labels.classes); }

std::optional<std::array<double, 3>> mean_colour(const Image& picture, const Image& labels, const std::array<int, 2>& classes,
                                                 double least_share) {
  std::array<double, 3> sum{};
  double count = 0;
  for (std::size_t p = 0; p < labels.pixels.size(); ++p) {
    if (labels.pixels[p] != classes[0] && labels.pixels[p] != classes[1]) continue;
    for (std::size_t c = 0; c < 3; ++c) sum[c] += picture.pixels[3 * p + c] / 255.0;
    count += 1;
  }
  if (!(count > 0) || count < least_share * static_cast<double>(labels.pixels.size())) return std::nullopt;
  for (double& v : sum) v /= count;
  return sum;
}

double colour_distance(const std::array<double, 3>& a, const std::array<double, 3>& b) {
  return ciede2000(lab_from_srgb(a), lab_from_srgb(b));
}

Landmarks mean_landmarks(std::span<const Landmarks> faces) {
  std::array<std::array<double, 2>, 68> sum{};
  for (const Landmarks& face : faces) {
    for (std::size_t k = 0; k < sum.size(); ++k) sum[k][0] += static_cast<double>(face[k][0]), sum[k][1] += static_cast<double>(face[k][1]);
  }
  Landmarks mean{};
  const auto n = static_cast<double>(faces.size());
  for (std::size_t k = 0; k < mean.size() && n > 0; ++k) mean[k] = {static_cast<float>(sum[k][0] / n), static_cast<float>(sum[k][1] / n)};
  return mean;
}

double inner_distance(const Landmarks& a, const Landmarks& b) {
  double sum = 0;
  for (std::size_t i = kFirstInnerLandmark; i < a.size(); ++i) {
    sum += std::hypot(static_cast<double>(a[i][0]) - static_cast<double>(b[i][0]),
                      static_cast<double>(a[i][1]) - static_cast<double>(b[i][1]));
  }
  return sum / static_cast<double>(a.size() - kFirstInnerLandmark);
}

std::vector<double> centred_landmark_percents(std::span<const Landmarks> photos, std::span<const Landmarks> drawn) {
  const Landmarks photo_mean = mean_landmarks(photos), drawn_mean = mean_landmarks(drawn);
  std::vector<double> percents;
  for (std::size_t i = 0; i < photos.size(); ++i) {
    Landmarks moved = photos[i];
    for (std::size_t k = 0; k < moved.size(); ++k) {
      for (std::size_t axis = 0; axis < 2; ++axis) moved[k][axis] += drawn_mean[k][axis] - photo_mean[k][axis];
    }
    percents.push_back(100 * inner_distance(moved, drawn[i]) / interocular_distance(photos[i]));
  }
  return percents;
}

Result<std::vector<Var<float>>> features_of(const ResidualNet<float>& extractor, Tape<float>& tape, const Image& picture) {
  const int input = extractor.architecture().input_size;
  const auto small = resize(picture, input, input, Filter::box);
  if (!small.ok()) return small.status();
  const std::size_t area = static_cast<std::size_t>(input) * static_cast<std::size_t>(input);
  std::vector<float> planes(3 * area);
  for (std::size_t i = 0; i < area; ++i) {
    for (std::size_t c = 0; c < 3; ++c) planes[c * area + i] = static_cast<float>(small->pixels[3 * i + c]) / 255.0F;
  }
  tape.clear();
  std::vector<Var<float>> features = extractor.features(tape.constant({1, 3, input, input}, planes));
  if (!tape.status().ok()) return tape.status();
  return features;
}

}  // namespace likeness::cli
