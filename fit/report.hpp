// The files of a fitted character.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "image/image.hpp"
#include "likeness/likeness.hpp"

namespace likeness {

/// What a result depends on besides the photo, as canonical JSON: options, network and schema hashes, program version.
std::string options_json(const Model& model, const FitOptions& options);
/// A short key of options_json(), for the ledger.
std::string options_key(const Model& model, const FitOptions& options);

/// character.json: what character_to_json() writes, and under "fit" the similarity, the losses, iterations, why it ended, the options and
/// the hashes. Equal inputs give equal bytes: no times.
std::string character_report(const Model& model, const FitResult& result, const FitOptions& options);
/// The same of photos that were fitted together: the shared character with the first photo's nuisance parameters, the mean similarity and
/// loss, and under "fit" also "photos", one entry a photo: its stem, similarity, loss and nuisance parameters.
std::string character_report(const Model& model, std::span<const FitResult> results, std::span<const std::string> stems,
                             const FitOptions& options);

/// Of photos that were fitted together.
double mean_similarity(std::span<const FitResult> results);

/// Equally large pictures side by side.
Image side_by_side(std::span<const Image> pictures);
/// Equally wide pictures below each other.
Image stacked(std::span<const Image> pictures);
/// A picture as an Image.
Image image_from(const Picture& picture);

/// Writes character.json, character.mhm (where the scene has one), aligned.png, generated.png, rendered.png and panel.png into `folder`,
/// each through a temporary file; character.json last, so that where it exists the others do. The report.html of an earlier fit goes.
/// Errors: io_error, and those of character_to_mhm() other than unavailable.
Status write_result(const std::filesystem::path& folder, const std::string& name, const Model& model, const FitResult& result,
                    const FitOptions& options);
/// The same files of photos that were fitted together, named after the first stem. The single pictures are the first photo's; the panel has
/// one row a photo: aligned, generated, and the client's picture with that photo's pose, expression and light.
Status write_results(const std::filesystem::path& folder, std::span<const std::string> stems, const Model& model,
                     std::span<const FitResult> results, const FitOptions& options);

}  // namespace likeness
