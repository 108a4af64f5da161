#include "autodiff/fuse.hpp"

#include <cmath>
#include <utility>

#include "autodiff/frozen.hpp"

namespace likeness::detail {
namespace {

std::size_t at(int id) { return static_cast<std::size_t>(id); }

// What a convolution's node already does beside the convolution.
struct Epilogue {
  bool residual = false;
  bool relu = false;
};

template <class T>
class Fuser {
 public:
  explicit Fuser(Graph<T>& graph) : graph_(graph), uses_(graph.nodes.size(), 0), epilogues_(graph.nodes.size()) {
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      if (!graph.needed[i]) continue;
      for (const int input : graph.nodes[i].inputs) {
        if (input >= 0) ++uses_[at(input)];
      }
    }
  }

  void run() {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (!graph_.needed[i]) continue;
      switch (graph_.nodes[i].traits.pattern) {
        case Pattern::conv:
          pack(i);
          break;
        case Pattern::batch_norm:
          fold(i);
          break;
        case Pattern::add:
          add(i);
          break;
        case Pattern::relu:
          rectify(i);
          break;
        case Pattern::none:
          break;
      }
    }
  }

 private:
  Node<T>& node(int id) { return graph_.nodes[at(id)]; }
  bool constant(int id) { return id < 0 || (!node(id).forward && !node(id).is_variable); }
  bool only_used_once(int id) { return uses_[at(id)] == 1 && !graph_.kept[at(id)]; }
  // A convolution with packed weights whose value nobody else reads.
  bool absorbs(int id) {
    const Node<T>& n = node(id);
    return n.conv != nullptr && n.conv->ready() && n.traits.pattern == Pattern::conv && !epilogues_[at(id)].relu && only_used_once(id);
  }

  // Puts `fused` in the place of node i.
  void replace(std::size_t i, Node<T> fused, std::vector<int> inputs, Epilogue epilogue) {
    fused.inputs = std::move(inputs);
    graph_.nodes[i] = std::move(fused);
    epilogues_[i] = epilogue;
  }
  void replace_conv(std::size_t i, std::shared_ptr<const ConvWeights<T>> weights, std::vector<int> inputs, Epilogue epilogue) {
    std::string error;
    const Shape x = node(inputs[0]).traits.shape;
    Node<T> fused = conv_node(std::move(weights), x, epilogue.residual, epilogue.relu, error);
    if (error.empty()) replace(i, std::move(fused), std::move(inputs), epilogue);
  }

  // Constant weights on the tape: packed.
  void pack(std::size_t i) {
    const Node<T>& n = graph_.nodes[i];
    if (n.conv == nullptr || n.conv->ready() || !constant(n.inputs[1]) || !constant(n.inputs[2])) return;
    std::vector<T> bias;
    if (n.inputs[2] >= 0) bias.assign(node(n.inputs[2]).value, node(n.inputs[2]).value + n.conv->output_channels());
    replace_conv(i, make_conv_weights(*n.conv, node(n.inputs[1]).value, std::move(bias)), {n.inputs[0]}, {});
  }

  // y = (conv(x) + bias - mean) s + beta, s = gamma / sqrt(variance + epsilon): the convolution with weights s w.
  void fold(std::size_t i) {
    const Node<T>& norm = graph_.nodes[i];
    const int source = norm.inputs[0];
    if (!absorbs(source) || epilogues_[at(source)].residual) return;
    for (std::size_t k = 1; k < 5; ++k) {
      if (!constant(norm.inputs[k])) return;
    }
    const T* parameter[4];
    for (std::size_t k = 0; k < 4; ++k) parameter[k] = node(norm.inputs[k + 1]).value;
    const ConvWeights<T>& old = *node(source).conv;
    std::vector<T> weight = old.weights();
    std::vector<T> bias(static_cast<std::size_t>(old.output_channels()), T(0));
    if (!old.bias.empty()) bias = old.bias;
    const kernels::ConvShape& s = old.shape;
    const std::int64_t taps = s.kernel_h * s.kernel_w, in = s.in / s.groups, out = s.out / s.groups;
    for (std::int64_t c = 0; c < old.output_channels(); ++c) {
      using std::sqrt;
      const T scale = parameter[0][c] / sqrt(parameter[3][c] + static_cast<T>(norm.traits.epsilon));
      T& b = bias[static_cast<std::size_t>(c)];
      b = (b - parameter[2][c]) * scale + parameter[1][c];
      // Weights are [out, in / groups, taps]; a transposed convolution's outputs are its `in`.
      if (!old.transposed) {
        for (std::int64_t k = 0; k < in * taps; ++k) weight[static_cast<std::size_t>(c * in * taps + k)] *= scale;
      } else {
        for (std::int64_t o = c / in * out; o < (c / in + 1) * out; ++o) {
          for (std::int64_t k = 0; k < taps; ++k) weight[static_cast<std::size_t>((o * in + c % in) * taps + k)] *= scale;
        }
      }
    }
    replace_conv(i, make_conv_weights(old, weight.data(), std::move(bias)), {node(source).inputs[0]}, {});
  }

  // Either summand, if it is a convolution: it runs at the sum's place, where the other is there. The later one rather, whose input
  // need not wait longer for it.
  void add(std::size_t i) {
    const int a = graph_.nodes[i].inputs[0], b = graph_.nodes[i].inputs[1];
    if (a == b) return;
    for (const int source : {std::max(a, b), std::min(a, b)}) {
      if (!absorbs(source) || epilogues_[at(source)].residual) continue;
      replace_conv(i, node(source).conv, {node(source).inputs[0], source == a ? b : a}, {.residual = true});
      return;
    }
  }

  void rectify(std::size_t i) {
    const int source = graph_.nodes[i].inputs[0];
    if (absorbs(source)) {
      replace_conv(i, node(source).conv, node(source).inputs, {.residual = epilogues_[at(source)].residual, .relu = true});
    } else if (node(source).traits.pattern == Pattern::add && only_used_once(source)) {
      replace(i, add_relu_node<T>(graph_.nodes[i].traits.shape), node(source).inputs, {});
    }
  }

  Graph<T>& graph_;
  std::vector<int> uses_;
  std::vector<Epilogue> epilogues_;
};

}  // namespace

template <class T>
void mark_needed(Graph<T>& graph) {
  graph.needed = graph.kept;
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    if (!graph.needed[i]) continue;
    for (const int input : graph.nodes[i].inputs) {
      if (input >= 0) graph.needed[at(input)] = true;
    }
  }
}

template <class T>
void fuse(Graph<T>& graph) {
  mark_needed(graph);
  Fuser<T>(graph).run();
  mark_needed(graph);
}

#define LIKENESS_INSTANTIATE(T)         \
  template void mark_needed(Graph<T>&); \
  template void fuse(Graph<T>&);
LIKENESS_FOR_EACH_NUMBER(LIKENESS_INSTANTIATE)

}  // namespace likeness::detail
