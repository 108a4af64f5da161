// Convolutions, linear layers, maps per channel.
#include "operation_catalogue.hpp"

namespace likeness::test {
namespace {

struct ConvCase {
  ConvOptions options;
  Tensor<double> x, weight, bias;  // bias: empty for none
  std::string text;
};

ConvCase draw_conv(Random& r, bool transposed) {
  ConvCase c;
  Shape x, weight;
  std::int64_t outputs = 0;
  for (bool fits = false; !fits;) {
    ConvOptions& o = c.options;
    o.groups = r.chance(70) ? 1 : 2;
    o.stride = static_cast<int>(r.between(1, 3));
    o.dilation = r.chance(75) ? 1 : static_cast<int>(r.between(2, 3));
    const std::int64_t kernel_h = r.between(1, r.chance(85) ? 3 : 5), kernel_w = r.between(1, r.chance(85) ? 3 : 5);
    o.padding = static_cast<int>(r.between(0, std::max(kernel_h, kernel_w)));
    o.output_padding = transposed ? static_cast<int>(r.between(0, o.stride - 1)) : 0;
    const std::int64_t in = o.groups * r.between(1, 2), out = o.groups * r.between(1, r.chance(90) ? 2 : 9 / o.groups);
    x = {r.chance(85) ? 1 : 2, in, r.between(1, transposed ? 3 : 5), r.between(1, transposed ? 3 : 5)};
    weight = transposed ? Shape{in, out / o.groups, kernel_h, kernel_w} : Shape{out, in / o.groups, kernel_h, kernel_w};
    outputs = out;
    const auto result = [&](std::int64_t size, std::int64_t kernel) {
      const std::int64_t extent = o.dilation * (kernel - 1) + 1;
      return transposed ? (size - 1) * o.stride - 2 * o.padding + extent + o.output_padding : size + 2 * o.padding - extent + 1;
    };
    fits = result(x[2], kernel_h) >= 1 && result(x[3], kernel_w) >= 1 && x.size() <= 60 && weight.size() <= 100;
  }
  c.x = r.numbers(x);
  c.weight = r.numbers(weight);
  if (r.chance(75)) c.bias = r.numbers({outputs});
  c.text = "stride " + std::to_string(c.options.stride) + " padding " + std::to_string(c.options.padding) + " dilation " +
           std::to_string(c.options.dilation) + " groups " + std::to_string(c.options.groups) + " output padding " +
           std::to_string(c.options.output_padding);
  return c;
}

Operation convolution(bool transposed, bool frozen) {
  const std::string name = transposed ? "conv_transpose2d" : "conv2d";
  if (frozen) {
    return {name + ", frozen", {0}, false, [=](Random& r) {
              const ConvCase c = draw_conv(r, transposed);
              return Instance{c.text, {c.x}, [=]<class T>(Tape<T>&, std::span<const Var<T>> in) {
                                const Tensor<T> weight = converted<T>(c.weight), bias = converted<T>(c.bias);
                                if (transposed) return conv_transpose2d(in[0], *FrozenConv<T>::conv_transpose2d(weight, bias, c.options));
                                return conv2d(in[0], *FrozenConv<T>::conv2d(weight, bias, c.options));
                              }};
            }};
  }
  return {name,
          {0, 1, 2},
          false,
          [=](Random& r) {
            const ConvCase c = draw_conv(r, transposed);
            Instance instance{c.text, {c.x, c.weight}, [=]<class T>(Tape<T>&, std::span<const Var<T>> in) {
                                const Var<T> bias = in.size() > 2 ? in[2] : Var<T>();
                                return transposed ? conv_transpose2d(in[0], in[1], bias, c.options) : conv2d(in[0], in[1], bias, c.options);
                              }};
            if (!c.bias.data.empty()) instance.inputs.push_back(c.bias);
            return instance;
          },
          {2}};
}

// A vector or a batch of them.
Tensor<double> draw_vectors(Random& r, std::int64_t inputs) {
  return r.numbers(r.chance(60) ? Shape{inputs} : Shape{r.between(1, 3), inputs});
}

Instance draw_linear(Random& r) {
  const std::int64_t inputs = r.between(1, 9), outputs = r.between(1, r.chance(80) ? 7 : 19);
  Instance instance{"", {draw_vectors(r, inputs), r.numbers({outputs, inputs})}, []<class T>(Tape<T>&, std::span<const Var<T>> in) {
                      return linear(in[0], in[1], in.size() > 2 ? in[2] : Var<T>());
                    }};
  if (r.chance(70)) instance.inputs.push_back(r.numbers({outputs}));
  return instance;
}

Instance draw_frozen_linear(Random& r) {
  const std::int64_t inputs = r.between(1, 9), outputs = r.between(1, 19);
  const Tensor<double> weight = r.numbers({outputs, inputs}), bias = r.chance(70) ? r.numbers({outputs}) : Tensor<double>();
  return {"", {draw_vectors(r, inputs)}, [=]<class T>(Tape<T>&, std::span<const Var<T>> in) {
            return linear(in[0], *FrozenLinear<T>::create(converted<T>(weight), converted<T>(bias)));
          }};
}

Instance draw_affine(Random& r) {
  const Shape x = r.picture();
  return {"", {r.numbers(x), r.numbers({x[1]}), r.numbers({x[1]})}, []<class T>(Tape<T>&, std::span<const Var<T>> in) {
            return affine(in[0], in[1], in[2]);
          }};
}

Instance draw_batch_norm(Random& r) {
  const Shape x = r.picture(), channels{x[1]};
  const Tensor<double> mean = r.numbers(channels), variance = r.numbers(channels, 0.125, 2);
  const double epsilon = r.chance(50) ? 1e-5 : 0.25;
  return {"epsilon " + std::to_string(epsilon),
          {r.numbers(x), r.numbers(channels), r.numbers(channels)},
          [=]<class T>(Tape<T>& tape, std::span<const Var<T>> in) {
            return batch_norm(in[0], in[1], in[2], tape.copied(mean.shape, mean.data), tape.copied(variance.shape, variance.data), epsilon);
          }};
}

Instance draw_group_norm(Random& r) {
  const std::int64_t groups = r.between(1, 3);
  // At least three numbers a group, far apart: between nearly equal ones the slope is too steep for differences.
  const Shape x{r.between(1, 2), groups * r.between(1, 2), r.between(1, 3), r.between(3, 4)};
  Tensor<double> spread = r.distinct(x);
  for (double& v : spread.data) v *= 8;
  const double epsilon = r.chance(50) ? 1e-5 : 0.25;
  const bool weight = r.chance(70), bias = r.chance(70);
  Instance instance{"groups " + std::to_string(groups) + " epsilon " + std::to_string(epsilon) + (weight ? "" : " without weight"),
                    {spread},
                    [=]<class T>(Tape<T>&, std::span<const Var<T>> in) {
                      return group_norm(in[0], static_cast<int>(groups), weight ? in[1] : Var<T>(), bias ? in.back() : Var<T>(), epsilon);
                    }};
  if (weight) instance.inputs.push_back(r.numbers({x[1]}));
  if (bias) instance.inputs.push_back(r.numbers({x[1]}));
  return instance;
}

}  // namespace

std::vector<Operation> convolutions_and_maps() {
  std::vector<Operation> list;
  for (const bool transposed : {false, true}) {
    for (const bool frozen : {false, true}) list.push_back(convolution(transposed, frozen));
  }
  list.push_back({"linear", {0, 1, 2}, false, draw_linear, {2}});
  list.push_back({"linear, frozen", {0}, false, draw_frozen_linear});
  list.push_back({"affine", {0, 1, 2}, false, draw_affine});
  list.push_back({"batch_norm", {0, 1, 2}, false, draw_batch_norm});
  list.push_back({"group_norm", {}, false, draw_group_norm, {1, 2}});
  return list;
}

}  // namespace likeness::test
