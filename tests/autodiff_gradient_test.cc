// Every operation of the catalogue: exact gradients, single precision, adjoints, freeze(), refusals.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <regex>
#include <set>

#include "likeness/gradcheck.hpp"
#include "likeness/program.hpp"
#include "operation_catalogue.hpp"

namespace likeness {
namespace {

using test::Operation;
using test::Question;

std::string title(const Operation& operation) {
  std::string text = operation.name;
  std::ranges::replace_if(
      text, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return text;
}

// The functions that return a Var in the public headers.
std::set<std::string> declared_operations() {
  std::set<std::string> names;
  const std::regex declaration(R"(^Var<T> ([a-z0-9_]+)\()");
  for (const char* header : {"autodiff.hpp", "operations.hpp"}) {
    std::ifstream file(std::string(LIKENESS_SOURCE_DIR "/include/likeness/") + header);
    for (std::string line; std::getline(file, line);) {
      if (std::smatch found; std::regex_search(line, found, declaration)) names.insert(found[1]);
    }
  }
  return names;
}

class OperationTest : public testing::TestWithParam<Operation> {
 protected:
  // Instances of the operation, from the seed on; stops at the first that fails.
  template <class Body>
  void for_instances(std::uint64_t count, Body body, int only = -1) {
    for (std::uint64_t seed = test::first_seed(); seed < test::first_seed() + count && !HasFailure(); ++seed) {
      const Question question = test::ask(GetParam(), seed, only);
      SCOPED_TRACE(question.text + " LIKENESS_INSTANCES=1");
      body(question);
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Every, OperationTest, testing::ValuesIn(test::operation_catalogue()),
                         [](const auto& each) { return title(each.param); });

TEST_P(OperationTest, GradientIsExact) {
  double worst_step = 0, worst_difference = 0;
  std::uint64_t without_influence = 0;
  for_instances(test::instances(), [&](const Question& q) {
    const GradientReport report = check_gradient(q.loss, q.variables, {.needs_influence = false});
    ASSERT_TRUE(report.ok()) << report.text();
    worst_step = std::max(worst_step, report.complex_step.relative);
    worst_difference = std::max(worst_difference, report.differences.relative);
    without_influence += report.complex_step.expected == 0 && report.complex_step.relative == 0 ? 1 : 0;
  });
  EXPECT_LE(2 * without_influence, test::instances()) << "most instances prove nothing";
  RecordProperty("worst_complex_step", std::to_string(worst_step));
  std::printf("%-28s %4llu instances: complex step %.1e, differences %.1e\n", GetParam().name.c_str(),
              static_cast<unsigned long long>(test::instances()), worst_step, worst_difference);
}

// What a graph gives at given variables: y, and the gradients of its projection.
template <class T>
struct Evaluation {
  Status status;
  std::vector<T> y, loss;
  std::vector<std::vector<T>> gradients;
};

template <class T>
std::vector<T> copy(std::span<const T> numbers) {
  return {numbers.begin(), numbers.end()};
}

template <class T>
Evaluation<T> evaluate(const Question& q) {
  Tape<T> tape;
  std::vector<Var<T>> in;
  for (const Tensor<double>& x : q.variables) in.push_back(tape.variable(test::converted<T>(x)));
  const Var<T> y = q.y(tape, std::span<const Var<T>>(in));
  const Var<T> loss = test::projected(tape, y, 1);
  Evaluation<T> e{tape.backward(loss), copy(y.value()), copy(loss.value()), {}};
  for (const Var<T>& v : in) e.gradients.push_back(copy(v.gradient()));
  return e;
}

// |single - exact| relative to the largest exact number, and at least to 1, the size of the terms that it is a sum of.
double apart(const std::vector<float>& single, const std::vector<double>& exact) {
  if (single.size() != exact.size() || exact.empty()) return INFINITY;
  double largest = 1, worst = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    largest = std::max(largest, std::abs(exact[i]));
    const double error = std::abs(static_cast<double>(single[i]) - exact[i]);
    if (!(error <= worst)) worst = error;
  }
  return worst / largest;
}

// 64 roundings (2^-24) of the largest number: wide for these sums of at most some hundred terms of size 1, and far below what one wrong
// term would make.
TEST_P(OperationTest, SinglePrecisionAgreesWithDouble) {
  constexpr double kBound = 64.0 / (1 << 24);
  for_instances(test::instances(), [&](const Question& q) {
    const Evaluation<double> exact = evaluate<double>(q);
    const Evaluation<float> single = evaluate<float>(q);
    ASSERT_TRUE(single.status.ok()) << single.status.message;
    EXPECT_LE(apart(single.y, exact.y), kBound) << "value";
    for (std::size_t k = 0; k < exact.gradients.size(); ++k)
      EXPECT_LE(apart(single.gradients[k], exact.gradients[k]), kBound) << "gradient " << k;
  });
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && !a.empty() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

// The operation alone, and between additions and ReLUs that freeze() likes to fuse.
TEST_P(OperationTest, FrozenProgramEqualsTheTapeBitForBit) {
  for_instances(test::instances(), [&](const Question& q) {
    for (const bool between : {false, true}) {
      Tape<float> tape;
      std::vector<Var<float>> in, before;
      for (const Tensor<double>& x : q.variables) {
        in.push_back(tape.variable(test::converted<float>(x)));
        const std::vector<double> shift(x.data.size(), 0.125);
        before.push_back(between ? add(in.back(), tape.copied(x.shape, shift)) : in.back());
      }
      Var<float> y = q.y(tape, std::span<const Var<float>>(before));
      if (between) {
        const std::vector<double> shift(static_cast<std::size_t>(y.shape().size()), 0.25);
        const Var<float> summed = add(y, tape.copied(y.shape(), shift));
        y = add(relu(summed), relu(add(summed, y)));
      }
      const Var<float> loss = test::projected(tape, y, 1);
      ASSERT_TRUE(tape.backward(loss).ok()) << tape.status().message;
      Result<Program<float>> program = freeze<float>({.loss = loss, .gradients = in, .outputs = {y}});
      ASSERT_TRUE(program.ok()) << program.status().message;
      for (int round = 0; round < 2; ++round) {
        program->run();
        EXPECT_TRUE(same_bits(program->value(y), y.value())) << "value";
        EXPECT_TRUE(same_bits(program->value(loss), loss.value())) << "loss";
        for (std::size_t k = 0; k < in.size(); ++k) EXPECT_TRUE(same_bits(program->gradient(in[k]), in[k].gradient())) << "gradient " << k;
      }
    }
  });
}

// Input by input: one that was never set, one of another tape, one of a shape that does not fit.
TEST_P(OperationTest, RefusesEveryWrongInput) {
  const Operation& operation = GetParam();
  // What stands behind the name of an operation (another one's where this is made of others).
  const auto reason = [names = declared_operations()](const Status& status) {
    const std::size_t colon = status.message.find(": ");
    EXPECT_TRUE(names.contains(status.message.substr(0, colon))) << status.message;
    return colon == std::string::npos ? "" : status.message.substr(colon + 2);
  };
  test::Random random(test::first_seed(), operation.name);
  const test::Instance instance = operation.draw(random);
  const std::vector<float> many(3000, 0.5F);
  for (std::size_t k = 0; k < instance.inputs.size(); ++k) {
    SCOPED_TRACE("input " + std::to_string(k));
    const auto attempt = [&](auto wrong) {
      Tape<float> tape, other;
      std::vector<Var<float>> in;
      for (std::size_t i = 0; i < instance.inputs.size(); ++i)
        in.push_back(i == k ? wrong(tape, other) : tape.variable(test::converted<float>(instance.inputs[i])));
      EXPECT_FALSE(instance.graph(tape, std::span<const Var<float>>(in)).valid());
      return tape.status().ok() ? other.status() : tape.status();  // the first input's tape has the error
    };
    if (instance.inputs.size() > 1) {
      const Status foreign = attempt([&](auto&, auto& other) { return other.variable(test::converted<float>(instance.inputs[k])); });
      EXPECT_EQ(foreign.code, Code::invalid_argument);
      EXPECT_EQ(reason(foreign), "the inputs are on different tapes");
    }
    if (instance.inputs.size() > 1 && std::ranges::find(operation.optional, k) == operation.optional.end()) {
      EXPECT_EQ(reason(attempt([](auto&, auto&) { return Var<float>(); })), "an input is missing");
    }
    if (operation.any_shape) continue;
    // Of rank 3 and a size that nothing else has.
    const Status shape = attempt([&](auto& tape, auto&) {
      return tape.variable(Shape({11, 13, 17}), std::span(many).first(11 * 13 * 17));
    });
    EXPECT_EQ(shape.code, Code::invalid_argument);
    EXPECT_NE(reason(shape), "");
  }
}

class LinearTest : public OperationTest {};

std::vector<Operation> linear_operations() {
  std::vector<Operation> list;
  std::ranges::copy_if(test::operation_catalogue(), std::back_inserter(list), [](const Operation& o) { return !o.linear.empty(); });
  return list;
}

INSTANTIATE_TEST_SUITE_P(Every, LinearTest, testing::ValuesIn(linear_operations()), [](const auto& each) { return title(each.param); });

TEST_P(LinearTest, GradientIsTheAdjoint) {
  double worst = 0;
  std::uint64_t nothing = 0;
  for (const std::size_t input : GetParam().linear) {
    for_instances(
        test::instances(),
        [&](const Question& q) {
          if (q.variables.size() != 1) return;  // an instance without this input
          const auto map = [&](Tape<double>& tape, Var<double> x) { return q.y(tape, std::span<const Var<double>>(&x, 1)); };
          const AdjointReport report = check_adjoint(map, q.variables[0]);
          if (report.error.find("zero") != std::string::npos) {
            ++nothing;
            EXPECT_LE(std::abs(report.backward), 1e-15);
            return;
          }
          ASSERT_TRUE(report.ok()) << report.text();
          worst = std::max(worst, report.relative);
        },
        static_cast<int>(input));
  }
  EXPECT_LE(2 * nothing, test::instances() * GetParam().linear.size()) << "most instances prove nothing";
  std::printf("%-28s adjoint %.1e\n", GetParam().name.c_str(), worst);
}

TEST(Catalogue, HasEveryDeclaredOperation) {
  std::set<std::string> listed;
  for (const Operation& operation : test::operation_catalogue()) listed.insert(operation.name.substr(0, operation.name.find(',')));
  EXPECT_EQ(listed, declared_operations());
}

}  // namespace
}  // namespace likeness
