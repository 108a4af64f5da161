#include <algorithm>
#include <string>
#include <utility>

#include "autodiff/operation.hpp"
#include "nn/layers.hpp"

namespace likeness {
namespace {

// Bottleneck blocks give out four times their width.
constexpr int kExpansion = 4;

std::string stage_name(std::size_t stage) { return "layer" + std::to_string(stage + 1); }
std::string block_name(std::size_t stage, std::size_t block) { return stage_name(stage) + "." + std::to_string(block); }

// statistics.DOMAIN.layerI.{mean,std}: none, or all stages of one shape each.
template <class T>
Result<FeatureStatistics<T>> read_statistics(const TensorLookup& tensors, const std::string& domain, std::span<const int> channels) {
  FeatureStatistics<T> statistics;
  const auto name = [&](std::size_t stage, const char* what) { return "statistics." + domain + "." + stage_name(stage) + what; };
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
Result<ResidualNet<T>> ResidualNet<T>::create(const ResidualArchitecture& a, const TensorLookup& tensors, Precision precision) {
  const auto positive = [](int n) { return n > 0; };
  if (!std::ranges::all_of(a.layers, positive) || !std::ranges::all_of(a.widths, positive)) {
    return Status{Code::invalid_argument, "residual network: a stage has no block or no width"};
  }
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
  const auto add = [&](const std::string& name, const std::string& norm, const Shape& shape, ConvOptions options) {
    if (!status.ok()) return FrozenConv<T>();
    options.precision = precision;
    Result<FrozenConv<T>> conv = frozen_conv<T>(tensors, name, norm, shape, options);
    status = conv.status();
    return conv.ok() ? std::move(*conv) : FrozenConv<T>();
  };

  net.stem_ =
      add("conv1", "bn1", Shape({a.stem_width, 3, a.stem_kernel, a.stem_kernel}), {.stride = a.stem_stride, .padding = a.stem_kernel / 2});
  int channels = a.stem_width;
  int dilation = 1;
  std::vector<int> outputs;
  for (std::size_t stage = 0; stage < a.layers.size() && status.ok(); ++stage) {
    const int width = a.widths[stage];
    const int output = a.bottleneck ? width * kExpansion : width;
    const bool dilate = stage > 0 && stage - 1 < a.replace_stride_with_dilation.size() && a.replace_stride_with_dilation[stage - 1];
    const int dilation_before = dilation;
    if (dilate) dilation *= 2;
    std::vector<Block> blocks;
    for (int j = 0; j < a.layers[stage]; ++j) {
      const std::string name = block_name(stage, static_cast<std::size_t>(j)) + ".";
      const bool first = j == 0;
      const int stride = stage > 0 && first && !dilate ? 2 : 1;
      const int d = first ? dilation_before : dilation;  // the spacing, in the input, of places that were neighbours in the strided network
      const ConvOptions strided{.stride = stride, .padding = d, .dilation = d};
      Block block;
      if (a.bottleneck) {  // torchvision puts the stride on the 3x3 convolution
        block.convs.push_back(add(name + "conv1", name + "bn1", Shape({width, channels, 1, 1}), {}));
        block.convs.push_back(add(name + "conv2", name + "bn2", Shape({width, width, 3, 3}), strided));
        block.convs.push_back(add(name + "conv3", name + "bn3", Shape({output, width, 1, 1}), {}));
      } else {
        block.convs.push_back(add(name + "conv1", name + "bn1", Shape({width, channels, 3, 3}), strided));
        block.convs.push_back(add(name + "conv2", name + "bn2", Shape({width, width, 3, 3}), {.padding = dilation, .dilation = dilation}));
      }
      if ((stage > 0 && first) || channels != output) {
        block.downsample = add(name + "downsample.0", name + "downsample.1", Shape({output, channels, 1, 1}), {.stride = stride});
      }
      blocks.push_back(std::move(block));
      channels = output;
    }
    net.stages_.push_back(std::move(blocks));
    outputs.push_back(channels);
  }
  if (net.has_head() && a.head == SegmentationHead::fcn) {
    net.smooth_ = add("classifier.0", "classifier.1", Shape({a.head_width, channels, 3, 3}), {.padding = 1});
    net.classifier_ = add("classifier.4", "", Shape({a.head_classes, a.head_width, 1, 1}), {});
  } else if (net.has_head()) {
    for (std::size_t stage = 0; stage < outputs.size(); ++stage) {
      net.lateral_.push_back(add("head.lateral" + std::to_string(stage + 1), "", Shape({a.head_width, outputs[stage], 1, 1}), {}));
    }
    net.smooth_ = add("head.smooth", "", Shape({a.head_width, a.head_width, 3, 3}), {.padding = 1});
    net.classifier_ = add("head.classifier", "", Shape({a.head_classes, a.head_width, 1, 1}), {});
  }
  if (!status.ok()) return status;

  Result<FeatureStatistics<T>> photo = read_statistics<T>(tensors, "photo", outputs);
  if (!photo.ok()) return photo.status();
  net.photo_statistics_ = std::move(*photo);
  Result<FeatureStatistics<T>> render = read_statistics<T>(tensors, "render", outputs);
  if (!render.ok()) return render.status();
  net.render_statistics_ = std::move(*render);
  return net;
}

template <class T>
std::vector<Var<T>> ResidualNet<T>::features(Var<T> image) const {
  std::vector<std::string> taps;
  for (std::size_t stage = 0; stage < stages_.size(); ++stage) taps.push_back(stage_name(stage));
  return features(image, taps);
}

template <class T>
std::vector<Var<T>> ResidualNet<T>::features(Var<T> image, std::span<const std::string> taps) const {
  std::vector<Var<T>> outputs(taps.size());
  Tape<T>* tape = image.tape();
  if (tape == nullptr) return outputs;
  if (Op<T> op("features", {image}); !op.ok() || image.shape().rank() != 4 || image.shape()[1] != 3) {
    const Var<T> none = op.ok() ? op.fail("the picture is [N, 3, H, W], not " + image.shape().text()) : op.failed();
    std::fill(outputs.begin(), outputs.end(), none);
    return outputs;
  }
  std::vector<bool> found(taps.size(), false);
  std::size_t left = taps.size();
  const auto tap = [&](const std::string& name, Var<T> y) {
    for (std::size_t i = 0; i < taps.size(); ++i) {
      if (found[i] || taps[i] != name) continue;
      outputs[i] = y;
      found[i] = true;
      --left;
    }
  };
  Var<T> y = affine(image, tape->constant(input_scale_), tape->constant(input_shift_));
  y = relu(conv2d(y, stem_));
  tap("stem", y);
  if (architecture_.stem_max_pool && left > 0) y = max_pool2d(y, 3, 2, 1);
  for (std::size_t stage = 0; stage < stages_.size(); ++stage) {
    for (std::size_t j = 0; j < stages_[stage].size() && left > 0; ++j) {
      const Block& block = stages_[stage][j];
      const Var<T> shortcut = block.downsample ? conv2d(y, *block.downsample) : y;
      Var<T> inner = y;
      for (std::size_t i = 0; i < block.convs.size(); ++i) inner = conv2d(i == 0 ? inner : relu(inner), block.convs[i]);
      y = relu(add(inner, shortcut));
      tap(block_name(stage, j), y);
      if (j + 1 == stages_[stage].size()) tap(stage_name(stage), y);
    }
  }
  for (std::size_t i = 0; i < taps.size() && left > 0; ++i) {
    if (found[i]) continue;
    Op<T> op("features", {image});
    const std::string last = block_name(stages_.size() - 1, stages_.back().size() - 1);
    outputs[i] = op.ok() ? op.fail("no tap \"" + taps[i] + "\": there are stem, layer1, layer1.0, ... to " + last) : op.failed();
  }
  return outputs;
}

template <class T>
Var<T> ResidualNet<T>::segment(std::span<const Var<T>> features) const {
  if (!has_head() || features.size() != stages_.size()) {
    Op<T> op("segment", features);
    if (features.empty() || !op.ok()) return op.failed();
    return op.fail(has_head() ? "needs the features of all " + std::to_string(stages_.size()) + " stages" : "the network has no head");
  }
  Var<T> y = features.back();
  if (architecture_.head == SegmentationHead::pyramid) {
    y = conv2d(y, lateral_.back());
    for (std::size_t stage = features.size() - 1; stage-- > 0;) {
      const Var<T> lateral = conv2d(features[stage], lateral_[stage]);
      const Shape shape = lateral.shape();
      if (!lateral.valid()) return lateral;
      y = add(lateral, resize_bilinear(y, shape[2], shape[3]));
    }
  }
  return conv2d(relu(conv2d(y, smooth_)), classifier_);
}

template <class T>
std::int64_t ResidualNet<T>::weight_bytes() const {
  std::int64_t bytes = stem_.bytes() + smooth_.bytes() + classifier_.bytes();
  for (const FrozenConv<T>& layer : lateral_) bytes += layer.bytes();
  for (const std::vector<Block>& stage : stages_) {
    for (const Block& block : stage) {
      for (const FrozenConv<T>& conv : block.convs) bytes += conv.bytes();
      if (block.downsample) bytes += block.downsample->bytes();
    }
  }
  return bytes;
}

template class ResidualNet<float>;
template class ResidualNet<double>;

}  // namespace likeness
