// Random weights for an architecture: benchmarks and tests run without model files.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "likeness/nn.hpp"

namespace likeness {

using TensorMap = std::map<std::string, Tensor<float>>;

/// Every tensor that the network asks for, He-scaled, batch norm already folded. A function of the architecture and the seed.
TensorMap random_tensors(const GeneratorArchitecture& architecture, std::uint64_t seed);
TensorMap random_tensors(const ResidualArchitecture& architecture, std::uint64_t seed);

/// Looks names up in `map`, which must outlive the lookup.
TensorLookup tensor_lookup(const TensorMap& map);

}  // namespace likeness
