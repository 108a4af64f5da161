// Binary glTF 2.0 (Khronos, ISO/IEC 12113:2022).
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>

#include "scene/mesh_files.hpp"

namespace likeness {
namespace {

using Json = nlohmann::ordered_json;
using Bytes = std::vector<std::uint8_t>;

// Constants of the format.
constexpr int kFloat = 5126, kUnsignedInt = 5125, kUnsignedByte = 5121;
constexpr int kArrayBuffer = 34962, kElementBuffer = 34963;
constexpr int kLinear = 9729, kLinearMipmapLinear = 9987, kClampToEdge = 33071;

void put32(std::uint32_t value, Bytes* out) {
  for (int shift = 0; shift < 32; shift += 8) out->push_back(static_cast<std::uint8_t>(value >> shift));
}

// The buffer and what describes it. Every view starts at a multiple of 4, as accessors of floats must.
class Buffer {
 public:
  std::size_t view(int target, std::span<const std::uint8_t> bytes) {
    Json view = {{"buffer", 0}, {"byteOffset", bytes_.size()}, {"byteLength", bytes.size()}};
    if (target != 0) view["target"] = target;
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    bytes_.resize((bytes_.size() + 3) / 4 * 4, 0);
    views_.push_back(std::move(view));
    return views_.size() - 1;
  }

  template <std::size_t N>
  std::size_t vectors(const std::vector<std::array<float, N>>& values, bool bounds) {
    Bytes bytes;
    std::array<float, N> low, high;
    low.fill(std::numeric_limits<float>::max());
    high.fill(std::numeric_limits<float>::lowest());
    for (const auto& value : values) {
      for (std::size_t k = 0; k < N; ++k) {
        put32(std::bit_cast<std::uint32_t>(value[k]), &bytes);
        low[k] = std::min(low[k], value[k]);
        high[k] = std::max(high[k], value[k]);
      }
    }
    Json accessor = {{"bufferView", view(kArrayBuffer, bytes)},
                     {"componentType", kFloat},
                     {"count", values.size()},
                     {"type", "VEC" + std::to_string(N)}};
    if (bounds) {
      accessor["min"] = low;
      accessor["max"] = high;
    }
    return add(std::move(accessor));
  }

  // White with the given alpha.
  std::size_t colours(std::span<const std::uint8_t> alpha) {
    Bytes bytes;
    for (const std::uint8_t a : alpha) bytes.insert(bytes.end(), {255, 255, 255, a});
    return add({{"bufferView", view(kArrayBuffer, bytes)},
                {"componentType", kUnsignedByte},
                {"normalized", true},
                {"count", alpha.size()},
                {"type", "VEC4"}});
  }

  std::size_t indices(std::span<const std::uint32_t> values) {
    Bytes bytes;
    for (const std::uint32_t v : values) put32(v, &bytes);
    return add(
        {{"bufferView", view(kElementBuffer, bytes)}, {"componentType", kUnsignedInt}, {"count", values.size()}, {"type", "SCALAR"}});
  }

  const Bytes& bytes() const { return bytes_; }
  const Json& views() const { return views_; }
  const Json& accessors() const { return accessors_; }

 private:
  std::size_t add(Json accessor) {
    accessors_.push_back(std::move(accessor));
    return accessors_.size() - 1;
  }

