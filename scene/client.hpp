// What every client does before it draws, and who may start programs.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "likeness/scene.hpp"

namespace likeness::scene {

/// The character to draw: `x` made valid, with the nuisance parameters at rest where the options say neutral.
/// Errors: invalid_argument (length, entries that are not finite, options out of range).
Result<std::vector<float>> canonical_character(const Schema& schema, std::span<const float> x, const RenderOptions& options);

/// Whether a scene may start the program that it names. A scene.json that the user or host named may; one that came along in a model
/// folder may not: people take models for data, and download them.
enum class Programs { run, refuse };

/// open_client() with that choice. Errors: those of open_client(), and unavailable for a program with Programs::refuse.
Result<std::unique_ptr<GameClient>> open_client(const std::filesystem::path& scene_json, Programs programs);

/// Opens `named` where it is not empty, with its program; else scene.json of the model folder `folder`, without.
Result<std::unique_ptr<GameClient>> open_scene(const std::filesystem::path& named, const std::filesystem::path& folder);

}  // namespace likeness::scene
