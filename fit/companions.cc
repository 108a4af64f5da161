#include "fit/companions.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

namespace likeness {
namespace {

constexpr std::size_t kCoordinates = 136;
constexpr std::size_t kColours = 3 * kColourRegions;
constexpr double kLeastDeviation = 2;  // pixels, added to each landmark's: no coordinate is known better
constexpr double kUnsure = 0.3;        // weight of jaw and mouth

// Weights of the regions, and the share of the frame from which on they count fully.
constexpr std::array<double, kColourRegions> kRegionWeight = {1, 1, 0.3, 0.3};
constexpr std::array<double, kColourRegions> kFullShare = {0.05, 0.04, 0.002, 0.002};
constexpr double kLeastShown = 0.02;  // of that share, for a region to have a colour at all

Status read(const Safetensors& file, const std::string& name, std::size_t size, std::vector<float>& out) {
  const TensorEntry* entry = file.find(name);
  if (entry == nullptr) return {Code::corrupt_model, "companions.safetensors lacks the tensor " + name};
  if (entry->count() != static_cast<std::int64_t>(size)) {
    return {Code::corrupt_model, "companions.safetensors: " + name + " has the shape " + shape_text(entry->shape)};
  }
  out.resize(size);
  return file.read_f32(name, out);
}

double sign(double v) { return v > 0 ? 1 : (v < 0 ? -1 : 0); }

}  // namespace

Result<Companions> Companions::load(const Safetensors& file, const Schema& schema) {
  if (file.metadata("schema") != schema.hash()) {
    return Status{Code::schema_mismatch, "companions.safetensors was trained for another scene than " + schema.name()};
  }
  Companions c;
  c.size_ = schema.size();
  Status status = read(file, "landmarks.weight", kCoordinates * c.size_, c.landmark_weight_);
  if (status.ok()) status = read(file, "landmarks.bias", kCoordinates, c.landmark_bias_);
  if (status.ok()) status = read(file, "landmarks.render_mean", kCoordinates, c.render_mean_);
  if (status.ok() && file.contains("landmarks.photo_mean")) {
    status = read(file, "landmarks.photo_mean", kCoordinates, c.photo_mean_);
    if (status.ok()) status = read(file, "landmarks.photo_deviation", kCoordinates, c.photo_deviation_);
  }
  if (status.ok() && file.contains("similarity.strangers")) {
    status = read(file, "similarity.strangers", 2, c.strangers_);
    if (status.ok() && !(c.strangers_[1] > 0))
      status = {Code::corrupt_model, "companions.safetensors: similarity.strangers deviates by nothing"};
  }
  if (status.ok()) status = read(file, "colours.routed", c.size_, c.routed_);
  const TensorEntry* inputs = file.find("colours.inputs");
  if (status.ok() && inputs == nullptr) status = {Code::corrupt_model, "companions.safetensors lacks the tensor colours.inputs"};
  if (!status.ok()) return status;
  const auto k = static_cast<std::size_t>(inputs->count());
  std::vector<float> indices;
  status = read(file, "colours.inputs", k, indices);
  if (status.ok()) status = read(file, "colours.weight", kColours * (1 + k + k * (k + 1) / 2), c.colour_weight_);
  if (!status.ok()) return status;
  for (const float index : indices) {
    if (!(index >= 0) || index >= static_cast<float>(c.size_)) {
      return Status{Code::corrupt_model, "companions.safetensors: colours.inputs lists entries that the scene does not have"};
    }
    c.inputs_.push_back(static_cast<std::size_t>(index));
  }
  return c;
}

std::array<double, kCoordinates> Companions::landmarks(std::span<const float> x) const {
  std::array<double, kCoordinates> out;
  for (std::size_t i = 0; i < kCoordinates; ++i) {
    const float* row = landmark_weight_.data() + i * size_;
    out[i] = std::inner_product(x.begin(), x.end(), row, static_cast<double>(landmark_bias_[i]));
  }
  return out;
}

void Companions::landmarks_backward(std::span<const double> upstream, std::span<float> gradient) const {
  for (std::size_t j = 0; j < size_; ++j) {
    double sum = 0;
    for (std::size_t i = 0; i < kCoordinates; ++i) sum += upstream[i] * landmark_weight_[i * size_ + j];
    gradient[j] += static_cast<float>(sum);
  }
}

bool Companions::moves_landmarks(std::size_t entry) const {
  for (std::size_t i = 0; i < kCoordinates; ++i) {
    if (landmark_weight_[i * size_ + entry] != 0) return true;
  }
  return false;
}

std::array<double, kColours> Companions::colours(std::span<const float> x) const {
  const std::size_t k = inputs_.size(), features = 1 + k + k * (k + 1) / 2;
  std::array<double, kColours> out;
  for (std::size_t c = 0; c < kColours; ++c) {
    const float* w = colour_weight_.data() + c * features;
    double sum = *w++;
    for (std::size_t i = 0; i < k; ++i) sum += static_cast<double>(*w++) * x[inputs_[i]];
    for (std::size_t i = 0; i < k; ++i) {
      for (std::size_t j = i; j < k; ++j) sum += static_cast<double>(*w++) * x[inputs_[i]] * x[inputs_[j]];
    }
    out[c] = sum;
  }
  return out;
}

void Companions::colours_backward(std::span<const float> x, std::span<const double> upstream, std::span<float> gradient) const {
  const std::size_t k = inputs_.size(), features = 1 + k + k * (k + 1) / 2;
  std::vector<double> slope(k);
  for (std::size_t c = 0; c < kColours; ++c) {
    const float* w = colour_weight_.data() + c * features + 1;
    for (std::size_t i = 0; i < k; ++i) slope[i] += upstream[c] * *w++;
    for (std::size_t i = 0; i < k; ++i) {
      for (std::size_t j = i; j < k; ++j, ++w) {
        slope[i] += upstream[c] * *w * x[inputs_[j]];
        slope[j] += upstream[c] * *w * x[inputs_[i]];
      }
    }
  }
  for (std::size_t i = 0; i < k; ++i) gradient[inputs_[i]] += static_cast<float>(slope[i] * routed_[inputs_[i]]);
}

LandmarkTerm::LandmarkTerm(const Companions& companions, const Landmarks& photo, PictureDomain domain) {
  double sum = 0;
  const bool measured = !companions.photo_mean().empty(), centred = measured && domain == PictureDomain::photo;
  for (std::size_t i = 0; i < kCoordinates; ++i) {
    const std::size_t landmark = i / 2;
    target_[i] = photo[landmark][i % 2];
    if (centred) target_[i] += companions.render_mean()[i] - companions.photo_mean()[i];
    const double deviation = measured ? companions.photo_deviation()[i] : 2 * kLeastDeviation;
    weight_[i] = (landmark < 17 || landmark >= 48 ? kUnsure : 1.0) / (deviation + kLeastDeviation);
    sum += landmark < 17 || landmark >= 48 ? kUnsure : 1.0;
  }
  for (double& w : weight_) w /= sum;
}

double LandmarkTerm::evaluate(const Companions& companions, std::span<const float> x, double scale, std::span<float> gradient) const {
  const std::array<double, kCoordinates> landmarks = companions.landmarks(x);
  std::array<double, kCoordinates> upstream;
  double value = 0;
  for (std::size_t i = 0; i < kCoordinates; ++i) {
    const double apart = landmarks[i] + lack_[i] - target_[i];
    value += weight_[i] * std::abs(apart);
    upstream[i] = scale * weight_[i] * sign(apart);
  }
  if (!gradient.empty()) companions.landmarks_backward(upstream, gradient);
  return value;
}

double LandmarkTerm::distance(const std::array<double, kCoordinates>& landmarks) const {
  double value = 0;
  for (std::size_t i = 0; i < kCoordinates; ++i) value += weight_[i] * std::abs(landmarks[i] - target_[i]);
  return value;
}

void LandmarkTerm::correct(const Companions& companions, std::span<const float> x, const std::array<double, kCoordinates>& landmarks) {
  const std::array<double, kCoordinates> imitated = companions.landmarks(x);
  for (std::size_t i = 0; i < kCoordinates; ++i) lack_[i] = landmarks[i] - imitated[i];
}

ColourTerm::ColourTerm(const std::array<double, kColours>& target, const std::array<double, kColourRegions>& weight)
    : target_(target), weight_(weight), sum_(std::accumulate(weight.begin(), weight.end(), 0.0)) {}

double ColourTerm::evaluate(const Companions& companions, std::span<const float> x, double scale, std::span<float> gradient) const {
  if (!active()) return 0;
  const std::array<double, kColours> colours = companions.colours(x);
  std::array<double, kColours> upstream;
  double value = 0;
  for (std::size_t c = 0; c < kColours; ++c) {
    const double apart = colours[c] + lack_[c] - target_[c], w = weight_[c / 3] / (3 * sum_);
    value += w * std::abs(apart);
    upstream[c] = scale * w * sign(apart);
  }
  if (!gradient.empty()) companions.colours_backward(x, upstream, gradient);
  return value;
}

double ColourTerm::distance(const std::array<double, kColours>& colours) const {
  if (!active()) return 0;
  double value = 0;
  for (std::size_t c = 0; c < kColours; ++c) value += weight_[c / 3] / (3 * sum_) * std::abs(colours[c] - target_[c]);
  return value;
}

void ColourTerm::correct(const Companions& companions, std::span<const float> x, const std::array<double, kColours>& colours) {
  const std::array<double, kColours> imitated = companions.colours(x);
  for (std::size_t c = 0; c < kColours; ++c) lack_[c] = colours[c] - imitated[c];
}

RegionColours region_colours(std::span<const std::uint8_t> rgb, std::span<const std::uint8_t> labels) {
  std::array<std::uint64_t, kColours> sum{};
  std::array<std::uint64_t, kColourRegions> count{};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    for (std::size_t r = 0; r < kColourRegions; ++r) {
      if (labels[i] != kColourRegionClasses[r][0] && labels[i] != kColourRegionClasses[r][1]) continue;
      ++count[r];
      for (std::size_t c = 0; c < 3; ++c) sum[3 * r + c] += rgb[3 * i + c];
    }
  }
  RegionColours out;
  for (std::size_t c = 0; c < kColours; ++c) {
    const std::size_t r = c / 3;
    out.there[r] = static_cast<double>(count[r]) >= kLeastShown * kFullShare[r] * static_cast<double>(labels.size());
    out.colours[c] = out.there[r] ? static_cast<double>(sum[c]) / (255.0 * static_cast<double>(count[r])) : 0;
  }
  return out;
}

