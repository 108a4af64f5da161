#include "scene/makehuman_pack.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "scene/makehuman_fields.hpp"
#include "scene/makehuman_skin.hpp"
#include "scene/makehuman_skin_maps.hpp"
#include "scene/makehuman_source.hpp"
#include "scene/mesh.hpp"
#include "scene/occlusion.hpp"

namespace likeness::scene {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::int32_t, 2> kCentre = {791, 881};  // under the chin, on the crown
constexpr int kDirections = 160;
constexpr std::array<const char*, 3> kRaces = {"african", "asian", "caucasian"};

Status bad(const std::string& what) { return {Code::corrupt_scene, "packing the head: " + what}; }

// Base vertex -> kept point. Points are numbered in the order of base vertices.
struct Kept {
  std::vector<std::int32_t> vertex;
  std::vector<std::int32_t> point;  // -1 = dropped
  std::uint16_t at(std::int32_t v) const { return static_cast<std::uint16_t>(point[static_cast<std::size_t>(v)]); }
};

struct SourceProxy {
  SourceMesh mesh;
  std::array<std::array<std::int32_t, 2>, 3> axis{};
  Proxy proxy;
};

// Byte precision keeps the file free of last-bit differences between maths libraries.
float quantised(float v) { return std::round(v * 255) / 255; }

std::string text_of(const Json& entry, const char* key) {
  const Json value = entry.is_object() ? entry.value(key, Json()) : Json();
  return value.is_string() ? value.get<std::string>() : std::string();
}

/// Names of all targets that heads need: the schema's, with {race} spelled out, and the macros for people from 11 years on.
std::set<std::string> needed_targets(const Schema& schema) {
  std::set<std::string> names;
  const Json root = Json::parse(schema.canonical_json(), nullptr, false);
  for (const Json& parameter : root["parameters"]) {
    for (const Json& side : parameter.value("targets", Json::object())) {
      for (const Json& name : side) {
        std::string text = name.is_string() ? name.get<std::string>() : text_of(name, "target");
        const std::size_t at = text.find("{race}");
        if (at == std::string::npos) {
          names.insert(text);
        } else {
          for (const char* race : kRaces) names.insert(std::string(text).replace(at, 6, race));
        }
      }
    }
  }
  for (const char* age : {"child", "young", "old"}) {
    for (const char* sex : {"female", "male"}) {
      for (const char* race : kRaces) names.insert(std::string("macrodetails/") + race + "-" + sex + "-" + age);
      for (const char* muscle : {"minmuscle", "averagemuscle", "maxmuscle"}) {
        for (const char* weight : {"minweight", "averageweight", "maxweight"})
          names.insert(std::string("macrodetails/universal-") + sex + "-" + age + "-" + muscle + "-" + weight);
      }
    }
  }
  return names;
}

// The package's r-eye-bag-max is damaged: mirrored from the left one, vertex by vertex of the symmetric base mesh.
std::vector<std::int16_t> mirrored(const std::vector<std::int16_t>& delta, const std::vector<Vec3>& base) {
  std::vector<std::int16_t> out(delta.size());
  for (std::size_t v = 0; v < base.size(); ++v) {
    if (delta[3 * v] == 0 && delta[3 * v + 1] == 0 && delta[3 * v + 2] == 0) continue;
    std::size_t best = v;
    float best_distance = std::numeric_limits<float>::max();
    for (std::size_t w = 0; w < base.size(); ++w) {
      const float d = std::hypot(base[w][0] + base[v][0], base[w][1] - base[v][1], base[w][2] - base[v][2]);
      if (d < best_distance) {
        best_distance = d;
        best = w;
      }
    }
    out[3 * best] = static_cast<std::int16_t>(-delta[3 * v]);
    out[3 * best + 1] = delta[3 * v + 1];
    out[3 * best + 2] = delta[3 * v + 2];
  }
  return out;
}

Status pack_targets(const SourceTargets& source, const Schema& schema, const SourceMesh& base, const Kept& kept, HeadAsset* asset) {
  for (const std::string& name : needed_targets(schema)) {
    if (!source.contains(name)) return bad("the package has no target \"" + name + "\"");
    const std::vector<std::int16_t> delta =
        name == "eyes/r-eye-bag-max" ? mirrored(source.read("eyes/l-eye-bag-max"), base.position) : source.read(name);
    SparseTarget target;
    target.name = name;
    for (std::size_t p = 0; p < kept.vertex.size(); ++p) {
      const std::int16_t* d = delta.data() + 3 * static_cast<std::size_t>(kept.vertex[p]);
      if (d[0] == 0 && d[1] == 0 && d[2] == 0) continue;
      target.point.push_back(static_cast<std::uint16_t>(p));
      target.delta.insert(target.delta.end(), d, d + 3);
    }
    asset->targets.push_back(std::move(target));
  }
  return Status::success();
}

bool read_axis(const Json& entry, const char* key, std::size_t vertices, std::array<std::int32_t, 2>* point, float* length) {
  const Json row = entry.value(key, Json());
  if (!row.is_array() || row.size() != 3 || !row[0].is_number_unsigned() || !row[1].is_number_unsigned() || !row[2].is_number())
    return false;
  if (row[0] >= vertices || row[1] >= vertices) return false;
  *point = {row[0].get<std::int32_t>(), row[1].get<std::int32_t>()};
  *length = row[2].get<float>();
  return true;
}

Result<SourceProxy> read_proxy(const std::filesystem::path& data, const Json& entry, std::size_t vertices) {
  static const std::map<std::string, Material> kMaterials = {{"eye", Material::eye},       {"teeth", Material::teeth},
                                                             {"tongue", Material::tongue}, {"lash", Material::lash},
                                                             {"brow", Material::brow},     {"hair", Material::hair}};
  SourceProxy out;
  out.proxy.name = text_of(entry, "name");
  const auto material = kMaterials.find(text_of(entry, "material"));
  if (material == kMaterials.end()) return bad("proxy \"" + out.proxy.name + "\" has no known material");
  out.proxy.material = material->second;
  constexpr std::array<const char*, 3> kKeys = {"x_scale", "y_scale", "z_scale"};
  for (std::size_t i = 0; i < 3; ++i) {
    if (!read_axis(entry, kKeys[i], vertices, &out.axis[i], &out.proxy.scale[i].length))
      return bad("proxy \"" + out.proxy.name + "\" has no " + kKeys[i]);
  }
  Result<SourceMesh> mesh = read_source_mesh(data / text_of(entry, "json"), true, vertices);
  if (!mesh.ok()) return mesh.status();
  out.mesh = std::move(*mesh);
  return out;
}

void pack_proxy(SourceProxy& source, const Kept& kept) {
  Proxy& proxy = source.proxy;
  for (std::size_t i = 0; i < 3; ++i) proxy.scale[i].point = {kept.at(source.axis[i][0]), kept.at(source.axis[i][1])};
  for (const auto& r : source.mesh.reference) proxy.reference.push_back({kept.at(r[0]), kept.at(r[1]), kept.at(r[2])});
  proxy.weight = source.mesh.weight;
  proxy.offset = source.mesh.offset;
  std::map<std::pair<std::int32_t, std::int32_t>, std::uint32_t> corner_of;
  for (const SourceFace& face : source.mesh.face) {
    std::array<std::uint32_t, 4> corner{};
    for (std::size_t k = 0; k < 4; ++k) {
      const auto [entry, fresh] =
          corner_of.try_emplace({face.vertex[k], face.uv[k]}, static_cast<std::uint32_t>(proxy.surface.point.size()));
      corner[k] = entry->second;
      if (!fresh) continue;
      proxy.surface.point.push_back(static_cast<std::uint16_t>(face.vertex[k]));
      proxy.surface.uv.push_back(source.mesh.uv[static_cast<std::size_t>(face.uv[k])]);
    }
    for (std::size_t t = 0; t + 2 < static_cast<std::size_t>(face.sides); ++t)
      proxy.surface.triangle.insert(proxy.surface.triangle.end(), {corner[0], corner[t + 1], corner[t + 2]});
  }
}

// A triangle soup that casts shade.
struct Occluders {
  std::vector<Vec3> point;
  std::vector<std::uint32_t> triangle;
  void add(const std::vector<Vec3>& points, const Surface& surface) {
    const auto first = static_cast<std::uint32_t>(point.size());
    point.insert(point.end(), points.begin(), points.end());
    for (const std::uint32_t corner : surface.triangle) triangle.push_back(first + surface.point[corner]);
  }
};

// Occlusion of several surfaces by the same occluders, in one pass over the directions.
struct Shaded {
  const std::vector<Vec3>* points;
  Surface* surface;
};

void shade(const std::vector<Shaded>& shaded, const Occluders& occluders) {
  std::vector<Vec3> point, normal;
  for (const Shaded& s : shaded) {
    const std::vector<Vec3> own = point_normals(*s.points, point_triangles(*s.surface));
    point.insert(point.end(), s.points->begin(), s.points->end());
    normal.insert(normal.end(), own.begin(), own.end());
  }
  const std::vector<float> open = ambient_occlusion(point, normal, occluders.point, occluders.triangle, kDirections);
  std::size_t first = 0;
  for (const Shaded& s : shaded) {
    s.surface->occlusion.clear();
    for (const std::uint16_t p : s.surface->point) s.surface->occlusion.push_back(quantised(open[first + p]));
    first += s.points->size();
  }
}

void shade_all(HeadAsset* asset) {
  Occluders solid;
  solid.add(asset->base, asset->skin);
  std::vector<std::vector<Vec3>> bound;
  for (const Proxy& proxy : asset->proxies) {
    bound.push_back(fit_proxy(proxy, asset->base, asset->base));
    if (proxy.material <= Material::tongue) solid.add(bound.back(), proxy.surface);
  }
  std::vector<Shaded> by_solid = {{&asset->base, &asset->skin}};
  for (std::size_t i = 0; i < asset->proxies.size(); ++i) {
    Proxy& proxy = asset->proxies[i];
    if (proxy.material == Material::hair) {  // every style shades itself only
      Occluders around = solid;
      around.add(bound[i], proxy.surface);
      shade({{&bound[i], &proxy.surface}}, around);
    } else {
      by_solid.push_back({&bound[i], &proxy.surface});
    }
  }
  shade(by_solid, solid);
}

Status pack_pictures(const std::filesystem::path& data, const Json& table, const SkinLayout& layout, HeadAsset* asset) {
  for (const Json& entry : table.value("eye_textures", Json::array())) {
    Result<Texture> texture = read_source_texture(data / text_of(entry, "texture"), 256);
    if (!texture.ok()) return texture.status();
    asset->textures.push_back({"eye_" + text_of(entry, "name"), std::move(*texture)});
  }
  for (const Json& entry : table.value("skins", Json::array())) {
    Result<Texture> texture = read_source_texture(data / text_of(entry, "texture"), 512);
    if (!texture.ok()) return texture.status();
    asset->skins.push_back({text_of(entry, "name"), crop_skin(*texture, layout.parts)});
  }
  return Status::success();
}

}  // namespace

