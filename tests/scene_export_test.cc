// The built-in head as a mesh: size, surface, colours, expression.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "head_client.hpp"
#include "likeness/mesh.hpp"
#include "likeness/scene.hpp"

namespace likeness {
namespace {

Mesh mesh_of(const std::vector<float>& x, bool expression = false) {
  auto mesh = client().mesh(x, expression);
  EXPECT_TRUE(mesh.ok()) << mesh.status().message;
  return mesh.ok() ? std::move(*mesh) : Mesh{};
}

const MeshPart& part(const Mesh& mesh, const std::string& name) {
  const auto found = std::find_if(mesh.parts.begin(), mesh.parts.end(), [&](const MeshPart& p) { return p.name == name; });
  EXPECT_NE(found, mesh.parts.end()) << name;
  return *found;
}

std::vector<float> with(const char* name, float unit) {
  std::vector<float> x = client().schema().default_vector();
  x[client().schema().find(name)->offset] = unit;
  return x;
}

std::array<std::array<float, 3>, 2> bounds(const MeshPart& p) {
  std::array<std::array<float, 3>, 2> box = {p.position[0], p.position[0]};
  for (const auto& v : p.position) {
    for (std::size_t k = 0; k < 3; ++k) {
      box[0][k] = std::min(box[0][k], v[k]);
      box[1][k] = std::max(box[1][k], v[k]);
    }
  }
  return box;
}

TEST(HeadMesh, IsAHeadInMetres) {
  const Mesh mesh = mesh_of(client().schema().default_vector());
  std::set<std::string> names;
  for (const MeshPart& p : mesh.parts) names.insert(p.name);
  EXPECT_EQ(names, (std::set<std::string>{"skin", "eye", "teeth", "tongue", "lash", "brow", "hair"}));
  const auto skin = bounds(part(mesh, "skin")), eyes = bounds(part(mesh, "eye")), brow = bounds(part(mesh, "brow"));
  EXPECT_NEAR(skin[0][0], -skin[1][0], 1e-4F);
  EXPECT_GT(skin[1][1], 0.09F);  // the crown over the middle between chin and crown
  EXPECT_LT(skin[1][1], 0.16F);
  EXPECT_NEAR(eyes[1][0] - eyes[0][0], 0.09F, 0.02F);  // both eyeballs
  EXPECT_GT(eyes[0][2], 0.0F) << "the face looks to +z";
  EXPECT_GT(brow[0][1], (eyes[0][1] + eyes[1][1]) / 2) << "y is up";
  EXPECT_GT(part(mesh, "skin").triangle.size() / 3, 8000U);
  EXPECT_EQ(part(mesh, "hair").alpha_mode, AlphaMode::mask);
  EXPECT_TRUE(part(mesh, "hair").double_sided);
  EXPECT_EQ(part(mesh, "skin").alpha_mode, AlphaMode::opaque);
}

TEST(HeadMesh, HasSoundSurfaces) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const Mesh mesh = mesh_of(draw_human(client().schema(), seed, 0));
    for (const MeshPart& p : mesh.parts) {
      std::vector<bool> used(p.position.size(), false);
      for (const std::uint32_t i : p.triangle) used.at(i) = true;
      EXPECT_EQ(std::count(used.begin(), used.end(), false), 0) << p.name;
      for (std::size_t i = 0; i < p.position.size(); ++i) {
        const auto& n = p.normal[i];
        ASSERT_NEAR(n[0] * n[0] + n[1] * n[1] + n[2] * n[2], 1, 1e-4F) << p.name;
        for (const float c : p.uv[i]) ASSERT_TRUE(c >= 0 && c <= 1) << p.name << " " << c;
      }
    }
    // Faces turn outwards, and no edge has three sides: welded by position, as uv seams split vertices.
    const MeshPart& skin = part(mesh, "skin");
    std::map<std::array<float, 3>, std::size_t> place;
    std::map<std::pair<std::size_t, std::size_t>, int> edges;
    double agree = 0;
    for (std::size_t t = 0; t < skin.triangle.size(); t += 3) {
      std::array<std::size_t, 3> corner{};
      std::array<std::array<float, 3>, 3> p{};
      for (std::size_t k = 0; k < 3; ++k) {
        p[k] = skin.position[skin.triangle[t + k]];
        corner[k] = place.emplace(p[k], place.size()).first->second;
      }
      for (std::size_t k = 0; k < 3; ++k) ++edges[std::minmax(corner[k], corner[(k + 1) % 3])];
      const auto& n = skin.normal[skin.triangle[t]];
      const std::array<float, 3> u = {p[1][0] - p[0][0], p[1][1] - p[0][1], p[1][2] - p[0][2]},
                                 v = {p[2][0] - p[0][0], p[2][1] - p[0][1], p[2][2] - p[0][2]};
      agree += n[0] * (u[1] * v[2] - u[2] * v[1]) + n[1] * (u[2] * v[0] - u[0] * v[2]) + n[2] * (u[0] * v[1] - u[1] * v[0]) > 0;
    }
    EXPECT_GT(agree, 0.97 * static_cast<double>(skin.triangle.size() / 3));
    const auto open = std::count_if(edges.begin(), edges.end(), [](const auto& e) { return e.second == 1; });
    EXPECT_EQ(std::count_if(edges.begin(), edges.end(), [](const auto& e) { return e.second > 2; }), 0);
    EXPECT_LT(open, 0.02 * static_cast<double>(edges.size())) << "closed but for the cut below the neck";
  }
}

