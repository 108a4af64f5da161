// The rasteriser on synthetic meshes: coverage, depth, labels, layers, broken input, threads.
#include "scene/raster.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <thread>

#include "base/parallel.hpp"
#include "image/color.hpp"
#include "raster_support.hpp"
#include "scene/raster_mesh.hpp"
#include "scene/raster_scan.hpp"
#include "scene/shade.hpp"
#include "scene/texture.hpp"

namespace likeness::scene {
namespace {

TEST(Raster, CoversExactlyTheSamplesInside) {
  const Texture white = plain(255, 255, 255);
  // From -1 to 1 of 4 units across 64 pixels: columns and rows 16 to 47.
  const Rendering r = draw({quad(Material::skin, -1, -1, 1, 1, 0, &white)}, options(64));
  EXPECT_EQ(count(r, 1), 32 * 32);
  EXPECT_EQ(r.labels[16 * 64 + 16], 1);
  EXPECT_EQ(r.labels[47 * 64 + 47], 1);
  EXPECT_EQ(r.labels[15 * 64 + 16], 0);
  EXPECT_EQ(r.labels[48 * 64 + 47], 0);
  EXPECT_EQ(r.labels[16 * 64 + 48], 0);
}

TEST(Raster, NeighbouringTrianglesNeitherOverlapNorLeaveGaps) {
  // A fan of slivers round an odd centre: each sample of the disc must be covered exactly once.
  constexpr int side = 97, spokes = 61;
  std::vector<int> hits(side * side, 0);
  const ScreenVertex centre{48.3F, 47.9F, 0.1F, 0.1F};
  const auto rim = [&](int i) {
    const float angle = 6.2831853F * static_cast<float>(i % spokes) / spokes;
    return ScreenVertex{centre.x + 40 * std::cos(angle), centre.y + 40 * std::sin(angle), 0.1F, 0.1F};
  };
  for (int i = 0; i < spokes; ++i) {
    const ScreenVertex a = rim(i), b = rim(i + 1);
    const TriangleRows rows(centre, a, b, side);
    for (int y = rows.first; y < rows.end; ++y) {
      const auto [x0, x1] = rows.span(y);
      for (int x = x0; x < x1; ++x) ++hits[y * side + x];
    }
  }
  int inside = 0;
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const float distance = std::hypot(static_cast<float>(x) - centre.x, static_cast<float>(y) - centre.y);
      if (distance < 39.9F * std::cos(3.1415927F / spokes)) {
        EXPECT_EQ(hits[y * side + x], 1) << x << ' ' << y;
        ++inside;
      } else if (distance > 40.1F) {
        EXPECT_EQ(hits[y * side + x], 0) << x << ' ' << y;
      }
    }
  }
  EXPECT_GT(inside, 4000);
}

TEST(Raster, NearerSurfaceWinsInAnyOrder) {
  const Texture red = plain(200, 0, 0), green = plain(0, 200, 0);
  const Draw front = quad(Material::teeth, -1, -1, 1, 1, 0.5F, &green);
  const Draw behind = quad(Material::skin, -1.5F, -1.5F, 1.5F, 1.5F, 0, &red);
  const Rendering a = draw({front, behind}, options(64));
  const Rendering b = draw({behind, front}, options(64));
  EXPECT_EQ(a.rgb, b.rgb);
  EXPECT_EQ(a.labels, b.labels);
  EXPECT_EQ(a.labels[32 * 64 + 32], 9);
  EXPECT_GT(rgb(a, 32, 32)[1], rgb(a, 32, 32)[0]);
  EXPECT_EQ(a.labels[32 * 64 + 10], 1);
}

