#include <utility>

#include "nn/layers.hpp"

namespace likeness {

template <class T>
int Generator<T>::size() const {
  return 4 << (static_cast<int>(architecture_.channels.size()) - 1);
}

template <class T>
Result<Generator<T>> Generator<T>::create(const GeneratorArchitecture& architecture, const TensorLookup& tensors) {
  if (architecture.inputs < 1 || architecture.channels.empty() || architecture.channels.size() > 10 || architecture.channels.back() != 3) {
    return Status{Code::invalid_argument, "generator: needs inputs and 1 to 10 layers, the last with 3 channels"};
  }
  Generator generator;
  generator.architecture_ = architecture;
  const auto norm = [](const std::string& i) { return "bn" + i; };

  // A transposed 4x4 convolution of a 1x1 map is a linear layer: output (channel, place) = sum weight[input][channel][place] x[input].
  const std::int64_t inputs = architecture.inputs;
  const std::int64_t channels = architecture.channels[0];
  const Result<FoldedConv> first = folded_conv(tensors, "deconv0", norm("0"), Shape({inputs, channels, 4, 4}), true);
  if (!first.ok()) return first.status();
  const std::int64_t outputs = channels * 16;
  Tensor<T> weight{Shape({outputs, inputs}), std::vector<T>(static_cast<std::size_t>(outputs * inputs))};
  Tensor<T> bias{Shape({outputs}), std::vector<T>(static_cast<std::size_t>(outputs))};
  for (std::int64_t o = 0; o < outputs; ++o) {
    bias.data[static_cast<std::size_t>(o)] = static_cast<T>(first->bias.data[static_cast<std::size_t>(o / 16)]);
    for (std::int64_t i = 0; i < inputs; ++i) {
      weight.data[static_cast<std::size_t>(o * inputs + i)] = static_cast<T>(first->weight.data[static_cast<std::size_t>(i * outputs + o)]);
    }
  }
  Result<FrozenLinear<T>> linear = FrozenLinear<T>::create(weight, bias);
  if (!linear.ok()) return linear.status();
  generator.first_ = std::move(*linear);

  for (std::size_t layer = 1; layer < architecture.channels.size(); ++layer) {
    const std::string i = std::to_string(layer);
    const Shape shape({architecture.channels[layer - 1], architecture.channels[layer], 4, 4});
    Result<FrozenConv<T>> conv = frozen_conv<T>(tensors, "deconv" + i, norm(i), shape, {.stride = 2, .padding = 1}, true);
    if (!conv.ok()) return conv.status();
    generator.rest_.push_back(std::move(*conv));
  }
  return generator;
}

template <class T>
Var<T> Generator<T>::operator()(Var<T> x) const {
  Var<T> y = reshape(linear(x, first_), Shape({1, architecture_.channels[0], 4, 4}));
  for (const FrozenConv<T>& layer : rest_) y = conv_transpose2d(relu(y), layer);
  return sigmoid(y);
}

template class Generator<float>;
template class Generator<double>;

}  // namespace likeness
