#include <gtest/gtest.h>

#include <cmath>

#include "base/parallel.hpp"
#include "likeness/nn.hpp"
#include "nn/random_tensors.hpp"

namespace likeness {
namespace {

constexpr const char* kGenerator = R"({"type":"generator","inputs":9,"channels":[14,10,6,5,3],"schema":"abc"})";
constexpr const char* kBasic =
    R"({"type":"residual","block":"basic","layers":[1,2,1,1],"widths":[6,10,12,14],"stem":{"width":6,"kernel":3,"stride":2,"max_pool":false},
        "input_size":40,"mean":[0.5,0.4,0.3],"std":[0.2,0.25,0.3],"head":{"type":"pyramid","width":7,"classes":11}})";
constexpr const char* kBottleneck =
    R"({"type":"residual","block":"bottleneck","layers":[1,1,2,1],"widths":[3,4,5,6],"stem":{"width":8,"kernel":7,"stride":2,"max_pool":true},
        "input_size":40,"mean":[0.5,0.4,0.3],"std":[0.2,0.25,0.3]})";

GeneratorArchitecture generator_architecture() { return GeneratorArchitecture::parse(kGenerator).value(); }

TEST(Architecture, ReadsGenerators) {
  const auto a = GeneratorArchitecture::parse(kGenerator);
  ASSERT_TRUE(a.ok()) << a.status().message;
  EXPECT_EQ(a->inputs, 9);
  EXPECT_EQ(a->channels, (std::vector<int>{14, 10, 6, 5, 3}));
  EXPECT_EQ(a->schema, "abc");
}

TEST(Architecture, ReadsExtractors) {
  const auto a = ResidualArchitecture::parse(kBasic);
  ASSERT_TRUE(a.ok()) << a.status().message;
  EXPECT_FALSE(a->bottleneck);
  EXPECT_EQ(a->layers, (std::vector<int>{1, 2, 1, 1}));
  EXPECT_EQ(a->stem_kernel, 3);
  EXPECT_EQ(a->head_classes, 11);
  EXPECT_FLOAT_EQ(a->std[1], 0.25F);
  EXPECT_EQ(ResidualArchitecture::parse(kBottleneck)->head_classes, 0);
}

TEST(Architecture, RefusesNonsense) {
  const auto replaced = [](std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{{"\"generator\"", "\"residual\""},
                                                                                 {"9", "0"},
                                                                                 {"9", "-1"},
                                                                                 {"9", "1e9"},
                                                                                 {"9", "18446744073709551617"},
                                                                                 {"9", "\"9\""},
                                                                                 {"[14", "[0"},
                                                                                 {"[14", "[99999999"},
                                                                                 {"5,3]", "5,4]"},
                                                                                 {"[14,10,6,5,3]", "[]"},
                                                                                 {"[14,10,6,5,3]", "3"},
                                                                                 {"}", ""}}) {
    EXPECT_EQ(GeneratorArchitecture::parse(replaced(kGenerator, from, to)).status().code, Code::corrupt_model) << from << " -> " << to;
  }
  EXPECT_EQ(GeneratorArchitecture::parse("[]").status().code, Code::corrupt_model);
  EXPECT_EQ(GeneratorArchitecture::parse("").status().code, Code::corrupt_model);
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{{"\"basic\"", "\"dense\""},
                                                                                 {"[1,2,1,1]", "[1,2,1,1,1]"},
                                                                                 {"[6,10,12,14]", "[6,10,12]"},
                                                                                 {"\"kernel\":3", "\"kernel\":4"},
                                                                                 {"\"max_pool\":false", "\"max_pool\":0"},
                                                                                 {"\"stem\"", "\"trunk\""},
                                                                                 {"0.25", "0"},
                                                                                 {"0.25", "\"x\""},
                                                                                 {"[0.5,", "[[0.5],"},
                                                                                 {"\"pyramid\"", "\"unet\""},
                                                                                 {"\"classes\":11", "\"classes\":0"}}) {
    EXPECT_EQ(ResidualArchitecture::parse(replaced(kBasic, from, to)).status().code, Code::corrupt_model) << from << " -> " << to;
  }
}

// Every tensor in turn: missing, and of another shape; the message names it.
TEST(Network, NamesTheTensorThatIsWrong) {
  const auto check = [](TensorMap map, auto&& create) {
    ASSERT_TRUE(create(tensor_lookup(map)).ok()) << create(tensor_lookup(map)).status().message;
    ASSERT_GT(map.size(), 4U);
    const TensorMap good = map;
    for (const auto& [name, tensor] : good) {
      map.erase(name);
      const auto missing = create(tensor_lookup(map));
      EXPECT_EQ(missing.status().code, Code::corrupt_model);
      EXPECT_EQ(missing.status().message, "tensor \"" + name + "\" is missing");
      map[name] = {Shape({tensor.shape.size() + 1}), std::vector<float>(tensor.data.size() + 1)};
      const auto wrong = create(tensor_lookup(map));
      EXPECT_EQ(wrong.status().code, Code::corrupt_model);
      EXPECT_EQ(wrong.status().message.find("tensor \"" + name + "\" has the shape"), 0U) << wrong.status().message;
      map[name] = tensor;
    }
  };
  const auto g = generator_architecture();
  check(random_tensors(g, 1), [&](const TensorLookup& t) { return Generator<float>::create(g, t); });
  for (const char* text : {kBasic, kBottleneck}) {
    const auto r = ResidualArchitecture::parse(text).value();
    check(random_tensors(r, 1), [&](const TensorLookup& t) { return ResidualNet<float>::create(r, t); });
  }
}

