// Training pictures of train/landmark_data.py: grey crops with 68 landmarks.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "likeness/status.hpp"

namespace likeness::landmarks {

constexpr int kCoordinates = 136;  // x0, y0, x1, y1, ... of dlib's 68 points

/// The crop that the face finder gives to the predictor (align/face_finder_dlib.cc): 480 pixels, the detector's box being the middle 280.
constexpr int kCrop = 480;
constexpr int kBox = 280;
/// dlib maps the first and the last pixel of the box to 0 and 1. Shapes are in these units; `crop` is in pixels, a pixel's middle at 0.5.
constexpr float from_crop(float crop) { return (crop - (kCrop - kBox) / 2 - 0.5F) / (kBox - 1); }
constexpr float to_crop(float shape) { return shape * (kBox - 1) + (kCrop - kBox) / 2 + 0.5F; }

using Shape = std::array<float, kCoordinates>;

/// Pictures of one size, which show the same part as the face finder's crop at another scale.
struct Samples {
  int size = 0;                      ///< side of a picture, at most kCrop
  std::vector<std::uint8_t> pixels;  ///< count x size x size
  std::vector<Shape> shapes;         ///< NaN: unknown

  std::size_t count() const { return shapes.size(); }
  /// The grey value at a point of the crop; 0 outside.
  std::uint8_t at(std::size_t index, float x, float y) const;
};

/// Appends a sample file (its layout: train/landmark_data.py). Errors: not_found, io_error, corrupt_model (damaged, or of another size
/// than what `samples` holds).
Status append_samples(const std::filesystem::path& path, Samples& samples);

}  // namespace likeness::landmarks
