#include "nn/random_tensors.hpp"

#include <cmath>
#include <random>

namespace likeness {
namespace {

class Source {
 public:
  explicit Source(std::uint64_t seed) : random_(seed) {}

  // A convolution whose outputs keep the mean square of its inputs (after ReLU); `fan` is the number of products in one output.
  void conv(const std::string& name, const Shape& weight, std::int64_t outputs, double fan, double gain = 1.0) {
    fill(map_[name + ".weight"], weight, gain * std::sqrt(6.0 / fan));
    fill(map_[name + ".bias"], Shape({outputs}), 0.1);
  }
  TensorMap take() { return std::move(map_); }

 private:
  void fill(Tensor<float>& tensor, const Shape& shape, double bound) {
    tensor.shape = shape;
    tensor.data.resize(static_cast<std::size_t>(shape.size()));
    // Not std::uniform_real_distribution: its numbers differ between standard libraries.
    for (float& value : tensor.data) value = static_cast<float>((static_cast<double>(random_() >> 11) * 0x1p-52 - 1.0) * bound);
  }

  std::mt19937_64 random_;
  TensorMap map_;
};

}  // namespace

TensorMap random_tensors(const GeneratorArchitecture& a, std::uint64_t seed) {
  Source source(seed);
  std::int64_t inputs = a.inputs;
  for (std::size_t i = 0; i < a.channels.size(); ++i) {
    const std::int64_t outputs = a.channels[i];
    const std::int64_t kernel = i == 0 ? a.first_kernel : 4;
    source.conv("deconv" + std::to_string(i), Shape({inputs, outputs, kernel, kernel}), outputs,
                static_cast<double>(i == 0 ? inputs : 4 * inputs));
    inputs = outputs;
  }
  return source.take();
}

TensorMap random_tensors(const ResidualArchitecture& a, std::uint64_t seed) {
  Source source(seed);
  const auto conv = [&](const std::string& name, std::int64_t out, std::int64_t in, std::int64_t kernel, double gain = 1.0) {
    source.conv(name, Shape({out, in, kernel, kernel}), out, static_cast<double>(in * kernel * kernel), gain);
  };
  constexpr double kBranch = 0.5;  // keeps sums over many blocks from growing
  conv("conv1", a.stem_width, 3, a.stem_kernel);
  std::int64_t channels = a.stem_width;
  std::vector<std::int64_t> taps;
  for (std::size_t stage = 0; stage < a.layers.size(); ++stage) {
    const std::int64_t width = a.widths[stage];
    const std::int64_t output = a.bottleneck ? 4 * width : width;
    for (int j = 0; j < a.layers[stage]; ++j) {
      const std::string name = "layer" + std::to_string(stage + 1) + "." + std::to_string(j) + ".";
      conv(name + "conv1", width, channels, a.bottleneck ? 1 : 3);
      conv(name + "conv2", width, width, 3, a.bottleneck ? 1.0 : kBranch);
      if (a.bottleneck) conv(name + "conv3", output, width, 1, kBranch);
      if ((stage > 0 && j == 0) || channels != output) conv(name + "downsample.0", output, channels, 1, kBranch);
      channels = output;
    }
    taps.push_back(channels);
  }
  if (a.head_classes > 0 && a.head == SegmentationHead::fcn) {
    conv("classifier.0", a.head_width, channels, 3);
    conv("classifier.4", a.head_classes, a.head_width, 1);
  } else if (a.head_classes > 0) {
    for (std::size_t stage = 0; stage < taps.size(); ++stage)
      conv("head.lateral" + std::to_string(stage + 1), a.head_width, taps[stage], 1);
    conv("head.smooth", a.head_width, a.head_width, 3);
    conv("head.classifier", a.head_classes, a.head_width, 1);
  }
  return source.take();
}

TensorLookup tensor_lookup(const TensorMap& map) {
  return [&map](const std::string& name) -> std::optional<Tensor<float>> {
    const auto found = map.find(name);
    if (found == map.end()) return std::nullopt;
    return found->second;
  };
}

}  // namespace likeness
