#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/axis_map.hpp"
#include "kernels/pool.hpp"
#include "kernels_support.hpp"

namespace likeness {
namespace {

using kernels::AxisMap;
using kernels::PadMode;
using kernels::PoolAxis;
using kernels::PoolShape;
using test::Random;

template <class T>
std::vector<T> apply(const AxisMap& rows, const AxisMap& columns, const std::vector<T>& x, std::int64_t planes) {
  std::vector<T> y(static_cast<std::size_t>(planes * rows.outputs * columns.outputs));
  std::vector<T> workspace(static_cast<std::size_t>(kernels::axes_workspace(rows, columns, planes)));
  kernels::apply_axes(rows, columns, x.data(), planes, y.data(), workspace.data());
  return y;
}

std::vector<double> along(const AxisMap& map, const std::vector<double>& x) { return apply(AxisMap::bilinear(1, 1), map, x, 1); }

void expect_near(const std::vector<double>& got, const std::vector<double>& expected, double bound) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], bound) << i;
}

// Values of PyTorch 1.13 in double: interpolate(), avg_pool1d(), adaptive_avg_pool1d(), pad() of this row.
TEST(AxisMap, FollowsPyTorch) {
  const std::vector<double> x{3, -1, 4, 1, -5, 9, 2};
  expect_near(along(AxisMap::bilinear(7, 11), x),
              {3.0, 1.1818181818181817, -0.5454545454545459, 2.6363636363636367, 2.9090909090909087, 1.0, -2.8181818181818175,
               -1.1818181818181852, 7.727272727272729, 5.181818181818185, 2.0},
              1e-14);
  expect_near(along(AxisMap::bilinear(7, 3), x), {0.33333333333333304, 1.0, 6.6666666666666625}, 1e-14);
  expect_near(along(AxisMap::bilinear(7, 11, true), x),
              {3.0, 0.6000000000000001, -2.220446049250313e-16, 2.999999999999999, 2.8000000000000003, 1.0, -2.599999999999998,
               -2.1999999999999975, 6.1999999999999975, 6.200000000000004, 2.0},
              1e-14);
  expect_near(along(AxisMap::bilinear(7, 1, true), x), {3.0}, 1e-14);
  expect_near(along(AxisMap::antialiased(7, 3), x), {1.5, 0.647058823529412, 3.5}, 1e-14);
  expect_near(along(AxisMap::antialiased(7, 5), x),
              {1.6666666666666667, 1.7777777777777768, 0.4545454545454545, 1.2222222222222183, 4.333333333333335}, 1e-14);
  expect_near(along(AxisMap::antialiased(7, 10), x),
              {3.0, 0.8000000000000007, 0.25, 3.7499999999999987, 2.0500000000000003, -1.0999999999999979, -4.3000000000000025, 5.5,
               5.850000000000005, 2.0},
              1e-14);
  expect_near(along(AxisMap::average(PoolAxis::window(7, 3, 2, 1)), x),
              {0.6666666666666666, 1.3333333333333333, 1.6666666666666667, 3.6666666666666665}, 1e-14);
  expect_near(along(AxisMap::average(PoolAxis::window(7, 3, 2, 1), false), x), {1.0, 1.3333333333333333, 1.6666666666666667, 5.5}, 1e-14);
  expect_near(along(AxisMap::average(PoolAxis::adaptive(7, 3)), x), {2.0, 0.0, 2.0}, 1e-14);
  expect_near(along(AxisMap::average(PoolAxis::adaptive(7, 10)), x), {3.0, 1.0, 1.5, 4.0, 2.5, -2.0, -5.0, 2.0, 5.5, 2.0}, 1e-14);
  expect_near(along(AxisMap::padding(7, 2, 1, PadMode::zeros), x), {0.0, 0.0, 3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0, 0.0}, 1e-14);
  expect_near(along(AxisMap::padding(7, 9, 3, PadMode::replicate), x),
              {3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0, 2.0, 2.0, 2.0}, 1e-14);
  expect_near(along(AxisMap::padding(7, 6, 2, PadMode::reflect), x),
              {2.0, 9.0, -5.0, 1.0, 4.0, -1.0, 3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0, 9.0, -5.0}, 1e-14);
}

