#include "align/warp.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/parallel.hpp"
#include "image/resample.hpp"

namespace likeness {
namespace {

constexpr int kLargestFrame = 8192;
constexpr double kSharpEnough = 1.25;  // photo pixels per frame pixel up to which plain bilinear sampling does not alias visibly

Status check(const Image& image, int channels, const Affine& map, int size) {
  const bool finite = std::ranges::all_of(map.a, [](double v) { return std::isfinite(v); });
  if (image.width < 1 || image.height < 1 || image.channels != channels || size < 1 || size > kLargestFrame || !finite ||
      !(std::abs(map.determinant()) > 1e-9)) {
    return {Code::invalid_argument, "cannot warp: wrong kind of picture, size or map"};
  }
  return Status::success();
}

// The part of the photo that a frame of `size` pixels sees, with `margin` photo pixels around it for the filters.
struct Box {
  int left, top, right, bottom;
};

Box seen_part(const Image& photo, const Affine& frame_to_photo, int size, double margin) {
  double x0 = std::numeric_limits<double>::max(), y0 = x0, x1 = -x0, y1 = -x0;
  for (const int corner : {0, 1, 2, 3}) {
    const auto p = frame_to_photo.apply((corner & 1) * size, (corner >> 1) * size);
    x0 = std::min(x0, p[0]), x1 = std::max(x1, p[0]), y0 = std::min(y0, p[1]), y1 = std::max(y1, p[1]);
  }
  // At least one pixel is kept, so that a frame wholly outside still has an edge to repeat.
  const auto low = [margin](double v, int n) { return static_cast<int>(std::clamp(std::floor(v - margin), 0.0, n - 1.0)); };
  const auto high = [margin](double v, int n) { return static_cast<int>(std::clamp(std::ceil(v + margin), 1.0, static_cast<double>(n))); };
  Box box{low(x0, photo.width), low(y0, photo.height), high(x1, photo.width), high(y1, photo.height)};
  box.right = std::max(box.right, box.left + 1);
  box.bottom = std::max(box.bottom, box.top + 1);
  return box;
}

Image crop(const Image& image, const Box& box) {
  Image part(box.right - box.left, box.bottom - box.top, image.channels);
  for (int y = 0; y < part.height; ++y) std::copy_n(image.at(box.left, box.top + y), part.row_bytes(), part.row(y));
  return part;
}

void sample_row(const Image& source, const Affine& frame_to_source, int y, Image& picture) {
  for (int x = 0; x < picture.width; ++x) {
    const auto p = frame_to_source.apply(x + 0.5, y + 0.5);
    const double u = std::clamp(p[0] - 0.5, 0.0, source.width - 1.0), v = std::clamp(p[1] - 0.5, 0.0, source.height - 1.0);
    const int u0 = static_cast<int>(u), v0 = static_cast<int>(v);
    const int u1 = std::min(u0 + 1, source.width - 1), v1 = std::min(v0 + 1, source.height - 1);
    const double fu = u - u0, fv = v - v0;
    for (int c = 0; c < 3; ++c) {
      const double top = source.at(u0, v0)[c] * (1 - fu) + source.at(u1, v0)[c] * fu;
      const double bottom = source.at(u0, v1)[c] * (1 - fu) + source.at(u1, v1)[c] * fu;
      picture.at(x, y)[c] = static_cast<std::uint8_t>(top * (1 - fv) + bottom * fv + 0.5);
    }
  }
}

}  // namespace

Result<Warped> warp_photo(const Image& photo, const Affine& photo_to_frame, int size) {
  if (Status status = check(photo, 3, photo_to_frame, size); !status.ok()) return status;
  const Affine frame_to_photo = photo_to_frame.inverse();
  const double shrink = std::sqrt(std::abs(frame_to_photo.determinant()));

  const Image* source = &photo;
  Image reduced;
  Affine frame_to_source = frame_to_photo;
  if (shrink > kSharpEnough) {
    const Box box = seen_part(photo, frame_to_photo, size, 3 * shrink);
    const Image part = crop(photo, box);
    const int width = std::max(1, static_cast<int>(std::lround(part.width / shrink)));
    const int height = std::max(1, static_cast<int>(std::lround(part.height / shrink)));
    Result<Image> resized = resize(part, width, height, Filter::bilinear);
    if (!resized.ok()) return resized.status();
    reduced = std::move(*resized);
    source = &reduced;
    const double sx = static_cast<double>(width) / part.width, sy = static_cast<double>(height) / part.height;
    frame_to_source = Affine{{sx, 0, -sx * box.left, 0, sy, -sy * box.top}}.after(frame_to_photo);
  }

  Warped warped{Image(size, size, 3), Image(size, size, 1)};
  parallel_for(size, [&](std::int64_t row) {
    const int y = static_cast<int>(row);
    sample_row(*source, frame_to_source, y, warped.picture);
    for (int x = 0; x < size; ++x) {
      const auto p = frame_to_photo.apply(x + 0.5, y + 0.5);
      const bool inside = p[0] >= 0 && p[1] >= 0 && p[0] <= photo.width && p[1] <= photo.height;
      *warped.coverage.at(x, y) = inside ? 255 : 0;
    }
  });
  return warped;
}

Result<Image> warp_labels(const Image& labels, const Affine& photo_to_frame, int size, std::uint8_t outside) {
  if (Status status = check(labels, 1, photo_to_frame, size); !status.ok()) return status;
  const Affine frame_to_map = photo_to_frame.inverse();
  Image warped(size, size, 1);
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      const auto p = frame_to_map.apply(x + 0.5, y + 0.5);
      const bool inside = p[0] >= 0 && p[1] >= 0 && p[0] < labels.width && p[1] < labels.height;
      *warped.at(x, y) = inside ? *labels.at(static_cast<int>(p[0]), static_cast<int>(p[1])) : outside;
    }
  }
  return warped;
}

}  // namespace likeness
