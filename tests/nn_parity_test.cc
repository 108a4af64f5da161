// The networks against PyTorch: tests/fixtures/parity.safetensors, made by train/make_fixtures.py (train/fixture_networks.py says what is
// in it).
#include <gtest/gtest.h>

#include <cmath>

#include "golden.hpp"
#include "nn/model_file.hpp"

namespace likeness {
namespace {

using test::max_norm_error;

const Safetensors& fixtures() {
  static const Safetensors file = test::golden_file("parity.safetensors");
  return file;
}

TensorLookup under(const std::string& prefix) {
  return [prefix, all = tensor_lookup(fixtures())](const std::string& name) { return all(prefix + "." + name); };
}

Tensor<float> stored(const std::string& name) { return test::golden<float>(fixtures(), name); }

template <class T>
Tensor<T> convert(const Tensor<float>& t) {
  return {t.shape, {t.data.begin(), t.data.end()}};
}

template <class T>
double cosine(std::span<const T> a, const std::vector<float>& b) {
  if (a.size() != b.size()) return -1;
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const auto x = static_cast<double>(a[i]);
    const auto y = static_cast<double>(b[i]);
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / std::sqrt(aa * bb);
}

template <class T>
void expect_parity(const std::string& prefix, double feature_tolerance, double cosine_tolerance) {
  const auto ga = GeneratorArchitecture::parse(fixtures().metadata("generator"));
  ASSERT_TRUE(ga.ok()) << ga.status().message;
  const auto ra = ResidualArchitecture::parse(fixtures().metadata(prefix));
  ASSERT_TRUE(ra.ok()) << ra.status().message;
  const auto generator = Generator<T>::create(*ga, under("generator"));
  ASSERT_TRUE(generator.ok()) << generator.status().message;
  const auto net = ResidualNet<T>::create(*ra, under(prefix));
  ASSERT_TRUE(net.ok()) << net.status().message;
  std::vector<Tensor<T>> targets;
  for (int i = 1; i <= 4; ++i) targets.push_back(convert<T>(stored(prefix + ".target" + std::to_string(i))));
  const std::vector<T> input = convert<T>(stored("x")).data;

  for (const bool l2 : {false, true}) {
    Tape<T> tape;
    const Var<T> x = tape.variable(Shape({ga->inputs}), input);
    const Var<T> picture = (*generator)(x);
    EXPECT_LE(max_norm_error(picture.value(), stored("generated").data), feature_tolerance);
    const std::vector<Var<T>> features = net->features(resize_bilinear(picture, ra->input_size, ra->input_size));
    std::vector<Var<T>> terms;
    for (std::size_t i = 0; i < features.size(); ++i) {
      const auto expected = stored(prefix + ".feature" + std::to_string(i + 1));
      EXPECT_EQ(features[i].shape(), expected.shape);
      EXPECT_LE(max_norm_error(features[i].value(), expected.data), feature_tolerance) << prefix << " layer" << i + 1;
      terms.push_back(l2 ? l2_mean(features[i], tape.constant(targets[i])) : l1_mean(features[i], tape.constant(targets[i])));
    }
    if (net->has_head()) {
      EXPECT_LE(max_norm_error(net->segment(features).value(), stored(prefix + ".logits").data), feature_tolerance);
    }
    const std::vector<T> ones(terms.size(), T(1));
    const Var<T> loss = weighted_sum(std::span<const Var<T>>(terms), std::span<const T>(ones));
    const Status status = tape.backward(loss);
    ASSERT_TRUE(status.ok()) << status.message;
    const std::string kind = l2 ? "l2" : "l1";
    EXPECT_NEAR(static_cast<double>(loss.item()), stored(prefix + "." + kind).data[0],
                feature_tolerance * stored(prefix + "." + kind).data[0]);
    EXPECT_GE(cosine(x.gradient(), stored(prefix + ".gradient_" + kind).data), 1 - cosine_tolerance) << prefix << " " << kind;
    EXPECT_LE(max_norm_error(x.gradient(), stored(prefix + ".gradient_" + kind).data), 1e-2);
  }
}

TEST(Parity, BasicBlocksAndHead) {
  expect_parity<float>("basic", 1e-4, 1e-4);
  expect_parity<double>("basic", 1e-6, 1e-10);  // the fixtures are rounded to fp32, and the folded weights too
}

TEST(Parity, BottlenecksWithMaxPool) {
  expect_parity<float>("bottleneck", 1e-4, 1e-4);
  expect_parity<double>("bottleneck", 1e-6, 1e-10);
}

}  // namespace
}  // namespace likeness