// Folded weights and the batch_norm operation give the same, for both kinds of convolution.
TEST(BatchNorm, FoldsIntoTheConvolutionBeforeIt) {
  const auto numbers = [](const Shape& shape, double scale, double shift) {
    Tensor<float> t{shape, {}};
    for (std::int64_t i = 0; i < shape.size(); ++i)
      t.data.push_back(static_cast<float>(shift + scale * std::sin(3.7 * static_cast<double>(i + 1))));
    return t;
  };
  const Tensor<float> x = numbers(Shape({1, 3, 5, 6}), 1, 0);
  const Shape four({4});
  const auto gamma = numbers(four, 0.5, 1);
  const auto beta = numbers(four, 0.7, 0.1);
  const auto mean = numbers(four, 0.4, -0.2);
  const auto variance = numbers(four, 0.3, 0.8);
  for (const bool transposed : {false, true}) {
    for (const bool with_bias : {false, true}) {
      Tensor<float> weight = numbers(transposed ? Shape({3, 4, 4, 4}) : Shape({4, 3, 3, 3}), 0.3, 0.02);
      Tensor<float> bias = with_bias ? numbers(four, 0.2, 0.1) : Tensor<float>{};
      const ConvOptions options{.stride = 2, .padding = 1};
      const auto filter = [&] {
        return transposed ? FrozenConv<float>::conv_transpose2d(weight, bias, options) : FrozenConv<float>::conv2d(weight, bias, options);
      };
      Tape<float> tape;
      const Var input = tape.constant(x);
      const auto run = [&](const FrozenConv<float>& f) { return transposed ? conv_transpose2d(input, f) : conv2d(input, f); };
      const Var expected =
          batch_norm(run(*filter()), tape.constant(gamma), tape.constant(beta), tape.constant(mean), tape.constant(variance));
      ASSERT_TRUE(fold_batch_norm(weight, bias, transposed ? 1 : 0, gamma.data, beta.data, mean.data, variance.data).ok());
      const Var got = run(*filter());
      ASSERT_TRUE(tape.status().ok()) << tape.status().message;
      for (std::size_t i = 0; i < got.value().size(); ++i) ASSERT_NEAR(got.value()[i], expected.value()[i], 1e-5) << i;
    }
  }
}

TEST(BatchNorm, RefusesNegativeVarianceAndWrongLengths) {
  Tensor<float> weight{Shape({2, 1, 1, 1}), {1, 1}};
  Tensor<float> bias;
  const std::vector<float> two{1, 1};
  EXPECT_EQ(fold_batch_norm(weight, bias, 0, two, two, two, std::vector<float>{1, -1}).code, Code::invalid_argument);
  EXPECT_EQ(fold_batch_norm(weight, bias, 0, two, two, two, std::vector<float>{1}).code, Code::invalid_argument);
  EXPECT_EQ(fold_batch_norm(weight, bias, 2, two, two, two, two).code, Code::invalid_argument);
}

// generator -> resize -> extractor -> L1 at every depth.
template <class T>
struct FitGradient {
  std::vector<T> gradient;
  T loss = 0;
};

template <class T>
FitGradient<T> fit_gradient(const char* extractor_text) {
  const auto ga = generator_architecture();
  const auto ra = ResidualArchitecture::parse(extractor_text).value();
  const TensorMap gt = random_tensors(ga, 3);
  const TensorMap rt = random_tensors(ra, 4);
  const auto generator = Generator<T>::create(ga, tensor_lookup(gt));
  const auto net = ResidualNet<T>::create(ra, tensor_lookup(rt));
  Tape<T> tape;
  const auto look = [&](double offset) {
    std::vector<T> x;
    for (int i = 0; i < ga.inputs; ++i) x.push_back(static_cast<T>(0.5 + 0.4 * std::sin(1.3 * i + offset)));
    const Var<T> variable = tape.variable(Shape({ga.inputs}), x);
    const Var<T> picture = (*generator)(variable);
    EXPECT_EQ(picture.shape(), Shape({1, 3, 64, 64}));
    EXPECT_EQ(generator->size(), 64);
    return std::pair(variable, net->features(resize_bilinear(picture, ra.input_size, ra.input_size)));
  };
  std::vector<Tensor<T>> targets;
  for (const Var<T>& f : look(0.9).second) targets.push_back({f.shape(), {f.value().begin(), f.value().end()}});
  tape.clear();
  const auto [x, features] = look(0.0);
  std::vector<Var<T>> terms;
  for (std::size_t i = 0; i < features.size(); ++i) terms.push_back(l1_mean(features[i], tape.constant(targets[i])));
  const std::vector<T> weights{T(1), T(0.5), T(2), T(1)};
  const Var<T> loss = weighted_sum(std::span<const Var<T>>(terms), std::span<const T>(weights));
  const Status status = tape.backward(loss);
  EXPECT_TRUE(status.ok()) << status.message;
  return {{x.gradient().begin(), x.gradient().end()}, loss.item()};
}

