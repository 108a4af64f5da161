// Light, layers that fade, glasses, backdrop and shadows on synthetic meshes.
#include <gtest/gtest.h>

#include <cmath>

#include "image/color.hpp"
#include "raster_support.hpp"
#include "scene/raster_occlusion.hpp"
#include "scene/shade.hpp"

namespace likeness::scene {
namespace {

constexpr float View::*lamp_fields[] = {&View::light_side, &View::light_height, &View::light_strength, &View::light_warmth};

float brightness(const Rendering& r, int x, int y) {
  const auto& linear = srgb_to_linear_table();
  const auto p = rgb(r, x, y);
  return luminance(linear[p[0]], linear[p[1]], linear[p[2]]);
}

// Skin of the given colour on a head-like ball: the front half of a sphere, one unit of radius.
Draw ball(const Texture* texture) {
  Draw d = quad(Material::skin, 0, 0, 1, 1, 0, texture);
  d.position.clear();
  d.normal.clear();
  d.uv.clear();
  d.triangle.clear();
  constexpr int rings = 24, spokes = 48;
  for (int i = 0; i <= rings; ++i) {
    for (int k = 0; k <= spokes; ++k) {
      const float a = 1.5707963F * static_cast<float>(i) / rings, b = 6.2831853F * static_cast<float>(k) / spokes;
      const Vec3 n = {std::sin(a) * std::cos(b), std::sin(a) * std::sin(b), std::cos(a)};
      d.position.push_back(n);
      d.normal.push_back(n);
      d.uv.push_back({0.5F, 0.5F});
    }
  }
  constexpr std::uint32_t row = spokes + 1;
  for (std::uint32_t i = 0; i < rings; ++i) {
    for (std::uint32_t k = 0; k < spokes; ++k) {
      const std::uint32_t at = i * row + k;
      d.triangle.insert(d.triangle.end(), {at, at + row, at + row + 1, at, at + row + 1, at + 1});
    }
  }
  d.fields.assign(d.position.size(), LabelFields{});
  d.region.assign(d.triangle.size() / 3, Region::head);
  return d;
}

TEST(Light, KeySwingsWithLightSide) {
  const Texture white = plain(200, 200, 200);
  Draw ridge = quad(Material::skin, -1, -1, 1, 1, 0, &white);
  ridge.normal = {{-0.8F, 0, 0.6F}, {0.8F, 0, 0.6F}, {0.8F, 0, 0.6F}, {-0.8F, 0, 0.6F}};
  const auto sides = [&](float light) {
    View view = standard();
    view.light_side = light;
    const Rendering r = draw({ridge}, options(64), view);
    return std::array<int, 2>{rgb(r, 18, 32)[1], rgb(r, 45, 32)[1]};
  };
  const auto left = sides(-1), middle = sides(0), right = sides(1);
  EXPECT_GT(left[0], left[1] + 20);
  EXPECT_NEAR(middle[0], middle[1], 2);
  EXPECT_GT(right[1], right[0] + 20);
  EXPECT_NEAR(left[0], right[1], 2);
}

TEST(Light, KeyClimbsWithLightHeight) {
  const Texture white = plain(180, 180, 180);
  const auto upper_minus_lower = [&](float height) {
    View view = standard();
    view.light_height = height;
    const Rendering r = draw({ball(&white)}, options(64), view);
    return brightness(r, 32, 22) - brightness(r, 32, 42);
  };
  float before = -1;
  for (const float height : {-1.0F, -0.5F, 0.0F, 0.5F, 1.0F}) {
    const float now = upper_minus_lower(height);
    EXPECT_GT(now, before + 0.02F) << height;
    before = now;
  }
  EXPECT_LT(upper_minus_lower(-1), 0) << "lit from below";
}

TEST(Light, StrengthIsContrast) {
  const Texture white = plain(180, 180, 180);
  float before = 0;
  for (const float strength : {-1.0F, -0.5F, 0.0F, 0.5F, 1.0F}) {
    View view = standard();
    view.light_side = 1;
    view.light_strength = strength;
    const Rendering r = draw({ball(&white)}, options(64), view);
    const float contrast = brightness(r, 44, 32) / brightness(r, 20, 32);
    EXPECT_GT(contrast, before * 1.1F) << strength;
    before = contrast;
  }
}

TEST(Light, WarmthTurnsBlueToYellowAtEqualLuminance) {
  const Texture white = plain(150, 150, 150);
  std::array<float, 3> red_over_blue{}, light{};
  for (std::size_t i = 0; i < 3; ++i) {
    View view = standard();
    view.light_warmth = static_cast<float>(i) - 1;
    const Rendering r = draw({ball(&white)}, options(64), view);
    const auto p = rgb(r, 32, 32);
    red_over_blue[i] = static_cast<float>(p[0]) / static_cast<float>(p[2]);
    light[i] = brightness(r, 32, 32);
  }
  EXPECT_LT(red_over_blue[0], 0.95F * red_over_blue[1]);
  EXPECT_GT(red_over_blue[2], 1.08F * red_over_blue[1]);
  EXPECT_NEAR(light[0] / light[1], 1, 0.08F);
  EXPECT_NEAR(light[2] / light[1], 1, 0.08F);
}

// Every corner of the light's range, on the lightest and the darkest skin, gives a photo that can be used.
TEST(Light, ExtremesNeitherClipNorDrown) {
  const Texture light_skin = plain(235, 205, 190), dark_skin = plain(70, 45, 35);
  for (int corner = 0; corner < 81; ++corner) {
    View view = standard();
    for (int i = 0, c = corner; i < 4; ++i, c /= 3) view.*lamp_fields[i] = static_cast<float>(c % 3) - 1;
    for (const Texture* skin : {&light_skin, &dark_skin}) {
      const Rendering r = draw({ball(skin)}, options(48), view);
      int clipped = 0, face = 0;
      double sum = 0;
      for (int y = 0; y < 48; ++y) {
        for (int x = 0; x < 48; ++x) {
          if (r.labels[y * 48 + x] != 1) continue;
          const auto p = rgb(r, x, y);
          clipped += *std::min_element(p.begin(), p.end()) >= 252 ? 1 : 0;
          sum += (p[0] + p[1] + p[2]) / 3.0;
          ++face;
        }
      }
      ASSERT_GT(face, 300);
      EXPECT_LT(clipped, face / 50) << corner;
      EXPECT_GT(sum / face, skin == &light_skin ? 90 : 24) << corner;
      EXPECT_LT(sum / face, skin == &light_skin ? 240 : 120) << corner;
    }
  }
}

// Without highlights, skin cannot send back more than arrives: a white ball in white light stays below the lamps' sum.
TEST(Light, SkinReflectsNoMoreThanArrives) {
  const Lights lights{View{}};
  Fragment white;
  white.albedo = {1, 1, 1};
  white.gloss = 0;
  float most = 0;
  for (const float y : {-0.9F, -0.4F, 0.0F, 0.4F, 0.9F}) {
    white.normal = {0, y, std::sqrt(1 - y * y)};
    for (const float c : lights.shade(white)) most = std::max(most, c);
  }
  EXPECT_LT(most, 1.05F * (0.85F + 0.20F + 0.315F) * 1.13F + 0.06F);
  const Vec3 open = lights.shade(white);
  for (const float hollow : {0.75F, 0.5F, 0.25F, 0.0F}) {
    Fragment shaded = white;
    shaded.occlusion = hollow;
    EXPECT_LT(lights.shade(shaded)[1], open[1]) << hollow;
  }
}

TEST(Layers, FadeScalesAlphaSmoothly) {
  const Texture grey = plain(160, 160, 160), black = plain(0, 0, 0);
  const Draw skin = quad(Material::skin, -1, -1, 1, 1, 0, &grey);
  Draw layer = quad(Material::brow, -1, -1, 1, 1, 0.1F, &black);
  const auto middle_row = [&](const std::vector<float>& fade) {
    layer.fade = fade;
    const Rendering r = draw({skin, layer}, options(64));
    std::vector<float> row;
    for (int x = 17; x < 47; ++x) row.push_back(brightness(r, x, 32));
    return row;
  };
  const std::vector<float> none = middle_row({0, 0, 0, 0}), full = middle_row({1, 1, 1, 1}), above = middle_row({7, 7, 7, 7});
  EXPECT_EQ(none, middle_row({-3, -3, -3, -3}));
  EXPECT_EQ(full, above);
  EXPECT_EQ(full, middle_row({}));
  // 0 at the left edge, 1 at the right: cover grows evenly from none to full.
  const std::vector<float> ramp = middle_row({0, 1, 1, 0});
  for (std::size_t i = 0; i < ramp.size(); ++i) {
    const float share = (static_cast<float>(i) + 1.5F) / 32;
    EXPECT_NEAR(ramp[i], none[i] + (full[i] - none[i]) * share, 0.02F) << i;
  }
  EXPECT_GT(none[15] - full[15], 0.15F);
  EXPECT_LT(none[15], 0.75F) << "the tone curve's shoulder would bend the ramp";
  // A draw whose fade does not fit its vertices is left out like any other that does not fit together.
  EXPECT_EQ(middle_row({1, 1}), none);
}

TEST(Glasses, ChangeThePictureNeverTheLabels) {
  const Texture white = plain(220, 190, 170), brown = plain(90, 60, 30), hair = plain(60, 40, 20, 200), lens = plain(120, 130, 140, 40);
  const std::vector<Draw> head = {
      quad(Material::skin, -1.5F, -1.5F, 1.5F, 1.5F, 0, &white), quad(Material::eye, -1, -0.3F, -0.4F, 0.3F, 0.05F, &brown),
      quad(Material::brow, -1, 0.4F, -0.4F, 0.6F, 0.05F, &hair), quad(Material::hair, 0.2F, -1, 1.2F, 1, 0.1F, &hair)};
  for (const float z : {0.6F, 0.08F}) {  // before all of it; between skin and hair
    for (const Texture* texture : {static_cast<const Texture*>(nullptr), &lens}) {
      std::vector<Draw> wearing = head;
      wearing.push_back(quad(Material::glasses, -1.2F, -0.8F, 1.1F, 0.8F, z, texture));
      wearing.back().tint = {0.02F, 0.02F, 0.02F};
      for (const int supersample : {1, 2}) {
        const Rendering bare = draw(head, options(64, true, supersample)), worn = draw(wearing, options(64, true, supersample));
        EXPECT_EQ(bare.labels, worn.labels) << z << ' ' << supersample;
        EXPECT_NE(bare.rgb, worn.rgb);
        EXPECT_EQ(count(worn, 2) > 100 && count(worn, 3) > 10 && count(worn, 5) > 20, true);
        // An untextured frame hides the skin, a lens lets most of it through.
        const float through = brightness(worn, 29, 32) / brightness(bare, 29, 32);
        if (texture == nullptr) {
          EXPECT_LT(through, 0.35F);
        } else {
          EXPECT_GT(through, 0.6F);
        }
      }
    }
  }
}

TEST(BackdropTone, RunsFromBlackToWhite) {
  const auto corner_and_middle = [](float tone) {
    View view = standard();
    view.background = tone;
    const Rendering r = draw({}, options(64), view);
    return std::array<int, 2>{rgb(r, 1, 1)[1], rgb(r, 32, 32)[1]};
  };
  int before = -20;
  for (const float tone : {-1.0F, -0.5F, 0.0F, 0.5F, 1.0F}) {
    const int now = corner_and_middle(tone)[1];
    EXPECT_GT(now, before + 15) << tone;
    before = now;
  }
  EXPECT_LT(corner_and_middle(-1)[1], 12);
  EXPECT_GT(corner_and_middle(1)[1], 235);
  EXPECT_GT(corner_and_middle(1)[0], 235) << "a white wall has no dark corners";
  EXPECT_EQ(corner_and_middle(5), corner_and_middle(1));
}

// A plane at distance 10 with what `raise` (dm towards the camera) adds; 4 dm across the picture, as the camera of these tests sees it.
template <typename Raise>
std::vector<float> relief(int side, const Raise& raise) {
  std::vector<float> depth;
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const auto place = [side](int i) { return 4 * ((static_cast<float>(i) + 0.5F) / static_cast<float>(side) - 0.5F); };
      depth.push_back(1 / (10 - raise(place(x), -place(y))));
    }
  }
  return depth;
}

