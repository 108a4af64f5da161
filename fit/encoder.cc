#include "fit/encoder.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "likeness/autodiff.hpp"

namespace likeness {
namespace {

constexpr std::int64_t kPoints = 136, kColours = 3 * kColourRegions;
constexpr std::int64_t kMostWidth = 4096;  // of any layer

Status corrupt(const std::string& what) { return {Code::corrupt_model, "encoder.safetensors: " + what}; }

bool finite(std::span<const float> values) {
  return std::ranges::all_of(values, [](float v) { return std::isfinite(v); });
}

// Reads tensors and remembers what went wrong first.
class Reader {
 public:
  explicit Reader(const Safetensors& file) : file_(file) {}

  // The first size of a tensor, 0 where there is none: widths are what the file says, within limits.
  std::int64_t width(const std::string& name) {
    const TensorEntry* entry = file_.find(name);
    const std::int64_t width = entry == nullptr || entry->shape.empty() ? 0 : entry->shape[0];
    if (width < 1 || width > kMostWidth) fail("there is no tensor " + name + ", or it has the wrong shape");
    return status_.ok() ? width : 0;
  }

  Tensor<float> tensor(const std::string& name, const Shape& shape) {
    if (!status_.ok()) return {};
    const TensorEntry* entry = file_.find(name);
    if (entry == nullptr || !(Shape(std::span<const std::int64_t>(entry->shape)) == shape)) {
      fail("there is no tensor " + name + ", or it has the wrong shape");
      return {};
    }
    Result<std::vector<float>> values = file_.floats(name);
    if (!values.ok()) {
      status_ = values.status();
      return {};
    }
    if (!finite(*values)) fail(name + " holds numbers that are not finite");
    return {shape, std::move(*values)};
  }

  std::vector<float> deviations(const std::string& name, std::int64_t count) {
    std::vector<float> values = tensor(name, {count}).data;
    if (std::ranges::any_of(values, [](float v) { return !(v > 0); })) fail(name + " holds deviations that are not positive");
    return values;
  }

  const Status& status() const { return status_; }

 private:
  void fail(const std::string& what) {
    if (status_.ok()) status_ = corrupt(what);
  }

  const Safetensors& file_;
  Status status_;
};

// The mean over 2x2 places of [channels, 2 * side, 2 * side], into `out`.
void halve(std::span<const float> map, std::size_t channels, std::size_t side, float* out) {
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t y = 0; y < side; ++y) {
      const float* row = map.data() + (c * 2 * side + 2 * y) * 2 * side;
      for (std::size_t x = 0; x < side; ++x) {
        *out++ = (row[2 * x] + row[2 * x + 1] + row[2 * (side + x)] + row[2 * (side + x) + 1]) / 4;
      }
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
    return Status{Code::schema_mismatch, "encoder.safetensors was trained for another extractor.safetensors: run train_encoder.py again"};
  }
  const FeatureStatistics<float>& photos = extractor.photo_statistics();
  const std::size_t stages = photos.mean.size();
  const auto stage_ok = [&](std::size_t i) { return photos.mean[i].shape.rank() == 3 && photos.std[i].shape[0] == photos.mean[i].shape[0]; };
  if (stages < 2 || photos.std.size() != stages || !stage_ok(stages - 2) || !stage_ok(stages - 1)) {
    return corrupt("the extractor lacks statistics of photographs, which the encoder needs");
  }
  const Tensor<float>&shallow = photos.mean[stages - 2], &deep = photos.mean[stages - 1];
  Encoder e;
  e.side_ = deep.shape[1];
  e.shallow_channels_ = static_cast<std::size_t>(shallow.shape[0]);
  e.deep_channels_ = static_cast<std::size_t>(deep.shape[0]);
  if (deep.shape[2] != e.side_ || shallow.shape[1] != 2 * e.side_ || shallow.shape[2] != 2 * e.side_) {
    return corrupt("the extractor's last stage is not half as large as the one before");
  }
  const std::int64_t channels = shallow.shape[0] + deep.shape[0];
  e.mean_ = {{channels, e.side_, e.side_}, std::vector<float>(static_cast<std::size_t>(channels * e.side_ * e.side_))};
  halve(shallow.data, e.shallow_channels_, static_cast<std::size_t>(e.side_), e.mean_.data.data());
  std::ranges::copy(deep.data, e.mean_.data.end() - static_cast<std::ptrdiff_t>(deep.data.size()));
  e.scale_ = {{channels}, {}};
  for (const std::size_t i : {stages - 2, stages - 1}) {
    for (const float deviation : photos.std[i].data) e.scale_.data.push_back(1 / deviation);
  }

