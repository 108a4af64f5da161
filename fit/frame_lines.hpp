// The lines that the frame of a pair of glasses draws: extractors are trained to look past glasses, so their features do not tell.
#pragma once

#include "image/image.hpp"
#include "likeness/alignment.hpp"

namespace likeness {

/// How strongly lines cross the bridge of the nose and run below the eyes. A line's strength is the luma of what lies 0.045 inter-ocular
/// distances above and below it, less its own, against the luma of the cheeks' height.
struct FrameLines {
  /// The strongest, dark or light, from 0.35 above to 0.15 below the middle of the eyes; at most 1. Of 99 portraits the 17 with glasses
  /// have 0.31 and more, the others 0.22 and less.
  double bridge = 0;
  double rims = 0;    ///< the strongest dark one from 0.15 to 0.55 below an eye, mean of both; at most 1
  double bottom = 0;  ///< where that is, in inter-ocular distances below the eyes: narrow glasses or large ones

  static constexpr double kWorn = 0.26;  ///< a bridge that is probably one of glasses
};

/// `landmarks` in pixels of the RGB picture. Landmarks that are not finite or outside give nothing.
FrameLines frame_lines(const Image& picture, const Landmarks& landmarks);

/// How differently two faces' glasses look, or that one wears none: 0 the same, about 1 between glasses and none.
double frame_distance(const FrameLines& a, const FrameLines& b);

}  // namespace likeness
