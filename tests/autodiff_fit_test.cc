// The gradient of a whole fit: generator, extractor, L1 of features at four depths.
//
// Single precision is held against a tape in double precision that reuses its ReLU masks, pooling winners and L1 signs (follow()):
// without that, a few numbers land on the other side of a kink, and that hides the errors of the arithmetic.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstdio>
#include <filesystem>

#include "likeness/gradcheck.hpp"
#include "likeness/nn.hpp"
#include "likeness/optimizer.hpp"
#include "likeness/program.hpp"
#include "nn/model_file.hpp"
#include "nn/random_tensors.hpp"
#include "operation_catalogue.hpp"

namespace likeness {
namespace {

template <class T>
Tensor<T> numbers_as(const Tensor<float>& t) {
  return {t.shape, std::vector<T>(t.data.begin(), t.data.end())};
}

// Both networks in one number type, and the features to meet.
template <class T>
struct Fit {
  Generator<T> generator;
  ResidualNet<T> extractor;
  std::vector<Tensor<T>> targets, places;
  std::vector<T> depth_weights;

  std::vector<Var<T>> features(Var<T> x) const {
    const int side = extractor.architecture().input_size;
    return extractor.features(resize_bilinear(generator(x), side, side));
  }

  Var<T> loss(Tape<T>& tape, Var<T> x) const {
    std::vector<Var<T>> wanted, weights;
    for (std::size_t k = 0; k < targets.size(); ++k) {
      wanted.push_back(tape.constant(targets[k]));
      weights.push_back(tape.constant(places[k]));
    }
    const std::vector<Var<T>> found = features(x);
    return feature_l1(std::span<const Var<T>>(found), std::span<const Var<T>>(wanted), std::span<const T>(depth_weights),
                      std::span<const Var<T>>(weights));
  }
};

Tensor<float> random_point(int count, std::uint64_t seed) {
  test::Random random(seed, "point");
  const Tensor<double> x = random.numbers({count}, 0.125, 0.875);
  return {x.shape, std::vector<float>(x.data.begin(), x.data.end())};
}

// The same fit in both precisions: the target is another point's picture.
struct Fits {
  Fit<float> single;
  Fit<double> exact;

