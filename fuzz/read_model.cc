// A model file: safetensors, the architecture in its metadata, and the network that is built from both. Input that begins with `{` is a
// header up to the first line end, then the data: the mutants need not guess the length in front.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "nn/model_file.hpp"
#include "weights/model_file.hpp"
#include "weights/safetensors.hpp"

namespace {

using namespace likeness;  // NOLINT(google-build-using-namespace)

std::vector<std::uint8_t> with_length(const std::uint8_t* data, std::size_t size) {
  const std::uint8_t* end = std::find(data, data + size, '\n');
  const auto length = static_cast<std::uint64_t>(end - data);
  std::vector<std::uint8_t> file;
  for (int i = 0; i < 8; ++i) file.push_back(static_cast<std::uint8_t>(length >> (8 * i)));
  file.insert(file.end(), data, end);
  if (end != data + size) file.insert(file.end(), end + 1, data + size);
  return file;
}

void check_tensors(const Safetensors& file) {
  for (const auto& [name, tensor] : file.tensors()) {
    const Result<std::vector<float>> numbers = file.floats(name);
    if (numbers.ok() == (tensor.dtype == DType::i64)) std::abort();
    if (!numbers.ok()) continue;
    if (static_cast<std::int64_t>(numbers->size()) != tensor.count()) std::abort();
    for (const float v : *numbers) {
      if (!std::isfinite(v)) std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bool bare = size > 0 && data[0] == '{';
  std::vector<std::uint8_t> bytes = bare ? with_length(data, size) : std::vector<std::uint8_t>(data, data + size);
  const Result<Safetensors> tensors = Safetensors::parse(bytes);
  if (ModelFile::parse(std::move(bytes)).ok() && !tensors.ok()) std::abort();
  if (!tensors.ok()) return 0;
  check_tensors(*tensors);
  const auto generator = make_generator(*tensors);
  const auto extractor = make_extractor(*tensors);
  if (generator.ok() && extractor.ok()) std::abort();  // one architecture cannot be both
  return 0;
}
