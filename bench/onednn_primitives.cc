// The convolutions of the fit step (fit_nets.hpp) as bare oneDNN primitives: forward and backward-data, layouts of oneDNN's choice,
// weights reordered beforehand, direct or Winograd, whichever is faster. Without bias, activations, pooling, resize and loss, hence a
// bar that no fit step made of these primitives can reach. Threads: OMP_NUM_THREADS.
//
//   onednn_primitives [compact]
//
// Prints `NAME VALUE` lines, and of every distinct shape and direction, with tabs between:
//   layer LABEL DIRECTION COUNT GFLOP MILLISECONDS ALGORITHM IMPLEMENTATION
// COUNT layers of the step have that shape; GFLOP and milliseconds are those of one.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "fit_nets.hpp"
#include "onednn_layers.hpp"
#include "timing.hpp"

namespace likeness::bench {
namespace {

using dnnl::memory;

enum class Direction { forward, backward_data };

/// A primitive with the layouts that it wants. "from" is what it reads: the source forward, the destination's gradient backward.
struct Primitive {
  dnnl::primitive primitive;
  memory::desc from, weights, to;
  std::string algorithm, implementation;
  double ms = 0;
};

memory::desc any_layout(memory::dims dims) { return {std::move(dims), memory::data_type::f32, memory::format_tag::any}; }

template <class Forward, class Backward>
Primitive make(const dnnl::engine& engine, const Layer& l, Direction direction, dnnl::algorithm algorithm) {
  const memory::desc source = any_layout({1, l.in, l.in_side, l.in_side}), destination = any_layout({1, l.out, l.out_side, l.out_side});
  const memory::desc weights = any_layout({l.out, l.in, l.kernel, l.kernel});
  const memory::dims strides{l.stride, l.stride}, padding{l.padding, l.padding};
  const bool forward = direction == Direction::forward;
  const typename Forward::desc forward_desc(forward ? dnnl::prop_kind::forward_inference : dnnl::prop_kind::forward_training, algorithm,
                                            source, weights, destination, strides, padding, padding);
  const typename Forward::primitive_desc f(forward_desc, engine);
  if (forward) return {Forward(f), f.src_desc(), f.weights_desc(), f.dst_desc(), {}, f.impl_info_str()};
  const typename Backward::desc backward_desc(algorithm, source, weights, destination, strides, padding, padding);
  const typename Backward::primitive_desc b(backward_desc, engine, f);
  return {Backward(b), b.diff_dst_desc(), b.weights_desc(), b.diff_src_desc(), {}, b.impl_info_str()};
}

/// Nothing where oneDNN has no such primitive for this shape.
std::optional<Primitive> try_make(const dnnl::engine& engine, const Layer& layer, Direction direction, bool winograd) {
  using dnnl::algorithm;
  try {
    Primitive p = layer.transposed
                      ? make<dnnl::deconvolution_forward, dnnl::deconvolution_backward_data>(
                            engine, layer, direction, winograd ? algorithm::deconvolution_winograd : algorithm::deconvolution_direct)
                      : make<dnnl::convolution_forward, dnnl::convolution_backward_data>(
                            engine, layer, direction, winograd ? algorithm::convolution_winograd : algorithm::convolution_direct);
    p.algorithm = winograd ? "winograd" : "direct";
    return p;
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_unimplemented) return std::nullopt;
    throw;
  }
}

/// Random numbers in [-1, 1]: all zero or subnormal numbers could run at another speed.
void fill(std::vector<float>& values, float scale = 1) {
  std::minstd_rand random(7);
  std::uniform_real_distribution<float> uniform(-scale, scale);
  for (float& v : values) v = uniform(random);
}

class Runner {
 public:
  Runner() : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {}
  const dnnl::engine& engine() const { return engine_; }

