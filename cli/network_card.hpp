// What there is to say about a network: for `likeness inspect`.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "likeness/program.hpp"
#include "weights/safetensors.hpp"

namespace likeness::cli {

struct NetworkCard {
  std::vector<std::pair<std::string, std::string>> facts;  ///< label, text
  std::string task;                                        ///< what the plan computes
  std::vector<PlanStep> plan;
  std::size_t block_bytes = 0;  ///< memory of the plan

  /// Floating point operations of the forward steps, or of all.
  double flops(bool forward_only) const;
};

/// The network of a model file and the plan of what it is for (generator: picture, gradient to the sliders; extractor: features, logits
/// where it has a head, gradient to the picture). Nothing where the file holds tensors but no network that the program runs.
/// Errors: corrupt_model.
Result<std::optional<NetworkCard>> describe_network(const Safetensors& file);

/// The fit step of a model folder: loss of the picture that the generator makes of the sliders, gradient to the sliders.
/// Errors: not_found, io_error, corrupt_model, schema_mismatch.
Result<NetworkCard> describe_fit_step(const std::filesystem::path& folder);

}  // namespace likeness::cli