TEST(Raster, InterpolatesWithPerspective) {
  // A floor that recedes: uv v from 0 at z = 2 to 1 at z = -6. On the screen v is not linear.
  const Projector projector(camera, standard());
  DrawList list;
  Draw floor;
  floor.position = {{-1, -1, 2}, {1, -1, 2}, {1, -1, -6}, {-1, -1, -6}};
  floor.normal.assign(4, {0, 1, 0});
  floor.uv = {{0, 0}, {1, 0}, {1, 1}, {0, 1}};
  floor.triangle = {0, 1, 2, 0, 2, 3};
  list.draws = {floor};
  const ScreenMesh mesh = project(list, projector, framing, 512, 1);
  ASSERT_EQ(mesh.opaque.size(), 2U);
  const ScreenVertex* v = mesh.vertices.data();
  for (const float z : {1.0F, -1.5F, -4.0F}) {
    const Vec3 e = projector.eye({0.3F, -1, z});
    const Vec2 p = to_pixels(framing, Projector::plane(e), 512);
    float found = -1, depth = 0;
    for (const ScreenTriangle& t : mesh.opaque) {
      const Vec2 a = {v[t.vertex[0]].x, v[t.vertex[0]].y}, b = {v[t.vertex[1]].x, v[t.vertex[1]].y},
                 c = {v[t.vertex[2]].x, v[t.vertex[2]].y};
      const auto side = [](Vec2 s, Vec2 e2, float x, float y) { return (e2[0] - s[0]) * (y - s[1]) - (e2[1] - s[1]) * (x - s[0]); };
      const float x = p[0] - 0.5F, y = p[1] - 0.5F;
      if (side(a, b, x, y) > 0 || side(b, c, x, y) > 0 || side(c, a, x, y) > 0) continue;
      TrianglePoints points;
      points.set(mesh, t);
      const TrianglePoints::Place w = points.at(x, y);
      found = 0;
      for (int k = 0; k < 3; ++k) found += w.weight[k] * floor.uv[t.vertex[k]][1];
      depth = 1 / w.inverse;
    }
    EXPECT_NEAR(found, (2 - z) / 8, 1e-4) << z;
    EXPECT_NEAR(depth, 10 - z, 1e-2) << z;
  }
}

TEST(Raster, ThresholdsLabelFieldsPerPixel) {
  const Texture white = plain(255, 255, 255);
  Draw skin = quad(Material::skin, -1, -1, 1, 1, 0, &white);
  // nose: > 0 on the right 3/4; ear > 0.6 above 0.8 of the height.
  for (int i = 0; i < 4; ++i) {
    skin.fields[i].nose = skin.position[i][0] > 0 ? 3.0F : -1.0F;
    skin.fields[i].ear = skin.position[i][1] > 0 ? 0.75F : 0.0F;
  }
  const Rendering r = draw({skin}, options(128));
  for (int y = 32; y < 96; ++y) {
    for (int x = 32; x < 96; ++x) {
      const float across = (static_cast<float>(x) + 0.5F - 32) / 64, up = (96 - (static_cast<float>(y) + 0.5F)) / 64;
      if (std::fabs(across - 0.25F) < 0.01F || std::fabs(up - 0.8F) < 0.01F) continue;
      EXPECT_EQ(r.labels[y * 128 + x], up > 0.8F ? 0 : across > 0.25F ? 7 : 1) << x << ' ' << y;
    }
  }
  for (int i = 0; i < 4; ++i) skin.fields[i] = {0, 3, skin.position[i][1], 1};
  const Rendering lips = draw({skin}, options(128));
  EXPECT_EQ(lips.labels[50 * 128 + 64], 8);
  EXPECT_EQ(lips.labels[80 * 128 + 64], 10);
  skin.region = {Region::mouth_interior, Region::body};
  const Rendering inner = draw({skin}, options(128));
  EXPECT_EQ(count(inner, 9) + count(inner, 0), 128 * 128);
  EXPECT_GT(count(inner, 9), 1900);
}

TEST(Raster, SidesAreTheViewers) {
  const Texture brown = plain(90, 60, 30), white = plain(255, 255, 255), dark = plain(20, 10, 5, 200);
  const Rendering r =
      draw({quad(Material::eye, -1.5F, -0.5F, -0.5F, 0.5F, 0, &brown), quad(Material::eye, 0.5F, -0.5F, 1.5F, 0.5F, 0, &brown),
            quad(Material::skin, -1.5F, 0.6F, 1.5F, 1.6F, 0, &white), quad(Material::brow, -1.5F, 0.8F, -0.5F, 1.2F, 0, &dark),
            quad(Material::brow, 0.5F, 0.8F, 1.5F, 1.2F, 0, &dark)},
           options(64, true, 2));
  EXPECT_EQ(r.labels[32 * 64 + 16], 5);
  EXPECT_EQ(r.labels[32 * 64 + 48], 6);
  EXPECT_EQ(r.labels[16 * 64 + 16], 3);
  EXPECT_EQ(r.labels[16 * 64 + 48], 4);
}