TEST(HeadMesh, FollowsSlidersAndKeepsExpressionsOnlyWhenAsked) {
  const std::vector<float> average = client().schema().default_vector();
  const Mesh plain = mesh_of(average);
  const auto moved = [&](const std::vector<float>& x, bool expression) {
    const Mesh other = mesh_of(x, expression);
    float most = 0;
    const MeshPart &a = part(plain, "skin"), &b = part(other, "skin");
    for (std::size_t i = 0; i < a.position.size(); ++i) {
      for (std::size_t k = 0; k < 3; ++k) most = std::max(most, std::abs(a.position[i][k] - b.position.at(i)[k]));
    }
    return most;
  };
  EXPECT_GT(moved(with("chin_jaw_drop", 1), false), 0.003F);
  EXPECT_EQ(moved(with("mouth_open", 1), false), 0);
  EXPECT_GT(moved(with("mouth_open", 1), true), 0.01F);
  EXPECT_EQ(moved(with("yaw", 1), true), 0) << "the head looks ahead";
}

TEST(HeadMesh, CarriesTheColours) {
  const auto mean = [](const MeshPart& p) {
    std::array<double, 4> sum{};
    for (std::size_t i = 0; i < p.rgba.size(); i += 4) {
      for (std::size_t k = 0; k < 3; ++k) sum[k] += p.rgba[i + k] * p.rgba[i + 3];
      sum[3] += p.rgba[i + 3];
    }
    return std::array<double, 3>{sum[0] / sum[3], sum[1] / sum[3], sum[2] / sum[3]};
  };
  EXPECT_GT(mean(part(mesh_of(with("hair_lightness", 1)), "hair"))[0], mean(part(mesh_of(with("hair_lightness", 0)), "hair"))[0] + 60);
  EXPECT_GT(mean(part(mesh_of(with("skin_tone", 1)), "skin"))[1], mean(part(mesh_of(with("skin_tone", 0)), "skin"))[1] + 30);
  std::vector<float> blue = client().schema().default_vector();
  const Parameter& eyes = *client().schema().find("eye_color");
  for (std::size_t k = 0; k < eyes.size(); ++k) blue[eyes.offset + k] = eyes.options[k] == "blue" ? 1.0F : 0.0F;
  EXPECT_NE(part(mesh_of(blue), "eye").rgba, part(mesh_of(client().schema().default_vector()), "eye").rgba);
  std::vector<float> bald = client().schema().default_vector();
  const Parameter& hair = *client().schema().find("hair");
  for (std::size_t k = 0; k < hair.size(); ++k) bald[hair.offset + k] = hair.options[k] == "bald" ? 1.0F : 0.0F;
  for (const MeshPart& p : mesh_of(bald).parts) EXPECT_NE(p.name, "hair");
}

TEST(HeadMesh, SameInputSameBytesAndBadInputIsRefused) {
  const std::vector<float> x = draw_human(client().schema(), 9, 9);
  EXPECT_EQ(*mesh_to_glb(mesh_of(x)), *mesh_to_glb(mesh_of(x)));
  EXPECT_EQ(client().mesh(std::vector<float>(3), false).status().code, Code::invalid_argument);
  std::vector<float> broken = x;
  broken[1] = NAN;
  EXPECT_EQ(client().mesh(broken, false).status().code, Code::invalid_argument);
}

class PictureClient : public GameClient {
 public:
  const Schema& schema() const override { return client().schema(); }
  Result<Rendering> render(std::span<const float> x, const RenderOptions& options) const override { return client().render(x, options); }
};

TEST(HeadMesh, IsUnavailableFromClientsThatOnlyDraw) {
  EXPECT_EQ(PictureClient().mesh(client().schema().default_vector(), false).status().code, Code::unavailable);
}

// A picture is the same from a .mhm and from a character.json that holds the same.
TEST(HeadMesh, AndPictureAreTheSameFromASavedModel) {
  const Schema& schema = client().schema();
  std::vector<float> x = draw_human(schema, 21, 3);
  const auto first = character_from_mhm(schema, *character_to_mhm(schema, {x}));
  ASSERT_TRUE(first.ok());
  const auto second = character_from_mhm(schema, *character_to_mhm(schema, first->character));
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(first->character.x, second->character.x);
  // The parameters that a .mhm cannot hold at their defaults, the others as they were: within rounding the same picture.
  for (const Parameter& p : schema.parameters()) {
    bool held = true;
    for (std::size_t k = p.offset; k < p.offset + p.size(); ++k) held = held && std::abs(first->character.x[k] - x[k]) < 1e-5F;
    if (!held)
      std::copy_n(first->character.x.begin() + static_cast<std::ptrdiff_t>(p.offset), p.size(),
                  x.begin() + static_cast<std::ptrdiff_t>(p.offset));
  }
  const RenderOptions options{.size = 128, .labels = false, .neutral = true, .supersample = 1};
  const auto a = client().render(x, options), b = client().render(second->character.x, options);
  ASSERT_TRUE(a.ok() && b.ok());
  double apart = 0;
  for (std::size_t i = 0; i < a->rgb.size(); ++i) apart += std::abs(a->rgb[i] - b->rgb[i]);
  EXPECT_LT(apart / static_cast<double>(a->rgb.size()), 0.02);
}

}  // namespace
}  // namespace likeness
