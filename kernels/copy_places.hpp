// Rows of a picture into rows of a padded source (padded_source.hpp).
#pragma once

#include <cstdint>

namespace likeness::kernels {

/// to[j] = from[step j] where mask[step j] > 0 (everywhere if mask is nullptr), else 0, for j < count: a row of the source.
/// `from` and `mask` have at least step (count - 1) + 1 floats; nothing behind that is read.
void copy_places(const float* from, const float* mask, std::int64_t step, std::int64_t count, float* to);

}  // namespace likeness::kernels