// Every kind of table, of random sizes.
AxisMap random_map(Random& random, std::int64_t kind) {
  const std::int64_t from = random.integer(1, 40);
  if (kind == 0) return AxisMap::bilinear(from, random.integer(1, 60), random.integer(0, 1) == 1);
  if (kind == 1) return AxisMap::antialiased(from, random.integer(1, 50));
  if (kind == 2) return AxisMap::average(PoolAxis::adaptive(from, random.integer(1, 20)));
  if (kind == 3) {
    const auto mode = static_cast<PadMode>(random.integer(0, 2));
    const std::int64_t most = mode == PadMode::reflect ? from - 1 : 5;
    return AxisMap::padding(from, random.integer(0, most), random.integer(0, most), mode);
  }
  const std::int64_t kernel = random.integer(1, 7);
  return AxisMap::average(PoolAxis::window(from + kernel, kernel, random.integer(1, 3), random.integer(0, kernel / 2)),
                          random.integer(0, 1) == 1);
}

std::int64_t most_terms(const AxisMap& map) {
  std::int64_t most = 0;
  for (std::size_t o = 0; o + 1 < map.start.size(); ++o) most = std::max(most, map.start[o + 1] - map.start[o]);
  return most;
}

// With the weights of single precision in both tables, so that only the sums differ.
AxisMap rounded(AxisMap map) {
  for (std::size_t k = 0; k < map.weight.size(); ++k) {
    EXPECT_NEAR(static_cast<double>(map.single[k]), map.weight[k], 0x1p-24);
    map.weight[k] = static_cast<double>(map.single[k]);
  }
  return map;
}

TEST(AxisMap, FastStaysWithinTheBoundAndTransposedIsAdjoint) {
  Random random(4);
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE(testing::Message() << "round " << round);
    const std::int64_t planes = random.integer(1, 3);
    const AxisMap rows = random_map(random, round % 5);
    const AxisMap columns = random_map(random, random.integer(0, 4));
    const auto x = random.reals(planes * rows.inputs * columns.inputs);
    const auto dy = random.reals(planes * rows.outputs * columns.outputs);
    const auto check = [&](const AxisMap& r, const AxisMap& c, const std::vector<float>& v) {
      const auto got = apply(r, c, v, planes);
      const auto expected = apply(rounded(r), rounded(c), test::to_double(v), planes);
      const auto size = apply(rounded(r), rounded(c), test::magnitudes(v), planes);
      const double bound = test::gamma(most_terms(r) + most_terms(c));
      for (std::size_t i = 0; i < got.size(); ++i) EXPECT_LE(std::abs(static_cast<double>(got[i]) - expected[i]), bound * size[i]) << i;
      return apply(r, c, test::to_double(v), planes);
    };
    const auto y = check(rows, columns, x);
    const auto dx = check(rows.transposed(), columns.transposed(), dy);
    double left = 0;
    double right = 0;
    double size = 1;
    for (std::size_t i = 0; i < y.size(); ++i) {
      left += y[i] * static_cast<double>(dy[i]);
      size += std::abs(y[i] * static_cast<double>(dy[i]));
    }
    for (std::size_t i = 0; i < dx.size(); ++i) right += dx[i] * static_cast<double>(x[i]);
    ASSERT_NEAR(left, right, 1e-13 * size);
  }
}

std::vector<std::uint32_t> bits(const std::vector<float>& v) {
  std::vector<std::uint32_t> b;
  for (const float x : v) b.push_back(std::bit_cast<std::uint32_t>(x));
  return b;
}

// Each product and each sum rounded, in the table's order: `volatile` keeps the test's compiler from fusing them.
std::vector<float> plainly(const AxisMap& rows, const AxisMap& columns, const std::vector<float>& x, std::int64_t planes) {
  const auto sum = [](const AxisMap& map, std::int64_t o, const float* from, std::int64_t step) {
    volatile float total = 0.0F;
    for (auto k = static_cast<std::size_t>(map.start[static_cast<std::size_t>(o)]);
         k < static_cast<std::size_t>(map.start[static_cast<std::size_t>(o) + 1]); ++k) {
      volatile float product = map.single[k] * from[map.index[k] * step];
      total = total + product;
    }
    return static_cast<float>(total);
  };
  std::vector<float> y;
  std::vector<float> wide(static_cast<std::size_t>(rows.inputs * columns.outputs));
  for (std::int64_t p = 0; p < planes; ++p) {
    for (std::int64_t i = 0; i < rows.inputs * columns.outputs; ++i) {
      const std::int64_t row = p * rows.inputs + i / columns.outputs;
      wide[static_cast<std::size_t>(i)] = sum(columns, i % columns.outputs, x.data() + row * columns.inputs, 1);
    }
    for (std::int64_t i = 0; i < rows.outputs * columns.outputs; ++i) {
      y.push_back(sum(rows, i / columns.outputs, wide.data() + i % columns.outputs, columns.outputs));
    }
  }
  return y;
}

