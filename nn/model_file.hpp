// Networks from model files.
#pragma once

#include "likeness/nn.hpp"
#include "weights/safetensors.hpp"

namespace likeness {

/// The tensors of a checked file, by name. Keeps a pointer to it.
TensorLookup tensor_lookup(const Safetensors& file);

/// The extractor's architecture: the metadata's, else the one that recognise_resnet() finds. Errors: corrupt_model.
Result<ResidualArchitecture> extractor_architecture(const Safetensors& file);

/// Errors: corrupt_model, with the tensor's name.
template <class T = float>
Result<Generator<T>> make_generator(const Safetensors& file, Precision precision = Precision::fp32);
/// As load_extractor() in nn.hpp. Errors: corrupt_model, with the tensor's name.
template <class T = float>
Result<ResidualNet<T>> make_extractor(const Safetensors& file, Precision precision = Precision::fp32);

}  // namespace likeness