constexpr Vec3 from_above = {0, 0.6F, 0.8F};

TEST(Occlusion, DarkensHollowsAndLeavesSlopesAndRidges) {
  const auto ambient = [](float depth_of_groove) {
    const auto groove = [&](float x, float) { return -depth_of_groove * std::exp(-x * x / 0.01F); };
    ScreenOcclusion occlusion;
    occlusion.build(relief(256, groove), 256, std::vector<float>(256 * 256, 0.0F), 256, 2.5F, from_above);
    return occlusion.at(0.5F, 0.5F).ambient;
  };
  EXPECT_NEAR(ambient(0), 1, 1e-3);
  EXPECT_NEAR(ambient(-0.15F), 1, 0.02F) << "a ridge";
  EXPECT_LT(ambient(0.08F), 0.9F);
  EXPECT_LT(ambient(0.16F), ambient(0.08F) - 0.05F);
  EXPECT_GT(ambient(1), 0.02F);
  ScreenOcclusion slope;
  slope.build(relief(256, [](float x, float y) { return 0.5F * x + 0.3F * y; }), 256, std::vector<float>(256 * 256, 0.0F), 256, 2.5F,
              {0, 0, 1});
  EXPECT_NEAR(slope.at(0.4F, 0.6F).ambient, 1, 0.01F);
  EXPECT_NEAR(slope.at(0.4F, 0.6F).key, 1, 0.01F);
}