TEST(Raster, LayersBlendByAlphaAndLabelByThreshold) {
  const Texture white = plain(255, 255, 255);
  const Draw skin = quad(Material::skin, -1, -1, 1, 1, 0, &white);
  const auto with = [&](Material material, std::uint8_t alpha, float z = 0.1F) {
    const Texture black = plain(0, 0, 0, alpha);
    return draw({skin, quad(material, -1, -1, 1, 1, z, &black)}, options(32, true, 2));
  };
  const int bare = rgb(draw({skin}, options(32, true, 2)), 16, 16)[1];
  EXPECT_EQ(with(Material::hair, 120).labels[16 * 32 + 16], 1);
  EXPECT_EQ(with(Material::hair, 135).labels[16 * 32 + 16], 2);
  EXPECT_EQ(with(Material::brow, 60).labels[16 * 32 + 16], 1);
  EXPECT_EQ(with(Material::brow, 68).labels[16 * 32 + 16], 4);
  EXPECT_EQ(with(Material::lash, 255).labels[16 * 32 + 16], 1);
  EXPECT_EQ(with(Material::hair, 0).labels[16 * 32 + 16], 1);
  const int half = rgb(with(Material::lash, 128), 16, 16)[1], full = rgb(with(Material::lash, 255), 16, 16)[1];
  EXPECT_LT(full, 8);
  EXPECT_GT(half, full + 40);
  EXPECT_LT(half, bare - 20);
  // Hair a little behind the skin still shows (its bias), hair far behind does not.
  EXPECT_EQ(with(Material::hair, 255, -0.05F).labels[16 * 32 + 16], 2);
  EXPECT_EQ(with(Material::hair, 255, -0.3F).labels[16 * 32 + 16], 1);
}

TEST(Raster, NearerLayerHidesFartherInAnyOrder) {
  const Texture red = plain(200, 0, 0, 255), green = plain(0, 200, 0, 255);
  const Draw front = quad(Material::hair, -1, -1, 1, 1, 0.6F, &green), behind = quad(Material::hair, -1, -1, 1, 1, 0.3F, &red);
  const Rendering a = draw({front, behind}, options(64)), b = draw({behind, front}, options(64));
  EXPECT_EQ(a.rgb, b.rgb);
  EXPECT_GT(rgb(a, 32, 32)[1], 5 * rgb(a, 32, 32)[0]);
}

TEST(Raster, ClosedSurfacesHideTheirBackLayersDoNot) {
  const Texture white = plain(255, 255, 255);
  const auto turned = [&](Material material) {
    Draw d = quad(material, -1, -1, 1, 1, 0, &white);
    d.triangle = {0, 2, 1, 0, 3, 2};
    return draw({d}, options(32));
  };
  EXPECT_EQ(count(turned(Material::skin), 1), 0);
  EXPECT_EQ(count(turned(Material::hair), 2), 16 * 16);
}

TEST(Raster, SupersamplingAveragesInLinearLight) {
  const Texture grey = plain(120, 120, 120);
  // The edge at x = 0.0625 units cuts column 16 of 32: one of its two columns of samples is covered.
  const Rendering whole = draw({quad(Material::skin, -1, -1, 1, 1, 0, &grey)}, options(32, true, 2));
  const Rendering cut = draw({quad(Material::skin, -1, -1, 0.0625F, 1, 0, &grey)}, options(32, true, 2));
  const auto& linear = srgb_to_linear_table();
  std::vector<Vec3> backdrop;
  Backdrop(0).row(16, 32, backdrop);
  const float inside = linear[rgb(whole, 16, 16)[1]], edge = linear[rgb(cut, 16, 16)[1]], behind = backdrop[16][1];
  ASSERT_LT(inside, 0.7F) << "the tone curve's shoulder would bend the mean";
  EXPECT_NEAR(edge, 0.5F * (inside + behind), 0.004F);
  EXPECT_GT(std::fabs(inside - behind), 0.05F);
}

