// The operations of close variants of the method: gradients, both precisions, frozen programs, and refusals.
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "allocation_counter.hpp"
#include "likeness/gradcheck.hpp"
#include "likeness/program.hpp"

namespace likeness {
namespace {

// Distinct multiples of 1/32 in a fixed disorder: exact in single precision, off zero and apart from one another and from those
// of another `which`, so that no kink is within reach.
Tensor<double> numbers(const Shape& shape, int which = 0) {
  Tensor<double> t{shape, {}};
  const std::int64_t n = shape.size();
  std::int64_t step = 1 + n * 5 / 8;
  while (std::gcd(step, n) != 1) ++step;
  for (std::int64_t i = 0; i < n; ++i) t.data.push_back(static_cast<double>(i * step % n - n / 2) / 8 + (3 + 2 * which) / 32.0);
  return t;
}

template <class T>
Tensor<T> converted(const Tensor<double>& t) {
  return {t.shape, std::vector<T>(t.data.begin(), t.data.end())};
}

// A scalar that sees every number of y with a weight of its own.
template <class T>
Var<T> scalar(Tape<T>& tape, Var<T> y) {
  const std::int64_t n = y.shape().size();
  return linear(reshape(y, {n}), tape.copied({1, n}, random_directions(n, 3)), Var<T>());
}

template <class T, class Graph>
struct Recorded {
  Recorded(const Graph& graph, const std::vector<Tensor<double>>& inputs) {
    for (const Tensor<double>& x : inputs) in.push_back(tape.variable(converted<T>(x)));
    loss = scalar(tape, graph(tape, std::span<const Var<T>>(in)));
    status = tape.backward(loss);
  }
  Tape<T> tape;
  std::vector<Var<T>> in;
  Var<T> loss;
  Status status;
};

// The gradient three ways; single precision against double; the frozen program against the tape, without an allocation.
template <class Graph>
void check(const char* name, const std::vector<Tensor<double>>& inputs, const Graph& graph) {
  SCOPED_TRACE(name);
  const GradientReport report =
      check_gradient([&]<class T>(Tape<T>& tape, std::span<const Var<T>> in) { return scalar(tape, graph(tape, in)); }, inputs);
  EXPECT_TRUE(report.ok()) << report.text();
  const Recorded<double, Graph> exact(graph, inputs);
  Recorded<float, Graph> single(graph, inputs);
  ASSERT_TRUE(exact.status.ok()) << exact.status.message;
  ASSERT_TRUE(single.status.ok()) << single.status.message;
  EXPECT_NEAR(single.loss.item(), exact.loss.item(), 1e-5 * (1 + std::abs(exact.loss.item())));
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    double largest = 0;
    for (const double g : exact.in[k].gradient()) largest = std::max(largest, std::abs(g));
    for (std::size_t i = 0; i < inputs[k].data.size(); ++i) {
      ASSERT_NEAR(single.in[k].gradient()[i], exact.in[k].gradient()[i], 5e-6 * largest) << "input " << k << ", element " << i;
    }
  }
  Result<Program<float>> program = freeze<float>({.loss = single.loss, .gradients = single.in});
  ASSERT_TRUE(program.ok()) << program.status().message;
  program->run();
  const std::size_t before = test::allocations();
  program->run();
  const std::size_t made = test::allocations() - before;
  EXPECT_EQ(made, 0U);
  EXPECT_EQ(program->value(single.loss)[0], single.loss.item());
  for (const Var<float>& x : single.in) {
    const std::span<const float> got = program->gradient(x);
    ASSERT_EQ(got.size(), x.gradient().size());
    EXPECT_EQ(std::memcmp(got.data(), x.gradient().data(), got.size_bytes()), 0);
  }
}

TEST(Operations, Activations) {
  check("leaky_relu", {numbers({3, 7})}, [](auto&, auto in) { return leaky_relu(in[0], 0.125); });
  check("silu", {numbers({37})}, [](auto&, auto in) { return silu(in[0]); });
  check("tanh", {numbers({37})}, [](auto&, auto in) { return tanh(in[0]); });
  check("softmax 0", {numbers({5})}, [](auto&, auto in) { return softmax(in[0], 0); });
  check("softmax 1", {numbers({2, 3, 4})}, [](auto&, auto in) { return softmax(in[0], 1); });
  check("softmax -1", {numbers({2, 3, 4})}, [](auto&, auto in) { return softmax(in[0], -1); });
}

TEST(Operations, ArithmeticBroadcasts) {
  const std::pair<Shape, Shape> shapes[] = {
      {{2, 3, 4}, {2, 3, 4}}, {{2, 3, 4, 5}, {5}}, {{3}, {2, 3}}, {{2, 3, 4, 5}, {3, 1, 1}}, {{1, 3, 1, 5}, {2, 1, 4, 1}},
      {{2, 1, 4}, {2, 3, 1}}, {{4}, {1}},          {{}, {2, 3}},  {{2, 3, 1, 2}, {}}};
  for (const auto& [a, b] : shapes) {
    SCOPED_TRACE(a.text() + " and " + b.text());
    Tensor<double> divisor = numbers(b, 1);
    for (double& v : divisor.data) v += v > 0 ? 1 : -1;
    check("add", {numbers(a), numbers(b, 1)}, [](auto&, auto in) { return add(in[0], in[1]); });
    check("subtract", {numbers(a), numbers(b, 1)}, [](auto&, auto in) { return subtract(in[0], in[1]); });
    check("multiply", {numbers(a), numbers(b, 1)}, [](auto&, auto in) { return multiply(in[0], in[1]); });
    check("divide", {numbers(a), divisor}, [](auto&, auto in) { return divide(in[0], in[1]); });
  }
  check("square", {numbers({2, 3})}, [](auto&, auto in) { return multiply(in[0], in[0]); });
}

TEST(Operations, SumsAndMeans) {
  const Tensor<double> x = numbers({2, 3, 4, 5});
  check("all", {x}, [](auto&, auto in) { return sum(in[0]); });
  check("0", {x}, [](auto&, auto in) { return sum(in[0], {0}); });
  check("-1 kept", {x}, [](auto&, auto in) { return mean(in[0], {-1}, true); });
  check("2, 3", {x}, [](auto&, auto in) { return mean(in[0], {2, 3}); });
  check("0, 2", {x}, [](auto&, auto in) { return sum(in[0], {0, 2}); });
  check("1, 3 kept", {x}, [](auto&, auto in) { return sum(in[0], {3, 1}, true); });
  check("0, 2, 3", {x}, [](auto&, auto in) { return mean(in[0], {0, 2, 3}); });
  check("0, 1, 3", {x}, [](auto&, auto in) { return mean(in[0], {0, 1, 3}); });
}

TEST(Operations, PoolingAndResampling) {
  const Tensor<double> x = numbers({1, 2, 6, 7});
  check("avg_pool2d", {x}, [](auto&, auto in) { return avg_pool2d(in[0], 3, 2, 1); });
  check("avg_pool2d without padding", {x}, [](auto&, auto in) { return avg_pool2d(in[0], 3, 2, 1, false); });
  check("adaptive_avg_pool2d", {x}, [](auto&, auto in) { return adaptive_avg_pool2d(in[0], 4, 9); });
  check("global", {x}, [](auto&, auto in) { return adaptive_avg_pool2d(in[0], 1, 1); });
  check("adaptive_max_pool2d", {x}, [](auto&, auto in) { return adaptive_max_pool2d(in[0], 4, 3); });
  check("resize", {x}, [](auto&, auto in) { return resize_bilinear(in[0], 9, 4); });
  check("resize, corners", {x}, [](auto&, auto in) { return resize_bilinear(in[0], 9, 4, {.align_corners = true}); });
  check("resize, antialiased", {x}, [](auto&, auto in) { return resize_bilinear(in[0], 2, 3, {.antialias = true}); });
  for (const PadMode mode : {PadMode::zeros, PadMode::replicate, PadMode::reflect}) {
    check("pad2d", {x}, [mode](auto&, auto in) { return pad2d(in[0], {.left = 2, .right = 6, .top = 5, .bottom = 0}, mode); });
  }
}

TEST(Operations, Parts) {
  check("concat 1", {numbers({2, 3, 4}), numbers({2, 1, 4}, 1), numbers({2, 2, 4}, 2)}, [](auto&, auto in) { return concat(in, 1); });
  check("concat -1", {numbers({2, 3}), numbers({2, 4}, 1)}, [](auto&, auto in) { return concat(in, -1); });
  check("slice 1", {numbers({2, 5, 3})}, [](auto&, auto in) { return add(slice(in[0], 1, 3, 1), slice(in[0], 3, 5, 1)); });
  check("slice 0", {numbers({4, 3})}, [](auto&, auto in) { return slice(in[0], 1, 4); });
  check("pixel_shuffle", {numbers({2, 18, 2, 3})}, [](auto&, auto in) { return pixel_shuffle(in[0], 3); });
}

TEST(Operations, Norms) {
  const Tensor<double> x = numbers({2, 6, 3, 2});
  check("group_norm", {x, numbers({6}, 1), numbers({6}, 2)}, [](auto&, auto in) { return group_norm(in[0], 3, in[1], in[2]); });
  check("one group", {x}, [](auto&, auto in) { return group_norm(in[0], 1); });
  check("weight only", {x, numbers({6}, 1)}, [](auto&, auto in) { return group_norm(in[0], 6, in[1]); });
  check("linear, batch", {numbers({3, 5}), numbers({4, 5}, 1), numbers({4}, 2)},
        [](auto&, auto in) { return linear(in[0], in[1], in[2]); });
  const Tensor<double> weight = numbers({4, 5}, 1);
  check("frozen linear, batch", {numbers({3, 5})},
        [&]<class T>(Tape<T>&, std::span<const Var<T>> in) { return linear(in[0], *FrozenLinear<T>::create(converted<T>(weight), {})); });
}

TEST(Operations, Losses) {
  const Tensor<double> a = numbers({2, 3, 2, 3});
  const Tensor<double> b = numbers({2, 3, 2, 3}, 1);
  const std::vector<double> places{1, 2, 0, 1, 3, 1};
  check("smooth_l1_mean", {a, b}, [](auto&, auto in) { return smooth_l1_mean(in[0], in[1], 0.7); });
  check("smooth_l1_mean, weights", {a, b}, [&]<class T>(Tape<T>& tape, std::span<const Var<T>> in) {
    return smooth_l1_mean(in[0], in[1], 0.7, tape.copied({1, 1, 2, 3}, places));
  });
  check("cosine_distance", {a, b}, [](auto&, auto in) { return cosine_distance(in[0], in[1]); });
  Tensor<double> tiny = a;
  for (double& v : tiny.data) v *= 1e-6;
  Tensor<double> small = b;
  for (double& v : small.data) v *= 1e-4;
  const GradientReport held = check_gradient([](auto&, auto in) { return cosine_distance(in[0], in[1]); }, {tiny, small}, {.step = 1e-9});
  EXPECT_TRUE(held.ok()) << held.text();
  const std::vector<std::int32_t> labels{0, 2, -100, 1, 1, 0, 2, -100, 0, 1, 2, 2};
  check("cross_entropy", {a}, [&](auto&, auto in) { return cross_entropy(in[0], labels); });
  check("cross_entropy [N, C]", {numbers({4, 3})}, [&](auto&, auto in) {
    return cross_entropy(in[0], std::vector<std::int32_t>{0, 2, 1, 2}, 1);
  });
  check("feature_l1", {a, numbers({1, 2, 3}, 1), b, numbers({1, 2, 3}, 2)}, [&]<class T>(Tape<T>& tape, std::span<const Var<T>> in) {
    const std::vector<T> depths{T(0.5), T(2)};
    const std::vector<Var<T>> weights{tape.copied({1, 1, 2, 3}, places), Var<T>()};
    return feature_l1(in.first(2), in.last(2), std::span<const T>(depths), std::span<const Var<T>>(weights));
  });
}

// The message of the first error of a graph on one variable.
template <class Graph>
std::string refusal(const Shape& shape, const Graph& graph) {
  Tape<double> tape;
  const Var<double> y = graph(tape, tape.variable(numbers(shape)));
  EXPECT_FALSE(y.valid());
  EXPECT_EQ(tape.status().code, tape.status().ok() ? Code::ok : Code::invalid_argument);
  return tape.status().message;
}

TEST(Operations, RefuseWhatDoesNotFit) {
  const Shape picture{1, 4, 5, 6};
  const auto number = [](auto& tape, const Shape& shape) { return tape.variable(numbers(shape)); };
  EXPECT_EQ(refusal({2, 3},
                    [&](auto& t, auto x) {
                      return multiply(x, number(t, {2, 2}));
                    }),
            "multiply: shapes [2, 3] and [2, 2] do not broadcast");
  EXPECT_EQ(refusal({2, 3}, [](auto&, auto x) { return sum(x, {2}); }), "sum: [2, 3] has no dimension 2");
  EXPECT_EQ(refusal({2, 3}, [](auto&, auto x) { return mean(x, {1, -1}); }), "mean: dimension -1 is named twice");
  EXPECT_EQ(refusal({2, 3}, [](auto&, auto x) { return softmax(x, -3); }), "softmax: [2, 3] has no dimension -3");
  EXPECT_EQ(refusal({2, 3},
                    [&](auto& t, auto x) {
                      const std::vector<Var<double>> parts{x, number(t, {3, 3})};
                      return concat(std::span<const Var<double>>(parts), 1);
                    }),
            "concat: [3, 3] does not continue [2, 3] along dimension 1");
  EXPECT_EQ(refusal({2, 3}, [](auto&, auto x) { return slice(x, 2, 4, 1); }), "slice: [2, 4) is not a part of dimension 1 of [2, 3]");
  EXPECT_EQ(refusal(picture, [](auto&, auto x) { return pixel_shuffle(x, 3); }),
            "pixel_shuffle: the square of the factor 3 does not divide the channels of [1, 4, 5, 6]");
  EXPECT_EQ(refusal(picture, [](auto&, auto x) { return pad2d(x, {.top = 5}, PadMode::reflect); }),
            "pad2d: a reflection is narrower than the picture [1, 4, 5, 6]");
  EXPECT_EQ(refusal(picture, [](auto&, auto x) { return pad2d(x, {.left = -1}); }), "pad2d: needs padding >= 0");
  EXPECT_EQ(refusal(picture, [](auto&, auto x) { return resize_bilinear(x, 3, 3, {.align_corners = true, .antialias = true}); }),
            "resize_bilinear: align_corners and antialias exclude each other");
  EXPECT_EQ(refusal(picture, [](auto&, auto x) { return resize_bilinear(x, 0, 3); }), "resize_bilinear: cannot resize to 0 x 3");
  EXPECT_EQ(refusal(picture, [](auto&, auto x) { return avg_pool2d(x, 2, 1, 2); }),
            "avg_pool2d: needs kernel, stride >= 1 and 0 <= padding <= kernel / 2");
  EXPECT_EQ(refusal(picture, [](auto&, auto x) { return avg_pool2d(x, 6, 1, 0); }),
            "avg_pool2d: the window is larger than the padded picture [1, 4, 5, 6]");
  EXPECT_EQ(refusal(picture, [](auto&, auto x) { return adaptive_max_pool2d(x, 2, 0); }), "adaptive_max_pool2d: cannot pool to 2 x 0");
  EXPECT_EQ(refusal(picture, [](auto&, auto x) { return group_norm(x, 3); }),
            "group_norm: 3 groups do not divide the channels of [1, 4, 5, 6]");
  EXPECT_EQ(refusal(picture, [&](auto& t, auto x) { return group_norm(x, 2, number(t, {3})); }),
            "group_norm: weight and bias are [4], not [3]");
  EXPECT_EQ(refusal({2, 3}, [](auto&, auto x) { return smooth_l1_mean(x, x, 0.0); }), "smooth_l1_mean: needs beta > 0");
  EXPECT_EQ(refusal({2, 3}, [&](auto& t, auto x) { return cosine_distance(x, number(t, {6})); }),
            "cosine_distance: shapes [2, 3] and [6] differ");
  const std::vector<std::int32_t> labels{0, 3};
  EXPECT_EQ(refusal({2, 3}, [&](auto&, auto x) { return cross_entropy(x, labels); }), "cross_entropy: label 3 is no class of [2, 3]");
  EXPECT_EQ(refusal({3, 3}, [&](auto&, auto x) { return cross_entropy(x, labels); }), "cross_entropy: 2 labels for 3 places of [3, 3]");
  EXPECT_EQ(refusal({2, 4},
                    [&](auto&, auto x) {
                      return cross_entropy(x, std::vector<std::int32_t>{7, 7}, 7);
                    }),
            "cross_entropy: every place is ignored");
  EXPECT_EQ(refusal(picture,
                    [&](auto& t, auto x) {
                      return conv_transpose2d(x, number(t, {4, 1, 33, 32}), {});
                    }),
            "conv_transpose2d: convolution: at most 1024 taps and stride 1024, not [4, 1, 33, 32] and 1");
  EXPECT_EQ(refusal(picture,
                    [&](auto& t, auto x) {
                      return conv2d(x, number(t, {1, 4, 1, 1}), {}, {.stride = 1 << 30});
                    }),
            "conv2d: convolution: at most 1024 taps and stride 1024, not [1, 4, 1, 1] and 1073741824");
  EXPECT_EQ(refusal({2, 3}, [&](auto& t, auto x) { return linear(x, number(t, {4, 2}), {}); }), "linear: x is [2] or [N, 2], not [2, 3]");
}

}  // namespace
}  // namespace likeness
