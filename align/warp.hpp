// Carrying a photo onto the frame of the reference face.
#pragma once

#include <cstdint>

#include "align/affine.hpp"
#include "image/image.hpp"
#include "likeness/status.hpp"

namespace likeness {

/// A photo in the reference face's frame.
struct Warped {
  Image picture;   ///< size x size RGB; where the photo does not reach, its nearest edge pixel
  Image coverage;  ///< size x size, 1 channel: 255 where the photo reaches, 0 elsewhere
};

/// Warps an RGB photo: picture(p) = photo(inverse(photo_to_frame)(p)), bilinear. Where the map shrinks, the photo is first resized with
/// an antialiasing filter, so that fine detail does not turn into noise. The result depends on no thread count.
/// Errors: invalid_argument (not RGB, size outside 1 to 8192, a map that cannot be inverted).
Result<Warped> warp_photo(const Image& photo, const Affine& photo_to_frame, int size);

/// Warps a 1-channel label map by its nearest pixel; `outside` where the map does not reach. Errors: as warp_photo.
Result<Image> warp_labels(const Image& labels, const Affine& photo_to_frame, int size, std::uint8_t outside);

}  // namespace likeness