  Reader reader(file);
  const auto outputs = static_cast<std::int64_t>(schema.size()), half = (e.side_ + 1) / 2, quarter = (half + 1) / 2;
  const std::int64_t first = reader.width("conv1.bias"), second = reader.width("conv2.bias"), hidden = reader.width("dense1.bias");
  e.conv1_weight_ = reader.tensor("conv1.weight", {first, channels, 3, 3});
  e.conv1_bias_ = reader.tensor("conv1.bias", {first});
  e.conv2_weight_ = reader.tensor("conv2.weight", {second, first, 3, 3});
  e.conv2_bias_ = reader.tensor("conv2.bias", {second});
  e.dense1_weight_ = reader.tensor("dense1.weight", {hidden, second * quarter * quarter + kPoints + kColours});
  e.dense1_bias_ = reader.tensor("dense1.bias", {hidden});
  e.dense2_weight_ = reader.tensor("dense2.weight", {outputs, hidden});
  e.dense2_bias_ = reader.tensor("dense2.bias", {outputs});
  e.point_mean_ = reader.tensor("points.photo_mean", {kPoints}).data;
  e.point_deviation_ = reader.deviations("points.deviation", kPoints);
  e.colour_mean_ = reader.tensor("colours.mean", {kColours}).data;
  e.colour_deviation_ = reader.deviations("colours.deviation", kColours);
  if (!reader.status().ok()) return reader.status();
  for (const Parameter& p : schema.parameters()) {
    if (p.type != ParameterType::continuous) e.groups_.push_back({p.offset, p.size()});
  }
  return e;
}

Result<std::vector<float>> Encoder::operator()(const EncoderInput& input) const {
  const auto side = static_cast<std::size_t>(side_), area = side * side;
  if (input.shallow.size() != 4 * shallow_channels_ * area || input.deep.size() != deep_channels_ * area) {
    return Status{Code::invalid_argument, "the encoder was given features of another size than its extractor's"};
  }
  Tensor<float> maps{{1, mean_.shape[0], side_, side_}, std::vector<float>(mean_.data.size())};
  halve(input.shallow, shallow_channels_, side, maps.data.data());
  std::ranges::copy(input.deep, maps.data.end() - static_cast<std::ptrdiff_t>(input.deep.size()));
  for (std::size_t i = 0; i < maps.data.size(); ++i) maps.data[i] = (maps.data[i] - mean_.data[i]) * scale_.data[i / area];
  Tensor<float> numbers{{1, kPoints + kColours}, std::vector<float>(kPoints + kColours)};
  for (std::size_t i = 0; i < kPoints && input.landmarks != nullptr; ++i) {
    numbers.data[i] = ((*input.landmarks)[i / 2][i % 2] - point_mean_[i]) / point_deviation_[i];
  }
  for (std::size_t i = 0; i < kColours; ++i) {
    if (input.seen[i / 3]) numbers.data[kPoints + i] = (static_cast<float>(input.colours[i]) - colour_mean_[i]) / colour_deviation_[i];
  }

  Tape<float> tape;
  const ConvOptions strided{.stride = 2, .padding = 1};
  Var<float> y = tape.constant(maps);
  y = relu(conv2d(y, tape.constant(conv1_weight_), tape.constant(conv1_bias_), strided));
  y = relu(conv2d(y, tape.constant(conv2_weight_), tape.constant(conv2_bias_), strided));
  const std::array<Var<float>, 2> inputs = {reshape(y, {1, y.shape().size()}), tape.constant(numbers)};
  y = concat(std::span<const Var<float>>(inputs), 1);
  y = relu(linear(y, tape.constant(dense1_weight_), tape.constant(dense1_bias_)));
  y = linear(y, tape.constant(dense2_weight_), tape.constant(dense2_bias_));
  const Var<float> shares = sigmoid(y);
  if (!tape.status().ok()) return tape.status();
  std::vector<float> x(shares.value().begin(), shares.value().end());
  const std::span<const float> logits = y.value();
  for (const Group& group : groups_) {
    const auto from = logits.subspan(group.begin, group.size);
    const float top = *std::ranges::max_element(from);
    float sum = 0;
    for (std::size_t i = 0; i < group.size; ++i) sum += x[group.begin + i] = std::exp(from[i] - top);
    for (std::size_t i = 0; i < group.size; ++i) x[group.begin + i] /= sum;
  }
  if (!finite(x)) return Status{Code::diverged, "the encoder's guess is not finite"};
  return x;
}

}  // namespace likeness