TEST(Raster, SurvivesBrokenMeshes) {
  const Texture white = plain(255, 255, 255);
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  std::vector<Draw> draws;
  for (const Vec3 bad :
       {Vec3{nan, 0, 0}, Vec3{0, inf, 0}, Vec3{0, 0, 20}, Vec3{0, 0, 10}, Vec3{1e30F, 0, 0}, Vec3{0, 0, 9.6F}, Vec3{1, -1, 0}}) {
    for (const Material material : {Material::skin, Material::hair, Material::eye}) {
      Draw d = quad(material, -1, -1, 1, 1, 0, &white);
      d.position[2] = bad;
      draws.push_back(d);
      d.uv[1] = {nan, inf};
      d.normal[0] = {0, 0, 0};
      draws.push_back(d);
    }
  }
  Draw out_of_range = quad(Material::skin, -1, -1, 1, 1, 0, &white);
  out_of_range.triangle = {0, 1, 4, 0, 4000000000U, 2, 1};
  out_of_range.region.clear();
  draws.push_back(out_of_range);
  Draw mismatched = quad(Material::skin, -1, -1, 1, 1, 0, &white);
  mismatched.normal.pop_back();
  draws.push_back(mismatched);
  draws.push_back(Draw{});
  Texture empty;
  draws.push_back(quad(Material::brow, -1, -1, 1, 1, 0, &empty));
  draws.push_back(quad(Material::brow, -1, -1, 1, 1, 0, nullptr));
  for (const int supersample : {1, 2, 4}) {
    const Rendering r = draw(draws, options(48, true, supersample));
    EXPECT_EQ(r.rgb.size(), 48U * 48 * 3);
    EXPECT_EQ(*std::max_element(r.labels.begin(), r.labels.end()) <= 10, true);
  }
  // Alone, a draw with one vertex behind the camera loses only the triangles that use it.
  Draw half = quad(Material::skin, -1, -1, 1, 1, 0, &white);
  half.position[3] = {0, 0, 20};
  EXPECT_NEAR(count(draw({half}, options(64)), 1), 512, 32);
}

TEST(Raster, LandmarksFollowTheHead) {
  DrawList list;
  list.landmarks.assign(68, {0, 0, 0});
  list.landmarks[1] = {1, 0.5F, 0};
  const Rendering r = rasterise(list, camera, standard(), framing, options(64));
  EXPECT_NEAR(r.landmarks[0][0], 32, 1e-4);
  EXPECT_NEAR(r.landmarks[1][0], 48, 1e-3);
  EXPECT_NEAR(r.landmarks[1][1], 24, 1e-3);
  list.landmarks[2] = {0, 0, 1};
  View view = standard();
  view.yaw = 0.2F;
  const Rendering turned = rasterise(list, camera, view, framing, options(64));
  EXPECT_GT(turned.landmarks[2][0], 34) << "positive yaw turns the face to image right";
}

class ThreadRunner final : public Runner {
 public:
  explicit ThreadRunner(int n) : n_(n) {}
  void run(std::int64_t total, const std::function<void(std::int64_t)>& body) override {
    std::vector<std::thread> threads;
    for (int t = 0; t < n_; ++t) {
      threads.emplace_back([&, t] {
        for (std::int64_t i = t; i < total; i += n_) body(i);
      });
    }
    for (std::thread& t : threads) t.join();
  }

 private:
  int n_;
};

