// What is painted, cut and put on: beards, wrinkles, lips, hairlines, brows, glasses; light and camera.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <string>

#include "head_client.hpp"
#include "likeness/scene.hpp"

namespace likeness {
namespace {

using Looks = std::map<std::string, double>;  // client units

Rendering render(const Looks& looks, const std::string& hair = "short01", std::uint64_t glasses = 0, const std::string& worn = "none") {
  const Schema& schema = client().schema();
  std::vector<float> x = schema.default_vector();
  for (const auto& [name, value] : looks) x[schema.find(name)->offset] = static_cast<float>(schema.find(name)->from_client(value));
  for (const auto& [name, option] : {std::pair{"hair", &hair}, {"glasses", &worn}}) {
    const Parameter& choice = *schema.find(name);
    for (std::size_t i = 0; i < choice.size(); ++i) x[choice.offset + i] = choice.options[i] == *option ? 1.0F : 0.0F;
  }
  RenderOptions options;
  options.size = 256;
  options.labels = true;
  options.supersample = 1;
  options.glasses = glasses;
  auto rendering = client().render(x, options);
  EXPECT_TRUE(rendering.ok()) << rendering.status().message;
  return rendering.ok() ? *rendering : Rendering{};
}

std::size_t count(const Rendering& r, std::uint8_t label) {
  return static_cast<std::size_t>(std::count(r.labels.begin(), r.labels.end(), label));
}

// Mean lightness (0 to 255) of a square of 11 pixels.
double lightness(const Rendering& r, double x, double y) {
  double sum = 0;
  for (int dy = -5; dy <= 5; ++dy) {
    for (int dx = -5; dx <= 5; ++dx) {
      const auto at = static_cast<std::size_t>(std::lround(y) + dy) * 256 + static_cast<std::size_t>(std::lround(x) + dx);
      for (std::size_t c = 0; c < 3; ++c) sum += r.rgb[3 * at + c];
    }
  }
  return sum / (121 * 3);
}

struct Place {
  double x, y;
};

// Between landmarks a and b.
Place between(const Rendering& r, std::size_t a, std::size_t b) {
  return {static_cast<double>(r.landmarks[a][0] + r.landmarks[b][0]) / 2, static_cast<double>(r.landmarks[a][1] + r.landmarks[b][1]) / 2};
}

TEST(Looks, BeardsDarkenTheirPartAndNoLabel) {
  const Rendering shaved = render({});
  struct Part {
    const char* name;
    std::size_t a, b;  // a landmark pair around its middle
  };
  for (const Part& part : {Part{"beard_moustache", 33, 51}, Part{"beard_chin", 8, 57}, Part{"beard_jaw", 4, 48}}) {
    const Place place = between(shaved, part.a, part.b);
    const double bare = lightness(shaved, place.x, place.y);
    const Rendering stubble = render({{part.name, 0.5}}), full = render({{part.name, 1}});
    EXPECT_LT(lightness(stubble, place.x, place.y), bare - 8) << part.name;
    EXPECT_LT(lightness(full, place.x, place.y), lightness(stubble, place.x, place.y) - 15) << part.name;
    EXPECT_EQ(full.labels, shaved.labels) << part.name;
    // The forehead stays bare.
    const Place brow = {shaved.landmarks[27][0], static_cast<double>(shaved.landmarks[19][1]) - 12};
    EXPECT_NEAR(lightness(full, brow.x, brow.y), lightness(shaved, brow.x, brow.y), 0.5) << part.name;
  }
  const Place chin = between(shaved, 8, 57);
  EXPECT_GT(lightness(render({{"beard_chin", 1}, {"beard_gray", 1}}), chin.x, chin.y),
            lightness(render({{"beard_chin", 1}}), chin.x, chin.y) + 30);
}

TEST(Looks, AgeAndTheSliderBringWrinkles) {
  // Furrows across the forehead: differences between rows above the brows.
  const auto rough = [](const Looks& looks) {
    const Rendering r = render(looks, "bald");
    const auto x = static_cast<std::size_t>(std::lround(r.landmarks[27][0]));
    const auto brow = static_cast<std::size_t>(std::lround(r.landmarks[19][1]));
    double sum = 0;
    for (std::size_t y = brow - 35; y < brow - 8; ++y) {
      for (std::size_t dx = 0; dx < 20; ++dx) {
        const std::size_t at = 3 * (y * 256 + x - 10 + dx) + 1;
        sum += std::abs(static_cast<int>(r.rgb[at]) - static_cast<int>(r.rgb[at + std::size_t{3} * 256]));
      }
    }
    return sum;
  };
  const double young = rough({}), old = rough({{"age", 0.95}});
  EXPECT_GT(old, 1.3 * young);
  EXPECT_GT(rough({{"wrinkles", 1}}), 1.3 * young);
  EXPECT_LT(rough({{"age", 0.95}, {"wrinkles", -1}}), 0.85 * old);
}

TEST(Looks, HairRecedesAndIsCut) {
  const std::uint8_t hair = 2;
  std::size_t before = count(render({{"hairline_recession", 0}}), hair);
  EXPECT_LE(before, count(render({}), hair) + before / 50);  // the default takes next to nothing
  for (const double recession : {0.4, 0.7, 1.0}) {
    const Rendering r = render({{"hairline_recession", recession}});
    EXPECT_LT(count(r, hair), before) << recession;
    before = count(r, hair);
  }
  EXPECT_GT(before, 300U) << "a wreath is left";
  std::size_t shorter = count(render({{"hair_length", 1}}, "long01"), hair);
  for (const double length : {0.4, 0.0}) {
    const std::size_t now = count(render({{"hair_length", length}}, "long01"), hair);
    EXPECT_LT(now, shorter);
    shorter = now;
  }
}

TEST(Looks, ARecedingHairlineHasNoHornsAtTheTemples) {
  for (const double recession : {0.35, 0.45, 0.55}) {
    const Rendering r = render({{"hairline_recession", recession}}, "short02");
    // From the forehead's top down to the brows: how far hair stands in from where the line above has receded to.
    const auto brows = static_cast<std::ptrdiff_t>(r.landmarks[19][1]);
    int receded = 128, horn = 0;
    for (std::ptrdiff_t y = brows - 50; y < brows; ++y) {
      int edge = 0;
      for (int x = 0; x < 128; ++x) edge = r.labels[static_cast<std::size_t>(y * 256 + x)] == 2 ? x : edge;
      if (edge == 0) continue;
      receded = std::min(receded, edge);
      horn = std::max(horn, edge - receded);
    }
    EXPECT_LE(horn, 11) << recession;  // 15, 14 and 13 where the sides were spared at once
  }
}

TEST(Looks, BrowsThicken) {
  const auto area = [](double thickness) {
    const Rendering r = render({{"eyebrow_thickness", thickness}});
    return count(r, 3) + count(r, 4);
  };
  EXPECT_LT(area(-1), area(0));
  EXPECT_LT(area(0), area(1));
}

TEST(Looks, LipsTakeColour) {
  const Rendering plain = render({});
  const auto mean = [&](const Looks& looks, std::size_t channel) {
    const Rendering r = render(looks);
    double sum = 0;
    for (std::size_t i = 0; i < r.labels.size(); ++i) sum += r.labels[i] == 10 ? r.rgb[3 * i + channel] : 0;
    return sum / static_cast<double>(count(plain, 10));
  };
  EXPECT_LT(mean({{"lip_redness", 1}}, 1), mean({}, 1) - 5);
  EXPECT_GT(mean({{"lip_redness", -1}}, 1) / mean({{"lip_redness", -1}}, 0), mean({}, 1) / mean({}, 0));
  EXPECT_GT(mean({{"lip_lightness", 1}}, 1), mean({{"lip_lightness", -1}}, 1) + 20);
}

TEST(Looks, GlassesChangeThePictureNotTheLabels) {
  const Rendering without = render({{"yaw", 8}});
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const Rendering with = render({{"yaw", 8}}, "short01", seed);
    EXPECT_NE(with.rgb, without.rgb);
    EXPECT_EQ(with.labels, without.labels);
    EXPECT_EQ(with.landmarks, without.landmarks);
    EXPECT_EQ(with.rgb, render({{"yaw", 8}}, "short01", seed).rgb);
  }
  EXPECT_NE(render({}, "short01", 1).rgb, render({}, "short01", 2).rgb);
}

TEST(Looks, EveryPairOfGlassesIsItsOwnAndLabelsAreOfTheFace) {
  std::vector<Rendering> seen = {render({})};
  for (const std::string& option : client().schema().find("glasses")->options) {
    if (option == "none") continue;
    const Rendering with = render({}, "short01", 0, option);
    for (const Rendering& other : seen) EXPECT_NE(with.rgb, other.rgb) << option;
    EXPECT_EQ(with.labels, seen[0].labels);
    EXPECT_EQ(with.landmarks, seen[0].landmarks);
    EXPECT_EQ(with.rgb, render({}, "short01", 7, option).rgb) << "nobody wears two pairs";
    seen.push_back(with);
  }
  EXPECT_EQ(seen.size(), client().schema().find("glasses")->options.size());
}

TEST(Looks, NearCamerasEnlargeTheNose) {
  const auto width = [](double distance) {
    const Rendering r = render({{"camera_distance", distance}});
    // Nose tip to chin against the head's outline at the ears, which lies deeper.
    return static_cast<double>(r.landmarks[16][0] - r.landmarks[0][0]);
  };
  EXPECT_LT(width(5), width(12.6));  // framed by the inner face, the deeper outline shrinks
  EXPECT_LT(width(12.6), width(30));
}

TEST(Looks, SmilesShowTeeth) {
  const std::uint8_t inner_mouth = 9;
  EXPECT_LT(count(render({}), inner_mouth), 15U);
  EXPECT_GT(count(render({{"smile", 1}}), inner_mouth), 120U);
  EXPECT_GT(count(render({{"mouth_open", 0.6}}), inner_mouth), 200U);
}

}  // namespace
}  // namespace likeness
