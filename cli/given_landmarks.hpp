// Landmarks that come with the photos: from a finder other than dlib, or from the client where the photo is its own picture.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fit/batch.hpp"
#include "likeness/alignment.hpp"
#include "likeness/status.hpp"

namespace likeness::cli {

/// `--landmarks PATH`, read for every photo of a batch.
class GivenLandmarks {
 public:
  /// `path`: empty, a JSON file (of the only photo), or a folder with STEM.json for each photo. A file holds [[x, y] x 68] or, as
  /// `likeness align --landmarks` writes, {"photo": [...]}; pixels of the upright photo.
  /// Errors: invalid_argument (one file, several photos), not_found. What is wrong with a file of a folder is of()'s error.
  static Result<GivenLandmarks> read(const std::string& path, std::span<const BatchInput> inputs);

  bool empty() const { return landmarks_.empty(); }
  /// Those of the photo `index`. Errors: not_found, io_error, landmarks_bad.
  const Result<Landmarks>& of(std::size_t index) const { return landmarks_[index]; }
  /// What a result depends on, for the ledger; empty without landmarks.
  std::string key() const;

 private:
  std::vector<Result<Landmarks>> landmarks_;
  std::string contents_;
};

}  // namespace likeness::cli
