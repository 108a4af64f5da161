// What fits of photos came to: figures of each and of all together (docs/quality.md says what they mean).
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/evaluate_figures.hpp"
#include "cli/evaluate_stability.hpp"
#include "fit/companions.hpp"
#include "likeness/likeness.hpp"

namespace likeness::cli {

/// What is kept of a photo's fit: no pictures.
struct PhotoFigures {
  std::string stem;
  Status status;       ///< not ok: the photo was refused, and there is nothing else
  double seconds = 0;  ///< wall clock, from the file's bytes to the result
  FitSeconds parts;
  int iterations = 0;
  StopReason stop = StopReason::iterations;
  double loss = 0, similarity = 0, imitator_gap = 0;
  std::vector<std::pair<std::string, double>> terms;          ///< of the loss, at the last step
  Landmarks framed{}, drawn{};                                ///< the photo's and the client's, in pixels of the frame
  std::optional<double> found;                                ///< 51 landmarks, both found by the finder; per cent; nothing where it fails
  std::array<std::optional<double>, kColourRegions> colours;  ///< CIEDE2000 to the picture as fitted; nothing where one does not show it
  std::optional<double> neutral_skin;                         ///< the same of skin, to the neutral picture
  Character character;
};

/// Measures a fit; the neutral picture is drawn again for its labels, and the face in the picture as fitted is found as a photo's is.
/// `stem`, `status` and `seconds` are left to the caller. Errors: those of the client.
Result<PhotoFigures> measure_fit(const FitResult& fit, const Model& model);

/// Figures of all photos, refused ones among them.
class FitReport {
 public:
  /// `schema` and `photos` must outlive this.
  FitReport(const Schema& schema, std::span<const PhotoFigures> photos);
  void add_to(Figures& figures) const;
  /// A header and a line for every photo in order; cells are empty where there is no such figure.
  std::string csv() const;

 private:
  void add_stability(Figures& figures) const;

  // Between the fits of photos i and j of those done.
  double apart(std::size_t i, std::size_t j) const { return distance_(done_[i]->character.x, done_[j]->character.x); }

  std::span<const PhotoFigures> photos_;
  std::vector<const PhotoFigures*> done_;
  // Of those done, in per cent of the inter-ocular distance; centred is empty where there are fewer than two, whose own mean it would be.
  std::vector<double> landmarks_, centred_;
  std::vector<std::string> terms_;                           // every name, in the order in which they turn up
  std::vector<std::pair<std::size_t, std::size_t>> people_;  // first and second photo, of those done
  IdentityDistance distance_;
};

}  // namespace likeness::cli
