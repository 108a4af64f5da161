// The features that an extractor's file gives of a picture, and a gradient through all of it, for train/check_extractor.py to compare with
// PyTorch.
//
//   extract_features MODEL.safetensors PICTURE.safetensors OUT.safetensors
//
// PICTURE holds `picture` [1, 3, H, W], RGB in [0, 1]. OUT holds layer1, layer2, ..., and `gradient` [1, 3, H, W], that of the sum over the
// stages of mean |feature| with respect to the picture. Computed by a frozen program.
#include <cstdio>
#include <string>

#include "likeness/nn.hpp"
#include "likeness/program.hpp"
#include "nn/model_file.hpp"

namespace likeness {
namespace {

Status add(SafetensorsWriter& writer, const std::string& name, const Shape& shape, std::span<const float> values) {
  std::vector<std::int64_t> sizes;
  for (int i = 0; i < shape.rank(); ++i) sizes.push_back(shape[i]);
  return writer.add(name, sizes, values);
}

Status run(const std::string& model, const std::string& input, const std::string& output) {
  const auto extractor = load_extractor(model);
  if (!extractor.ok()) return extractor.status();
  const auto file = Safetensors::load(input);
  if (!file.ok()) return file.status();
  const auto picture = tensor_lookup(*file)("picture");
  if (!picture) return {Code::invalid_argument, input + ": has no tensor \"picture\""};
  Tape<float> tape(Recording::deferred);
  const Var<float> x = tape.variable(*picture);
  const std::vector<Var<float>> features = extractor->features(x);
  if (!tape.status().ok()) return tape.status();
  std::vector<Tensor<float>> zeros;
  for (const Var<float>& f : features) zeros.push_back({f.shape(), std::vector<float>(static_cast<std::size_t>(f.shape().size()))});
  std::vector<Var<float>> targets;
  for (const Tensor<float>& zero : zeros) targets.push_back(tape.constant(zero));
  const std::vector<float> ones(features.size(), 1.0F);
  Result<Program<float>> program =
      freeze<float>({.loss = feature_l1<float>(features, targets, ones), .gradients = {x}, .outputs = features});
  if (!program.ok()) return program.status();
  program->run();
  SafetensorsWriter writer;
  for (std::size_t i = 0; i < features.size(); ++i) {
    if (Status s = add(writer, "layer" + std::to_string(i + 1), features[i].shape(), program->value(features[i])); !s.ok()) return s;
  }
  if (Status s = add(writer, "gradient", picture->shape, program->gradient(x)); !s.ok()) return s;
  return writer.save(output);
}

}  // namespace
}  // namespace likeness

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: extract_features MODEL.safetensors PICTURE.safetensors OUT.safetensors\n");
    return 2;
  }
  const likeness::Status status = likeness::run(argv[1], argv[2], argv[3]);
  if (!status.ok()) std::fprintf(stderr, "extract_features: %s: %s\n", code_name(status.code), status.message.c_str());
  return status.ok() ? 0 : 1;
}