  /// Random weights in the primitive's layout, scaled so that a long chain of layers neither explodes nor vanishes.
  memory make_weights(const Layer& layer, const Primitive& p) {
    const float taps =
        static_cast<float>(layer.in * layer.kernel * layer.kernel) / static_cast<float>(layer.transposed ? layer.stride * layer.stride : 1);
    std::vector<float> plain(static_cast<std::size_t>(layer.in) * layer.out * layer.kernel * layer.kernel);
    fill(plain, std::sqrt(3 / taps));
    memory from({{layer.out, layer.in, layer.kernel, layer.kernel}, memory::data_type::f32, memory::format_tag::oihw}, engine_,
                plain.data());
    memory to(p.weights, engine_);
    dnnl::reorder(from, to).execute(stream_, from, to);
    stream_.wait();
    return to;
  }

  static std::unordered_map<int, memory> arguments(Direction direction, const memory& from, const memory& weights, const memory& to) {
    if (direction == Direction::forward) return {{DNNL_ARG_SRC, from}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, to}};
    return {{DNNL_ARG_DIFF_DST, from}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DIFF_SRC, to}};
  }

  /// Milliseconds of the primitive alone, its data as hot as caches allow. The least of several runs: the harder bar, and other
  /// programs can only add.
  double time_alone(const Layer& layer, Direction direction, const Primitive& p) {
    std::vector<float> from(p.from.get_size() / sizeof(float)), to(p.to.get_size() / sizeof(float));
    fill(from);
    const auto args = arguments(direction, {p.from, engine_, from.data()}, make_weights(layer, p), {p.to, engine_, to.data()});
    const std::vector<double> times = time_runs(
        [&] {
          p.primitive.execute(stream_, args);
          stream_.wait();
        },
        7, 0.03);
    return *std::min_element(times.begin(), times.end());
  }

  void execute(const Primitive& p, const std::unordered_map<int, memory>& args) { p.primitive.execute(stream_, args); }
  void wait() { stream_.wait(); }

 private:
  dnnl::engine engine_;
  dnnl::stream stream_;
};

/// The faster of direct and Winograd.
Primitive choose(Runner& runner, const Layer& layer, Direction direction) {
  std::optional<Primitive> best;
  for (const bool winograd : {false, true}) {
    std::optional<Primitive> p = try_make(runner.engine(), layer, direction, winograd);
    if (!p) continue;
    p->ms = runner.time_alone(layer, direction, *p);
    if (!best || p->ms < best->ms) best = std::move(p);
  }
  if (!best) throw std::runtime_error("oneDNN has no primitive for " + layer.label());
  return *best;
}

struct Call {
  const Layer* layer;
  Direction direction;
  const Primitive* primitive;
};

/// Milliseconds (median) of all calls in order, as a fit step makes them. Every layer has weights of its own, which thus come from memory,
/// and a tensor lies where the layer before left it. Layouts between layers may differ: reorders are left out, the numbers mean nothing.
double time_sequence(Runner& runner, const LayerList& list, const std::vector<Call>& calls) {
  const auto tensors = static_cast<std::size_t>(list.tensors);
  std::vector<std::vector<float>> values(tensors), gradients(tensors);
  struct Ends {
    std::vector<float>&from, &to;
  };
  const auto ends = [&](const Call& c) {
    const auto source = static_cast<std::size_t>(c.layer->source), destination = static_cast<std::size_t>(c.layer->destination);
    return c.direction == Direction::forward ? Ends{values[source], values[destination]} : Ends{gradients[destination], gradients[source]};
  };
  const auto grow = [](std::vector<float>& to, const memory::desc& desc) {
    to.resize(std::max(to.size(), desc.get_size() / sizeof(float)));
  };
  for (const Call& c : calls) {
    grow(ends(c).from, c.primitive->from);
    grow(ends(c).to, c.primitive->to);
  }
  for (std::vector<float>& v : values) fill(v);
  for (std::vector<float>& g : gradients) fill(g);

  std::vector<std::unordered_map<int, memory>> arguments;
  for (const Call& c : calls) {
    arguments.push_back(Runner::arguments(c.direction, {c.primitive->from, runner.engine(), ends(c).from.data()},
                                          runner.make_weights(*c.layer, *c.primitive),
                                          {c.primitive->to, runner.engine(), ends(c).to.data()}));
  }
  return median(time_runs(
      [&] {
        for (std::size_t i = 0; i < calls.size(); ++i) runner.execute(*calls[i].primitive, arguments[i]);
        runner.wait();
      },
      5, 2));
}

