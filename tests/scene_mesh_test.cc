// Exported heads: glTF and OBJ read back by small parsers of the test's own.
#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <nlohmann/json.hpp>

#include "image/decode.hpp"
#include "likeness/mesh.hpp"
#include "likeness/scene.hpp"
#include "scene/mesh_export.hpp"

namespace likeness {
namespace {

using Json = nlohmann::json;
using Bytes = std::vector<std::uint8_t>;

std::uint32_t number(const Bytes& b, std::size_t at) {
  return static_cast<std::uint32_t>(b.at(at) | b.at(at + 1) << 8 | b.at(at + 2) << 16) | static_cast<std::uint32_t>(b.at(at + 3)) << 24;
}

// A GLB file, its structure checked.
struct Glb {
  Json json;
  Bytes binary;

  explicit Glb(const Bytes& file) {
    EXPECT_EQ(std::string(file.begin(), file.begin() + 4), "glTF");
    EXPECT_EQ(number(file, 4), 2U);
    EXPECT_EQ(number(file, 8), file.size());
    const std::size_t length = number(file, 12), second = 20 + length;
    EXPECT_EQ(length % 4, 0U);
    EXPECT_EQ(std::string(file.begin() + 16, file.begin() + 20), "JSON");
    json = Json::parse(file.begin() + 20, file.begin() + static_cast<std::ptrdiff_t>(second), nullptr, false);
    EXPECT_TRUE(json.is_object());
    EXPECT_EQ(number(file, second) % 4, 0U);
    EXPECT_EQ(std::string(file.begin() + static_cast<std::ptrdiff_t>(second) + 4, file.begin() + static_cast<std::ptrdiff_t>(second) + 8),
              std::string("BIN\0", 4));
    binary.assign(file.begin() + static_cast<std::ptrdiff_t>(second) + 8, file.end());
    EXPECT_EQ(binary.size(), number(file, second));
    EXPECT_EQ(json["asset"]["version"], "2.0");
    EXPECT_EQ(json["buffers"].size(), 1U);
    EXPECT_LE(json["buffers"][0]["byteLength"].get<std::size_t>(), binary.size());
    EXPECT_GT(json["buffers"][0]["byteLength"].get<std::size_t>() + 4, binary.size());
    EXPECT_FALSE(json.contains("extensionsRequired"));
    std::size_t end = 0;  // views follow one another
    for (const Json& view : json["bufferViews"]) {
      EXPECT_GE(view["byteOffset"].get<std::size_t>(), end);
      EXPECT_EQ(view["byteOffset"].get<std::size_t>() % 4, 0U);
      end = view["byteOffset"].get<std::size_t>() + view["byteLength"].get<std::size_t>();
    }
    EXPECT_LE(end, binary.size());
  }

  Bytes view(const Json& index) const {
    const Json& v = json["bufferViews"][index.get<std::size_t>()];
    const auto from = binary.begin() + v["byteOffset"].get<std::ptrdiff_t>();
    return {from, from + v["byteLength"].get<std::ptrdiff_t>()};
  }

  std::vector<float> floats(const Json& index, const char* type, std::size_t components) const {
    const Json& a = json["accessors"][index.get<std::size_t>()];
    EXPECT_EQ(a["componentType"], 5126);
    EXPECT_EQ(a["type"], type);
    const Bytes bytes = view(a["bufferView"]);
    EXPECT_EQ(bytes.size(), a["count"].get<std::size_t>() * components * 4);
    std::vector<float> out;
    for (std::size_t at = 0; at < bytes.size(); at += 4) out.push_back(std::bit_cast<float>(number(bytes, at)));
    return out;
  }

  std::vector<std::uint32_t> indices(const Json& index) const {
    const Json& a = json["accessors"][index.get<std::size_t>()];
    EXPECT_EQ(a["componentType"], 5125);
    EXPECT_EQ(a["type"], "SCALAR");
    const Bytes bytes = view(a["bufferView"]);
    std::vector<std::uint32_t> out;
    for (std::size_t at = 0; at < bytes.size(); at += 4) out.push_back(number(bytes, at));
    EXPECT_EQ(out.size(), a["count"].get<std::size_t>());
    return out;
  }

