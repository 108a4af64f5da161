// What the measurements share: which classes of label maps count, distances between pictures, features of a picture.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "fit/companions.hpp"
#include "fit/face_difference.hpp"
#include "image/image.hpp"
#include "likeness/alignment.hpp"
#include "likeness/likeness.hpp"
#include "likeness/nn.hpp"
#include "likeness/scene.hpp"
#include "scene/labels.hpp"

namespace likeness::cli {

/// In label maps: not counted.
constexpr std::uint8_t kIgnore = 255;

/// The pictures of a rendering.
Image picture_of(Rendering& rendering);
Image labels_of(Rendering& rendering);
/// A fit's label map as a picture of 1 channel.
Image labels_of(const Labels& labels);

/// Mean sRGB colour in [0, 1] of the places of two classes; nothing where they cover less than `least_share` of the picture.
std::optional<std::array<double, 3>> mean_colour(const Image& picture, const Image& labels, const std::array<int, 2>& classes,
                                                 double least_share);
/// Of the picture, the least share of each colour region for its mean colour to mean anything: as in train/companions.py.
constexpr std::array<double, kColourRegions> kLeastShare = {5e-3, 5e-3, 1e-3, 1e-3};
/// CIEDE2000 between two sRGB colours in [0, 1].
double colour_distance(const std::array<double, 3>& a, const std::array<double, 3>& b);

/// The mean position of each landmark; all (0, 0) where there are no faces.
Landmarks mean_landmarks(std::span<const Landmarks> faces);
/// Mean distance of the 51 landmarks without the jaw.
double inner_distance(const Landmarks& a, const Landmarks& b);
/// inner_distance(photos[i], drawn[i]) in per cent of photo i's inter-ocular distance, once the offset between the two means over all faces
/// is taken off every landmark of the photos: a landmark finder places points elsewhere than a client does, in the same way in every face.
std::vector<double> centred_landmark_percents(std::span<const Landmarks> photos, std::span<const Landmarks> drawn);

/// The extractor's features of a square RGB picture, box-filtered to its input size. `tape` is cleared. Errors: those of the tape.
Result<std::vector<Var<float>>> features_of(const ResidualNet<float>& extractor, Tape<float>& tape, const Image& picture);

}  // namespace likeness::cli
