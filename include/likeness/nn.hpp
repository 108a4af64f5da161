// The two networks of a fit, built from named tensors: the generator (slider vector -> picture) and the residual feature
// extractor with its segmentation head. Networks are immutable and shared between threads; each thread has its own tape.
// T is float, or double for a reference that is slow and exact.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/autodiff.hpp"
#include "likeness/status.hpp"

namespace likeness {

/// Finds a tensor of a model file by its name, converted to float; nothing where there is none. A shape of more than four sizes
/// comes back invalid.
using TensorLookup = std::function<std::optional<Tensor<float>>(const std::string& name)>;

/// What turns a generator's last layer z into a picture in [0, 1].
enum class GeneratorOutput {
  sigmoid,  ///< 1 / (1 + exp(-z))
  tanh,     ///< (tanh(z) + 1) / 2, for networks trained on pictures in [-1, 1]
  linear,   ///< z itself, which may leave [0, 1] (the published generator has no activation behind its last layer)
};

/// {"type": "generator", "inputs": P, "channels": [320, ..., 3], "schema": HASH}; optional: "first_kernel": 4,
/// "output": "sigmoid" | "tanh" | "linear".
struct GeneratorArchitecture {
  int inputs = 0;             ///< Length of the slider vector.
  std::vector<int> channels;  ///< Outputs of the transposed convolutions; the last is 3.
  std::string schema;         ///< Hash of the scene's schema that the generator was trained for; may be empty.
  int first_kernel = 4;       ///< Kernel of the first layer, the side of its map; n layers make a side of first_kernel * 2^(n-1).
  GeneratorOutput output = GeneratorOutput::sigmoid;
  /// corrupt_model where the text is not such an architecture.
  static Result<GeneratorArchitecture> parse(std::string_view json);
};

/// Slider vector -> picture. A transposed convolution of a 1x1 map (first_kernel, stride 1, no padding), then transposed 4x4
/// convolutions (stride 2, padding 1) that double the side; ReLU between. The published one (Shi et al., ICCV 2019) has the channels
/// 512 512 512 256 128 64 64 3.
/// Tensors: deconvI.weight [in, out, 4, 4], deconvI.bias [out]; bnI.{weight,bias,running_mean,running_var} where present are folded.
template <class T>
class Generator {
 public:
  /// `precision` is that of the convolutions (T = float). corrupt_model with the tensor's name where one is missing or has another shape.
  static Result<Generator> create(const GeneratorArchitecture& architecture, const TensorLookup& tensors,
                                  Precision precision = Precision::fp32);
  const GeneratorArchitecture& architecture() const { return architecture_; }
  /// Side of the picture in pixels.
  int size() const;
  /// Memory of the weights as they are kept: packed for both directions.
  std::int64_t weight_bytes() const;
  /// x [P] -> RGB in [0, 1] (sRGB values), [1, 3, size, size].
  Var<T> operator()(Var<T> x) const;

