#include <gtest/gtest.h>

#include "image/color_difference.hpp"

namespace likeness {
namespace {

struct Pair {
  Lab first, second;
  double difference;
};

// Table 1 of Sharma, Wu and Dalal (2005): pairs at which slips in the hue's mean, its turn and the rotation show.
constexpr Pair kPublished[] = {
    {{50, 2.6772, -79.7751}, {50, 0, -82.7485}, 2.0425},
    {{50, 3.1571, -77.2803}, {50, 0, -82.7485}, 2.8615},
    {{50, 2.8361, -74.0200}, {50, 0, -82.7485}, 3.4412},
    {{50, -1.3802, -84.2814}, {50, 0, -82.7485}, 1.0000},
    {{50, -1.1848, -84.8006}, {50, 0, -82.7485}, 1.0000},
    {{50, -0.9009, -85.5211}, {50, 0, -82.7485}, 1.0000},
    {{50, 0, 0}, {50, -1, 2}, 2.3669},
    {{50, 2.4900, -0.0010}, {50, -2.4900, 0.0009}, 7.1792},
    {{50, 2.4900, -0.0010}, {50, -2.4900, 0.0010}, 7.1792},
    {{50, 2.4900, -0.0010}, {50, -2.4900, 0.0011}, 7.2195},
    {{50, 2.4900, -0.0010}, {50, -2.4900, 0.0012}, 7.2195},
    {{50, -0.0010, 2.4900}, {50, 0.0009, -2.4900}, 4.8045},
    {{50, -0.0010, 2.4900}, {50, 0.0010, -2.4900}, 4.8045},
    {{50, -0.0010, 2.4900}, {50, 0.0011, -2.4900}, 4.7461},
    {{50, 2.5, 0}, {50, 0, -2.5}, 4.3065},
    {{50, 2.5, 0}, {73, 25, -18}, 27.1492},
    {{50, 2.5, 0}, {61, -5, 29}, 22.8977},
    {{50, 2.5, 0}, {56, -27, -3}, 31.9030},
    {{50, 2.5, 0}, {58, 24, 15}, 19.4535},
    {{50, 2.5, 0}, {50, 3.1736, 0.5854}, 1.0000},
    {{50, 2.5, 0}, {50, 3.2972, 0}, 1.0000},
    {{50, 2.5, 0}, {50, 1.8634, 0.5757}, 1.0000},
    {{50, 2.5, 0}, {50, 3.2592, 0.3350}, 1.0000},
    {{60.2574, -34.0099, 36.2677}, {60.4626, -34.1751, 39.4387}, 1.2644},
    {{63.0109, -31.0961, -5.8663}, {62.8187, -29.7946, -4.0864}, 1.2630},
    {{61.2901, 3.7196, -5.3901}, {61.4292, 2.2480, -4.9620}, 1.8731},
    {{35.0831, -44.1164, 3.7933}, {35.0232, -40.0716, 1.5901}, 1.8645},
    {{22.7233, 20.0904, -46.6940}, {23.0331, 14.9730, -42.5619}, 2.0373},
    {{36.4612, 47.8580, 18.3852}, {36.2715, 50.5065, 21.2231}, 1.4146},
    {{90.8027, -2.0831, 1.4410}, {91.1528, -1.6435, 0.0447}, 1.4441},
    {{90.9257, -0.5406, -0.9208}, {88.6381, -0.8985, -0.7239}, 1.5381},
    {{6.7747, -0.2908, -2.4247}, {5.8714, -0.0985, -2.2286}, 0.6377},
    {{2.0776, 0.0795, -1.1350}, {0.9033, -0.0636, -0.5514}, 0.9082},
};

TEST(ColourDifference, AgreesWithThePublishedPairsEitherWayRound) {
  for (const Pair& pair : kPublished) {
    EXPECT_NEAR(ciede2000(pair.first, pair.second), pair.difference, 5e-5) << pair.first.l << ' ' << pair.first.a << ' ' << pair.first.b;
    EXPECT_NEAR(ciede2000(pair.second, pair.first), pair.difference, 5e-5) << pair.first.l << ' ' << pair.first.a << ' ' << pair.first.b;
    EXPECT_EQ(ciede2000(pair.first, pair.first), 0);
  }
}

TEST(ColourDifference, GreysLieOnTheAxis) {
  EXPECT_NEAR(lab_from_srgb({1, 1, 1}).l, 100, 1e-4);
  EXPECT_NEAR(lab_from_srgb({0, 0, 0}).l, 0, 1e-9);
  double last = -1;
  for (int i = 0; i <= 20; ++i) {
    const Lab grey = lab_from_srgb({i / 20.0, i / 20.0, i / 20.0});
    EXPECT_NEAR(grey.a, 0, 1e-4);
    EXPECT_NEAR(grey.b, 0, 1e-4);
    EXPECT_GT(grey.l, last);
    last = grey.l;
  }
}

TEST(ColourDifference, PrimariesHaveTheirKnownPlaces) {
  const auto expect = [](const std::array<double, 3>& srgb, const Lab& known) {
    const Lab lab = lab_from_srgb(srgb);
    EXPECT_NEAR(lab.l, known.l, 0.02);
    EXPECT_NEAR(lab.a, known.a, 0.02);
    EXPECT_NEAR(lab.b, known.b, 0.02);
  };
  expect({1, 0, 0}, {53.24, 80.09, 67.20});
  expect({0, 1, 0}, {87.73, -86.18, 83.18});
  expect({0, 0, 1}, {32.30, 79.19, -107.86});
}

}  // namespace
}  // namespace likeness
