#include "scene/mesh_files.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <set>
#include <string>

#include "image/encode.hpp"

namespace likeness::scene {
namespace {

Status bad(const std::string& what) { return {Code::invalid_argument, "the mesh: " + what}; }

template <class Vectors>
bool all_finite(const Vectors& vectors) {
  return std::all_of(vectors.begin(), vectors.end(),
                     [](const auto& v) { return std::all_of(v.begin(), v.end(), [](float c) { return std::isfinite(c); }); });
}

bool is_plain(const std::string& name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

Status check_mesh(const Mesh& mesh) {
  if (mesh.parts.empty()) return bad("there are no parts");
  std::set<std::string> names;
  for (const MeshPart& part : mesh.parts) {
    if (!is_plain(part.name) || !names.insert(part.name).second) return bad("names of parts must be plain, and differ");
    const std::size_t count = part.position.size();
    const bool fits =
        count > 0 && part.normal.size() == count && part.uv.size() == count && (part.alpha.empty() || part.alpha.size() == count);
    if (!fits || part.triangle.empty() || part.triangle.size() % 3 != 0)
      return bad("the arrays of \"" + part.name + "\" do not fit together");
    // Both formats count with 32 bits: a GLB holds at most 4 GiB, and this keeps every part far below.
    constexpr std::size_t kMost = std::size_t{1} << 24;
    if (count > kMost || part.triangle.size() > 3 * kMost)
      return bad("\"" + part.name + "\" has more than 16 million vertices or triangles");
    if (*std::max_element(part.triangle.begin(), part.triangle.end()) >= count)
      return bad("a triangle of \"" + part.name + "\" has no vertex");
    if (!all_finite(part.position) || !all_finite(part.normal) || !all_finite(part.uv))
      return bad("\"" + part.name + "\" has a value that is not finite");
    constexpr int kSide = 16384;
    if (part.width < 1 || part.height < 1 || part.width > kSide || part.height > kSide ||
        part.rgba.size() != std::size_t{4} * static_cast<std::size_t>(part.width) * static_cast<std::size_t>(part.height))
      return bad("the texture of \"" + part.name + "\" does not have its size");
  }
  return Status::success();
}

Result<std::vector<std::uint8_t>> texture_png(const MeshPart& part) {
  const int channels = part.alpha_mode == AlphaMode::opaque ? 3 : 4;
  Image image(part.width, part.height, channels);
  auto to = image.pixels.begin();
  for (std::size_t texel = 0; texel < part.rgba.size(); texel += 4)
    to = std::copy_n(part.rgba.begin() + static_cast<std::ptrdiff_t>(texel), channels, to);
  return encode_png(image);
}

}  // namespace likeness::scene
