#include <utility>

#include "nn/layers.hpp"

namespace likeness {
namespace {

// Bottleneck blocks give out four times their width.
constexpr int kExpansion = 4;

// statistics.DOMAIN.layerI.{mean,std}: none, or all stages of one shape each.
template <class T>
Result<FeatureStatistics<T>> read_statistics(const TensorLookup& tensors, const std::string& domain, std::span<const int> channels) {
  FeatureStatistics<T> statistics;
  const auto name = [&](std::size_t stage, const char* what) {
    return "statistics." + domain + ".layer" + std::to_string(stage + 1) + what;
  };
  if (!tensors(name(0, ".mean"))) return statistics;
  for (std::size_t stage = 0; stage < channels.size(); ++stage) {
    const std::optional<Tensor<float>> mean = tensors(name(stage, ".mean"));
    if (!mean || mean->shape.rank() != 3 || mean->shape[0] != channels[stage]) {
      return Status{Code::corrupt_model, "tensor \"" + name(stage, ".mean") + "\" is missing or not [channels, height, width]"};
    }
    const Result<Tensor<float>> std = required_tensor(tensors, name(stage, ".std"), Shape({channels[stage]}));
    if (!std.ok()) return std.status();
    for (const float s : std->data) {
      if (!(s > 0.0F)) return Status{Code::corrupt_model, "tensor \"" + name(stage, ".std") + "\" holds a number that is not positive"};
    }
    statistics.mean.push_back(convert<T>(*mean));
    statistics.std.push_back(convert<T>(*std));
  }
  return statistics;
}

}  // namespace

template <class T>
Result<ResidualNet<T>> ResidualNet<T>::create(const ResidualArchitecture& a, const TensorLookup& tensors) {
  if (a.layers.empty() || a.layers.size() > 4 || a.widths.size() != a.layers.size()) {
    return Status{Code::invalid_argument, "residual network: needs one to four stages, each with a width"};
  }
  ResidualNet net;
  net.architecture_ = a;
  net.input_scale_ = {Shape({3}), std::vector<T>(3)};
  net.input_shift_ = {Shape({3}), std::vector<T>(3)};
  for (std::size_t c = 0; c < 3; ++c) {
    if (!(a.std[c] > 0.0F)) return Status{Code::invalid_argument, "residual network: std must be positive"};
    net.input_scale_.data[c] = T(1) / static_cast<T>(a.std[c]);
    net.input_shift_.data[c] = -static_cast<T>(a.mean[c]) / static_cast<T>(a.std[c]);
  }

  // The first problem stops the reading of weights; `add` then returns an empty layer.
  Status status;
  const auto add = [&](const std::string& name, const std::string& norm, const Shape& shape, const ConvOptions& options) {
    if (!status.ok()) return FrozenConv<T>();
    Result<FrozenConv<T>> conv = frozen_conv<T>(tensors, name, norm, shape, options);
    status = conv.status();
    return conv.ok() ? std::move(*conv) : FrozenConv<T>();
  };

  net.stem_ =
      add("conv1", "bn1", Shape({a.stem_width, 3, a.stem_kernel, a.stem_kernel}), {.stride = a.stem_stride, .padding = a.stem_kernel / 2});
  int channels = a.stem_width;
  std::vector<int> taps;
  for (std::size_t stage = 0; stage < a.layers.size() && status.ok(); ++stage) {
    const int width = a.widths[stage];
    const int output = a.bottleneck ? width * kExpansion : width;
    std::vector<Block> blocks;
    for (int j = 0; j < a.layers[stage]; ++j) {
      const std::string name = "layer" + std::to_string(stage + 1) + "." + std::to_string(j) + ".";
      const int stride = stage > 0 && j == 0 ? 2 : 1;
      Block block;
      if (a.bottleneck) {  // torchvision puts the stride on the 3x3 convolution
        block.convs.push_back(add(name + "conv1", name + "bn1", Shape({width, channels, 1, 1}), {}));
        block.convs.push_back(add(name + "conv2", name + "bn2", Shape({width, width, 3, 3}), {.stride = stride, .padding = 1}));
        block.convs.push_back(add(name + "conv3", name + "bn3", Shape({output, width, 1, 1}), {}));
      } else {
        block.convs.push_back(add(name + "conv1", name + "bn1", Shape({width, channels, 3, 3}), {.stride = stride, .padding = 1}));
        block.convs.push_back(add(name + "conv2", name + "bn2", Shape({width, width, 3, 3}), {.padding = 1}));
      }
      if (stride != 1 || channels != output) {
        block.downsample = add(name + "downsample.0", name + "downsample.1", Shape({output, channels, 1, 1}), {.stride = stride});
      }
      blocks.push_back(std::move(block));
      channels = output;
    }
    net.stages_.push_back(std::move(blocks));
    taps.push_back(channels);
  }
  if (net.has_head()) {
    for (std::size_t stage = 0; stage < taps.size(); ++stage) {
      net.lateral_.push_back(add("head.lateral" + std::to_string(stage + 1), "", Shape({a.head_width, taps[stage], 1, 1}), {}));
    }
    net.smooth_ = add("head.smooth", "", Shape({a.head_width, a.head_width, 3, 3}), {.padding = 1});
    net.classifier_ = add("head.classifier", "", Shape({a.head_classes, a.head_width, 1, 1}), {});
  }
  if (!status.ok()) return status;

  Result<FeatureStatistics<T>> photo = read_statistics<T>(tensors, "photo", taps);
  if (!photo.ok()) return photo.status();
  net.photo_statistics_ = std::move(*photo);
  Result<FeatureStatistics<T>> render = read_statistics<T>(tensors, "render", taps);
  if (!render.ok()) return render.status();
  net.render_statistics_ = std::move(*render);
  return net;
}

template <class T>
std::vector<Var<T>> ResidualNet<T>::features(Var<T> image) const {
  Tape<T>* tape = image.tape();
  if (tape == nullptr) return std::vector<Var<T>>(stages_.size());
  Var<T> y = affine(image, tape->constant(input_scale_), tape->constant(input_shift_));
  y = relu(conv2d(y, stem_));
  if (architecture_.stem_max_pool) y = max_pool2d(y, 3, 2, 1);
  std::vector<Var<T>> outputs;
  for (const std::vector<Block>& stage : stages_) {
    for (const Block& block : stage) {
      const Var<T> shortcut = block.downsample ? conv2d(y, *block.downsample) : y;
      Var<T> inner = y;
      for (std::size_t i = 0; i < block.convs.size(); ++i) inner = conv2d(i == 0 ? inner : relu(inner), block.convs[i]);
      y = relu(add(inner, shortcut));
    }
    outputs.push_back(y);
  }
  return outputs;
}

template <class T>
Var<T> ResidualNet<T>::segment(std::span<const Var<T>> features) const {
  if (features.size() != lateral_.size() || features.empty()) return {};
  Var<T> y = conv2d(features.back(), lateral_.back());
  for (std::size_t stage = features.size() - 1; stage-- > 0;) {
    const Var<T> lateral = conv2d(features[stage], lateral_[stage]);
    const Shape shape = lateral.shape();
    if (!lateral.valid()) return lateral;
    y = add(lateral, resize_bilinear(y, shape[2], shape[3]));
  }
  return conv2d(relu(conv2d(y, smooth_)), classifier_);
}

template class ResidualNet<float>;
template class ResidualNet<double>;

}  // namespace likeness
