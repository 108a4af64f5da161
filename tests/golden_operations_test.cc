// Every operation against PyTorch, values and gradients, on the tape and frozen, in double and single precision; and whether the
// golden file has a case of every operation, and tells its conventions from the usual other ones.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "golden.hpp"
#include "likeness/program.hpp"

namespace likeness {
namespace {

using nlohmann::json;
using test::golden;
using test::max_norm_error;

const Safetensors& file() {
  static const Safetensors operations = test::golden_file("operations.safetensors");
  return operations;
}

const json& cases() {
  static const json list = json::parse(file().metadata("cases"));
  return list;
}

template <class T>
using Inputs = std::vector<Var<T>>;
template <class T>
using Call = std::function<Var<T>(const Inputs<T>&, const json&)>;

ConvOptions conv_options(const json& a) {
  return {.stride = a.value("stride", 1),
          .padding = a.value("padding", 0),
          .dilation = a.value("dilation", 1),
          .groups = a.value("groups", 1),
          .output_padding = a.value("output_padding", 0)};
}

Padding padding(const json& a) { return {.left = a["left"], .right = a["right"], .top = a["top"], .bottom = a["bottom"]}; }

PadMode pad_mode(const std::string& name) {
  if (name == "reflect") return PadMode::reflect;
  return name == "replicate" ? PadMode::replicate : PadMode::zeros;
}

// Calls reduce(dimensions), whose argument is a braced list.
template <class Reduce>
auto with_dimensions(const json& a, Reduce&& reduce) {
  const auto d = a.value("dimensions", std::vector<int>());
  if (d.empty()) return reduce({});
  return d.size() == 1 ? reduce({d[0]}) : reduce({d[0], d[1]});
}

template <class T>
std::span<const Var<T>> part(const Inputs<T>& x, std::size_t begin, std::size_t count) {
  return std::span<const Var<T>>(x).subspan(begin, count);
}

template <class T>
Var<T> softmax_case(const Inputs<T>& x, const json& a) {
  if (a.contains("dimension")) return softmax(x[0], a["dimension"].get<int>());
  return softmax(x[0], a["begin"].get<std::int64_t>(), a["end"].get<std::int64_t>(), a["beta"].get<double>());
}

template <class T>
Var<T> feature_l1_case(const Inputs<T>& x, const json& a) {
  const auto weights = a["depth_weights"].get<std::vector<T>>();
  const std::size_t n = weights.size();
  return feature_l1<T>(part<T>(x, 0, n), part<T>(x, n, n), weights, part<T>(x, 2 * n, x.size() - 2 * n));
}

// The operations by their names in autodiff.hpp.
template <class T>
const std::map<std::string, Call<T>>& calls() {
  using X = const Inputs<T>&;
  using A = const json&;
  static const std::map<std::string, Call<T>> table = {
      {"conv2d", [](X x, A a) { return conv2d(x[0], x[1], x[2], conv_options(a)); }},
      {"conv_transpose2d", [](X x, A a) { return conv_transpose2d(x[0], x[1], x[2], conv_options(a)); }},
      {"linear", [](X x, A) { return linear(x[0], x[1], x[2]); }},
      {"affine", [](X x, A) { return affine(x[0], x[1], x[2]); }},
      {"group_norm", [](X x, A a) { return group_norm(x[0], a["groups"], x[1], x[2], a.value("epsilon", 1e-5)); }},
      {"batch_norm", [](X x, A a) { return batch_norm(x[0], x[1], x[2], x[3], x[4], a["epsilon"]); }},
      {"relu", [](X x, A) { return relu(x[0]); }},
      {"leaky_relu", [](X x, A a) { return a.contains("slope") ? leaky_relu(x[0], a["slope"]) : leaky_relu(x[0]); }},
      {"sigmoid", [](X x, A) { return sigmoid(x[0]); }},
      {"silu", [](X x, A) { return silu(x[0]); }},
      {"tanh", [](X x, A) { return tanh(x[0]); }},
      {"add", [](X x, A) { return add(x[0], x[1]); }},
      {"subtract", [](X x, A) { return subtract(x[0], x[1]); }},
      {"multiply", [](X x, A) { return multiply(x[0], x[1]); }},
      {"divide", [](X x, A) { return divide(x[0], x[1]); }},
      {"sum",
       [](X x, A a) { return with_dimensions(a, [&](std::initializer_list<int> d) { return sum(x[0], d, a.value("keep", false)); }); }},
      {"mean",
       [](X x, A a) { return with_dimensions(a, [&](std::initializer_list<int> d) { return mean(x[0], d, a.value("keep", false)); }); }},
      {"max_pool2d", [](X x, A a) { return max_pool2d(x[0], a["kernel"], a["stride"], a["padding"]); }},
      {"avg_pool2d", [](X x, A a) { return avg_pool2d(x[0], a["kernel"], a["stride"], a["padding"], a["count_include_pad"]); }},
      {"adaptive_max_pool2d", [](X x, A a) { return adaptive_max_pool2d(x[0], a["height"], a["width"]); }},
      {"adaptive_avg_pool2d", [](X x, A a) { return adaptive_avg_pool2d(x[0], a["height"], a["width"]); }},
      {"resize_bilinear",
       [](X x, A a) {
         return resize_bilinear(x[0], a["height"], a["width"], {.align_corners = a["align_corners"], .antialias = a["antialias"]});
       }},
      {"pad2d", [](X x, A a) { return pad2d(x[0], padding(a), pad_mode(a["mode"])); }},
      {"pixel_shuffle", [](X x, A a) { return pixel_shuffle(x[0], a["factor"]); }},
      {"reshape", [](X x, A a) { return reshape(x[0], Shape(a["shape"].get<std::vector<std::int64_t>>())); }},
      {"concat", [](X x, A a) { return concat(part<T>(x, 0, x.size()), a["dimension"]); }},
      {"slice", [](X x, A a) { return slice(x[0], a["begin"], a["end"], a["dimension"]); }},
      {"softmax", softmax_case<T>},
      {"l1_mean", [](X x, A) { return l1_mean(x[0], x[1], x[2]); }},
      {"l2_mean", [](X x, A) { return l2_mean(x[0], x[1], x[2]); }},
      {"smooth_l1_mean", [](X x, A a) { return smooth_l1_mean(x[0], x[1], a["beta"], x[2]); }},
      {"cosine_distance", [](X x, A) { return cosine_distance(x[0], x[1]); }},
      {"cross_entropy",
       [](X x, A a) {
         return cross_entropy<T>(x[0], a["labels"].get<std::vector<std::int32_t>>(), a.value("ignore", std::int32_t{-100}));
       }},
      {"weighted_sum", [](X x, A a) { return weighted_sum<T>(part<T>(x, 0, x.size()), a["weights"].get<std::vector<T>>()); }},
      {"feature_l1", feature_l1_case<T>},
  };
  return table;
}

// The layers that have a form with frozen weights: inputs 1 and 2 are weight and bias.
template <class T>
const std::map<std::string, std::function<Var<T>(Var<T>, const Tensor<T>&, const Tensor<T>&, const json&)>>& frozen_calls() {
  using W = const Tensor<T>&;
  static const std::map<std::string, std::function<Var<T>(Var<T>, W, W, const json&)>> table = {
      {"conv2d", [](Var<T> x, W w, W b, const json& a) { return conv2d(x, FrozenConv<T>::conv2d(w, b, conv_options(a)).value()); }},
      {"conv_transpose2d",
       [](Var<T> x, W w, W b, const json& a) {
         return conv_transpose2d(x, FrozenConv<T>::conv_transpose2d(w, b, conv_options(a)).value());
       }},
      {"linear", [](Var<T> x, W w, W b, const json&) { return linear(x, FrozenLinear<T>::create(w, b).value()); }},
  };
  return table;
}

// One case on a tape.
template <class T>
class Golden {
 public:
  Golden(const json& entry, double tolerance)
      : name_(entry["name"]),
        operation_(entry["operation"]),
        arguments_(entry["arguments"]),
        count_(entry["inputs"]),
        tolerance_(tolerance) {}

