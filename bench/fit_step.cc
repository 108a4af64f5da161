// One step of a fit, as the search runs it: picture = generator(x) at 512x512, resized to 256x256, features at four depths,
// L1 means, gradient to x, optimiser step, clamp. Random weights of the shipped (compact) and the published (paper)
// architectures; batch 1, frozen once. Threads: OMP_NUM_THREADS.
//
//   fit_step --benchmark_filter=compact
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "likeness/nn.hpp"
#include "likeness/optimizer.hpp"
#include "likeness/program.hpp"
#include "nn/random_tensors.hpp"

namespace likeness {
namespace {

struct Nets {
  Generator<float> generator;
  ResidualNet<float> extractor;
};

constexpr const char* kCompactGenerator = R"({"type":"generator","inputs":142,"channels":[320,256,192,128,64,40,16,3]})";
constexpr const char* kCompactExtractor =
    R"({"type":"residual","block":"basic","layers":[1,2,2,2],"widths":[16,48,96,160],
        "stem":{"width":16,"kernel":3,"stride":2,"max_pool":false},"input_size":256,"mean":[0.5,0.4,0.4],"std":[0.25,0.25,0.25]})";
constexpr const char* kPaperGenerator = R"({"type":"generator","inputs":310,"channels":[512,512,512,256,128,64,64,3]})";
constexpr const char* kPaperExtractor =
    R"({"type":"residual","block":"bottleneck","layers":[3,4,6,3],"widths":[64,128,256,512],
        "stem":{"width":64,"kernel":7,"stride":2,"max_pool":true},"input_size":256,"mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225]})";

Result<Nets> make(const char* generator_json, const char* extractor_json) {
  const auto ga = GeneratorArchitecture::parse(generator_json);
  if (!ga.ok()) return ga.status();
  const auto ra = ResidualArchitecture::parse(extractor_json);
  if (!ra.ok()) return ra.status();
  const TensorMap gt = random_tensors(*ga, 1);
  const TensorMap rt = random_tensors(*ra, 2);
  auto generator = Generator<float>::create(*ga, tensor_lookup(gt));
  if (!generator.ok()) return generator.status();
  auto extractor = ResidualNet<float>::create(*ra, tensor_lookup(rt));
  if (!extractor.ok()) return extractor.status();
  return Nets{std::move(*generator), std::move(*extractor)};
}

std::vector<Var<float>> look(const Nets& nets, Var<float> x) {
  const int side = nets.extractor.architecture().input_size;
  return nets.extractor.features(resize_bilinear(nets.generator(x), side, side));
}

void fit_step(benchmark::State& state, const char* generator_json, const char* extractor_json) {
  const Result<Nets> nets = make(generator_json, extractor_json);
  if (!nets.ok()) return state.SkipWithError(nets.status().message.c_str());
  const auto inputs = static_cast<std::int64_t>(nets->generator.architecture().inputs);
  Tensor<float> x{Shape({inputs}), std::vector<float>(static_cast<std::size_t>(inputs), 0.3F)};
  std::vector<Tensor<float>> targets;
  {
    Tape<float> tape;
    for (const Var<float>& feature : look(*nets, tape.constant(x)))
      targets.push_back({feature.shape(), {feature.value().begin(), feature.value().end()}});
  }

  x.data.assign(x.data.size(), 0.5F);
  Tape<float> tape(Recording::deferred);
  const Var<float> sliders = tape.variable(x);
  const std::vector<Var<float>> features = look(*nets, sliders);
  std::vector<Var<float>> terms;
  for (std::size_t i = 0; i < features.size(); ++i) terms.push_back(l1_mean(features[i], tape.constant(targets[i])));
  const std::vector<float> weights(terms.size(), 0.25F);
  const Var<float> loss = weighted_sum<float>(terms, weights);
  Result<Program<float>> program = freeze<float>({.loss = loss, .gradients = {sliders}});
  if (!program.ok()) return state.SkipWithError(program.status().message.c_str());
  double flops = 0;
  for (const PlanStep& step : program->plan()) flops += step.flops;

  Sgd<float> optimizer({.rate = 0.05, .momentum = 0.9});
  for (auto _ : state) {
    program->run();
    benchmark::DoNotOptimize(program->value(loss)[0]);
    optimizer.step(program->input(sliders), program->gradient(sliders));
    project_box(program->input(sliders));
  }
  state.counters["block_MB"] = static_cast<double>(program->bytes()) / 1e6;
  state.counters["GFLOP"] = flops / 1e9;
}

}  // namespace
}  // namespace likeness

int main(int argc, char** argv) {
  using namespace likeness;
  for (const auto& [name, generator, extractor] : {std::tuple("fit_step/compact/fp32", kCompactGenerator, kCompactExtractor),
                                                   std::tuple("fit_step/paper/fp32", kPaperGenerator, kPaperExtractor)}) {
    benchmark::RegisterBenchmark(name, fit_step, generator, extractor)->Unit(benchmark::kMillisecond)->UseRealTime();
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
