#include <algorithm>
#include <utility>

#include "nn/layers.hpp"

namespace likeness {

template <class T>
int Generator<T>::size() const {
  return architecture_.first_kernel << (static_cast<int>(architecture_.channels.size()) - 1);
}

template <class T>
Result<Generator<T>> Generator<T>::create(const GeneratorArchitecture& architecture, const TensorLookup& tensors, Precision precision) {
  const std::int64_t side = architecture.first_kernel;
  if (architecture.inputs < 1 || side < 1 || side > 16 || architecture.channels.empty() || architecture.channels.size() > 10 ||
      architecture.channels.back() != 3) {
    return Status{Code::invalid_argument,
                  "generator: needs inputs, a first kernel of 1 to 16, and 1 to 10 layers, the last with 3 channels"};
  }
  Generator generator;
  generator.architecture_ = architecture;
  // The layer's weights, [in, out, kernel, kernel], ready for the output's activation where it is the last.
  const auto layer = [&](std::size_t i, std::int64_t in, std::int64_t kernel) {
    const std::string number = std::to_string(i);
    const Shape shape({in, architecture.channels[i], kernel, kernel});
    Result<FoldedConv> conv = folded_conv(tensors, "deconv" + number, "bn" + number, shape, true);
    if (conv.ok() && i + 1 == architecture.channels.size() && architecture.output == GeneratorOutput::tanh) {
      // (tanh(z) + 1) / 2 = sigmoid(2 z), and doubling is exact.
      for (Tensor<float>* part : {&conv->weight, &conv->bias}) std::ranges::for_each(part->data, [](float& v) { v *= 2; });
    }
    return conv;
  };

  // A transposed convolution of a 1x1 map is a linear layer: output (channel, place) = sum weight[input][channel][place] x[input].
  const std::int64_t inputs = architecture.inputs;
  const std::int64_t places = side * side;
  const Result<FoldedConv> first = layer(0, inputs, side);
  if (!first.ok()) return first.status();
  const std::int64_t outputs = architecture.channels[0] * places;
  Tensor<T> weight{Shape({outputs, inputs}), std::vector<T>(static_cast<std::size_t>(outputs * inputs))};
  Tensor<T> bias{Shape({outputs}), std::vector<T>(static_cast<std::size_t>(outputs))};
  for (std::int64_t o = 0; o < outputs; ++o) {
    bias.data[static_cast<std::size_t>(o)] = static_cast<T>(first->bias.data[static_cast<std::size_t>(o / places)]);
    for (std::int64_t i = 0; i < inputs; ++i) {
      weight.data[static_cast<std::size_t>(o * inputs + i)] = static_cast<T>(first->weight.data[static_cast<std::size_t>(i * outputs + o)]);
    }
  }
  Result<FrozenLinear<T>> linear = FrozenLinear<T>::create(weight, bias);
  if (!linear.ok()) return linear.status();
  generator.first_ = std::move(*linear);

  int usual_side = static_cast<int>(side);  // of the layer's input
  for (std::size_t i = 1; i < architecture.channels.size(); ++i) {
    const Result<FoldedConv> folded = layer(i, architecture.channels[i - 1], 4);
    if (!folded.ok()) return folded.status();
    Result<FrozenConv<T>> conv =
        FrozenConv<T>::conv_transpose2d(convert<T>(folded->weight), convert<T>(folded->bias),
                                        {.stride = 2, .padding = 1, .precision = precision, .usual_side = usual_side});
    usual_side *= 2;
    if (!conv.ok()) return conv.status();
    generator.rest_.push_back(std::move(*conv));
  }
  return generator;
}

template <class T>
Var<T> Generator<T>::operator()(Var<T> x) const {
  Var<T> y = reshape(linear(x, first_), Shape({1, architecture_.channels[0], architecture_.first_kernel, architecture_.first_kernel}));
  for (const FrozenConv<T>& layer : rest_) y = conv_transpose2d(relu(y), layer);
  return architecture_.output == GeneratorOutput::linear ? y : sigmoid(y);
}

template <class T>
std::int64_t Generator<T>::weight_bytes() const {
  std::int64_t bytes = first_.bytes();
  for (const FrozenConv<T>& layer : rest_) bytes += layer.bytes();
  return bytes;
}

template class Generator<float>;
template class Generator<double>;

}  // namespace likeness
