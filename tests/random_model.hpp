// A model folder whose networks have random weights: the program runs on it, the likeness is not tested.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "likeness/scene.hpp"
#include "nn/random_tensors.hpp"
#include "weights/safetensors.hpp"

namespace likeness::test {

inline void write_network(const std::filesystem::path& file, const TensorMap& tensors, const nlohmann::json& architecture) {
  SafetensorsWriter writer;
  for (const auto& [key, tensor] : tensors) {
    std::vector<std::int64_t> shape;
    for (int i = 0; i < tensor.shape.rank(); ++i) shape.push_back(tensor.shape[i]);
    ASSERT_TRUE(writer.add(key, shape, tensor.data, DType::f16).ok());
  }
  writer.set_metadata("architecture", architecture.dump());
  ASSERT_TRUE(writer.save(file).ok());
}

/// generator.safetensors and extractor.safetensors for a scene of this schema.
inline void write_random_model(const std::filesystem::path& folder, const Schema& schema) {
  const nlohmann::json g = {{"type", "generator"}, {"inputs", schema.size()}, {"channels", {24, 16, 12, 8, 3}}, {"schema", schema.hash()}};
  write_network(folder / "generator.safetensors", random_tensors(*GeneratorArchitecture::parse(g.dump()), 1), g);
  const nlohmann::json f = {{"type", "residual"},
                            {"block", "basic"},
                            {"layers", {1, 1}},
                            {"widths", {6, 10}},
                            {"stem", {{"width", 6}, {"kernel", 3}, {"stride", 2}, {"max_pool", false}}},
                            {"input_size", 64},
                            {"mean", {0.5, 0.5, 0.5}},
                            {"std", {0.25, 0.25, 0.25}},
                            {"head", {{"type", "pyramid"}, {"width", 8}, {"classes", 11}}}};
  write_network(folder / "extractor.safetensors", random_tensors(*ResidualArchitecture::parse(f.dump()), 2), f);
}

}  // namespace likeness::test