Result<HeadAsset> pack_makehuman(const std::filesystem::path& package, std::string_view table_text, const Schema& schema) {
  const Json table = Json::parse(table_text, nullptr, false);
  if (!table.is_object()) return bad("the table of the head is not JSON");
  const std::filesystem::path data = package / "public/data";
  Result<SourceMesh> base = read_source_mesh(data / "models/human_full_size.json", false, 0);
  if (!base.ok()) return base.status();
  const std::size_t vertices = base->position.size();
  if (vertices != 19158) return bad("the base mesh does not have MakeHuman's 19158 vertices");
  Result<SourceTargets> targets = SourceTargets::open(package, vertices);
  if (!targets.ok()) return targets.status();
  const std::vector<Region> region = classify_faces(*base);
  Result<std::vector<LabelFields>> fields = label_fields(*base, region, *targets);
  if (!fields.ok()) return fields.status();
  const SkinLayout layout = layout_skin(*base, region);

  std::vector<SourceProxy> proxies;
  std::set<std::int32_t> used(kCentre.begin(), kCentre.end());
  for (const Json& entry : table.value("proxies", Json::array())) {
    Result<SourceProxy> proxy = read_proxy(data, entry, vertices);
    if (!proxy.ok()) return proxy.status();
    for (const auto& r : proxy->mesh.reference) used.insert(r.begin(), r.end());
    for (const auto& axis : proxy->axis) used.insert(axis.begin(), axis.end());
    proxies.push_back(std::move(*proxy));
  }
  for (const SkinLayout::Corner& corner : layout.corner) used.insert(corner.vertex);
  const Json landmarks = table.value("landmarks", Json());
  if (!landmarks.is_array() || landmarks.size() != 68) return bad("the table does not list 68 landmarks");
  for (const Json& v : landmarks) {
    if (!v.is_number_unsigned() || v >= vertices) return bad("a landmark is not a vertex");
    used.insert(v.get<std::int32_t>());
  }

  Kept kept;
  kept.point.assign(vertices, -1);
  for (const std::int32_t v : used) {
    kept.point[static_cast<std::size_t>(v)] = static_cast<std::int32_t>(kept.vertex.size());
    kept.vertex.push_back(v);
  }
  HeadAsset asset;
  for (const std::int32_t v : kept.vertex) asset.base.push_back(base->position[static_cast<std::size_t>(v)]);
  asset.centre = {kept.at(kCentre[0]), kept.at(kCentre[1])};
  for (std::size_t i = 0; i < 68; ++i) asset.landmarks[i] = kept.at(landmarks[i].get<std::int32_t>());
  for (const SkinLayout::Corner& corner : layout.corner) {
    asset.skin.point.push_back(kept.at(corner.vertex));
    asset.skin.uv.push_back(corner.uv);
    asset.fields.push_back((*fields)[static_cast<std::size_t>(corner.vertex)]);
  }
  asset.skin.triangle = layout.triangle;
  asset.region = layout.region;
  asset.atlas_width = layout.atlas_width;
  asset.atlas_height = layout.atlas_height;
  asset.skin_regions = layout.parts;
  if (Status status = pack_targets(*targets, schema, *base, kept, &asset); !status.ok()) return status;
  if (Status status = pack_pictures(data, table, layout, &asset); !status.ok()) return status;
  std::size_t entry = 0;
  for (SourceProxy& proxy : proxies) {
    pack_proxy(proxy, kept);
    const Json& row = table["proxies"][entry++];
    const Json side = row.value("texture_size", Json());
    Result<Texture> texture = read_source_texture(data / text_of(row, "texture"), side.is_number_integer() ? side.get<int>() : 512);
    if (!texture.ok()) return texture.status();
    proxy.proxy.texture = static_cast<std::uint32_t>(asset.textures.size());
    asset.textures.push_back({proxy.proxy.name, std::move(*texture)});
    asset.proxies.push_back(std::move(proxy.proxy));
  }
  shade_all(&asset);
  for (const SkinRegion& part : asset.skin_regions) {
    if (part.scale > 1) asset.skin_maps.push_back(draw_skin_maps(asset, part));
  }
  return asset;
}

}  // namespace likeness::scene
