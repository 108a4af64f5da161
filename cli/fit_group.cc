#include "cli/fit_group.hpp"

#include <utility>

#include "fit/photo_status.hpp"
#include "fit/stopwatch.hpp"
#include "image/decode.hpp"

namespace likeness::cli {

Result<BatchInput> group_of(std::vector<BatchInput> inputs) {
  if (inputs.size() < Fitter::kFewestTogether || inputs.size() > Fitter::kMostTogether) {
    return Status{Code::invalid_argument, "--together takes " + std::to_string(Fitter::kFewestTogether) + " to " +
                                              std::to_string(Fitter::kMostTogether) + " photos of one person, not " +
                                              std::to_string(inputs.size())};
  }
  return group_inputs(std::move(inputs));
}

Result<std::vector<FitResult>> fit_group(Fitter& fitter, const BatchFiles& files, const GivenLandmarks& given, const FitOptions& options) {
  std::vector<Image> images;
  std::vector<Landmarks> landmarks;
  std::vector<double> seconds;
  for (std::size_t k = 0; k < files.size(); ++k) {
    const Stopwatch decoding;
    Result<Image> photo = decode_photo(files[k]);
    if (!photo.ok()) return photo_status(photo.status(), k, files.size());
    images.push_back(std::move(*photo));
    seconds.push_back(decoding.seconds());
    if (given.empty()) continue;
    if (!given.of(k).ok()) return photo_status(given.of(k).status(), k, files.size());
    landmarks.push_back(*given.of(k));
  }
  std::vector<PhotoView> views;
  for (const Image& image : images) views.push_back({image.width, image.height, image.pixels});
  Result<std::vector<FitResult>> results =
      given.empty() ? fitter.fit_together(views, options) : fitter.fit_together(views, landmarks, options);
  for (std::size_t k = 0; results.ok() && k < seconds.size(); ++k) (*results)[k].seconds.decode = seconds[k];
  return results;
}

std::vector<std::string> stems_of(const BatchInput& group) {
  std::vector<std::string> stems = {group.stem};
  for (const BatchInput& other : group.others) stems.push_back(other.stem);
  return stems;
}

}  // namespace likeness::cli
