#include <gtest/gtest.h>

#include "autodiff/tape_state.hpp"
#include "autodiff_support.hpp"

namespace likeness {
namespace {

using test::Builder;
using test::Case;
using test::distinct;
using test::make_case;
using test::off_grid_bias;
using test::quarters;

template <class B>
using NumberOf = std::remove_cvref_t<decltype(std::declval<B&>().tape().constant(Shape(), {}).item())>;

struct ConvCase {
  Shape x;
  Shape weight;
  ConvOptions options;
};

// Strides, paddings, kernels, odd sizes, batches; the shipped kinds among them.
const ConvCase kConvs[] = {
    {{1, 2, 5, 6}, {3, 2, 3, 3}, {.stride = 1, .padding = 1}}, {{2, 3, 7, 5}, {2, 3, 3, 3}, {.stride = 2, .padding = 1}},
    {{1, 3, 4, 5}, {4, 3, 1, 1}, {.stride = 1, .padding = 0}}, {{1, 2, 5, 7}, {3, 2, 1, 1}, {.stride = 2, .padding = 0}},
    {{1, 1, 9, 8}, {2, 1, 7, 7}, {.stride = 2, .padding = 3}}, {{1, 2, 6, 6}, {2, 2, 4, 4}, {.stride = 2, .padding = 1}},
    {{1, 2, 8, 5}, {2, 2, 2, 3}, {.stride = 3, .padding = 2}}, {{1, 2, 1, 1}, {2, 2, 3, 3}, {.stride = 1, .padding = 1}},
    {{2, 1, 4, 4}, {9, 1, 4, 4}, {.stride = 1, .padding = 0}},
};
const ConvCase kTransposed[] = {
    {{1, 3, 3, 4}, {3, 2, 4, 4}, {.stride = 2, .padding = 1}}, {{1, 4, 1, 1}, {4, 2, 4, 4}, {.stride = 1, .padding = 0}},
    {{2, 2, 3, 2}, {2, 3, 4, 4}, {.stride = 2, .padding = 1}}, {{1, 2, 3, 3}, {2, 2, 3, 3}, {.stride = 3, .padding = 1}},
    {{1, 2, 4, 3}, {2, 1, 2, 5}, {.stride = 1, .padding = 1}}, {{1, 1, 3, 3}, {1, 2, 3, 2}, {.stride = 4, .padding = 0}},
};

void add_convs(std::vector<Case>& cases) {
  for (const bool transposed : {false, true}) {
    const std::span<const ConvCase> list = transposed ? std::span<const ConvCase>(kTransposed) : std::span<const ConvCase>(kConvs);
    for (const ConvCase& c : list) {
      for (const bool rectified : {false, true}) {
        const ConvOptions options = c.options;
        const std::string name = std::string(transposed ? "conv_transpose2d " : "conv2d ") + c.x.text() + " " + c.weight.text() +
                                 " stride " + std::to_string(options.stride) + (rectified ? " relu" : "");
        const std::int64_t outputs = c.weight[transposed ? 1 : 0];
        const auto weight = quarters(c.weight, 1);
        cases.push_back(make_case(name, {quarters(c.x), weight, off_grid_bias(outputs)}, [=](auto&, const auto& in) {
          const auto y = transposed ? conv_transpose2d(in[0], in[1], in[2], options) : conv2d(in[0], in[1], in[2], options);
          return rectified ? relu(y) : y;
        }));
        cases.push_back(make_case(name + " frozen", {quarters(c.x)}, [=](auto& b, const auto& in) {
          using T = NumberOf<decltype(b)>;
          const Tensor<T> w{weight.shape, {weight.data.begin(), weight.data.end()}};
          const auto shift = off_grid_bias(outputs);
          const Tensor<T> bias{shift.shape, {shift.data.begin(), shift.data.end()}};
          const auto y = transposed ? conv_transpose2d(in[0], *FrozenConv<T>::conv_transpose2d(w, bias, options))
                                    : conv2d(in[0], *FrozenConv<T>::conv2d(w, bias, options));
          return rectified ? relu(y) : y;
        }));
      }
    }
  }
  cases.push_back(make_case("conv2d without bias", {quarters({1, 2, 4, 4}), quarters({3, 2, 3, 3}, 1)},
                            [](auto&, const auto& in) { return conv2d(in[0], in[1], {}, {.padding = 1}); }));
}

void add_maps(std::vector<Case>& cases) {
  cases.push_back(make_case("linear", {distinct({5}), distinct({7, 5}, 1), distinct({7}, 2)},
                            [](auto&, const auto& in) { return linear(in[0], in[1], in[2]); }));
  cases.push_back(make_case("linear frozen", {distinct({5})}, [](auto& b, const auto& in) {
    using T = NumberOf<decltype(b)>;
    return linear(in[0], *FrozenLinear<T>::create(b.numbers({7, 5}), b.numbers({7})));
  }));
  cases.push_back(make_case("affine", {distinct({2, 3, 2, 3}), distinct({3}, 1), distinct({3}, 2)},
                            [](auto&, const auto& in) { return affine(in[0], in[1], in[2]); }));
  cases.push_back(make_case("batch_norm", {distinct({2, 3, 2, 3}), distinct({3}, 1), distinct({3}, 2)}, [](auto& b, const auto& in) {
    using T = NumberOf<decltype(b)>;
    return batch_norm(in[0], in[1], in[2], b.constant(Shape({3})), b.constant(Tensor<T>{Shape({3}), {T(0.5), T(2), T(0.03)}}));
  }));
  cases.push_back(make_case("relu", {distinct({2, 3, 4})}, [](auto&, const auto& in) { return relu(in[0]); }));
  cases.push_back(make_case("sigmoid", {distinct({41})}, [](auto&, const auto& in) { return sigmoid(in[0]); }));
  cases.push_back(make_case("add", {distinct({3, 4}), distinct({3, 4}, 1)}, [](auto&, const auto& in) { return add(in[0], in[1]); }));
  cases.push_back(make_case("add to itself", {distinct({3, 4})}, [](auto&, const auto& in) { return add(in[0], sigmoid(in[0])); }));
  cases.push_back(
      make_case("max_pool2d 3 2 1", {distinct({1, 2, 6, 7})}, [](auto&, const auto& in) { return max_pool2d(in[0], 3, 2, 1); }));
  cases.push_back(
      make_case("max_pool2d 2 1 0", {distinct({2, 1, 4, 5})}, [](auto&, const auto& in) { return max_pool2d(in[0], 2, 1, 0); }));
  for (const auto& [height, width] : {std::pair(3, 4), std::pair(12, 16), std::pair(6, 8), std::pair(5, 11), std::pair(1, 1)}) {
    cases.push_back(make_case("resize_bilinear to " + std::to_string(height) + "x" + std::to_string(width), {distinct({1, 2, 6, 8})},
                              [h = height, w = width](auto&, const auto& in) { return resize_bilinear(in[0], h, w); }));
  }
  cases.push_back(make_case("reshape", {distinct({2, 6})}, [](auto&, const auto& in) { return sigmoid(reshape(in[0], Shape({3, 4}))); }));
  cases.push_back(make_case("concat", {distinct({2}), distinct({3}, 1), distinct({1}, 2)}, [](auto& b, const auto& in) {
    using T = NumberOf<decltype(b)>;
    return sigmoid(concat(std::span<const Var<T>>(in)));
  }));
  cases.push_back(make_case("slices", {distinct({7})}, [](auto& b, const auto& in) {
    using T = NumberOf<decltype(b)>;
    const std::vector<Var<T>> parts{slice(in[0], 2, 6), slice(in[0], 0, 3), slice(in[0], 6, 7)};
    return concat(std::span<const Var<T>>(parts));
  }));
  cases.push_back(make_case("softmax_channels", {distinct({2, 3, 4, 5})}, [](auto&, const auto& in) { return softmax_channels(in[0]); }));
  cases.push_back(make_case("softmax", {distinct({9})}, [](auto&, const auto& in) { return softmax(in[0], 2, 7, 3.0); }));
}

void add_losses(std::vector<Case>& cases) {
  const Shape shape{2, 3, 4, 5};
  for (const Shape& weights : {Shape(), Shape{1, 1, 1, 1}, Shape{1, 1, 4, 5}, Shape{1, 3, 1, 1}, Shape{2, 3, 4, 5}, Shape{1, 1, 4, 1},
                               Shape{2, 1, 1, 5}, Shape{1, 3, 4, 5}, Shape{2, 1, 4, 1}}) {
    for (const bool l2 : {false, true}) {
      cases.push_back(make_case(std::string(l2 ? "l2_mean" : "l1_mean") + " weights " + weights.text(),
                                {distinct(shape), distinct(shape, 1)}, [=](auto& b, const auto& in) {
                                  using T = NumberOf<decltype(b)>;
                                  Var<T> w;
                                  if (weights.rank() > 0) {
                                    Tensor<T> positive{weights, {}};
                                    for (std::int64_t i = 0; i < weights.size(); ++i)
                                      positive.data.push_back(static_cast<T>(i % 5) * T(0.5) + T(weights.size() == 1));
                                    w = b.constant(std::move(positive));
                                  }
                                  return l2 ? l2_mean(in[0], in[1], w) : l1_mean(in[0], in[1], w);
                                }));
    }
  }
  cases.push_back(make_case("weighted_sum", {distinct({4}), distinct({4}, 1)}, [](auto& b, const auto& in) {
    using T = NumberOf<decltype(b)>;
    const std::vector<Var<T>> terms{l1_mean(in[0], in[1]), l2_mean(in[0], in[1]), l2_mean(sigmoid(in[0]), in[1])};
    const std::vector<T> weights{T(0.5), T(-2), T(3)};
    return weighted_sum(std::span<const Var<T>>(terms), std::span<const T>(weights));
  }));
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  add_convs(cases);
  add_maps(cases);
  add_losses(cases);
  return cases;
}

TEST(Gradient, EveryOperationMatchesFourthOrderDifferences) {
  for (const Case& c : all_cases()) {
    const test::Verdict verdict = test::check_gradient(c.in_double, c.inputs);
    EXPECT_LE(verdict.worst, 1e-7) << c.name << ": " << verdict.where;
  }
}

// The same graphs on the fast kernels: value and gradients agree with the double path to single precision.
TEST(Gradient, FloatAgreesWithDouble) {
  for (const Case& c : all_cases()) {
    SCOPED_TRACE(c.name);
    const auto exact = test::evaluate(c.in_double, c.inputs, true);
    const auto got = test::evaluate(c.in_float, c.inputs, true);
    ASSERT_TRUE(got.status.ok()) << got.status.message;
    EXPECT_NEAR(got.loss, exact.loss, 2e-5 * (1 + std::abs(exact.loss)));
    for (std::size_t k = 0; k < c.inputs.size(); ++k) {
      double largest = 0;
      for (const double g : exact.gradients[k]) largest = std::max(largest, std::abs(g));
      ASSERT_EQ(got.gradients[k].size(), exact.gradients[k].size());
      for (std::size_t i = 0; i < exact.gradients[k].size(); ++i)
        ASSERT_NEAR(got.gradients[k][i], exact.gradients[k][i], 5e-6 * largest) << k << " " << i;
    }
  }
}

// ---- The checker itself: wrong gradients that it has to see. -------------------------------------------------------------

// sigmoid with a gradient function of the test's choice.
Var<double> wrong_sigmoid(Var<double> x, const std::function<double(double y, double dy, std::int64_t i)>& gradient) {
  Op<double> op("wrong", {x});
  if (!op.ok()) return op.failed();
  return op.record(
      {.shape = x.shape(), .reads_output = true},
      [](Forward<double>& f) {
        for (std::int64_t i = 0; i < f.size(); ++i) f.y()[i] = 1.0 / (1.0 + std::exp(-f.x(0)[i]));
      },
      [gradient](Backward<double>& b) {
        b.into(0, [&](double* dx) {
          for (std::int64_t i = 0; i < b.size(); ++i) dx[i] = gradient(b.y()[i], b.dy()[i], i);
        });
      });
}

TEST(GradientChecker, AcceptsTheRightAndSeesTheWrong) {
  const auto worst = [](auto gradient) {
    return test::check_gradient([=](Builder<double>&, const std::vector<Var<double>>& in) { return wrong_sigmoid(in[0], gradient); },
                                {distinct({12})})
        .worst;
  };
  EXPECT_LE(worst([](double y, double dy, std::int64_t) { return dy * y * (1 - y); }), 1e-7);
  EXPECT_GT(worst([](double y, double dy, std::int64_t) { return dy * y * (1 - y) * (1 + 1e-6); }), 1e-7) << "one part in a million";
  EXPECT_GT(worst([](double y, double dy, std::int64_t) { return dy * y; }), 1e-7) << "a factor forgotten";
  EXPECT_GT(worst([](double y, double dy, std::int64_t) { return -dy * y * (1 - y); }), 1e-7) << "the sign";
  EXPECT_GT(worst([](double y, double dy, std::int64_t i) { return i == 11 ? 0.0 : dy * y * (1 - y); }), 1e-7) << "one element";
  EXPECT_GT(worst([](double y, double, std::int64_t) { return y * (1 - y); }), 1e-7) << "dy ignored";
  EXPECT_GT(worst([](double y, double dy, std::int64_t i) { return dy * y * (1 - y) + (i == 3 ? NAN : 0.0); }), 1e-7) << "not a number";
}

TEST(GradientChecker, SeesAConvolutionThatForgetsATap) {
  const auto graph = [](bool wrong) {
    return [wrong](Builder<double>& b, const std::vector<Var<double>>& in) {
      const Tensor<double> weight = b.numbers({2, 1, 3, 3});
      const Var<double> y = conv2d(in[0], *FrozenConv<double>::conv2d(weight, {}, {.padding = 1}));
      Op<double> op("wrong", {y, in[0]});
      return op.record(
          {.shape = y.shape()}, [](Forward<double>& f) { std::copy_n(f.x(0), f.size(), f.y()); },
          [=](Backward<double>& back) {  // passes dy on, and spoils dx at one corner by one tap
            back.into(0, [&](double* dy) { std::copy_n(back.dy(), back.size(), dy); });
            back.into(1, [&](double* dx) {
              std::fill_n(dx, back.x_shape(1).size(), 0.0);
              if (wrong) dx[0] = -weight.data[0] * back.dy()[0];
            });
          });
    };
  };
  EXPECT_LE(test::check_gradient(graph(false), {quarters({1, 1, 4, 4})}).worst, 1e-7);
  EXPECT_GT(test::check_gradient(graph(true), {quarters({1, 1, 4, 4})}).worst, 1e-7);
}

TEST(GradientChecker, RefusesAnInputWithoutInfluence) {
  const auto graph = [](Builder<double>&, const std::vector<Var<double>>& in) { return relu(in[0]); };
  EXPECT_EQ(test::check_gradient(graph, {Tensor<double>{Shape({2}), {-1.0, -2.0}}}).worst, INFINITY);
}

}  // namespace
}  // namespace likeness