TEST(Network, WholeGradientFloatAgreesWithDouble) {
  for (const char* text : {kBasic, kBottleneck}) {
    const auto single = fit_gradient<float>(text);
    const auto exact = fit_gradient<double>(text);
    ASSERT_EQ(single.gradient.size(), 9U);
    double product = 0;
    double a = 0;
    double b = 0;
    for (std::size_t i = 0; i < exact.gradient.size(); ++i) {
      product += static_cast<double>(single.gradient[i]) * exact.gradient[i];
      a += static_cast<double>(single.gradient[i]) * static_cast<double>(single.gradient[i]);
      b += exact.gradient[i] * exact.gradient[i];
    }
    EXPECT_GT(b, 1e-8) << "the gradient vanishes: this test would not notice much";
    EXPECT_GT(product / std::sqrt(a * b), 1 - 1e-6);
    EXPECT_NEAR(std::sqrt(a / b), 1, 1e-3);
    EXPECT_NEAR(single.loss, exact.loss, 1e-5 * exact.loss);
  }
}

TEST(Network, GradientDoesNotDependOnTheNumberOfThreads) {
  std::vector<float> first;
  for (const int threads : {1, 2, 3}) {
    set_default_threads(threads);
    const auto result = fit_gradient<float>(kBasic);
    if (threads == 1) first = result.gradient;
    EXPECT_EQ(result.gradient, first) << threads << " threads";
  }
  set_default_threads(0);
}

TEST(Network, FeaturesAndLogitsHaveTheirShapes) {
  const auto a = ResidualArchitecture::parse(kBasic).value();
  const TensorMap map = random_tensors(a, 5);
  const auto net = ResidualNet<float>::create(a, tensor_lookup(map));
  ASSERT_TRUE(net.ok()) << net.status().message;
  EXPECT_TRUE(net->photo_statistics().mean.empty());
  Tape<float> tape;
  const Tensor<float> picture{Shape({2, 3, 40, 40}), std::vector<float>(2 * 3 * 40 * 40, 0.5F)};
  const auto features = net->features(tape.constant(picture));
  ASSERT_EQ(features.size(), 4U);
  EXPECT_EQ(features[0].shape(), Shape({2, 6, 20, 20}));
  EXPECT_EQ(features[3].shape(), Shape({2, 14, 3, 3}));
  EXPECT_EQ(net->segment(features).shape(), Shape({2, 11, 20, 20}));
  EXPECT_TRUE(tape.status().ok()) << tape.status().message;
  EXPECT_FALSE(net->features(Var<float>())[0].valid());
}

TEST(Network, ReadsFeatureStatistics) {
  const auto a = ResidualArchitecture::parse(kBasic).value();
  TensorMap map = random_tensors(a, 5);
  for (int stage = 0; stage < 4; ++stage) {
    const std::int64_t channels = a.widths[static_cast<std::size_t>(stage)];
    const std::string name = "statistics.render.layer" + std::to_string(stage + 1);
    map[name + ".mean"] = {Shape({channels, 2, 2}), std::vector<float>(static_cast<std::size_t>(channels * 4), 0.25F)};
    map[name + ".std"] = {Shape({channels}), std::vector<float>(static_cast<std::size_t>(channels), 2.0F)};
  }
  const auto net = ResidualNet<double>::create(a, tensor_lookup(map));
  ASSERT_TRUE(net.ok()) << net.status().message;
  ASSERT_EQ(net->render_statistics().mean.size(), 4U);
  EXPECT_EQ(net->render_statistics().mean[1].shape, Shape({10, 2, 2}));
  EXPECT_TRUE(net->photo_statistics().mean.empty());
  map["statistics.render.layer2.std"].data[3] = 0.0F;
  EXPECT_EQ(ResidualNet<double>::create(a, tensor_lookup(map)).status().code, Code::corrupt_model);
  map.erase("statistics.render.layer2.std");
  EXPECT_EQ(ResidualNet<double>::create(a, tensor_lookup(map)).status().message, "tensor \"statistics.render.layer2.std\" is missing");
}

}  // namespace
}  // namespace likeness
