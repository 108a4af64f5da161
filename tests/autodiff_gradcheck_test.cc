// The checker itself: wrong gradients that it has to see, and what its report says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "autodiff/operation.hpp"
#include "likeness/gradcheck.hpp"

namespace likeness {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

Tensor<double> ramp(const Shape& shape, double from, double step) {
  Tensor<double> t{shape, {}};
  for (std::int64_t i = 0; i < shape.size(); ++i) t.data.push_back(from + step * static_cast<double>(i));
  return t;
}

// y = x^2 with a gradient function of the test's choice: dx_i = gradient(x_i, dy_i, i). Complex numbers only go forwards.
template <class T, class F>
Var<T> square(Var<T> x, F gradient) {
  Op<T> op("square", {x});
  if (!op.ok()) return op.failed();
  return op.record(
      {.shape = x.shape(), .reads_inputs = true},
      [](Forward<T>& f) {
        for (std::int64_t i = 0; i < f.size(); ++i) f.y()[i] = f.x(0)[i] * f.x(0)[i];
      },
      [gradient](Backward<T>& b) {
        b.into(0, [&](T* dx) {
          if constexpr (std::is_same_v<T, double>) {
            for (std::int64_t i = 0; i < b.size(); ++i) dx[i] = gradient(b.x(0)[i], b.dy()[i], i);
          } else {
            std::fill_n(dx, b.size(), T(0));
          }
        });
      });
}

template <class T>
Var<T> total(Var<T> x) {
  const std::int64_t n = x.shape().size();
  const std::vector<double> ones(static_cast<std::size_t>(n), 1.0);
  return linear(reshape(x, {n}), x.tape()->copied({1, n}, ones), {});
}

template <class F>
GradientReport check_square(F gradient, const Shape& shape = {2, 3, 2}, const GradientCheckOptions& options = {}) {
  return check_gradient([=]<class T>(Tape<T>&, std::span<const Var<T>> in) { return total(square(in[0], gradient)); },
                        {ramp(shape, -0.75, 0.5)}, options);
}

TEST(GradientChecker, AcceptsTheRightAndSeesTheWrong) {
  const auto right = [](double x, double dy, std::int64_t) { return 2 * x * dy; };
  const GradientReport good = check_square(right);
  EXPECT_TRUE(good.ok()) << good.text();
  EXPECT_LE(good.complex_step.relative, 1e-15);
  EXPECT_LE(good.differences.relative, 1e-10);

  const auto wrong = [](auto gradient) { return !check_square(gradient).ok(); };
  EXPECT_TRUE(wrong([](double x, double dy, std::int64_t) { return 2 * x * dy * (1 + 1e-9); })) << "one part in a thousand million";
  EXPECT_TRUE(wrong([](double x, double dy, std::int64_t) { return x * dy; })) << "a factor forgotten";
  EXPECT_TRUE(wrong([](double x, double dy, std::int64_t) { return -2 * x * dy; })) << "the sign";
  EXPECT_TRUE(wrong([](double x, double dy, std::int64_t i) { return i == 11 ? 0.0 : 2 * x * dy; })) << "the last element";
  EXPECT_TRUE(wrong([](double x, double dy, std::int64_t i) { return i == 3 ? kNotANumber : 2 * x * dy; })) << "not a number";
  EXPECT_TRUE(wrong([](double, double, std::int64_t) { return kNotANumber; })) << "no number at all";
}

TEST(GradientChecker, SeesAnIncomingGradientThatIsIgnored) {
  const auto graph = []<class T>(Tape<T>& tape, std::span<const Var<T>> in) {
    const Var<T> y = square(in[0], [](double x, double, std::int64_t) { return 2 * x; });
    return linear(reshape(y, {4}), tape.copied({1, 4}, std::vector<double>{1, 2, 3, 4}), {});
  };
  EXPECT_FALSE(check_gradient(graph, {ramp({2, 2}, 0.5, 0.25)}).ok());
}

// Each of the two methods sees a wrong gradient by itself.
TEST(GradientChecker, BothMethodsSee) {
  const GradientReport report = check_square([](double x, double dy, std::int64_t) { return 2 * x * dy * (1 + 1e-6); });
  EXPECT_GT(report.complex_step.relative, report.options.complex_step_tolerance);
  EXPECT_GT(report.differences.relative, report.options.difference_tolerance);
  EXPECT_NEAR(report.complex_step.relative, 1e-6, 1e-9);
}

// A forward function that complex numbers cannot differentiate (it drops the imaginary part) is seen as well.
TEST(GradientChecker, SeesAForwardThatIsNotAnalytic) {
  const auto graph = []<class T>(Tape<T>&, std::span<const Var<T>> in) {
    Op<T> op("real part", {in[0]});
    return op.record(
        {.shape = {}}, [](Forward<T>& f) { *f.y() = T(std::real(*f.x(0))); },
        [](Backward<T>& b) { b.into(0, [&](T* dx) { *dx = *b.dy(); }); });
  };
  const GradientReport report = check_gradient(graph, {{Shape(), {0.5}}});
  EXPECT_EQ(report.error, "input 0 has no influence");
}

TEST(GradientChecker, ReportNamesTheWorstElementAndBothNumbers) {
  const GradientReport report =
      check_square([](double x, double dy, std::int64_t i) { return i == 9 ? 2 * x * dy + 0.5 : 2 * x * dy + 1e-12; });
  EXPECT_EQ(report.complex_step.input, 0U);
  EXPECT_EQ(report.complex_step.element, 9);
  EXPECT_NEAR(report.complex_step.gradient, 8.0, 1e-12);
  EXPECT_NEAR(report.complex_step.expected, 7.5, 1e-12);
  const std::string text = report.text();
  EXPECT_NE(text.find("input 0 [2, 3, 2], element 9 at [1, 1, 1], complex step: gradient 8, expected 7.5, relative error 5.26e-02 "
                      "(WRONG, allowed 1e-10)"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("element 9 at [1, 1, 1], differences: "), std::string::npos) << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 2);
}

TEST(GradientChecker, ReportOfTheSecondInput) {
  const auto graph = []<class T>(Tape<T>&, std::span<const Var<T>> in) {
    const auto right = [](double x, double dy, std::int64_t) { return 2 * x * dy; };
    const auto wrong = [](double x, double dy, std::int64_t i) { return i == 1 ? 0.0 : 2 * x * dy; };
    return add(total(square(in[0], right)), total(square(in[1], wrong)));
  };
  const GradientReport report = check_gradient(graph, {ramp({3}, 0.5, 1), ramp({2}, 0.25, 1)});
  EXPECT_FALSE(report.ok());
  EXPECT_EQ(report.text().rfind("input 1 [2], element 1 at [1], complex step: gradient 0, expected 2.5", 0), 0U) << report.text();
}

TEST(GradientChecker, SaysWhyNothingWasChecked) {
  const auto dead = []<class T>(Tape<T>&, std::span<const Var<T>> in) { return total(relu(in[0])); };
  const Tensor<double> negative = ramp({2}, -2, 1);
  EXPECT_EQ(check_gradient(dead, {}).text(), "not checked: there are no inputs\n");
  EXPECT_EQ(check_gradient(dead, {negative}).text(), "not checked: input 0 has no influence\n");
  EXPECT_TRUE(check_gradient(dead, {negative}, {.needs_influence = false}).ok());
  const auto invented = [](double, double, std::int64_t) { return 1e-30; };
  const auto constant = [=]<class T>(Tape<T>& tape, std::span<const Var<T>> in) {
    const std::vector<double> zeros(2, 0.0);
    return add(total(square(in[0], invented)), linear(square(in[0], invented), tape.copied({1, 2}, zeros), {}));
  };
  EXPECT_FALSE(check_gradient(constant, {ramp({2}, 0, 0)}, {.needs_influence = false}).ok()) << "a gradient out of nothing";

  const auto bad = []<class T>(Tape<T>&, std::span<const Var<T>> in) { return add(in[0], in[1]); };
  EXPECT_EQ(check_gradient(bad, {ramp({2}, 0, 1), ramp({3}, 0, 1)}).text(), "not checked: add: shapes [2] and [3] do not broadcast\n");
  const auto vector = []<class T>(Tape<T>&, std::span<const Var<T>> in) { return relu(in[0]); };
  EXPECT_FALSE(check_gradient(vector, {ramp({2}, 1, 1)}).ok()) << "not a scalar";
}

// ---- Adjoints. -------------------------------------------------------------------------------------------------------------

const auto kHalf = [](Tape<double>& tape, Var<double> x) {
  const std::vector<double> m{0.5, -1, 2, 3, 0.25, 1};
  return linear(x, tape.copied({2, 3}, m), tape.copied({2}, std::span(m).first(2)));
};

TEST(AdjointChecker, AcceptsAnAffineMap) {
  const AdjointReport report = check_adjoint(kHalf, ramp({3}, 1, 0.5));
  EXPECT_TRUE(report.ok()) << report.text();
  EXPECT_EQ(report.text().rfind("<A x, u> = ", 0), 0U) << report.text();
}

TEST(AdjointChecker, SeesAWrongOneAndWhatIsNotLinear) {
  const auto doubled = [](Tape<double>& tape, Var<double> x) {  // forwards x, backwards 2 dy x
    return kHalf(tape, square(x, [](double v, double dy, std::int64_t) { return 2 * v * dy; }));
  };
  EXPECT_FALSE(check_adjoint(doubled, ramp({3}, 1, 0.5)).ok()) << "a square is not linear";
  const auto forgets = [](Tape<double>&, Var<double> x) {
    Op<double> op("copy", {x});
    return op.record(
        {.shape = x.shape()}, [](Forward<double>& f) { std::copy_n(f.x(0), f.size(), f.y()); },
        [](Backward<double>& b) {
          b.into(0, [&](double* dx) {
            std::copy_n(b.dy(), b.size(), dx);
            dx[b.size() - 1] = 0;
          });
        });
  };
  EXPECT_FALSE(check_adjoint(forgets, ramp({3}, 1, 0.5)).ok());
  EXPECT_NE(check_adjoint([](Tape<double>&, Var<double> x) { return relu(x); }, ramp({3}, -3, 0.5)).error, "");
}

TEST(RandomDirections, AreNeverNearZeroAndFollowTheirSeed) {
  const std::vector<double> u = random_directions(1000, 3);
  EXPECT_EQ(u, random_directions(1000, 3));
  EXPECT_NE(u, random_directions(1000, 4));
  EXPECT_TRUE(std::ranges::all_of(u, [](double v) { return std::abs(v) >= 0.25 && std::abs(v) <= 1; }));
  EXPECT_GT(std::ranges::count_if(u, [](double v) { return v < 0; }), 400);
}

}  // namespace
}  // namespace likeness