  const Json& primitive(std::size_t mesh) const { return json["meshes"][mesh]["primitives"][0]; }
  const Json& material(std::size_t mesh) const { return json["materials"][primitive(mesh)["material"].get<std::size_t>()]; }
  Bytes texture(std::size_t mesh) const {
    const Json& t = json["textures"][material(mesh)["pbrMetallicRoughness"]["baseColorTexture"]["index"].get<std::size_t>()];
    const Json& image = json["images"][t["source"].get<std::size_t>()];
    EXPECT_EQ(image["mimeType"], "image/png");
    return view(image["bufferView"]);
  }
};

// Two triangles, one faded out at two corners.
MeshPart small_part(const std::string& name) {
  MeshPart part;
  part.name = name;
  part.position = {{0, 0, 0}, {0.1F, 0, 0}, {0, 0.2F, 0}, {0.1F, 0.2F, -0.3F}};
  part.normal.assign(4, {0, 0, 1});
  part.uv = {{0, 1}, {1, 1}, {0, 0}, {1, 0}};
  part.alpha = {255, 255, 51, 0};
  part.triangle = {0, 1, 2, 2, 1, 3};
  part.width = 2;
  part.height = 1;
  part.rgba = {255, 0, 0, 255, 0, 0, 255, 128};
  part.alpha_mode = AlphaMode::blend;
  return part;
}

TEST(MeshGlb, HoldsWhatWentIn) {
  Mesh mesh{{small_part("a"), small_part("b")}};
  mesh.parts[1].alpha.clear();
  mesh.parts[1].alpha_mode = AlphaMode::opaque;
  const auto file = mesh_to_glb(mesh, "He\"ad\xFF");
  ASSERT_TRUE(file.ok()) << file.status().message;
  const Glb glb(*file);
  ASSERT_EQ(glb.json["meshes"].size(), 2U);
  const Json& attributes = glb.primitive(0)["attributes"];
  EXPECT_EQ(glb.floats(attributes["POSITION"], "VEC3", 3), (std::vector<float>{0, 0, 0, 0.1F, 0, 0, 0, 0.2F, 0, 0.1F, 0.2F, -0.3F}));
  EXPECT_EQ(glb.floats(attributes["TEXCOORD_0"], "VEC2", 2), (std::vector<float>{0, 1, 1, 1, 0, 0, 1, 0}));
  EXPECT_EQ(glb.indices(glb.primitive(0)["indices"]), mesh.parts[0].triangle);
  const Json& colour = glb.json["accessors"][attributes["COLOR_0"].get<std::size_t>()];
  EXPECT_EQ(colour["componentType"], 5121);
  EXPECT_EQ(colour["normalized"], true);
  EXPECT_EQ(glb.view(colour["bufferView"]), (Bytes{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 51, 255, 255, 255, 0}));
  const Json& position = glb.json["accessors"][attributes["POSITION"].get<std::size_t>()];
  EXPECT_EQ(position["min"], Json({0.0F, 0.0F, -0.3F}));
  EXPECT_EQ(position["max"], Json({0.1F, 0.2F, 0.0F}));
  EXPECT_EQ(glb.material(0)["alphaMode"], "BLEND");
  EXPECT_FALSE(glb.material(1).contains("alphaMode"));
  EXPECT_FALSE(glb.primitive(1)["attributes"].contains("COLOR_0"));
  const auto image = decode_rgba(glb.texture(0));
  ASSERT_TRUE(image.ok());
  EXPECT_EQ(image->pixels, mesh.parts[0].rgba);
  EXPECT_EQ(decode_rgba(glb.texture(1))->pixels, (Bytes{255, 0, 0, 255, 0, 0, 255, 255}));  // opaque: no alpha channel
  // One root that holds all parts.
  const Json& root = glb.json["nodes"][glb.json["scenes"][0]["nodes"][0].get<std::size_t>()];
  EXPECT_EQ(root["children"].size(), 2U);
  EXPECT_EQ(*mesh_to_glb(mesh, "He\"ad\xFF"), *file);
}

TEST(MeshObj, HoldsWhatWentIn) {
  Mesh mesh{{small_part("a"), small_part("b")}};
  mesh.parts[1].alpha = {255, 255, 255, 255};
  const auto files = mesh_to_obj(mesh, "../my head\n");
  ASSERT_TRUE(files.ok()) << files.status().message;
  std::vector<std::string> names;
  for (const NamedFile& file : *files) names.push_back(file.first);
  EXPECT_EQ(names, (std::vector<std::string>{".._my_head__a.png", ".._my_head__b.png", ".._my_head_.mtl", ".._my_head_.obj"}));
  const std::string text(files->back().second.begin(), files->back().second.end());
  EXPECT_NE(
      text.find("\nmtllib .._my_head_.mtl\no a\nusemtl a\nv 0 0 0\nv 0.1 0 0\nv 0 0.2 0\nv 0.1 0.2 -0.3\nvt 0 0\nvt 1 0\nvt 0 1\nvt 1 1\n"),
      std::string::npos);
  EXPECT_NE(text.find("f 1/1/1 2/2/2 3/3/3\no b\n"), std::string::npos) << "the faded triangle is left out";
  EXPECT_NE(text.find("f 5/5/5 6/6/6 7/7/7\nf 7/7/7 6/6/6 8/8/8\n"), std::string::npos);
  const std::string materials((*files)[2].second.begin(), (*files)[2].second.end());
  EXPECT_NE(materials.find("newmtl b\n"), std::string::npos);
  EXPECT_NE(materials.find("map_Kd .._my_head__b.png\nmap_d .._my_head__b.png\n"), std::string::npos);
  EXPECT_EQ(decode_rgba((*files)[0].second)->pixels, mesh.parts[0].rgba);
  EXPECT_EQ((*mesh_to_obj(mesh, ""))[0].first, "head_a.png");
}

TEST(MeshFiles, RefuseWhatDoesNotFitTogether) {
  const auto refused = [](void (*change)(Mesh&)) {
    Mesh mesh{{small_part("a"), small_part("b")}};
    change(mesh);
    EXPECT_EQ(mesh_to_obj(mesh).status().code, mesh_to_glb(mesh).status().code);
    return mesh_to_glb(mesh).status().code == Code::invalid_argument;
  };
  EXPECT_FALSE(refused([](Mesh&) {}));
  EXPECT_TRUE(refused([](Mesh& m) { m.parts.clear(); }));
  EXPECT_TRUE(refused([](Mesh& m) { m.parts[0].triangle[2] = 4; }));
  EXPECT_TRUE(refused([](Mesh& m) { m.parts[0].triangle.pop_back(); }));
  EXPECT_TRUE(refused([](Mesh& m) { m.parts[0].triangle.clear(); }));
  EXPECT_TRUE(refused([](Mesh& m) { m.parts[0].uv.pop_back(); }));
  EXPECT_TRUE(refused([](Mesh& m) { m.parts[0].alpha.pop_back(); }));
  EXPECT_TRUE(refused([](Mesh& m) { m.parts[0].normal[1][1] = std::numeric_limits<float>::quiet_NaN(); }));
  EXPECT_TRUE(refused([](Mesh& m) { m.parts[0].position[1][1] = std::numeric_limits<float>::infinity(); }));
  EXPECT_TRUE(refused([](Mesh& m) { m.parts[0].rgba.pop_back(); }));
  EXPECT_TRUE(refused([](Mesh& m) { m.parts[0].width = -2, m.parts[0].height = -1; }));
  EXPECT_TRUE(refused([](Mesh& m) { m.parts[0].name = "b"; }));
  EXPECT_TRUE(refused([](Mesh& m) { m.parts[0].name = "a\nf 1 1 1"; }));
}

// The colours are the rasteriser's: recoloured hair keeps its tint on average, clear texels take the colour around them.
TEST(MeshExport, BakesColoursAndDropsWhatIsNotSeen) {
  scene::Texture texture;
  texture.width = texture.height = 8;
  for (int i = 0; i < 64; ++i) {
    const bool clear = i % 8 == 7;
    for (const int v : {clear ? 255 : 90, clear ? 255 : 60, clear ? 255 : 30, clear ? 0 : 255})
      texture.rgba.push_back(static_cast<std::uint8_t>(v));
  }
  scene::DrawList list;
  scene::Draw& hair = list.draws.emplace_back();
  hair.material = scene::Material::hair;
  hair.position = {{0, 0, 0}, {1, 0, 0}, {0, 2, 0}, {5, 5, 5}, {1, 2, 0}};
  hair.normal.assign(5, {0, 0, 1});
  hair.uv.assign(5, {0.25F, 0.75F});
  hair.fade = {1, 0.5F, 2, 0, 0};
  hair.triangle = {0, 1, 2, 4, 3, 4};  // the second is faded out
  hair.texture = &texture;
  hair.tint = {0.2F, 0.1F, 0.05F};
  hair.recolour = true;
  const Mesh mesh = scene::mesh_from(list);
  ASSERT_EQ(mesh.parts.size(), 1U);
  const MeshPart& part = mesh.parts[0];
  EXPECT_EQ(part.name, "hair");
  EXPECT_EQ(part.triangle, (std::vector<std::uint32_t>{0, 1, 2}));
  EXPECT_EQ(part.position, (std::vector<std::array<float, 3>>{{0, 0, 0}, {0.1F, 0, 0}, {0, 0.2F, 0}}));
  EXPECT_EQ(part.uv[0], (std::array<float, 2>{0.25F, 0.25F}));
  EXPECT_EQ(part.alpha, (Bytes{255, 128, 255}));
  EXPECT_EQ(Bytes(part.rgba.begin(), part.rgba.begin() + 4), (Bytes{124, 89, 63, 255}));  // the tint in sRGB
  EXPECT_EQ(part.rgba[31], 0);
}

}  // namespace
}  // namespace likeness