  void check() {
    check(calls<T>().at(operation_), false);
    const auto frozen = frozen_calls<T>().find(operation_);
    if (frozen == frozen_calls<T>().end()) return;
    const Tensor<T> weight = golden<T>(file(), name_ + ".x1");
    const Tensor<T> bias = file().contains(name_ + ".x2") ? golden<T>(file(), name_ + ".x2") : Tensor<T>{};
    check([&](const Inputs<T>& x, const json& a) { return frozen->second(x[0], weight, bias, a); }, true);
  }

 private:
  void check(const Call<T>& call, bool frozen) {
    SCOPED_TRACE(name_ + (frozen ? ", frozen weights" : ""));
    Tape<T> tape;
    Inputs<T> x;
    std::vector<std::size_t> wanted;
    std::vector<Tensor<T>> numbers;
    for (std::size_t i = 0; i < count_; ++i) {
      const std::string input = name_ + ".x" + std::to_string(i);
      numbers.push_back(file().contains(input) ? golden<T>(file(), input) : Tensor<T>{});
    }
    for (std::size_t i = 0; i < count_; ++i) {
      const std::string number = std::to_string(i);
      if (!file().contains(name_ + ".x" + number) || (frozen && i > 0)) {
        x.emplace_back();
      } else if (file().contains(name_ + ".dx" + number)) {
        x.push_back(tape.variable(numbers[i]));
        wanted.push_back(i);
      } else {
        x.push_back(tape.constant(numbers[i]));
      }
    }
    const Var<T> y = call(x, arguments_);
    ASSERT_TRUE(tape.status().ok()) << tape.status().message;
    const Tensor<T> expected = golden<T>(file(), name_ + ".y");
    EXPECT_EQ(y.shape(), expected.shape);

    // loss = <dy, y>
    Tensor<T> dy = golden<T>(file(), name_ + ".dy");
    const std::int64_t n = dy.shape.size();
    dy.shape = Shape({1, n});
    const Var<T> loss = linear(reshape(y, Shape({n})), tape.constant(dy), {});
    const Status status = tape.backward(loss);
    ASSERT_TRUE(status.ok()) << status.message;
    EXPECT_LE(max_norm_error(y.value(), expected.data), tolerance_) << "y";
    Wanted<T> program_wants{.loss = loss, .gradients = {}, .outputs = {y}};
    for (const std::size_t i : wanted) {
      compare_gradient(i, x[i].gradient(), "tape");
      program_wants.gradients.push_back(x[i]);
    }

    Result<Program<T>> program = freeze(program_wants);
    ASSERT_TRUE(program.ok()) << program.status().message;
    program->run();
    EXPECT_LE(max_norm_error(program->value(y), expected.data), tolerance_) << "y of the program";
    for (const std::size_t i : wanted) compare_gradient(i, program->gradient(x[i]), "program");

    if (file().contains(name_ + ".other")) {
      EXPECT_GT(max_norm_error(y.value(), golden<T>(file(), name_ + ".other").data), kApart) << "the case does not tell conventions apart";
    }
    if (file().contains(name_ + ".other_dx0")) {
      EXPECT_GT(max_norm_error(x[0].gradient(), golden<T>(file(), name_ + ".other_dx0").data), kApart)
          << "the case does not tell conventions apart";
    }
  }

