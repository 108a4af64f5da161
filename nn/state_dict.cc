#include "nn/state_dict.hpp"

#include <optional>
#include <string>

namespace likeness {
namespace {

constexpr const char* kBackbone = "backbone.";
constexpr int kMostStages = 4;
constexpr int kMostBlocks = 64;

Status unknown(const std::string& problem) {
  return {Code::corrupt_model, "the metadata has no architecture, and the tensors are not those of a torchvision ResNet: " + problem +
                                   " (train/export_state_dict.py writes the architecture of other networks)"};
}

}  // namespace

std::string trunk_prefix(const Safetensors& file) { return file.contains(std::string(kBackbone) + "conv1.weight") ? kBackbone : ""; }

Result<ResidualArchitecture> recognise_resnet(const Safetensors& file) {
  const std::string prefix = trunk_prefix(file);
  // The shape of a convolution's weight, where there is one.
  const auto conv = [&](const std::string& name) -> std::optional<Shape> {
    const TensorEntry* entry = file.find(name + ".weight");
    if (entry == nullptr) return std::nullopt;
    return Shape(std::span<const std::int64_t>(entry->shape));
  };
  const auto is_kernel = [](const Shape& s, std::int64_t kernel) { return s.rank() == 4 && s[2] == kernel && s[3] == kernel; };

  ResidualArchitecture a;
  a.mean = {0.485F, 0.456F, 0.406F};
  a.std = {0.229F, 0.224F, 0.225F};
  const auto stem = conv(prefix + "conv1");
  if (!stem) return unknown("tensor \"conv1.weight\" is missing");
  if (!is_kernel(*stem, 7) || (*stem)[1] != 3) return unknown("\"conv1.weight\" has the shape " + stem->text() + ", not [64, 3, 7, 7]");
  a.stem_width = static_cast<int>((*stem)[0]);

  a.bottleneck = conv(prefix + "layer1.0.conv3").has_value();
  const std::string middle = a.bottleneck ? ".conv2" : ".conv1";  // a block's first 3x3 kernel, as wide as the stage
  for (int stage = 1; stage <= kMostStages; ++stage) {
    const std::string name = prefix + "layer" + std::to_string(stage) + ".";
    int blocks = 0;
    while (blocks < kMostBlocks && conv(name + std::to_string(blocks) + middle)) ++blocks;
    if (blocks == 0) break;
    const Shape kernel = *conv(name + "0" + middle);
    if (!is_kernel(kernel, 3))
      return unknown("\"" + name + "0" + middle + ".weight\" has the shape " + kernel.text() + ", not a 3x3 kernel's");
    a.layers.push_back(blocks);
    a.widths.push_back(static_cast<int>(kernel[0]));
  }
  if (a.layers.empty()) return unknown("tensor \"" + prefix + "layer1.0" + middle + ".weight\" is missing");

  if (!prefix.empty()) {
    a.replace_stride_with_dilation = {false, true, true};
    const auto smooth = conv("classifier.0");
    const auto classifier = conv("classifier.4");
    if (smooth && classifier && smooth->rank() == 4 && classifier->rank() == 4) {
      a.head = SegmentationHead::fcn;
      a.head_width = static_cast<int>((*smooth)[0]);
      a.head_classes = static_cast<int>((*classifier)[0]);
    }
  }
  return a;
}

}  // namespace likeness
