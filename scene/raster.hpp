// The software rasteriser: a DrawList becomes a picture and a label map.
#pragma once

#include "likeness/scene.hpp"
#include "scene/camera.hpp"
#include "scene/draw_list.hpp"

namespace likeness::scene {

/// Draws `list` as `camera`, `view` and `framing` show it: for every vertex e = Projector(camera, view).eye(position), pixel =
/// to_pixels(framing, plane(e), options.size). Reads size, labels and supersample of `options`, which the caller has checked.
/// Fills every field of Rendering, landmarks included (list.landmarks projected). Deterministic and safe to call from several
/// threads at once.
Rendering rasterise(const DrawList& list, const Camera& camera, const View& view, const Framing& framing, const RenderOptions& options);

}  // namespace likeness::scene
