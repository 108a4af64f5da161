#include "likeness/gradcheck.hpp"

#include <cmath>
#include <cstdio>
#include <limits>
#include <random>

namespace likeness {
namespace {

// Well below the square root of the smallest double, well above where products with it vanish.
constexpr double kComplexStep = 1e-20;

// The worst element of one input.
void compare(std::size_t input, const std::vector<double>& gradient, const std::vector<double>& expected, GradientError& worst) {
  double largest = 0;
  for (const double e : expected) largest = std::max(largest, std::abs(e));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    double relative = std::abs(gradient[i] - expected[i]) / largest;
    if (largest == 0 && gradient[i] == 0) relative = 0;
    if (!std::isfinite(relative)) relative = std::numeric_limits<double>::infinity();
    if (relative > worst.relative || (i == 0 && input == 0))
      worst = {relative, input, static_cast<std::int64_t>(i), gradient[i], expected[i]};
  }
}

// "input 1, element 17 at [1, 0, 2]"
std::string place(const Shape& shape, const GradientError& e) {
  std::string at;
  std::int64_t rest = e.element;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    at = std::to_string(rest % shape[i]) + (at.empty() ? "" : ", ") + at;
    rest /= shape[i];
  }
  return "input " + std::to_string(e.input) + " " + shape.text() + ", element " + std::to_string(e.element) + " at [" + at + "]";
}

std::string line(const char* method, const Shape& shape, const GradientError& e, double tolerance) {
  char text[256];
  std::snprintf(text, sizeof text, "%s: gradient %.17g, expected %.17g, relative error %.2e (%s, allowed %.0e)\n", method, e.gradient,
                e.expected, e.relative, e.relative <= tolerance ? "good" : "WRONG", tolerance);
  return place(shape, e) + ", " + text;
}

}  // namespace

bool GradientReport::ok() const {
  return error.empty() && complex_step.relative <= options.complex_step_tolerance && differences.relative <= options.difference_tolerance;
}

std::string GradientReport::text() const {
  if (!error.empty()) return "not checked: " + error + "\n";
  return line("complex step", shapes[complex_step.input], complex_step, options.complex_step_tolerance) +
         line("differences", shapes[differences.input], differences, options.difference_tolerance);
}

std::string AdjointReport::text() const {
  if (!error.empty()) return "not checked: " + error + "\n";
  char text[160];
  std::snprintf(text, sizeof text, "<A x, u> = %.17g, <x, A' u> = %.17g, relative difference %.2e\n", forward, backward, relative);
  return text;
}

std::vector<double> random_directions(std::int64_t count, std::uint32_t seed) {
  std::minstd_rand random(seed);
  std::vector<double> u;
  for (std::int64_t i = 0; i < count; ++i) {
    const double magnitude = 0.25 + 0.75 * static_cast<double>(random() % 1000) / 1000.0;
    u.push_back(random() % 2 == 0 ? magnitude : -magnitude);
  }
  return u;
}

namespace detail {

GradientReport check_gradient(const RealGraph& real, const ComplexGraph& complex, std::vector<Tensor<double>> inputs,
                              const GradientCheckOptions& options) {
  GradientReport report;
  report.options = options;
  for (const Tensor<double>& x : inputs) report.shapes.push_back(x.shape);
  if (inputs.empty()) {
    report.error = "there are no inputs";
    return report;
  }
  std::vector<std::vector<double>> gradients;
  real(inputs, &gradients, report.error);
  if (!report.error.empty()) return report;
  std::vector<Tensor<std::complex<double>>> complex_inputs;
  for (const Tensor<double>& x : inputs) complex_inputs.push_back({x.shape, {x.data.begin(), x.data.end()}});
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    std::vector<double> by_complex_step, by_differences;
    double largest = 0;
    for (std::size_t i = 0; i < inputs[k].data.size(); ++i) {
      std::complex<double>& z = complex_inputs[k].data[i];
      const double at = z.real();
      z = {at, kComplexStep};
      by_complex_step.push_back(complex(complex_inputs).imag() / kComplexStep);
      z = at;
      largest = std::max(largest, std::abs(by_complex_step.back()));

      const auto f = [&](double step) {
        inputs[k].data[i] = at + step;
        const double value = real(inputs, nullptr, report.error);
        inputs[k].data[i] = at;
        return value;
      };
      const double h = options.step;
      by_differences.push_back((8.0 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12.0 * h));
    }
    if (largest == 0 && options.needs_influence) report.error = "input " + std::to_string(k) + " has no influence";
    compare(k, gradients[k], by_complex_step, report.complex_step);
    compare(k, gradients[k], by_differences, report.differences);
  }
  return report;
}

}  // namespace detail
}  // namespace likeness