  Fits(const GeneratorArchitecture& g, const TensorLookup& generator, const ResidualArchitecture& r, const TensorLookup& extractor)
      : single{*Generator<float>::create(g, generator), *ResidualNet<float>::create(r, extractor), {}, {}, {}},
        exact{*Generator<double>::create(g, generator), *ResidualNet<double>::create(r, extractor), {}, {}, {}} {
    Tape<float> tape;
    test::Random random(3, "places");
    for (const Var<float>& feature : single.features(tape.variable(random_point(g.inputs, 2)))) {
      const Shape shape = feature.shape();
      single.targets.push_back({shape, std::vector<float>(feature.value().begin(), feature.value().end())});
      const Tensor<double> places = random.numbers({1, 1, shape[2], shape[3]}, 0.25, 1);
      single.places.push_back(test::converted<float>(places));
      single.depth_weights.push_back(0.5F + static_cast<float>(single.depth_weights.size()) / 4);
      exact.targets.push_back(numbers_as<double>(single.targets.back()));
      exact.places.push_back(places);
    }
    exact.depth_weights.assign(single.depth_weights.begin(), single.depth_weights.end());
  }
};

double relative_l2(std::span<const float> got, std::span<const double> expected) {
  if (got.size() != expected.size()) return INFINITY;
  double error = 0, whole = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    error += (got[i] - expected[i]) * (got[i] - expected[i]);
    whole += expected[i] * expected[i];
  }
  return std::sqrt(error / whole);
}

// At `points` places of a trajectory of Adam, some steps apart.
void check_fit(const char* name, const Fits& fits, int points) {
  const int inputs = fits.single.generator.architecture().inputs;
  Tape<float> recording(Recording::deferred);
  const Var<float> x = recording.variable(random_point(inputs, 1));
  const Var<float> loss = fits.single.loss(recording, x);
  Result<Program<float>> program = freeze<float>({.loss = loss, .gradients = {x}});
  ASSERT_TRUE(program.ok()) << program.status().message;
  Adam<float> adam({.rate = 0.02});
  for (int point = 0; point < points; ++point) {
    program->run();
    const std::vector<float> at(program->input(x).begin(), program->input(x).end());
    Tape<float> tape;
    const Var<float> tape_x = tape.variable({inputs}, at);
    const Var<float> tape_loss = fits.single.loss(tape, tape_x);
    ASSERT_TRUE(tape.backward(tape_loss).ok()) << tape.status().message;
    EXPECT_EQ(program->value(loss)[0], tape_loss.item());
    EXPECT_TRUE(std::ranges::equal(program->gradient(x), tape_x.gradient())) << "tape and program";

    double reused = 0, alone = 0, wide_loss = 0;
    for (const bool reuse : {true, false}) {
      Tape<double> shadow;
      if (reuse) follow(shadow, tape);
      const Var<double> shadow_x = shadow.variable({inputs}, std::vector<double>(at.begin(), at.end()));
      const Var<double> shadow_loss = fits.exact.loss(shadow, shadow_x);
      ASSERT_TRUE(shadow.backward(shadow_loss).ok()) << shadow.status().message;
      (reuse ? reused : alone) = relative_l2(tape_x.gradient(), shadow_x.gradient());
      wide_loss = shadow_loss.item();
    }
    EXPECT_LE(reused, 1e-5);
    EXPECT_NEAR(tape_loss.item(), wide_loss, 1e-5 * wide_loss);
    std::printf("%s, point %d: loss %.6f; gradient of single precision against double: relative L2 %.2e, without reused decisions %.2e\n",
                name, point, wide_loss, reused, alone);
    testing::Test::RecordProperty("relative_l2_" + std::to_string(point), std::to_string(reused));
    for (int i = 0; i < 4; ++i) {
      program->run();
      adam.step(program->input(x), program->gradient(x));
    }
  }
}

TEST(FitGradient, SinglePrecisionAgainstAShadowThatReusesItsDecisions) {
  const auto g = GeneratorArchitecture::parse(R"({"type":"generator","inputs":24,"channels":[40,32,24,16,8,3],"schema":""})");
  const auto r = ResidualArchitecture::parse(
      R"({"type":"residual","block":"bottleneck","layers":[1,2,1,1],"widths":[8,12,16,20],"stem":{"width":12,"kernel":7,"stride":2,"max_pool":true},
          "input_size":112,"mean":[0.5,0.4,0.3],"std":[0.2,0.25,0.3]})");
  ASSERT_TRUE(g.ok() && r.ok());
  const TensorMap generator = random_tensors(*g, 1), extractor = random_tensors(*r, 2);
  check_fit("random networks", Fits(*g, tensor_lookup(generator), *r, tensor_lookup(extractor)), 3);
}

TEST(FitGradient, ShippedNetworks) {
  const std::filesystem::path folder = std::filesystem::path(LIKENESS_SOURCE_DIR) / "weights/models/makehuman-head";
  const auto generator = Safetensors::load(folder / "generator.safetensors"),
             extractor = Safetensors::load(folder / "extractor.safetensors");
  ASSERT_TRUE(generator.ok() && extractor.ok());
  const auto g = GeneratorArchitecture::parse(generator->metadata("architecture"));
  const auto r = ResidualArchitecture::parse(extractor->metadata("architecture"));
  ASSERT_TRUE(g.ok() && r.ok());
  check_fit("shipped networks", Fits(*g, tensor_lookup(*generator), *r, tensor_lookup(*extractor)), 3);
}

// ---- The smooth twin: the same kind of network without a kink, where derivatives can be taken at any distance. -----------------------

struct Twin {
  test::Random random{5, "twin"};
  Tensor<double> x = random.numbers({6}, 0.125, 0.875), first = random.numbers({64, 6}, -0.5, 0.5),
                 up = random.numbers({4, 3, 4, 4}, -0.25, 0.25), stem = random.numbers({6, 3, 3, 3}, -0.5, 0.5),
                 reduce = random.numbers({3, 6, 1, 1}), middle = random.numbers({3, 3, 3, 3}, -0.5, 0.5),
                 grow = random.numbers({6, 3, 1, 1}), down = random.numbers({8, 6, 3, 3}, -0.25, 0.25),
                 target0 = random.numbers({1, 6, 4, 4}), target1 = random.numbers({1, 8, 2, 2});

