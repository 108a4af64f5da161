// Geometry shared by the head model and the packer.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "scene/draw_list.hpp"
#include "scene/head_asset.hpp"

namespace likeness::scene {

/// The surface's triangles as indices of points instead of corners.
std::vector<std::uint32_t> point_triangles(const Surface& surface);

/// Unit normals of points, area weighted over the triangles (three indices each) that share them; (0, 0, 1) where there are none.
std::vector<Vec3> point_normals(std::span<const Vec3> point, std::span<const std::uint32_t> triangle);

/// Positions of a proxy's points on a base mesh. `relaxed` is the base mesh without expression: the proxy's scale is taken there,
/// else an open mouth would stretch teeth and hair, whose scales are distances to the jaw.
std::vector<Vec3> fit_proxy(const Proxy& proxy, std::span<const Vec3> base, std::span<const Vec3> relaxed);

}  // namespace likeness::scene