  void compare_gradient(std::size_t i, std::span<const T> got, const char* where) {
    const Tensor<T> expected = golden<T>(file(), name_ + ".dx" + std::to_string(i));
    EXPECT_LE(max_norm_error(got, expected.data), tolerance_) << "dx" << i << " of the " << where;
  }

  static constexpr double kApart = 1e-3;

  std::string name_, operation_;
  json arguments_;
  std::size_t count_;
  double tolerance_;
};

TEST(GoldenOperations, InDoublePrecision) {
  for (const json& entry : cases()) Golden<double>(entry, 1e-12).check();
}

TEST(GoldenOperations, InSinglePrecision) {
  for (const json& entry : cases()) Golden<float>(entry, 1e-5).check();
}

// The names of the functions on Vars that the public header declares: what a new operation adds, and a forgotten case lacks.
std::set<std::string> declared_operations() {
  std::ifstream stream(std::string(LIKENESS_SOURCE_DIR) + "/include/likeness/autodiff.hpp");
  std::stringstream text;
  text << stream.rdbuf();
  const std::string header = text.str();
  const std::regex declaration(R"(\nVar<T> (\w+)\()");
  std::set<std::string> names;
  for (auto it = std::sregex_iterator(header.begin(), header.end(), declaration); it != std::sregex_iterator(); ++it)
    names.insert((*it)[1]);
  return names;
}

TEST(GoldenOperations, EveryOperationHasACase) {
  std::set<std::string> covered;
  std::set<std::string> listed;
  for (const json& entry : cases()) {
    covered.insert(entry["operation"].get<std::string>());
    listed.insert(entry["name"].get<std::string>());
  }
  EXPECT_GT(covered.size(), 30U);
  EXPECT_EQ(covered, declared_operations()) << "add a case to train/fixture_operations.py and run train/make_fixtures.py";
  EXPECT_EQ(listed.size(), cases().size()) << "two cases of one name";
  EXPECT_NE(file().metadata("command"), "");
  EXPECT_NE(file().metadata("versions"), "");
}

TEST(GoldenOperations, BordersAndConventionsHaveACounterexample) {
  std::set<std::string> operations;
  for (const json& entry : cases()) {
    const std::string name = entry["name"];
    if (file().contains(name + ".other") || file().contains(name + ".other_dx0")) operations.insert(entry["operation"].get<std::string>());
  }
  for (const char* name : {"conv2d", "conv_transpose2d", "batch_norm", "group_norm", "relu", "leaky_relu", "add", "max_pool2d",
                           "avg_pool2d", "adaptive_max_pool2d", "adaptive_avg_pool2d", "resize_bilinear", "pad2d", "pixel_shuffle",
                           "l1_mean", "l2_mean", "smooth_l1_mean", "cross_entropy"}) {
    EXPECT_TRUE(operations.contains(name)) << name;
  }
}

}  // namespace
}  // namespace likeness