TEST(AxisMap, EveryInstructionSetGivesTheBitsOfPlainSums) {
  test::for_each_target([] {
    Random random(7);
    for (int round = 0; round < 200; ++round) {
      SCOPED_TRACE(testing::Message() << "round " << round);
      const std::int64_t planes = random.integer(1, 3);
      AxisMap rows = random_map(random, random.integer(0, 4));
      AxisMap columns = random_map(random, round % 5);
      if (round % 7 == 0) columns = AxisMap::antialiased(random.integer(100, 300), random.integer(16, 100));
      if (round % 2 == 1) {
        rows = rows.transposed();
        columns = columns.transposed();
      }
      auto x = random.reals(planes * rows.inputs * columns.inputs);
      x[static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(x.size()) - 1))] = std::numeric_limits<float>::infinity();
      const auto got = apply(rows, columns, x, planes);
      const auto expected = plainly(rows, columns, x, planes);
      for (std::size_t i = 0; i < got.size(); ++i) {
        if (std::isnan(expected[i]) && std::isnan(got[i])) continue;  // which NaN infinity times zero gives is the machine's affair
        ASSERT_EQ(std::bit_cast<std::uint32_t>(got[i]), std::bit_cast<std::uint32_t>(expected[i])) << i;
      }
    }
  });
}

TEST(AxisMap, AnEvenPictureStaysEven) {
  for (const std::int64_t to : {3, 7, 16, 31}) {
    const std::vector<float> even(static_cast<std::size_t>(11 * 13), 0.7F);
    for (const float v : apply(AxisMap::bilinear(11, to), AxisMap::bilinear(13, to), even, 1)) EXPECT_NEAR(v, 0.7F, 0x1p-23F);
    for (const float v : apply(AxisMap::antialiased(11, to), AxisMap::antialiased(13, to), even, 1)) EXPECT_NEAR(v, 0.7F, 0x1p-20F);
  }
}

TEST(AxisMap, BitIdenticalForAnyNumberOfThreads) {
  Random random(5);
  const AxisMap rows = AxisMap::bilinear(65, 127);
  const AxisMap columns = AxisMap::antialiased(133, 31);
  const auto x = random.reals(20 * 65 * 133);  // several tasks in both passes
  std::vector<float> first;
  for (const int threads : {1, 3, 4}) {
    const test::ThreadRunner runner(threads);
    const auto got = apply(rows, columns, x, 20);
    if (threads == 1) first = got;
    ASSERT_EQ(got, first) << threads;
  }
}

TEST(MaxPool, FastEqualsReferenceAndGoesToTheFirstLargest) {
  Random random(6);
  for (int round = 0; round < 200; ++round) {
    const std::int64_t kernel = random.integer(1, 7);
    const std::int64_t stride = random.integer(1, 3);
    const std::int64_t padding = random.integer(0, kernel / 2);
    const std::int64_t h = random.integer(kernel, 20);
    const std::int64_t w = random.integer(kernel, 20);
    PoolShape s{2, PoolAxis::window(h, kernel, stride, padding), PoolAxis::window(w, kernel, stride, padding)};
    if (round % 4 == 0) s = {2, PoolAxis::adaptive(h, random.integer(1, 9)), PoolAxis::adaptive(w, random.integer(1, 9))};
    const auto x = random.integers(2 * h * w);  // many ties
    const auto by = random.integers(2 * h * w);
    const auto dy = random.integers(2 * s.y_plane());
    std::vector<float> y(dy.size());
    std::vector<float> expected(dy.size());
    kernels::max_pool(s, x.data(), by.data(), y.data());
    kernels::reference::max_pool<float, float>(s, x.data(), by.data(), expected.data());
    ASSERT_EQ(y, expected);
    std::vector<float> dx(x.size());
    std::vector<float> expected_dx(x.size());
    kernels::max_pool_gradient(s, by.data(), dy.data(), dx.data());
    kernels::reference::max_pool_gradient<float, float>(s, by.data(), dy.data(), expected_dx.data());
    ASSERT_EQ(dx, expected_dx);
    double left = 0;
    double right = 0;
    for (std::size_t i = 0; i < y.size(); ++i) left += static_cast<double>(y[i] * dy[i]);
    for (std::size_t i = 0; i < x.size(); ++i) right += static_cast<double>(x[i] * dx[i]);
    ASSERT_EQ(left, right);  // with given winners it is a linear map
  }
  const std::vector<double> tie{1, 5, 5, 2};
  const PoolShape all{1, PoolAxis::window(2, 2, 2, 0), PoolAxis::window(2, 2, 2, 0)};
  double top = 0;
  kernels::max_pool(all, tie.data(), tie.data(), &top);
  EXPECT_EQ(top, 5);
  std::vector<double> dx(4);
  const double one = 1;
  kernels::max_pool_gradient(all, tie.data(), &one, dx.data());
  EXPECT_EQ(dx, (std::vector<double>{0, 1, 0, 0}));
}