  Bytes bytes_;
  Json views_ = Json::array(), accessors_ = Json::array();
};

Json material_of(const MeshPart& part, std::size_t texture) {
  // Roughness is a choice of two decimals; a float would print as 0.55000001.
  Json material = {{"name", part.name},
                   {"pbrMetallicRoughness",
                    {{"baseColorTexture", {{"index", texture}}},
                     {"metallicFactor", 0},
                     {"roughnessFactor", std::round(std::clamp(static_cast<double>(part.roughness), 0.0, 1.0) * 100) / 100}}}};
  if (part.alpha_mode == AlphaMode::mask) material["alphaMode"] = "MASK";
  if (part.alpha_mode == AlphaMode::blend) material["alphaMode"] = "BLEND";
  if (part.double_sided) material["doubleSided"] = true;
  return material;
}

void put_chunk(std::string_view tag, std::span<const std::uint8_t> bytes, std::uint8_t padding, Bytes* out) {
  const std::size_t padded = (bytes.size() + 3) / 4 * 4;
  put32(static_cast<std::uint32_t>(padded), out);
  out->insert(out->end(), tag.begin(), tag.end());
  out->insert(out->end(), bytes.begin(), bytes.end());
  out->insert(out->end(), padded - bytes.size(), padding);
}

}  // namespace

Result<Bytes> mesh_to_glb(const Mesh& mesh, std::string_view name) {
  if (Status status = scene::check_mesh(mesh); !status.ok()) return status;
  Buffer buffer;
  Json nodes = Json::array(), meshes = Json::array(), materials = Json::array(), textures = Json::array(), images = Json::array();
  Json children = Json::array();
  for (std::size_t i = 0; i < mesh.parts.size(); ++i) {
    const MeshPart& part = mesh.parts[i];
    const Result<Bytes> png = scene::texture_png(part);
    if (!png.ok()) return png.status();
    Json attributes = {{"POSITION", buffer.vectors(part.position, true)},
                       {"NORMAL", buffer.vectors(part.normal, false)},
                       {"TEXCOORD_0", buffer.vectors(part.uv, false)}};
    if (!part.alpha.empty()) attributes["COLOR_0"] = buffer.colours(part.alpha);
    const Json primitive = {{"attributes", std::move(attributes)}, {"indices", buffer.indices(part.triangle)}, {"material", i}};
    meshes.push_back({{"name", part.name}, {"primitives", Json::array({primitive})}});
    materials.push_back(material_of(part, i));
    textures.push_back({{"sampler", 0}, {"source", i}});
    images.push_back({{"name", part.name}, {"mimeType", "image/png"}, {"bufferView", buffer.view(0, *png)}});
    nodes.push_back({{"name", part.name}, {"mesh", i}});
    children.push_back(i);
  }
  nodes.push_back({{"name", name}, {"children", children}});
  Json root;
  root["asset"] = {{"version", "2.0"}, {"generator", "likeness"}};
  root["scene"] = 0;
  root["scenes"] = Json::array({Json{{"nodes", Json::array({nodes.size() - 1})}}});
  root["nodes"] = std::move(nodes);
  root["meshes"] = std::move(meshes);
  root["materials"] = std::move(materials);
  root["textures"] = std::move(textures);
  root["images"] = std::move(images);
  root["samplers"] =
      Json::array({Json{{"magFilter", kLinear}, {"minFilter", kLinearMipmapLinear}, {"wrapS", kClampToEdge}, {"wrapT", kClampToEdge}}});
  root["accessors"] = buffer.accessors();
  root["bufferViews"] = buffer.views();
  root["buffers"] = Json::array({Json{{"byteLength", buffer.bytes().size()}}});
  const std::string text = root.dump(-1, ' ', false, Json::error_handler_t::replace);
  constexpr std::size_t kHeaders = 12 + 2 * 8 + 2 * 3;
  if (text.size() + buffer.bytes().size() + kHeaders > std::numeric_limits<std::uint32_t>::max())
    return Status{Code::invalid_argument, "the mesh: a GLB file holds at most 4 GiB"};
  Bytes chunks;
  put_chunk("JSON", {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, ' ', &chunks);
  put_chunk({"BIN\0", 4}, buffer.bytes(), 0, &chunks);
  Bytes out = {'g', 'l', 'T', 'F'};
  put32(2, &out);
  put32(static_cast<std::uint32_t>(12 + chunks.size()), &out);
  out.insert(out.end(), chunks.begin(), chunks.end());
  return out;
}

}  // namespace likeness
