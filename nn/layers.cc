#include "nn/layers.hpp"

#include <cmath>
#include <utility>

namespace likeness {

Result<Tensor<float>> required_tensor(const TensorLookup& tensors, const std::string& name, const Shape& shape) {
  std::optional<Tensor<float>> found = tensors(name);
  if (!found) return Status{Code::corrupt_model, "tensor \"" + name + "\" is missing"};
  if (found->shape != shape || static_cast<std::int64_t>(found->data.size()) != shape.size()) {
    return Status{Code::corrupt_model,
                  "tensor \"" + name + "\" has the shape " + found->shape.text() + ", the architecture needs " + shape.text()};
  }
  return std::move(*found);
}

Status fold_batch_norm(Tensor<float>& weight, Tensor<float>& bias, int output_dimension, std::span<const float> gamma,
                       std::span<const float> beta, std::span<const float> mean, std::span<const float> variance, double epsilon) {
  if (weight.shape.rank() != 4 || (output_dimension != 0 && output_dimension != 1) ||
      weight.shape.size() != static_cast<std::int64_t>(weight.data.size())) {
    return {Code::invalid_argument, "fold_batch_norm: the weight has four sizes and its outputs in the first or second"};
  }
  const std::int64_t outputs = weight.shape[output_dimension];
  const auto count = static_cast<std::size_t>(outputs);
  if (bias.data.empty()) bias = {Shape({outputs}), std::vector<float>(count, 0.0F)};
  if (gamma.size() != count || beta.size() != count || mean.size() != count || variance.size() != count || bias.data.size() != count) {
    return {Code::invalid_argument, "fold_batch_norm: needs " + std::to_string(outputs) + " numbers of each kind"};
  }
  std::vector<double> scale(count);
  for (std::size_t o = 0; o < count; ++o) {
    const double spread = static_cast<double>(variance[o]) + epsilon;
    if (!(spread > 0.0)) return {Code::invalid_argument, "fold_batch_norm: a variance is negative"};
    scale[o] = static_cast<double>(gamma[o]) / std::sqrt(spread);
    bias.data[o] =
        static_cast<float>((static_cast<double>(bias.data[o]) - static_cast<double>(mean[o])) * scale[o] + static_cast<double>(beta[o]));
  }
  std::int64_t inner = weight.shape[2] * weight.shape[3];
  if (output_dimension == 0) inner *= weight.shape[1];
  for (std::int64_t i = 0; i < weight.shape.size(); ++i) {
    float& w = weight.data[static_cast<std::size_t>(i)];
    w = static_cast<float>(static_cast<double>(w) * scale[static_cast<std::size_t>(i / inner % outputs)]);
  }
  return Status::success();
}

Result<FoldedConv> folded_conv(const TensorLookup& tensors, const std::string& name, const std::string& norm, const Shape& shape,
                               bool transposed) {
  const Shape channels({shape[transposed ? 1 : 0]});
  Result<Tensor<float>> weight = required_tensor(tensors, name + ".weight", shape);
  if (!weight.ok()) return weight.status();
  FoldedConv conv{std::move(*weight), {}};
  const bool has_norm = !norm.empty() && tensors(norm + ".weight").has_value();
  if (!has_norm || tensors(name + ".bias").has_value()) {
    Result<Tensor<float>> bias = required_tensor(tensors, name + ".bias", channels);
    if (!bias.ok()) return bias.status();
    conv.bias = std::move(*bias);
  }
  if (!has_norm) return conv;
  Tensor<float> parts[4];
  const char* const kNames[4] = {".weight", ".bias", ".running_mean", ".running_var"};
  for (int i = 0; i < 4; ++i) {
    Result<Tensor<float>> part = required_tensor(tensors, norm + kNames[i], channels);
    if (!part.ok()) return part.status();
    parts[i] = std::move(*part);
  }
  const Status folded =
      fold_batch_norm(conv.weight, conv.bias, transposed ? 1 : 0, parts[0].data, parts[1].data, parts[2].data, parts[3].data);
  if (!folded.ok()) return Status{Code::corrupt_model, norm + ": " + folded.message};
  return conv;
}

template <class T>
Result<FrozenConv<T>> frozen_conv(const TensorLookup& tensors, const std::string& name, const std::string& norm, const Shape& shape,
                                  const ConvOptions& options) {
  const Result<FoldedConv> conv = folded_conv(tensors, name, norm, shape, false);
  if (!conv.ok()) return conv.status();
  return FrozenConv<T>::conv2d(convert<T>(conv->weight), convert<T>(conv->bias), options);
}

template Result<FrozenConv<float>> frozen_conv(const TensorLookup&, const std::string&, const std::string&, const Shape&,
                                               const ConvOptions&);
template Result<FrozenConv<double>> frozen_conv(const TensorLookup&, const std::string&, const std::string&, const Shape&,
                                                const ConvOptions&);

}  // namespace likeness
