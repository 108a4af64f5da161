// Which network a plain PyTorch state_dict is, from its tensors' names and shapes.
#pragma once

#include "likeness/nn.hpp"
#include "weights/safetensors.hpp"

namespace likeness {

/// "backbone." where the trunk's names begin so (torchvision's segmentation networks), else "".
std::string trunk_prefix(const Safetensors& file);

/// A torchvision ResNet, as load_extractor() in nn.hpp says. What names and shapes do not tell is torchvision's: stem stride 2 and max
/// pool, ImageNet's mean and std; dilated to output stride 8 where the names begin with "backbone.".
/// Errors: corrupt_model, with the tensor that is missing or odd.
Result<ResidualArchitecture> recognise_resnet(const Safetensors& file);

}  // namespace likeness
