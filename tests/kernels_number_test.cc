// The reference templates on complex numbers (gradients by the complex step) and with the sides of another run.
#include <gtest/gtest.h>

#include <complex>

#include "kernels/axis_map.hpp"
#include "kernels/conv_ref.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/group_norm.hpp"
#include "kernels/pool.hpp"
#include "kernels/softmax.hpp"
#include "kernels_support.hpp"

namespace likeness {
namespace {

namespace ref = kernels::reference;
using Complex = std::complex<double>;
using test::Random;
using Doubles = std::vector<double>;
using Complexes = std::vector<Complex>;

constexpr std::int64_t kSize = 24;

Doubles some(Random& random, std::int64_t n = kSize) { return test::to_double(random.reals(n, -2.0, 2.0)); }

// The gradient of f, a real function of complex arguments, against Im f(x + i h e_k) / h in every direction.
template <class F>
void expect_gradient(const char* name, const F& f, const Doubles& x, const Doubles& gradient) {
  ASSERT_EQ(x.size(), gradient.size());
  double largest = 0.0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    Complexes stepped(x.begin(), x.end());
    stepped[k] += Complex(0.0, 1e-30);
    const double exact = f(stepped).imag() / 1e-30;
    largest = std::max(largest, std::abs(exact));
    ASSERT_NEAR(gradient[k], exact, 1e-12 * (1.0 + std::abs(exact))) << name << " " << k;
  }
  EXPECT_GT(largest, 1e-3) << name << ": a gradient of zeros proves nothing";
}

// sum_i dy[i] map(x)[i] and its gradient, for maps of one array.
template <class Forward, class Gradient>
void expect_map(const char* name, const Forward& forward, const Gradient& gradient) {
  Random random(1);
  const Doubles x = some(random);
  const Doubles dy = some(random);
  const auto f = [&](const Complexes& v) {
    Complexes y(v.size());
    forward(v.data(), y.data(), static_cast<std::int64_t>(v.size()));
    Complex sum(0);
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * dy[i];
    return sum;
  };
  Doubles y(x.size());
  Doubles dx(x.size());
  forward(x.data(), y.data(), kSize);
  gradient(x.data(), y.data(), dy.data(), dx.data(), kSize);
  expect_gradient(name, f, x, dx);
}

TEST(ReferenceGradients, ActivationsByTheComplexStep) {
  expect_map(
      "relu", [](auto* x, auto* y, std::int64_t n) { ref::relu(x, y, n); },
      [](auto*, auto* y, auto* dy, auto* dx, std::int64_t n) { ref::relu_gradient(y, dy, dx, n); });
  expect_map(
      "leaky_relu", [](auto* x, auto* y, std::int64_t n) { ref::leaky_relu(x, 0.1, y, n); },
      [](auto* x, auto*, auto* dy, auto* dx, std::int64_t n) { ref::leaky_relu_gradient(x, dy, 0.1, dx, n); });
  expect_map(
      "sigmoid", [](auto* x, auto* y, std::int64_t n) { ref::sigmoid(x, y, n); },
      [](auto*, auto* y, auto* dy, auto* dx, std::int64_t n) { ref::sigmoid_gradient(y, dy, dx, n); });
  expect_map(
      "silu", [](auto* x, auto* y, std::int64_t n) { ref::silu(x, y, n); },
      [](auto* x, auto*, auto* dy, auto* dx, std::int64_t n) { ref::silu_gradient(x, dy, dx, n); });
  expect_map(
      "tanh", [](auto* x, auto* y, std::int64_t n) { ref::tanh(x, y, n); },
      [](auto*, auto* y, auto* dy, auto* dx, std::int64_t n) { ref::tanh_gradient(y, dy, dx, n); });
  expect_map(
      "softmax",
      [](auto* x, auto* y, std::int64_t) {
        kernels::softmax({2, 4, 3}, x, 1.7, y);
      },
      [](auto*, auto* y, auto* dy, auto* dx, std::int64_t) {
        kernels::softmax_gradient({2, 4, 3}, y, dy, 1.7, dx);
      });
}

TEST(ReferenceGradients, DistancesByTheComplexStep) {
  Random random(2);
  const Doubles a = some(random);
  const Doubles b = some(random);
  const Doubles w = some(random);
  const Complexes cb(b.begin(), b.end());
  const Complexes cw(w.begin(), w.end());
  Doubles da(a.size());
  ref::l1_gradient(a.data(), b.data(), w.data(), 1.0, da.data(), kSize);
  expect_gradient(
      "l1", [&](const Complexes& x) { return ref::l1_sum(x.data(), cb.data(), cw.data(), kSize); }, a, da);
  ref::l2_gradient(a.data(), b.data(), w.data(), 2.0, da.data(), kSize);
  expect_gradient(
      "l2", [&](const Complexes& x) { return ref::l2_sum(x.data(), cb.data(), cw.data(), kSize); }, a, da);
  ref::smooth_l1_gradient(a.data(), b.data(), w.data(), 0.7, 1.0, da.data(), kSize);
  expect_gradient(
      "smooth_l1", [&](const Complexes& x) { return ref::smooth_l1_sum(x.data(), cb.data(), cw.data(), 0.7, kSize); }, a, da);
}

TEST(ReferenceGradients, CrossEntropyByTheComplexStepAndIgnoredPlacesCountNothing) {
  Random random(3);
  const kernels::MiddleShape s{2, 4, 3};
  const Doubles x = some(random);
  const std::vector<std::int32_t> labels{0, 3, 255, 2, 255, 1};
  Doubles dx(x.size());
  kernels::cross_entropy_gradient(s, x.data(), labels.data(), 255, 1.0, dx.data());
  expect_gradient(
      "cross_entropy", [&](const Complexes& v) { return kernels::cross_entropy(s, v.data(), labels.data(), 255); }, x, dx);
  for (const std::size_t ignored : {2U, 5U, 8U, 11U}) EXPECT_EQ(dx[ignored], 0.0);
  // Large logits do not overflow: the label's is the largest, the others' share is nothing.
  const std::vector<float> large{1000.0F, -1000.0F, 0.0F};
  const std::int32_t first = 0;
  EXPECT_EQ(kernels::cross_entropy<float>({1, 3, 1}, large.data(), &first, 255), 0.0);
}

TEST(ReferenceGradients, GroupNormByTheComplexStep) {
  Random random(4);
  const kernels::GroupNormShape s{2, 4, 3, 2, 1e-5};
  const Doubles x = some(random);
  const Doubles dy = some(random);
  const Doubles weight = some(random, 4);
  const Doubles bias = some(random, 4);
  const auto f = [&](const Complexes& v, const Complexes& wv, const Complexes& bv) {
    Complexes y(v.size());
    kernels::group_norm(s, v.data(), wv.data(), bv.data(), y.data());
    Complex sum(0);
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * dy[i];
    return sum;
  };
  Doubles y(x.size());
  kernels::group_norm(s, x.data(), weight.data(), bias.data(), y.data());
  Doubles dx(x.size());
  Doubles dweight(4);
  Doubles dbias(4);
  kernels::group_norm_gradient(s, x.data(), weight.data(), dy.data(), dx.data(), dweight.data(), dbias.data());
  const Complexes cx(x.begin(), x.end());
  const Complexes cw(weight.begin(), weight.end());
  const Complexes cb(bias.begin(), bias.end());
  expect_gradient(
      "x", [&](const Complexes& v) { return f(v, cw, cb); }, x, dx);
  expect_gradient(
      "weight", [&](const Complexes& v) { return f(cx, v, cb); }, weight, dweight);
  expect_gradient(
      "bias", [&](const Complexes& v) { return f(cx, cw, v); }, bias, dbias);
  // Single precision is double precision, rounded once more on the way in and out.
  const std::vector<float> xf(x.begin(), x.end());
  const std::vector<float> wf(weight.begin(), weight.end());
  const std::vector<float> bf(bias.begin(), bias.end());
  std::vector<float> yf(x.size());
  kernels::group_norm(s, xf.data(), wf.data(), bf.data(), yf.data());
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(yf[i], y[i], 0x1p-23 * (1.0 + std::abs(y[i])));
}

TEST(GroupNorm, BitIdenticalForAnyNumberOfThreads) {
  Random random(7);
  const kernels::GroupNormShape s{2, 12, 9001, 6, 1e-5};
  const auto x = random.reals(s.batch * s.channels * s.plane);
  const auto dy = random.reals(s.batch * s.channels * s.plane);
  const auto weight = random.reals(s.channels);
  std::vector<float> first;
  for (const int threads : {1, 3, 4}) {
    const test::ThreadRunner runner(threads);
    std::vector<float> y(2 * x.size() + 24);
    float* dx = y.data() + x.size();
    kernels::group_norm(s, x.data(), weight.data(), weight.data(), y.data());
    kernels::group_norm_gradient(s, x.data(), weight.data(), dy.data(), dx, dx + x.size(), dx + x.size() + 12);
    if (threads == 1) first = y;
    ASSERT_EQ(y, first) << threads;
  }
}

TEST(ReferenceGradients, LinearMapsTakeComplexNumbers) {
  Random random(5);
  const kernels::ConvShape s{4, 6, 7, 5, 3, 2, 2, 1, 2, 2};
  const Doubles x = some(random, s.x_size());
  const Doubles w = some(random, s.weight_size());
  const Doubles dy = some(random, s.y_size());
  const Complexes cw(w.begin(), w.end());
  Doubles dx(x.size());
  ref::conv_scatter(s, dy.data(), w.data(), static_cast<const double*>(nullptr), dx.data());
  const auto conv = [&](const Complexes& v) {
    Complexes y(dy.size());
    ref::conv_gather(s, v.data(), cw.data(), static_cast<const Complex*>(nullptr), y.data());
    Complex sum(0);
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * dy[i];
    return sum;
  };
  expect_gradient("conv", conv, x, dx);

  const kernels::AxisMap rows = kernels::AxisMap::bilinear(4, 7);
  const kernels::AxisMap columns = kernels::AxisMap::antialiased(6, 4);
  const Doubles picture = some(random, 24);
  const Doubles slope = some(random, 28);
  Doubles back(24);
  kernels::apply_axes(rows.transposed(), columns.transposed(), slope.data(), 1, back.data(), static_cast<double*>(nullptr));
  const auto resize = [&](const Complexes& v) {
    Complexes y(28);
    kernels::apply_axes(rows, columns, v.data(), 1, y.data(), static_cast<Complex*>(nullptr));
    Complex sum(0);
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * slope[i];
    return sum;
  };
  expect_gradient("resize", resize, picture, back);

  const kernels::PoolShape pool{1, kernels::PoolAxis::window(6, 3, 2, 1), kernels::PoolAxis::adaptive(4, 3)};
  const Doubles pooled_slope = some(random, pool.y_plane());
  kernels::max_pool_gradient(pool, picture.data(), pooled_slope.data(), back.data());
  const auto pooled = [&](const Complexes& v) {
    Complexes y(pooled_slope.size());
    kernels::max_pool(pool, v.data(), v.data(), y.data());
    Complex sum(0);
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * pooled_slope[i];
    return sum;
  };
  expect_gradient("max_pool", pooled, picture, back);
}

// The shadow run: values in double, sides from single precision that differ from the values' own.
TEST(ReusedSides, ComeFromTheOtherArrays) {
  const std::vector<float> side{1.0F, -1.0F, 0.0F};
  const std::vector<float> zero{0.0F, 0.0F, 0.0F};
  const Doubles x{-2.0, 3.0, 5.0};
  const Doubles none{0.0, 0.0, 0.0};
  Doubles y(3);
  kernels::relu_gradient(side.data(), x.data(), y.data(), 3);
  EXPECT_EQ(y, (Doubles{-2.0, 0.0, 0.0}));
  kernels::leaky_relu_gradient(side.data(), x.data(), 0.5, y.data(), 3);
  EXPECT_EQ(y, (Doubles{-2.0, 1.5, 2.5}));
  EXPECT_EQ(kernels::l1_sum(x.data(), none.data(), nullptr, side.data(), zero.data(), 3), -5.0);
  kernels::l1_gradient(side.data(), zero.data(), nullptr, 2.0, y.data(), 3);
  EXPECT_EQ(y, (Doubles{2.0, -2.0, 0.0}));
  const double smooth = kernels::smooth_l1_sum(x.data(), none.data(), nullptr, side.data(), zero.data(), 1.0, 3);
  EXPECT_EQ(smooth, -2.5 - 3.5 + 12.5);
  kernels::smooth_l1_gradient(x.data(), none.data(), nullptr, side.data(), zero.data(), 1.0, 1.0, y.data(), 3);
  EXPECT_EQ(y, (Doubles{1.0, -1.0, 5.0}));
  const kernels::PoolShape pool{1, kernels::PoolAxis::adaptive(1, 1), kernels::PoolAxis::adaptive(3, 1)};
  double top = 0.0;
  kernels::max_pool(pool, x.data(), side.data(), &top);
  EXPECT_EQ(top, -2.0);
}

TEST(Reduce, SumAndRepeatAreAdjointAndCopiesGoWhereTheyShould) {
  Random random(6);
  for (int round = 0; round < 200; ++round) {
    const kernels::MiddleShape s{random.integer(1, 5), random.integer(1, 9), random.integer(1, 7)};
    const auto x = random.integers(s.size());
    const auto y = random.integers(s.outer * s.inner);
    std::vector<float> sum(y.size());
    std::vector<float> repeated(x.size());
    kernels::sum_middle(s, x.data(), 2.0F, sum.data());
    kernels::repeat_middle(s, y.data(), 2.0F, repeated.data());
    float left = 0;
    float right = 0;
    for (std::size_t i = 0; i < y.size(); ++i) left += sum[i] * y[i];
    for (std::size_t i = 0; i < x.size(); ++i) right += repeated[i] * x[i];
    ASSERT_EQ(left, right);
  }
  const Doubles six{1, 2, 3, 4, 5, 6};
  Doubles totals(2);
  kernels::sum_middle({1, 3, 2}, six.data(), 0.5, totals.data());
  EXPECT_EQ(totals, (Doubles{4.5, 6.0}));
  // A transpose.
  kernels::StridedShape transpose;
  transpose.size = {1, 1, 1, 1, 2, 3};
  transpose.from = {0, 0, 0, 0, 3, 1};
  transpose.to = {0, 0, 0, 0, 1, 2};
  Doubles y(6);
  kernels::strided_copy(transpose, six.data(), y.data());
  EXPECT_EQ(y, (Doubles{1, 4, 2, 5, 3, 6}));
}

}  // namespace
}  // namespace likeness
