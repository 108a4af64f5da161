// Ambient occlusion of vertices, computed once when the head is packed.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "scene/draw_list.hpp"

namespace likeness::scene {

/// For each receiver the cosine-weighted part (0 to 1) of its sky that the occluding triangles leave free, from `directions`
/// orthographic depth maps spread evenly over the sphere.
std::vector<float> ambient_occlusion(std::span<const Vec3> receiver, std::span<const Vec3> normal, std::span<const Vec3> point,
                                     std::span<const std::uint32_t> triangle, int directions);

}  // namespace likeness::scene