TEST(Occlusion, ShadowFallsAwayFromTheLamp) {
  // A ledge: what is above y = 0 stands out by half a decimetre.
  const auto ledge = [](float, float y) { return y > 0 ? 0.5F : 0.0F; };
  const std::vector<float> bald(256 * 256, 0.0F);
  ScreenOcclusion above, below;
  above.build(relief(256, ledge), 256, bald, 256, 2.5F, from_above);
  below.build(relief(256, ledge), 256, bald, 256, 2.5F, {0, -0.6F, 0.8F});
  EXPECT_LT(above.at(0.5F, 0.54F).key, 0.5F);
  EXPECT_NEAR(above.at(0.5F, 0.9F).key, 1, 0.01F) << "far below the ledge";
  EXPECT_NEAR(above.at(0.5F, 0.3F).key, 1, 0.01F) << "on the ledge";
  EXPECT_NEAR(below.at(0.5F, 0.54F).key, 1, 0.01F);
}

TEST(Occlusion, AgreesAcrossSizes) {
  const auto bump = [](float x, float y) { return 0.4F * std::exp(-(x * x + y * y) / 0.08F) + 0.1F * std::sin(4 * x); };
  constexpr Vec3 low = {0, 0.8F, 0.6F};
  ScreenOcclusion small, large;
  small.build(relief(128, bump), 128, std::vector<float>(128 * 128, 0.0F), 128, 2.5F, low);
  large.build(relief(1024, bump), 1024, std::vector<float>(512 * 512, 0.0F), 512, 2.5F, low);
  float darkest = 1;
  for (float y = 0.1F; y < 0.95F; y += 0.07F) {
    for (float x = 0.1F; x < 0.95F; x += 0.07F) {
      EXPECT_NEAR(small.at(x, y).ambient, large.at(x, y).ambient, 0.03F) << x << ' ' << y;
      EXPECT_NEAR(small.at(x, y).key, large.at(x, y).key, 0.06F) << x << ' ' << y;
      darkest = std::min(darkest, large.at(x, y).key);
    }
  }
  EXPECT_LT(darkest, 0.8F) << "the relief casts a shadow";
}

}  // namespace
}  // namespace likeness::scene
