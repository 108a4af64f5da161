// Drawings of the pages of a fit, as inline SVG and HTML.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "likeness/likeness.hpp"

namespace likeness::html {

/// The terms of the loss stacked over the iterations, their sum as a line, and a table of the terms at the first and last step.
/// Without curves: the sum only. Empty where there are no losses.
std::string loss_chart(std::span<const double> losses, std::span<const LossCurve> curves);

/// The lines between landmarks (jaw, brows, nose, eyes, mouth) and a dot for each, as SVG in pixels of a picture; `look` is the class
/// photo or client; `halo` sets them off from a picture.
std::string landmark_shapes(const Landmarks& landmarks, std::string_view look, bool halo);
/// The square that holds both, with a margin, as an SVG viewBox.
std::string landmark_frame(const Landmarks& a, const Landmarks& b);
/// A short line from each landmark to its counterpart.
std::string landmark_links(const Landmarks& a, const Landmarks& b);
/// Mean and largest distance by part of the face, in percent of the distance between a's eyes.
std::string landmark_table(const Landmarks& a, const Landmarks& b);

/// A bar on a track from `from` to `to`, in [0, 1]; `look`: further classes.
std::string bar(double from, double to, std::string_view look);

}  // namespace likeness::html