// Ties, both zeros, infinities and NaN of different bits.
std::vector<float> awkward(Random& random, std::int64_t n, int kind) {
  std::vector<float> v = kind == 0 ? random.reals(n) : random.integers(n, 0.5);
  for (float& x : v) {
    const std::int64_t draw = random.integer(0, 19);
    if (kind == 2 && draw < 16) x = -std::numeric_limits<float>::infinity();
    if (draw == 16) x = -0.0F;
    if (kind == 3 && draw == 17) x = std::numeric_limits<float>::infinity();
    if (kind >= 2 && draw == 18) x = std::bit_cast<float>(0x7fc00000U + static_cast<std::uint32_t>(random.integer(0, 1000)));
  }
  return v;
}

TEST(MaxPool, EveryInstructionSetGivesTheReferencesBits) {
  test::for_each_target([] {
    Random random(8);
    for (int round = 0; round < 400; ++round) {
      SCOPED_TRACE(testing::Message() << "round " << round);
      const auto axis = [&](std::int64_t most) {
        const std::int64_t kernel = random.integer(1, 9);
        const std::int64_t padding = random.integer(0, kernel / 2);
        const std::int64_t size = random.integer(std::max<std::int64_t>(1, kernel - 2 * padding), most);
        if (random.integer(0, 3) > 0) return PoolAxis::window(size, kernel, random.integer(1, 5), padding);
        const std::int64_t outputs = random.integer(1, 40);
        return PoolAxis::adaptive(random.integer(0, 1) == 0 ? size : outputs * random.integer(1, 4), outputs);
      };
      PoolShape s{random.integer(1, 3), axis(20), axis(90)};
      if (round % 8 == 0) s = {70, PoolAxis::window(9, 3, 2, 1), PoolAxis::window(35, 3, 2, 1)};  // several tasks
      const auto x = random.reals(s.planes * s.x_plane());
      const auto by = awkward(random, s.planes * s.x_plane(), round % 4);
      const auto dy = random.reals(s.planes * s.y_plane());
      std::vector<float> got(dy.size());
      std::vector<float> expected(dy.size());
      kernels::max_pool(s, by.data(), by.data(), got.data());
      kernels::reference::max_pool<float, float>(s, by.data(), by.data(), expected.data());
      ASSERT_EQ(bits(got), bits(expected));
      kernels::reference::max_pool<float, float>(s, x.data(), by.data(), expected.data());
      std::vector<float> dx(x.size());
      std::vector<float> expected_dx(x.size());
      kernels::reference::max_pool_gradient<float, float>(s, by.data(), dy.data(), expected_dx.data());
      for (const int threads : {1, 3}) {
        if (threads > 1 && round % 8 != 0) continue;
        const test::ThreadRunner runner(threads);
        kernels::max_pool(s, x.data(), by.data(), got.data());
        ASSERT_EQ(bits(got), bits(expected)) << threads;
        std::fill(dx.begin(), dx.end(), 1.0F);
        kernels::max_pool_gradient(s, by.data(), dy.data(), dx.data());
        ASSERT_EQ(bits(dx), bits(expected_dx)) << threads;
      }
    }
  });
}

}  // namespace
}  // namespace likeness
