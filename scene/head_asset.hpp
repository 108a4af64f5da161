// The packed head: everything the head model needs of the MakeHuman package, in one file (head.asset).
//
// File: 8 bytes "LKHEAD3\n", uint32 number of chunks, 4 zero bytes, uint64 checksum of all that follows, then the chunks: 4-byte
// tag, 4 zero bytes, uint64 length, payload. Little endian throughout. The order and layout of the chunks is in head_asset.cc, one
// function for both directions. The reader checks every count and index, so a HeadAsset that it returns is safe to use.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "likeness/status.hpp"
#include "scene/draw_list.hpp"
#include "scene/skin_maps.hpp"

namespace likeness::scene {

/// Vertices of a surface that may share positions: corner i lies at point `point[i]` with its own uv.
struct Surface {
  std::vector<std::uint16_t> point;     ///< index of the position, one a corner
  std::vector<Vec2> uv;                 ///< one a corner
  std::vector<float> occlusion;         ///< one a corner
  std::vector<std::uint32_t> triangle;  ///< three corners each, counter-clockwise from outside
};

/// A morph target: displacement of a few points, in thousandths of a decimetre.
struct SparseTarget {
  std::string name;
  std::vector<std::uint16_t> point;
  std::vector<std::int16_t> delta;  ///< x, y, z a point
};

/// A mesh that follows the base mesh: position = sum(weight * base[reference]) + S offset, S = diag(|base[a] - base[b]| / den).
struct Proxy {
  struct Axis {
    std::array<std::uint16_t, 2> point{};  ///< a, b
    float length = 1;                      ///< den, decimetres
  };
  std::string name;
  Material material = Material::hair;
  std::uint32_t texture = 0;  ///< index in HeadAsset::textures
  std::array<Axis, 3> scale;  ///< x, y, z
  std::vector<std::array<std::uint16_t, 3>> reference;
  std::vector<Vec3> weight;
  std::vector<Vec3> offset;
  Surface surface;
};

/// Rectangle of the 512x512 skin pictures that the head needs, and where it lies in the skin atlas.
struct SkinRegion {
  std::int32_t x = 0, y = 0, width = 0, height = 0;  ///< texels of the source picture, row 0 at the top
  std::int32_t atlas_x = 0, atlas_y = 0;             ///< top left in the atlas
  std::int32_t scale = 1;                            ///< 1 to 4: texels of the atlas for one of the source, each way
};

struct NamedTexture {
  std::string name;
  Texture texture;
};

/// One ordinary skin: the regions' texels one after the other, sRGB bytes.
struct Skin {
  std::string name;  ///< AGE_RACE_SEX
  std::vector<std::uint8_t> rgb;
};

struct HeadAsset {
  std::vector<Vec3> base;                     ///< neutral positions of the kept points, decimetres
  std::array<std::uint16_t, 2> centre{};      ///< the points whose middle is the head's centre (chin and crown)
  std::array<std::uint16_t, 68> landmarks{};  ///< points
  Surface skin;
  std::vector<LabelFields> fields;    ///< one a corner of `skin`
  std::vector<Region> region;         ///< one a triangle of `skin`
  std::vector<SparseTarget> targets;  ///< sorted by name
  std::vector<Proxy> proxies;
  std::vector<NamedTexture> textures;
  std::int32_t atlas_width = 0, atlas_height = 0;
  std::vector<SkinRegion> skin_regions;
  std::vector<Skin> skins;
  std::vector<SkinMaps> skin_maps;  ///< one for each enlarged region (scale > 1), in their order
};

std::vector<std::uint8_t> serialise_head(const HeadAsset& asset);
/// Errors: corrupt_scene.
Result<HeadAsset> parse_head(std::span<const std::uint8_t> bytes);
/// Errors: parse_head's, not_found (the message says how to make the file), io_error.
Result<HeadAsset> read_head(const std::filesystem::path& path);
/// The checksum of the header: a test that damages the payload and reseals it reaches the checks behind it.
std::uint64_t head_checksum(std::span<const std::uint8_t> payload);

}  // namespace likeness::scene
