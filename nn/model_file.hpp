// Networks from model files.
#pragma once

#include "likeness/nn.hpp"
#include "weights/model_file.hpp"

namespace likeness {

/// The tensors of a checked file, by name. Keeps a pointer to it.
TensorLookup tensor_lookup(const Safetensors& file);

/// Errors: corrupt_model, with the tensor's name.
Result<Generator<float>> make_generator(const ModelFile& file);
Result<ResidualNet<float>> make_extractor(const ModelFile& file);

}  // namespace likeness
