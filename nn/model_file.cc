#include "nn/model_file.hpp"

#include <string>
#include <utility>

#include "nn/state_dict.hpp"
#include "weights/model_file.hpp"

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

Result<ResidualArchitecture> extractor_architecture(const Safetensors& file) {
  const std::string_view architecture = file.metadata("architecture");
  return architecture.empty() ? recognise_resnet(file) : ResidualArchitecture::parse(architecture);
}

template <class T>
Result<Generator<T>> make_generator(const Safetensors& file, Precision precision) {
  const std::string_view text = file.metadata("architecture");
  if (text.empty()) {
    return Status{Code::corrupt_model,
                  "the metadata has no architecture, which a generator needs (train/export_state_dict.py --generator writes it)"};
  }
  const Result<GeneratorArchitecture> architecture = GeneratorArchitecture::parse(text);
  if (!architecture.ok()) return architecture.status();
  return Generator<T>::create(*architecture, tensor_lookup(file), precision);
}

template <class T>
Result<ResidualNet<T>> make_extractor(const Safetensors& file, Precision precision) {
  const Result<ResidualArchitecture> architecture = extractor_architecture(file);
  if (!architecture.ok()) return architecture.status();
  const TensorLookup tensors = tensor_lookup(file);
  const std::string prefix = trunk_prefix(file);
  if (prefix.empty()) return ResidualNet<T>::create(*architecture, tensors, precision);
  const auto prefixed = [&](const std::string& name) { return tensors(name.starts_with("classifier.") ? name : prefix + name); };
  return ResidualNet<T>::create(*architecture, prefixed, precision);
}

#define LIKENESS_INSTANTIATE(T)                                                \
  template Result<Generator<T>> make_generator(const Safetensors&, Precision); \
  template Result<ResidualNet<T>> make_extractor(const Safetensors&, Precision);
LIKENESS_INSTANTIATE(float)
LIKENESS_INSTANTIATE(double)

namespace {

// What `make` makes of the file; errors begin with the path. Metadata with an architecture is checked as that of every model file.
template <class Make>
auto load(const std::filesystem::path& path, Make&& make) -> decltype(make(std::declval<const Safetensors&>())) {
  const auto at_path = [&](const Status& status) { return Status{status.code, path.string() + ": " + status.message}; };
  Result<Safetensors> file = Safetensors::load(path);
  if (!file.ok()) return file.status();
  if (!file->metadata("architecture").empty()) {
    Result<ModelFile> model = ModelFile::from(std::move(*file));
    if (!model.ok()) return at_path(model.status());
    file = std::move(model->tensors);
  }
  auto network = make(*file);
  if (!network.ok()) return at_path(network.status());
  return network;
}

}  // namespace

Result<Generator<float>> load_generator(const std::filesystem::path& path, Precision precision) {
  return load(path, [&](const Safetensors& file) { return make_generator<float>(file, precision); });
}
Result<ResidualNet<float>> load_extractor(const std::filesystem::path& path, Precision precision) {
  return load(path, [&](const Safetensors& file) { return make_extractor<float>(file, precision); });
}

}  // namespace likeness
