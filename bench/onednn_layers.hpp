// The convolutions of the fit step (fit_nets.hpp), as a list for other libraries' primitives: shapes, and which tensor feeds which layer.
#pragma once

#include <string>
#include <vector>

#include "likeness/nn.hpp"

namespace likeness::bench {

/// A convolution, or a transposed one, of one picture, without bias. Squares all: sides, kernel, stride, padding.
struct Layer {
  bool transposed = false;
  int in = 0, out = 0;            ///< Channels.
  int in_side = 0, out_side = 0;  ///< Pixels.
  int kernel = 1, stride = 1, padding = 0;
  int source = 0, destination = 0;  ///< Numbers of the tensors that it reads and writes (LayerList::tensors).

  std::string label() const {
    return std::string(transposed ? "deconv " : "conv ") + std::to_string(in) + "-" + std::to_string(out) + " " + std::to_string(kernel) +
           "x" + std::to_string(kernel) + " s" + std::to_string(stride) + " @" + std::to_string(in_side);
  }
  /// Of one direction. A multiply-add counts as two; those with padding count too.
  double flop() const {
    const double places = transposed ? double(in_side) * in_side : double(out_side) * out_side;
    return 2.0 * places * in * out * kernel * kernel;
  }
};

/// In the order of the forward pass.
struct LayerList {
  std::vector<Layer> layers;
  int tensors = 0;

  int add_tensor() { return tensors++; }
  /// Returns the number of the tensor that the layer writes; its side is that of the last layer.
  int add(bool transposed, int source, int in, int out, int side, int kernel, int stride, int padding) {
    const int out_side = transposed ? (side - 1) * stride - 2 * padding + kernel : (side + 2 * padding - kernel) / stride + 1;
    layers.push_back({transposed, in, out, side, out_side, kernel, stride, padding, source, add_tensor()});
    return layers.back().destination;
  }
};

/// What stands between convolutions is left out: a tensor is read as the layer before wrote it. Only the extractor's picture (resized
/// in the fit step) and what follows its max pooling have other sizes and are tensors of their own.
inline LayerList list_layers(const GeneratorArchitecture& generator, const ResidualArchitecture& extractor) {
  LayerList list;
  int x = list.add_tensor(), channels = generator.inputs, side = 1;
  for (const int out : generator.channels) {
    const bool first = side == 1;
    x = list.add(true, x, channels, out, side, first ? generator.first_kernel : 4, first ? 1 : 2, first ? 0 : 1);
    channels = out;
    side = list.layers.back().out_side;
  }

  x = list.add(false, list.add_tensor(), 3, extractor.stem_width, extractor.input_size, extractor.stem_kernel, extractor.stem_stride,
               extractor.stem_kernel / 2);
  channels = extractor.stem_width;
  side = list.layers.back().out_side;
  if (extractor.stem_max_pool) {
    x = list.add_tensor();
    side = (side + 1) / 2;
  }
  for (std::size_t stage = 0; stage < extractor.layers.size(); ++stage) {
    const int width = extractor.widths[stage], out = extractor.bottleneck ? 4 * width : width;
    for (int block = 0; block < extractor.layers[stage]; ++block) {
      const int stride = stage > 0 && block == 0 ? 2 : 1;
      if (stride != 1 || channels != out) list.add(false, x, channels, out, side, 1, stride, 0);  // the shortcut
      if (extractor.bottleneck) {
        int y = list.add(false, x, channels, width, side, 1, 1, 0);
        y = list.add(false, y, width, width, side, 3, stride, 1);
        side = list.layers.back().out_side;
        x = list.add(false, y, width, out, side, 1, 1, 0);
      } else {
        const int y = list.add(false, x, channels, width, side, 3, stride, 1);
        side = list.layers.back().out_side;
        x = list.add(false, y, width, width, side, 3, 1, 1);
      }
      channels = out;
    }
  }
  return list;
}

}  // namespace likeness::bench