ColourTerm colour_term(std::span<const float> rgb, std::span<const float> probabilities, std::span<const float> covered) {
  const std::size_t places = covered.size();
  std::array<double, kColours> target{};
  std::array<double, kColourRegions> weight{};
  for (std::size_t r = 0; r < kColourRegions; ++r) {
    const auto first = static_cast<std::size_t>(kColourRegionClasses[r][0]), second = static_cast<std::size_t>(kColourRegionClasses[r][1]);
    double amount = 0;
    std::array<double, 3> sum{};
    for (std::size_t i = 0; i < places; ++i) {
      double p = probabilities[first * places + i];
      if (second != first) p += probabilities[second * places + i];
      // Borders, where half the colour is another region's, count little.
      const double w = p * p * p * covered[i];
      amount += w;
      for (std::size_t c = 0; c < 3; ++c) sum[c] += w * rgb[c * places + i];
    }
    const double share = amount / static_cast<double>(places);
    weight[r] = kRegionWeight[r] * std::min(1.0, share / kFullShare[r]);
    for (std::size_t c = 0; c < 3; ++c) target[3 * r + c] = amount > 0 ? sum[c] / amount : 0;
    if (share < kLeastShown * kFullShare[r]) weight[r] = 0;
  }
  return {target, weight};
}

}  // namespace likeness
