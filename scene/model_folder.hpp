// Where the model is.
#pragma once

#include <filesystem>

namespace likeness {

/// The folder of the model: `named` if not empty, else $LIKENESS_MODEL, else share/likeness/models/makehuman-head beside the running
/// program's folder, else weights/models/makehuman-head in the working folder or above the program (a build tree), else the one in the
/// data folder that the build was configured to install to. Where none exists: weights/models/makehuman-head, which the loader then
/// reports as missing.
std::filesystem::path model_folder(const std::filesystem::path& named);

}  // namespace likeness
