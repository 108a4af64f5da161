// What the fit benchmarks run: picture = generator(x) at 512x512, resized to the extractor's size, features of every stage, L1 means,
// gradient to x. Random weights of the shipped (compact) and the published (paper) architectures; batch 1.
#pragma once

#include <string>
#include <vector>

#include "likeness/nn.hpp"
#include "likeness/program.hpp"
#include "nn/random_tensors.hpp"

namespace likeness::bench {

struct Architectures {
  const char* generator;
  const char* extractor;
};

inline constexpr Architectures kCompact = {R"({"type":"generator","inputs":142,"channels":[320,256,192,128,64,40,16,3]})",
                                           R"({"type":"residual","block":"basic","layers":[1,2,2,2],"widths":[16,48,96,160],
        "stem":{"width":16,"kernel":3,"stride":2,"max_pool":false},"input_size":256,"mean":[0.5,0.4,0.4],"std":[0.25,0.25,0.25]})"};
inline constexpr Architectures kPaper = {R"({"type":"generator","inputs":310,"channels":[512,512,512,256,128,64,64,3]})",
                                         R"({"type":"residual","block":"bottleneck","layers":[3,4,6,3],"widths":[64,128,256,512],
        "stem":{"width":64,"kernel":7,"stride":2,"max_pool":true},"input_size":256,"mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225]})"};

struct Nets {
  Generator<float> generator;
  ResidualNet<float> extractor;
};

inline Result<Nets> make_nets(const Architectures& architectures, Precision precision = Precision::fp32) {
  const auto ga = GeneratorArchitecture::parse(architectures.generator);
  if (!ga.ok()) return ga.status();
  const auto ra = ResidualArchitecture::parse(architectures.extractor);
  if (!ra.ok()) return ra.status();
  const TensorMap gt = random_tensors(*ga, 1);
  const TensorMap rt = random_tensors(*ra, 2);
  auto generator = Generator<float>::create(*ga, tensor_lookup(gt), precision);
  if (!generator.ok()) return generator.status();
  auto extractor = ResidualNet<float>::create(*ra, tensor_lookup(rt), precision);
  if (!extractor.ok()) return extractor.status();
  return Nets{std::move(*generator), std::move(*extractor)};
}

inline std::vector<Var<float>> look(const Nets& nets, Var<float> x) {
  const int side = nets.extractor.architecture().input_size;
  return nets.extractor.features(resize_bilinear(nets.generator(x), side, side));
}

/// The features of x = 0.3 everywhere, to be compared with. Computed as outputs of a program: a tape would keep every layer.
inline Result<std::vector<Tensor<float>>> make_targets(const Nets& nets) {
  const std::vector<float> x(static_cast<std::size_t>(nets.generator.architecture().inputs), 0.3F);
  Tape<float> tape(Recording::deferred);
  const std::vector<Var<float>> features = look(nets, tape.variable({nets.generator.architecture().inputs}, x));
  Result<Program<float>> program = freeze<float>({.outputs = features});
  if (!program.ok()) return program.status();
  program->forward();
  std::vector<Tensor<float>> targets;
  for (const Var<float>& feature : features) {
    const std::span<const float> value = program->value(feature);
    targets.push_back({feature.shape(), {value.begin(), value.end()}});
  }
  return targets;
}

/// A frozen fit step that starts at x = 0.5.
struct FitStep {
  Var<float> sliders, loss;
  Program<float> program;
};

/// `targets` must outlive the step.
inline Result<FitStep> make_fit_step(const Nets& nets, const std::vector<Tensor<float>>& targets) {
  const std::vector<float> x(static_cast<std::size_t>(nets.generator.architecture().inputs), 0.5F);
  Tape<float> tape(Recording::deferred);
  const Var<float> sliders = tape.variable({nets.generator.architecture().inputs}, x);
  const std::vector<Var<float>> features = look(nets, sliders);
  std::vector<Var<float>> constants;
  for (const Tensor<float>& target : targets) constants.push_back(tape.constant(target));
  const std::vector<float> weights(features.size(), 0.25F);
  const Var<float> loss = feature_l1<float>(features, constants, weights);
  Result<Program<float>> program = freeze<float>({.loss = loss, .gradients = {sliders}});
  if (!program.ok()) return program.status();
  return FitStep{sliders, loss, std::move(*program)};
}

}  // namespace likeness::bench
