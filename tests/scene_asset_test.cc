// The head asset: round trip, and damaged files of every kind.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <limits>

#include "base/file.hpp"
#include "scene/head_asset.hpp"

namespace likeness::scene {
namespace {

// A valid asset that uses every field.
HeadAsset small() {
  HeadAsset a;
  a.base = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {1, 1, 0.5F}};
  a.centre = {0, 3};
  a.landmarks.fill(2);
  a.skin = {{0, 1, 2}, {{0, 0}, {1, 0}, {0, 1}}, {1, 0.5F, 0}, {0, 1, 2}};
  a.fields.resize(3);
  a.region = {Region::head};
  a.targets = {{"a", {0, 3}, {1, 2, 3, -4, -5, -6}}, {"b", {}, {}}};
  Proxy p;
  p.name = "hat";
  for (auto& axis : p.scale) axis = {{0, 1}, 2};
  p.reference = {{0, 1, 2}, {1, 2, 3}, {3, 3, 3}};
  p.weight.assign(3, {0.5F, 0.25F, 0.25F});
  p.offset.assign(3, {0, 0.1F, 0});
  p.surface = a.skin;
  a.proxies = {p};
  a.textures.resize(1);
  a.textures[0].name = "t";
  a.textures[0].texture.width = 2;
  a.textures[0].texture.height = 1;
  a.textures[0].texture.rgba = {1, 2, 3, 4, 5, 6, 7, 8};
  a.atlas_width = a.atlas_height = 4;
  a.skin_regions = {{0, 0, 2, 1, 1, 1}, {0, 0, 1, 1, 0, 2, 2}};
  a.skins = {{"s", {1, 2, 3, 4, 5, 6, 7, 8, 9}}};
  SkinMaps maps;
  for (const auto map : kSkinMaps) (maps.*map) = {1, 2, 3, 4};
  maps.span = {{0, 2}, {0, 0}};
  maps.beard = {{1, 2}, {1, 1}};
  a.skin_maps = {maps};
  return a;
}

// The file with a checksum that fits, so that the checks behind it are reached.
std::vector<std::uint8_t> sealed(std::vector<std::uint8_t> file) {
  const std::uint64_t sum = head_checksum(std::span(file).subspan(24));
  std::memcpy(file.data() + 16, &sum, sizeof sum);
  return file;
}

TEST(HeadAsset, RoundTrips) {
  const std::vector<std::uint8_t> file = serialise_head(small());
  const auto back = parse_head(file);
  ASSERT_TRUE(back.ok()) << back.status().message;
  EXPECT_EQ(serialise_head(*back), file);
  EXPECT_EQ(back->targets[0].delta, small().targets[0].delta);
  EXPECT_EQ(back->proxies[0].name, "hat");
  EXPECT_EQ(back->textures[0].texture.rgba.size(), 8U);
}

TEST(HeadAsset, RefusesEveryTruncationAndTail) {
  std::vector<std::uint8_t> file = serialise_head(small());
  for (std::size_t length = 0; length < file.size(); ++length) {
    std::vector<std::uint8_t> part(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_EQ(parse_head(part).status().code, Code::corrupt_scene);
    if (length >= 24) {
      EXPECT_EQ(parse_head(sealed(part)).status().code, Code::corrupt_scene) << length;
    }
  }
  file.push_back(0);
  EXPECT_EQ(parse_head(sealed(file)).status().code, Code::corrupt_scene);
}

TEST(HeadAsset, RefusesEveryFlippedBit) {
  const std::vector<std::uint8_t> file = serialise_head(small());
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    std::vector<std::uint8_t> damaged = file;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    if (bit / 8 >= 12 && bit / 8 < 16) continue;  // reserved
    EXPECT_FALSE(parse_head(damaged).ok()) << bit;
    // With a checksum that fits, a value may be a legal other value; nothing may be read out of bounds, and what is accepted is whole.
    const auto accepted = parse_head(sealed(damaged));
    if (accepted.ok()) {
      EXPECT_EQ(serialise_head(*accepted).size(), file.size()) << bit;
    }
  }
}

TEST(HeadAsset, RefusesValuesOutOfRange) {
  using Break = void (*)(HeadAsset&);
  const Break breaks[] = {
      [](HeadAsset& a) { a.base.clear(); },
      [](HeadAsset& a) { a.base[1][2] = std::numeric_limits<float>::quiet_NaN(); },
      [](HeadAsset& a) { a.base[1][2] = std::numeric_limits<float>::infinity(); },
      [](HeadAsset& a) { a.centre[1] = 4; },
      [](HeadAsset& a) { a.landmarks[67] = 4; },
      [](HeadAsset& a) { a.skin.point[0] = 4; },
      [](HeadAsset& a) { a.skin.triangle[2] = 3; },
      [](HeadAsset& a) { a.skin.triangle.push_back(0); },
      [](HeadAsset& a) { a.skin.occlusion[0] = 1.5F; },
      [](HeadAsset& a) { a.skin.uv.pop_back(); },
      [](HeadAsset& a) { a.fields.pop_back(); },
      [](HeadAsset& a) { a.region.push_back(Region::body); },
      [](HeadAsset& a) { a.region[0] = static_cast<Region>(9); },
      [](HeadAsset& a) { a.targets[0].point[1] = 4; },
      [](HeadAsset& a) { a.targets[0].delta.pop_back(); },
      [](HeadAsset& a) { std::swap(a.targets[0], a.targets[1]); },
      [](HeadAsset& a) { a.proxies[0].material = static_cast<Material>(7); },
      [](HeadAsset& a) { a.proxies[0].texture = 1; },
      [](HeadAsset& a) { a.proxies[0].scale[2].length = 0; },
      [](HeadAsset& a) { a.proxies[0].scale[0].point[0] = 4; },
      [](HeadAsset& a) { a.proxies[0].reference[2][1] = 4; },
      [](HeadAsset& a) { a.proxies[0].weight.pop_back(); },
      [](HeadAsset& a) { a.proxies[0].surface.point[0] = 3; },
      [](HeadAsset& a) { a.textures[0].texture.width = 3; },
      [](HeadAsset& a) { a.textures[0].texture.width = -2; },
      [](HeadAsset& a) { a.atlas_width = 1 << 30; },
      [](HeadAsset& a) { a.skin_regions[0].atlas_x = 3; },
      [](HeadAsset& a) { a.skin_regions[0].width = 0; },
      [](HeadAsset& a) { a.skin_regions[0].height = std::numeric_limits<std::int32_t>::max(); },
      [](HeadAsset& a) { a.skins[0].rgb.pop_back(); },
      [](HeadAsset& a) { a.skin_maps.clear(); },
      [](HeadAsset& a) { a.skin_maps.push_back(a.skin_maps[0]); },
      [](HeadAsset& a) { a.skin_maps[0].grain.pop_back(); },
      [](HeadAsset& a) { a.skin_maps[0].lip.push_back(0); },
      [](HeadAsset& a) { a.skin_maps[0].span.pop_back(); },
      [](HeadAsset& a) { a.skin_maps[0].beard.pop_back(); },
      [](HeadAsset& a) { a.skin_maps[0].span[1] = {-1, 1}; },
      [](HeadAsset& a) { a.skin_maps[0].span[0].end = 3; },
      [](HeadAsset& a) { a.skin_maps[0].beard[0] = {2, 1}; },
  };
  std::size_t i = 0;
  for (const Break change : breaks) {
    HeadAsset asset = small();
    change(asset);
    EXPECT_EQ(parse_head(serialise_head(asset)).status().code, Code::corrupt_scene) << "case " << i;
    ++i;
  }
}

TEST(HeadAsset, SaysHowToMakeAMissingOne) {
  const auto missing = read_head("/nonexistent/head.asset");
  EXPECT_EQ(missing.status().code, Code::not_found);
  EXPECT_NE(missing.status().message.find("likeness-pack-makehuman"), std::string::npos);
}

}  // namespace
}  // namespace likeness::scene
