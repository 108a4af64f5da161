// Characters as textured 3-D meshes, and the files that engines and modelling programs read.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "likeness/status.hpp"

namespace likeness {

/// How alpha is meant. mask: shown where alpha > 0.5, else not at all; blend: mixed with what is behind.
enum class AlphaMode : std::uint8_t { opaque, mask, blend };

/// Triangles of one material. Positions are in metres, y up, the face looks to +z, +x is the character's left.
struct MeshPart {
  std::string name;  ///< "skin", "eye", "hair" ...: letters, digits, '_'
  std::vector<std::array<float, 3>> position;
  std::vector<std::array<float, 3>> normal;  ///< unit length
  std::vector<std::array<float, 2>> uv;      ///< v = 0 at the top of the texture, as in glTF
  std::vector<std::uint8_t> alpha;           ///< one a vertex, a factor on the texture's alpha (255 = 1); or empty
  std::vector<std::uint32_t> triangle;       ///< three vertices each, counter-clockwise from outside
  int width = 0, height = 0;                 ///< of the texture
  std::vector<std::uint8_t> rgba;            ///< height * width * 4, sRGB, alpha not premultiplied, row 0 at the top
  AlphaMode alpha_mode = AlphaMode::opaque;
  bool double_sided = false;
  float roughness = 0.5F;  ///< 0 mirror, 1 matt (glTF's)
};

struct Mesh {
  std::vector<MeshPart> parts;
};

/// One file of several: its name without a folder, and its bytes.
using NamedFile = std::pair<std::string, std::vector<std::uint8_t>>;

/// The mesh as one binary glTF 2.0 file with its textures inside: a node and a mesh for each part under a node `name`. Needs no
/// extension; factors on alpha are vertex colours (COLOR_0). Equal meshes give equal bytes.
/// Errors: invalid_argument (no parts, arrays that do not fit together, values that are not finite).
Result<std::vector<std::uint8_t>> mesh_to_glb(const Mesh& mesh, std::string_view name = "head");

/// The mesh as Wavefront files: textures NAME_PART.png, NAME.mtl, and last NAME.obj, where NAME is `stem` with all but ASCII letters,
/// digits, '-', '.' and '_' replaced by '_'. OBJ has no alpha at vertices: triangles where it is below one half on average are left
/// out, the others keep their texture's. Errors: as mesh_to_glb.
Result<std::vector<NamedFile>> mesh_to_obj(const Mesh& mesh, std::string_view stem = "head");

}  // namespace likeness
