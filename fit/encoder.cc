#include "fit/encoder.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "likeness/optimizer.hpp"

namespace likeness {
namespace {

constexpr std::size_t kPoints = 136, kColours = 3 * kColourRegions, kProducts = kColours * (kColours + 1) / 2;
constexpr auto kGrid = static_cast<std::size_t>(Encoder::kCells);

Status corrupt(const std::string& what) { return {Code::corrupt_model, "encoder.safetensors: " + what}; }

Status read(const Safetensors& file, const std::string& name, std::initializer_list<std::size_t> shape, std::vector<float>& out) {
  std::vector<std::int64_t> sizes;
  for (const std::size_t size : shape) sizes.push_back(static_cast<std::int64_t>(size));
  const TensorEntry* entry = file.find(name);
  if (entry == nullptr || entry->shape != sizes) return corrupt("there is no tensor " + name + " " + shape_text(sizes));
  out.resize(static_cast<std::size_t>(entry->count()));
  return file.read_f32(name, out);
}

Status positive(const std::string& name, std::span<const float> deviations) {
  const bool fine = std::ranges::all_of(deviations, [](float v) { return v > 0; });
  return fine ? Status::success() : corrupt(name + " holds deviations that are not positive");
}

// Appends the means of [channels, side, side] over a grid of cells.
void pool(std::span<const float> map, std::size_t side, std::vector<float>& out) {
  const std::size_t cell = side / kGrid, channels = map.size() / (side * side);
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t i = 0; i < kGrid * kGrid; ++i) {
      double sum = 0;
      for (std::size_t y = i / kGrid * cell; y < (i / kGrid + 1) * cell; ++y) {
        const auto row = map.subspan((c * side + y) * side + i % kGrid * cell, cell);
        sum = std::accumulate(row.begin(), row.end(), sum);
      }
      out.push_back(static_cast<float>(sum / static_cast<double>(cell * cell)));
    }
  }
}

}  // namespace

Result<Encoder> Encoder::load(const Safetensors& file, const Schema& schema, const ResidualNet<float>& extractor,
                              const std::string& extractor_hash) {
  if (file.metadata("schema") != schema.hash()) {
    return Status{Code::schema_mismatch, "encoder.safetensors was trained for another scene than " + schema.name()};
  }
  if (file.metadata("extractor") != extractor_hash) {
    return Status{Code::schema_mismatch,
                  "encoder.safetensors was trained for another extractor.safetensors: run train/train_encoder.py again"};
  }
  Encoder e;
  for (const auto& [statistics, domain] :
       {std::pair{&extractor.photo_statistics(), &e.photos_}, {&extractor.render_statistics(), &e.renders_}}) {
    const std::size_t stages = statistics->mean.size();
    if (stages < 2) return corrupt("the extractor lacks the statistics that the encoder needs");
    const Tensor<float>&shallow = statistics->mean[stages - 2], &deep = statistics->mean[stages - 1];
    e.side_ = static_cast<std::size_t>(deep.shape[1]);
    const std::int64_t side = deep.shape[1];
    if (side % kCells != 0 || deep.shape[2] != side || shallow.shape[1] != 2 * side || shallow.shape[2] != 2 * side) {
      return corrupt("the encoder needs an extractor whose last stage is half as large as the one before, with a side divisible by 4");
    }
    e.shallow_channels_ = static_cast<std::size_t>(shallow.shape[0]);
    e.deep_channels_ = static_cast<std::size_t>(deep.shape[0]);
    pool(shallow.data, 2 * e.side_, domain->maps);
    pool(deep.data, e.side_, domain->maps);
    for (const std::size_t i : {stages - 2, stages - 1}) {
      for (const float deviation : statistics->std[i].data) domain->scale.push_back(1 / deviation);
    }
  }
  const std::size_t inputs = (e.shallow_channels_ + e.deep_channels_) * kGrid * kGrid + kPoints + kColours + kProducts;
  Status status = read(file, "weight", {schema.size(), inputs}, e.weight_);
  if (status.ok()) status = read(file, "bias", {schema.size()}, e.bias_);
  if (status.ok()) status = read(file, "points.photo_mean", {kPoints}, e.photos_.points);
  if (status.ok()) status = read(file, "points.render_mean", {kPoints}, e.renders_.points);
  if (status.ok()) status = read(file, "points.deviation", {kPoints}, e.point_deviation_);
  if (status.ok()) status = positive("points.deviation", e.point_deviation_);
  if (status.ok()) status = read(file, "colours.mean", {kColours}, e.colour_mean_);
  if (status.ok()) status = read(file, "colours.deviation", {kColours}, e.colour_deviation_);
  if (status.ok()) status = positive("colours.deviation", e.colour_deviation_);
  if (!status.ok()) return status;
  for (const Parameter& p : schema.parameters()) {
    if (p.type != ParameterType::continuous) e.groups_.push_back({p.offset, p.size()});
  }
  return e;
}

Result<std::vector<float>> Encoder::operator()(const EncoderInput& input) const {
  const std::size_t area = side_ * side_;
  if (input.shallow.size() != 4 * shallow_channels_ * area || input.deep.size() != deep_channels_ * area) {
    return Status{Code::invalid_argument, "the encoder was given features of another size than its extractor's"};
  }
  const Domain& domain = input.domain == PictureDomain::photo ? photos_ : renders_;
  std::vector<float> z;
  z.reserve(domain.maps.size() + kPoints + kColours + kProducts);
  pool(input.shallow, 2 * side_, z);
  pool(input.deep, side_, z);
  for (std::size_t i = 0; i < z.size(); ++i) z[i] = (z[i] - domain.maps[i]) * domain.scale[i / (kGrid * kGrid)];
  for (std::size_t i = 0; i < kPoints; ++i) {
    z.push_back(input.landmarks == nullptr ? 0 : ((*input.landmarks)[i / 2][i % 2] - domain.points[i]) / point_deviation_[i]);
  }
  const std::size_t first = z.size();
  for (std::size_t i = 0; i < kColours; ++i) {
    z.push_back(input.seen[i / 3] ? (static_cast<float>(input.colours[i]) - colour_mean_[i]) / colour_deviation_[i] : 0);
  }
  for (std::size_t i = 0; i < kColours; ++i) {
    for (std::size_t j = i; j < kColours; ++j) z.push_back(z[first + i] * z[first + j]);
  }
  std::vector<float> x(bias_.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float* row = weight_.data() + i * z.size();
    x[i] = static_cast<float>(std::inner_product(z.begin(), z.end(), row, static_cast<double>(bias_[i])));
  }
  for (const Group& group : groups_) project_simplex(std::span(x).subspan(group.begin, group.size));
  project_box(std::span<float>(x));
  return x;
}

}  // namespace likeness
