// A cascade of regression trees from grey differences to 68 landmarks (Kazemi and Sullivan, CVPR 2014).
//
// dlib's own trainer compares every candidate split by all 136 coordinates and takes landmarks in whole pixels. Here candidates are
// compared by the principal components of what is left to learn, on a part of the samples, which is some thirty times as fast and lets more
// candidates be tried; and leaves are rounded as they are made, so that later trees correct the rounding and the file shrinks by a third.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "train/landmarks/samples.hpp"

namespace likeness::landmarks {

/// x' = a x - b y, y' = b x + a y: a similarity without shift.
struct Turn {
  float a = 1, b = 0;
};
/// The similarity that carries one shape onto another with the least squares (Umeyama, TPAMI 1991, in complex numbers), less its shift.
Turn turn_between(const Shape& from, const Shape& to);

/// A pixel of a cascade level: this far from a landmark of the mean shape.
struct PixelPlace {
  int anchor = 0;
  float dx = 0, dy = 0;
};

struct Split {
  int first = 0, second = 0;  ///< pixels of the level; left if grey(first) - grey(second) > threshold
  float threshold = 0;
};

struct Tree {
  std::vector<Split> splits;  ///< breadth first; 2^depth - 1
  std::vector<Shape> leaves;  ///< 2^depth
};

struct Level {
  std::vector<std::array<float, 2>> coordinates;  ///< of the pixels, in units of the mean shape
  std::vector<PixelPlace> places;                 ///< the same, relative to the nearest landmark
  std::vector<Tree> trees;
};

struct Cascade {
  Shape mean{};
  std::vector<Level> levels;
};

struct TrainOptions {
  int levels = 12, trees = 95, depth = 4;
  int pixels = 500;              ///< grey values that a level looks at
  int candidates = 100;          ///< splits tried at a node
  int starts = 2;                ///< starting shapes of a sample
  float rate = 0.12F;            ///< of boosting
  float reach = 0.12F;           ///< scale on which nearby pixels are preferred in pairs, in boxes
  double jaw = 0.35;             ///< weight of the jaw's landmarks when splits are chosen
  std::size_t searched = 16384;  ///< samples by which splits are chosen
  std::uint64_t seed = 1;
  std::function<void(int level, const Cascade&, double error)> report;  ///< after a level; mean error of the training samples
};

/// Precondition: samples.count() > 0, and each landmark is known in some sample.
Cascade train(const Samples& samples, const TrainOptions& options);

/// The shape of a sample by the cascade, from `start`.
Shape apply(const Cascade& cascade, const Samples& samples, std::size_t index, const Shape& start);

/// Mean distance of the known inner landmarks (17-67), parts of the distance between the eyes' middles; NaN without any.
double inner_error(const Shape& found, const Shape& exact);

/// To eight significant bits: dlib stores such a number in four bytes instead of seven.
float rounded(float value);

}  // namespace likeness::landmarks