const char* isa_name(dnnl::cpu_isa isa) {
  switch (isa) {
    case dnnl::cpu_isa::sse41:
      return "sse41";
    case dnnl::cpu_isa::avx:
      return "avx";
    case dnnl::cpu_isa::avx2:
      return "avx2";
    case dnnl::cpu_isa::avx2_vnni:
      return "avx2_vnni";
    case dnnl::cpu_isa::avx512_core:
      return "avx512_core";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "avx512_core_vnni";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "avx512_core_bf16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "avx512_core_amx";
    default:
      return "other";
  }
}

int run(const Architectures& architectures) {
  const auto generator = GeneratorArchitecture::parse(architectures.generator);
  const auto extractor = ResidualArchitecture::parse(architectures.extractor);
  if (!generator.ok() || !extractor.ok()) throw std::runtime_error("the architecture does not parse");
  const LayerList list = list_layers(*generator, *extractor);

  Runner runner;
  std::map<std::pair<std::string, Direction>, Primitive> chosen;  // a shape occurs several times
  std::map<std::pair<std::string, Direction>, int> counts;
  std::vector<std::pair<const Layer*, Direction>> shapes;
  std::vector<Call> calls;
  double sum_ms = 0, sum_flop = 0;
  const auto call = [&](const Layer& layer, Direction direction) {
    const std::pair key(layer.label(), direction);
    if (counts[key]++ == 0) {
      shapes.emplace_back(&layer, direction);
      chosen.emplace(key, choose(runner, layer, direction));
    }
    const Primitive& p = chosen.at(key);
    calls.push_back({&layer, direction, &p});
    sum_ms += p.ms;
    sum_flop += layer.flop();
  };
  for (const Layer& layer : list.layers) call(layer, Direction::forward);
  for (auto layer = list.layers.rbegin(); layer != list.layers.rend(); ++layer) call(*layer, Direction::backward_data);
  const double sequence_ms = time_sequence(runner, list, calls);

  const dnnl_version_t* version = dnnl::version();
  std::printf("onednn_version %d.%d.%d\n", version->major, version->minor, version->patch);
  std::printf("onednn_isa %s\n", isa_name(dnnl::get_effective_cpu_isa()));
  std::printf("onednn_gflop %.3f\n", sum_flop / 1e9);
  std::printf("onednn_primitives_ms %.3f\n", sum_ms);
  std::printf("onednn_sequence_ms %.3f\n", sequence_ms);
  for (const auto& [layer, direction] : shapes) {
    const std::pair key(layer->label(), direction);
    const Primitive& p = chosen.at(key);
    std::printf("layer\t%s\t%s\t%d\t%.4f\t%.4f\t%s\t%s\n", key.first.c_str(), direction == Direction::forward ? "forward" : "backward data",
                counts.at(key), layer->flop() / 1e9, p.ms, p.algorithm.c_str(), p.implementation.c_str());
  }
  return 0;
}

}  // namespace
}  // namespace likeness::bench

int main(int argc, char** argv) {
  using namespace likeness::bench;
  const bool compact = argc == 2 && std::strcmp(argv[1], "compact") == 0;
  if (argc > 1 && !compact) {
    std::fprintf(stderr, "usage: onednn_primitives [compact]\n");
    return 2;
  }
  try {
    return run(compact ? kCompact : kPaper);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "onednn_primitives: %s\n", error.what());
    return 1;
  }
}
