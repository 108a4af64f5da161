// What the writers of mesh files share.
#pragma once

#include <cstdint>
#include <vector>

#include "likeness/mesh.hpp"
#include "likeness/status.hpp"

namespace likeness::scene {

/// Errors: invalid_argument when the arrays of a part do not fit together, an index is out of range, or a value is not finite.
Status check_mesh(const Mesh& mesh);

/// The part's texture as PNG, without the alpha channel where the part is opaque.
Result<std::vector<std::uint8_t>> texture_png(const MeshPart& part);

}  // namespace likeness::scene