  template <class T>
  Var<T> operator()(Tape<T>& tape, std::span<const Var<T>> in) const {
    const auto c = [&](const Tensor<double>& t) { return tape.copied(t.shape, t.data); };
    const Var<T> code = silu(reshape(linear(in[0], c(first), Var<T>()), {1, 4, 4, 4}));
    const Var<T> picture = sigmoid(conv_transpose2d(code, c(up), Var<T>(), {.stride = 2, .padding = 1}));
    const Var<T> resized = resize_bilinear(picture, 9, 9);
    const Var<T> y = avg_pool2d(silu(conv2d(resized, c(stem), Var<T>(), {.padding = 1})), 3, 2, 0);
    const Var<T> inner = silu(conv2d(silu(conv2d(y, c(reduce), Var<T>())), in[1], Var<T>(), {.padding = 1}));
    const Var<T> shallow = silu(add(y, conv2d(inner, c(grow), Var<T>())));
    const Var<T> deep = silu(conv2d(shallow, c(down), Var<T>(), {.stride = 2, .padding = 1}));
    const std::vector<Var<T>> terms{l2_mean(shallow, c(target0)), l2_mean(deep, c(target1))};
    const std::vector<T> weights{T(1), T(0.5)};
    return weighted_sum(std::span<const Var<T>>(terms), std::span<const T>(weights));
  }
  std::vector<Tensor<double>> inputs() const { return {x, middle}; }
};

TEST(SmoothTwin, EveryDerivativeIsExact) {
  const Twin twin;
  const GradientReport report = check_gradient(twin, twin.inputs());
  EXPECT_TRUE(report.ok()) << report.text();
}

// The loss of a twin at inputs + h directions, and the gradient along them.
template <class T>
struct Along {
  T loss;
  double slope = 0;
};

template <class T>
Along<T> along(const Twin& twin, const std::vector<std::vector<double>>& directions, T h) {
  Tape<T> tape;
  std::vector<Var<T>> in;
  const std::vector<Tensor<double>> inputs = twin.inputs();
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    Tensor<T> moved = test::converted<T>(inputs[k]);
    for (std::size_t i = 0; i < moved.data.size(); ++i) moved.data[i] += h * T(directions[k][i]);
    in.push_back(tape.variable(moved));
  }
  const Var<T> loss = twin(tape, std::span<const Var<T>>(in));
  EXPECT_TRUE(tape.backward(loss).ok()) << tape.status().message;
  Along<T> result{loss.item()};
  if constexpr (std::is_same_v<T, double>) {
    for (std::size_t k = 0; k < in.size(); ++k) {
      for (std::size_t i = 0; i < directions[k].size(); ++i) result.slope += in[k].gradient()[i] * directions[k][i];
    }
  }
  return result;
}

std::vector<std::vector<double>> some_directions(const Twin& twin, std::uint32_t seed) {
  std::vector<std::vector<double>> directions;
  for (const Tensor<double>& x : twin.inputs()) directions.push_back(random_directions(x.shape.size(), seed++));
  return directions;
}

TEST(SmoothTwin, ComplexStepAlongRandomDirections) {
  const Twin twin;
  constexpr double kStep = 1e-20;
  double worst = 0;
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    const auto directions = some_directions(twin, 10 * seed);
    const double slope = along<double>(twin, directions, 0).slope;
    const double expected = along<std::complex<double>>(twin, directions, {0, kStep}).loss.imag() / kStep;
    worst = std::max(worst, std::abs(slope - expected) / std::abs(expected));
  }
  EXPECT_LE(worst, 1e-9);
  std::printf("smooth twin: complex step along 20 directions, relative error %.1e\n", worst);
}

// |f(x + h d) - f(x) - h f'(x) d| falls with h^2, if f' is right; else with h.
TEST(SmoothTwin, TaylorRemainderFallsWithTheSquare) {
  const Twin twin;
  const auto directions = some_directions(twin, 1);
  const Along<double> at = along<double>(twin, directions, 0);
  double previous = 0;
  for (int halving = 0; halving <= 5; ++halving) {
    const double h = std::ldexp(1.0 / 128, -halving);
    const double remainder = std::abs(along<double>(twin, directions, h).loss - at.loss - h * at.slope);
    if (halving > 0) {
      const double slope = std::log2(previous / remainder);
      EXPECT_NEAR(slope, 2.0, 0.05);
      std::printf("smooth twin: h = %.2e, Taylor remainder %.3e, slope %.3f\n", h, remainder, slope);
    }
    previous = remainder;
  }
}

}  // namespace
}  // namespace likeness
