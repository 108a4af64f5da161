#include "nn/model_file.hpp"

#include <utility>

namespace likeness {

TensorLookup tensor_lookup(const Safetensors& file) {
  return [&file](const std::string& name) -> std::optional<Tensor<float>> {
    const TensorEntry* entry = file.find(name);
    if (entry == nullptr) return std::nullopt;
    Result<std::vector<float>> numbers = file.floats(name);
    if (!numbers.ok()) return std::nullopt;  // integers: not a tensor that a network asks for
    return Tensor<float>{Shape(std::span<const std::int64_t>(entry->shape)), std::move(*numbers)};
  };
}

Result<Generator<float>> make_generator(const ModelFile& file) {
  const Result<GeneratorArchitecture> architecture = GeneratorArchitecture::parse(file.architecture);
  if (!architecture.ok()) return architecture.status();
  return Generator<float>::create(*architecture, tensor_lookup(file.tensors));
}

Result<ResidualNet<float>> make_extractor(const ModelFile& file) {
  const Result<ResidualArchitecture> architecture = ResidualArchitecture::parse(file.architecture);
  if (!architecture.ok()) return architecture.status();
  return ResidualNet<float>::create(*architecture, tensor_lookup(file.tensors));
}

Result<Generator<float>> load_generator(const std::filesystem::path& path) {
  const Result<ModelFile> file = ModelFile::load(path);
  if (!file.ok()) return file.status();
  Result<Generator<float>> generator = make_generator(*file);
  if (!generator.ok()) return Status{generator.status().code, path.string() + ": " + generator.status().message};
  return generator;
}

Result<ResidualNet<float>> load_extractor(const std::filesystem::path& path) {
  const Result<ModelFile> file = ModelFile::load(path);
  if (!file.ok()) return file.status();
  Result<ResidualNet<float>> net = make_extractor(*file);
  if (!net.ok()) return Status{net.status().code, path.string() + ": " + net.status().message};
  return net;
}

}  // namespace likeness