 private:
  GeneratorArchitecture architecture_;
  FrozenLinear<T> first_;
  std::vector<FrozenConv<T>> rest_;
};

/// Heads that make class logits of features.
enum class SegmentationHead {
  /// The sum of all stages at the first one's resolution: head.lateralI (1x1) each, added from the deepest up with bilinear
  /// enlargement; head.smooth (3x3), ReLU, head.classifier (1x1). All with bias.
  pyramid,
  /// torchvision's FCNHead on the last stage: classifier.0 (3x3), batch norm classifier.1, ReLU, classifier.4 (1x1, bias).
  fcn,
};

/// {"type": "residual", "block": "basic" | "bottleneck", "layers": [1, 2, 2, 2], "widths": [16, 48, 96, 160],
///  "stem": {"width": 16, "kernel": 3, "stride": 2, "max_pool": false}, "input_size": 256, "mean": [r, g, b], "std": [r, g, b],
///  "replace_stride_with_dilation": [false, true, true], "head": {"type": "pyramid" | "fcn", "width": 32, "classes": 11}};
/// the last two are optional.
struct ResidualArchitecture {
  bool bottleneck = false;
  std::vector<int> layers;  ///< Blocks of each stage; one to four stages.
  std::vector<int> widths;  ///< Width of each stage (the bottleneck's output is four times as wide).
  int stem_width = 64;
  int stem_kernel = 7;
  int stem_stride = 2;
  bool stem_max_pool = true;
  int input_size = 256;
  std::array<float, 3> mean{0, 0, 0};
  std::array<float, 3> std{1, 1, 1};
  int head_width = 0;  ///< 0: no head.
  int head_classes = 0;
  SegmentationHead head = SegmentationHead::pyramid;
  /// For the stages after the first (a missing one is false): stride 1 where there was 2, and the 3x3 kernels from there on dilated,
  /// so that the same weights see the same places. ResNet-50 with {false, true, true} has output stride 8. As in torchvision, whose
  /// basic blocks refuse it; here they follow the same rule, that the outputs at every second place (fourth, ...) are those of the
  /// strided network: a block's first 3x3 kernel has the dilation of its input, the second that of its output.
  std::vector<bool> replace_stride_with_dilation = {};
  /// corrupt_model where the text is not such an architecture.
  static Result<ResidualArchitecture> parse(std::string_view json);
};

/// Statistics of features over a domain of pictures (renders or photos), one entry a stage; empty where the file has none.
template <class T>
struct FeatureStatistics {
  std::vector<Tensor<T>> mean;  ///< [C, H, W]
  std::vector<Tensor<T>> std;   ///< [C], all > 0
};

/// Residual network (He et al., 2015) under torchvision's tensor names (conv1, bn1, layer1.0.conv1, ..., downsample.0), so
/// torchvision's ResNet-18/34/50 load as they are. Batch norms are folded; a file without them carries conv biases instead.
template <class T>
class ResidualNet {
 public:
  /// `precision` is that of the convolutions (T = float). invalid_argument for an architecture without stages, widths or a positive std;
  /// corrupt_model with the tensor's name where one is missing or has another shape.
  static Result<ResidualNet> create(const ResidualArchitecture& architecture, const TensorLookup& tensors,
                                    Precision precision = Precision::fp32);
  const ResidualArchitecture& architecture() const { return architecture_; }
  /// RGB in [0, 1], [N, 3, H, W] (H = W = input_size for features that compare with the statistics) -> the outputs of the
  /// stages after their ReLU, shallowest first.
  std::vector<Var<T>> features(Var<T> image) const;
  /// The same at other depths, in the order asked for: "stem" (after its ReLU, before the pooling), "layer1" to "layer4" (a stage),
  /// "layer3.2" (a block, counted from 0). Nothing deeper is computed. A tap that the network does not have is an error on the tape.
  std::vector<Var<T>> features(Var<T> image, std::span<const std::string> taps) const;
  /// Memory of the weights as they are kept: packed for both directions.
  std::int64_t weight_bytes() const;
  bool has_head() const { return architecture_.head_classes > 0; }
  /// The head on features(image): logits [N, classes, h, w] at the resolution of the first stage (pyramid) or the last (fcn);
  /// resize_bilinear for more. A network without a head, or features of other taps than all stages, are an error on the tape.
  Var<T> segment(std::span<const Var<T>> features) const;
  /// The tensors statistics.{photo,render}.layerI.{mean,std}.
  const FeatureStatistics<T>& photo_statistics() const { return photo_statistics_; }
  const FeatureStatistics<T>& render_statistics() const { return render_statistics_; }

 private:
  struct Block {
    std::vector<FrozenConv<T>> convs;  ///< Two (basic) or three (bottleneck), ReLU between.
    std::optional<FrozenConv<T>> downsample;
  };

  ResidualArchitecture architecture_;
  Tensor<T> input_scale_;  ///< [3], 1 / std
  Tensor<T> input_shift_;  ///< [3], -mean / std
  FrozenConv<T> stem_;
  std::vector<std::vector<Block>> stages_;
  std::vector<FrozenConv<T>> lateral_;
  FrozenConv<T> smooth_;
  FrozenConv<T> classifier_;
  FeatureStatistics<T> photo_statistics_;
  FeatureStatistics<T> render_statistics_;
};

/// Batch norm with frozen statistics (gamma, beta, mean, variance; epsilon 1e-5) folded into the convolution before it:
/// weight'[o] = weight[o] s[o], bias'[o] = (bias[o] - mean[o]) s[o] + beta[o], s = gamma / sqrt(variance + epsilon).
/// `output_dimension` is that of the output channels: 0 for conv2d, 1 for conv_transpose2d. weight [., ., kh, kw]; the others one number
/// an output channel, `bias` may be empty (zeros). Errors: invalid_argument (sizes, variance + epsilon not above 0); weight and bias are
/// then of no use.
Status fold_batch_norm(Tensor<float>& weight, Tensor<float>& bias, int output_dimension, std::span<const float> gamma,
                       std::span<const float> beta, std::span<const float> mean, std::span<const float> variance, double epsilon = 1e-5);

/// Reads generator.safetensors: the architecture stands in its metadata. Errors: not_found, io_error, corrupt_model.
Result<Generator<float>> load_generator(const std::filesystem::path& path, Precision precision = Precision::fp32);
/// Reads extractor.safetensors, or a torchvision state_dict without our metadata: a ResNet of basic or bottleneck blocks
/// (ResNet-18, 34, 50, ...) with a 7x7 stem, batch norm folded or not, is told by its tensors' names and shapes, and gets
/// ImageNet's mean and std. Names may begin with "backbone." (torchvision's fcn_resnet50: dilated, output stride 8, with its head).
/// fc and aux_classifier are not used; a last stage without its 3x3 kernels is left out.
/// Errors: not_found, io_error, corrupt_model.
Result<ResidualNet<float>> load_extractor(const std::filesystem::path& path, Precision precision = Precision::fp32);

}  // namespace likeness