TEST(Raster, SameBytesForAnyNumberOfThreads) {
  const Texture skin = plain(220, 180, 160), strands = plain(80, 50, 30, 140);
  const auto render_all = [&](int n) {
    ThreadRunner runner(n);
    set_runner(&runner);
    std::vector<Rendering> out(12);
    parallel_for(12, [&](std::int64_t i) {
      const float f = static_cast<float>(i) / 12;
      Draw hair = quad(Material::hair, -1, 0, 1, 1 + f, 0.2F, &strands);
      hair.recolour = true;
      hair.tint = {0.2F, 0.1F, f};
      View view = standard();
      view.yaw = f - 0.5F;
      view.pitch = 0.1F;
      view.light_side = f;
      out[i] = draw({quad(Material::skin, -1, -1, 1, 1, 0, &skin), hair}, options(40 + static_cast<int>(i % 3) * 24, true, 2), view);
    });
    set_runner(nullptr);
    return out;
  };
  const auto one = render_all(1), four = render_all(4);
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].rgb, four[i].rgb) << i;
    EXPECT_EQ(one[i].labels, four[i].labels) << i;
  }
  EXPECT_NE(one[0].rgb, one[3].rgb);
}

TEST(Textures, LevelsKeepColourUnderAlpha) {
  Texture t = plain(0, 255, 0, 0, 16);
  for (int y = 0; y < 16; ++y) {
    for (int x = 0; x < 16; x += 2) {
      std::uint8_t* p = t.rgba.data() + 4 * (y * 16 + x);
      p[0] = 100, p[1] = 50, p[2] = 20, p[3] = 255;
    }
  }
  add_levels(t);
  EXPECT_EQ(t.levels, 3);
  const Colour c = sample_bilinear(level_of(t, 1), 0.4F, 0.6F);
  EXPECT_NEAR(c[3], 0.5F, 0.01F);
  EXPECT_NEAR(srgb8_from_linear(c[0]), 100, 1);
  EXPECT_NEAR(srgb8_from_linear(c[1]), 50, 1) << "green of the transparent texels bled in";
  const auto& linear = srgb_to_linear_table();
  EXPECT_NEAR(t.mean_luminance, luminance(linear[100], linear[50], linear[20]), 1e-4);
}

TEST(Textures, SmoothSamplingReproducesRampsAndStaysInItsWindow) {
  // Catmull-Rom reproduces straight lines: a ramp in linear light (as near as 8 bits allow).
  Texture t;
  t.width = t.height = 32;
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 32; ++x) {
      const std::uint8_t value = srgb8_from_linear(static_cast<float>(x + y) / 64);
      t.rgba.insert(t.rgba.end(), {value, value, value, 255});
    }
  }
  const SmoothTexture window(t, {0.25F, 0.25F}, {0.75F, 0.5F});
  for (const auto& [u, v] : {std::pair{0.25F, 0.25F}, {0.3F, 0.37F}, {0.75F, 0.5F}, {0.61F, 0.33F}}) {
    const float expected = (u * 32 - 0.5F + (1 - v) * 32 - 0.5F) / 64;
    EXPECT_NEAR(window.sample(u, v)[0], expected, 0.006F) << u << ' ' << v;
  }
  EXPECT_GE(window.sample(-5, 7)[0], 0);
}

TEST(Textures, LinearOnesReadLikeTheirBytes) {
  Texture t;
  t.width = t.height = 16;
  std::uint32_t state = 1;
  for (int i = 0; i < 16 * 16; ++i) {
    for (int c = 0; c < 3; ++c) t.linear.push_back(static_cast<std::uint16_t>((state = state * 1664525 + 1013904223) >> 16));
    t.linear.push_back(65535);
  }
  const Texture bytes = as_srgb(t);
  ASSERT_EQ(bytes.rgba.size(), t.linear.size());
  const SmoothTexture direct(t, {0, 0}, {1, 1}), converted(bytes, {0.2F, 0.2F}, {0.8F, 0.8F});
  for (const auto& [u, v] : {std::pair{0.25F, 0.25F}, {0.3F, 0.37F}, {0.75F, 0.5F}, {0.61F, 0.33F}}) {
    const Colour a = direct.sample(u, v), b = converted.sample(u, v);
    for (std::size_t c = 0; c < 4; ++c) EXPECT_NEAR(a[c], b[c], 0.008F) << u << ' ' << v;
  }
  for (const float outside : {-3.0F, 0.0F, 1.0F, 4.0F}) EXPECT_GE(direct.sample(outside, outside)[0], 0);
}

}  // namespace
}  // namespace likeness::scene
