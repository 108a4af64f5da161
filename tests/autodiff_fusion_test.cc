// freeze() on random residual networks, and shadows that follow another tape's decisions.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "likeness/program.hpp"
#include "operation_catalogue.hpp"

namespace likeness {
namespace {

using test::converted;
using test::Random;

// A random graph of pictures: convolutions (frozen, or with constant or variable weights), batch norms, additions, ReLUs and pooling,
// drawn from what freeze() rewrites. The same seed gives the same graph for every number type.
template <class T>
class Network {
 public:
  Network(Tape<T>& tape, std::uint64_t seed, bool norms) : tape_(tape), r_(seed, "network"), norms_(norms) {
    const Shape x{r_.between(1, 2), r_.between(2, 3), r_.between(5, 11), r_.between(5, 11)};
    variables.push_back(tape_.variable(converted<T>(r_.numbers(x))));
    pictures_.push_back(variables[0]);
    const std::int64_t steps = r_.between(4, 12);
    for (std::int64_t i = 0; i < steps; ++i) pictures_.push_back(step());
    output = pictures_.back();
    if (r_.chance(30)) outputs.push_back(any());  // one that may not vanish in another
    outputs.push_back(output);
    loss = l1_mean(output, tape_.copied(output.shape(), std::vector<double>(static_cast<std::size_t>(output.shape().size()), 0.125)));
  }

  std::vector<Var<T>> variables, outputs;
  Var<T> output, loss;

 private:
  Var<T> any() { return pictures_[static_cast<std::size_t>(r_.between(0, static_cast<std::int64_t>(pictures_.size()) - 1))]; }
  Var<T> constant(const Tensor<double>& values) { return tape_.copied(values.shape, values.data); }

  Var<T> convolution(Var<T> x) {
    const std::int64_t in = x.shape()[1], out = r_.between(2, 9), kernel = r_.chance(70) ? 3 : 1;
    const Tensor<double> weight = r_.numbers({out, in, kernel, kernel}, -0.5, 0.5), bias = r_.numbers({out});
    ConvOptions options{.padding = static_cast<int>(kernel / 2)};
    if (x.shape()[2] > 4 && x.shape()[3] > 4 && r_.chance(25)) options.stride = 2;
    switch (r_.between(0, 3)) {
      case 0:
        return conv2d(x, constant(weight), r_.chance(50) ? constant(bias) : Var<T>(), options);
      case 1: {
        variables.push_back(tape_.variable(converted<T>(weight)));
        return conv2d(x, variables.back(), Var<T>(), options);
      }
      case 2: {
        const Tensor<double> turned = r_.numbers({in, out, 3, 3}, -0.5, 0.5);
        return conv_transpose2d(x, *FrozenConv<T>::conv_transpose2d(converted<T>(turned), converted<T>(bias), {.padding = 1}));
      }
      default:
        return conv2d(x, *FrozenConv<T>::conv2d(converted<T>(weight), converted<T>(bias), options));
    }
  }

  Var<T> norm(Var<T> x) {
    const Shape channels{x.shape()[1]};
    const double epsilon = 0.25;
    return batch_norm(x, constant(r_.numbers(channels)), constant(r_.numbers(channels)), constant(r_.numbers(channels)),
                      constant(r_.numbers(channels, 0.25, 2)), epsilon);
  }

  // Another picture of the same shape, else x itself.
  Var<T> like(Var<T> x) {
    std::vector<Var<T>> found;
    for (const Var<T>& p : pictures_) {
      if (p.shape() == x.shape()) found.push_back(p);
    }
    return found.empty() ? x : found[static_cast<std::size_t>(r_.between(0, static_cast<std::int64_t>(found.size()) - 1))];
  }

  Var<T> step() {
    Var<T> y = r_.chance(75) ? pictures_.back() : any();
    if (r_.chance(70)) y = convolution(y);
    if (norms_ && r_.chance(50)) y = norm(y);
    if (r_.chance(50)) y = r_.chance(50) ? add(y, like(y)) : add(like(y), y);
    if (r_.chance(60)) y = relu(y);
    if (r_.chance(10) && std::min(y.shape()[2], y.shape()[3]) > 3) y = max_pool2d(y, 3, 2, 1);
    return y;
  }

  Tape<T>& tape_;
  Random r_;
  bool norms_;
  std::vector<Var<T>> pictures_;
};

template <class T>
double apart(std::span<const T> a, std::span<const T> b) {
  if (a.size() != b.size() || a.empty()) return INFINITY;
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double error = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(error <= worst)) worst = error;
    largest = std::max(largest, std::abs(static_cast<double>(b[i])));
  }
  return worst == 0 ? 0 : worst / largest;
}

template <class T>
void check_network(std::uint64_t seed, bool norms, double tolerance) {
  SCOPED_TRACE("LIKENESS_SEED=" + std::to_string(seed) + " LIKENESS_INSTANCES=1");
  Tape<T> tape;
  const Network<T> n(tape, seed, norms);
  ASSERT_TRUE(tape.backward(n.loss).ok()) << tape.status().message;
  Result<Program<T>> program = freeze<T>({.loss = n.loss, .gradients = n.variables, .outputs = n.outputs});
  ASSERT_TRUE(program.ok()) << program.status().message;
  for (int round = 0; round < 2; ++round) {
    program->run();
    for (const Var<T>& y : n.outputs) EXPECT_LE(apart(program->value(y), y.value()), tolerance);
    EXPECT_LE(apart(program->value(n.loss), n.loss.value()), tolerance);
    for (const Var<T>& v : n.variables) EXPECT_LE(apart(program->gradient(v), v.gradient()), tolerance);
  }
}

TEST(Fusion, RandomNetworksEqualTheTapeBitForBit) {
  for (std::uint64_t seed = test::first_seed(); seed < test::first_seed() + test::instances() && !HasFailure(); ++seed) {
    check_network<float>(seed, false, 0);
    check_network<double>(seed, false, 0);
  }
}

// A folded batch norm rounds elsewhere; in double precision no sign of a ReLU is within reach of that.
TEST(Fusion, RandomNetworksWithBatchNormEqualTheTapeWithinRounding) {
  for (std::uint64_t seed = test::first_seed(); seed < test::first_seed() + test::instances() && !HasFailure(); ++seed)
    check_network<double>(seed, true, 1e-12);
}

// ---- follow(): the same graph in both precisions, on inputs of which the double tape alone would decide otherwise. ----------------

template <class T>
struct Kinks {
  Var<T> x, b, loss;
};

template <class T>
Kinks<T> record_kinks(Tape<T>& tape, const Tensor<double>& x, const Tensor<double>& b) {
  Kinks<T> k;
  k.x = tape.variable(converted<T>(x));
  k.b = tape.variable(converted<T>(b));
  const Var<T> pooled = max_pool2d(add(relu(k.x), leaky_relu(k.x, 0.25)), 2, 2, 0);
  k.loss = add(l1_mean(k.x, k.b), add(smooth_l1_mean(k.x, k.b, 0.5), sum(pooled)));
  return k;
}

TEST(Follow, ShadowDecidesAsTheOtherTapeDid) {
  const Shape shape{1, 2, 4, 4};
  for (std::uint64_t seed = test::first_seed(); seed < test::first_seed() + 50; ++seed) {
    SCOPED_TRACE("LIKENESS_SEED=" + std::to_string(seed));
    Random r(seed, "follow");
    const Tensor<double> x = r.off_zero(shape), b = r.apart_from(x);
    // The shadow's own numbers lie on other sides everywhere.
    Tensor<double> other = x, further = b;
    for (std::size_t i = 0; i < x.data.size(); ++i) {
      other.data[i] = -x.data[i] * 3;
      further.data[i] = other.data[i] + (x.data[i] - b.data[i]);
    }
    Tape<float> decider;
    const Kinks<float> single = record_kinks(decider, x, b);
    ASSERT_TRUE(decider.backward(single.loss).ok());
    Tape<double> shadow;
    follow(shadow, decider);
    const Kinks<double> followed = record_kinks(shadow, other, further);
    ASSERT_TRUE(shadow.backward(followed.loss).ok());
    // All of these are linear between kinks but the smooth distance, which is so where |a - b| > beta.
    Tape<double> alone;
    const Kinks<double> exact = record_kinks(alone, x, b);
    ASSERT_TRUE(alone.backward(exact.loss).ok());
    for (std::size_t i = 0; i < x.data.size(); ++i) {
      const bool bent = std::abs(x.data[i] - b.data[i]) < 0.5;
      if (!bent) {
        EXPECT_NEAR(followed.x.gradient()[i], exact.x.gradient()[i], 1e-14) << i;
        EXPECT_NEAR(followed.b.gradient()[i], exact.b.gradient()[i], 1e-14) << i;
      }
    }
    Tape<double> own;
    const Kinks<double> otherwise = record_kinks(own, other, further);
    ASSERT_TRUE(own.backward(otherwise.loss).ok());
    EXPECT_GT(apart(otherwise.x.gradient(), exact.x.gradient()), 0.1) << "without follow() it decides itself";
  }
}

TEST(Follow, RefusesADeciderThatRecordedSomethingElse) {
  const std::vector<float> single(4, 1.0F);
  const std::vector<double> exact(single.begin(), single.end());
  const auto message = [&](auto&& decide, auto&& record) {
    Tape<float> decider;
    decide(decider);
    Tape<double> shadow;
    follow(shadow, decider);
    record(shadow);
    return shadow.status().message;
  };
  const auto nothing = [](Tape<float>&) {};
  const auto relu_of = [&](Tape<float>& t) { (void)relu(t.variable({4}, single)); };
  EXPECT_EQ(message(relu_of, [&](Tape<double>& t) { (void)relu(t.variable({4}, exact)); }), "");
  EXPECT_EQ(message(nothing, [&](Tape<double>& t) { (void)relu(t.variable({4}, exact)); }),
            "follow: the decider has recorded no variable [4] at this place");
  EXPECT_EQ(message(relu_of,
                    [&](Tape<double>& t) {
                      (void)relu(t.variable({2, 2}, exact));
                    }),
            "follow: the decider has recorded no variable [2, 2] at this place");
  EXPECT_EQ(message(relu_of, [&](Tape<double>& t) { (void)silu(t.variable({4}, exact)); }),
            "follow: the decider has recorded no silu [4] at this place");
  EXPECT_EQ(message(relu_of, [&](Tape<double>& t) { (void)relu(relu(t.variable({4}, exact))); }),
            "follow: the decider has recorded no relu [4] at this place");

  // A deferred tape has nothing to decide with.
  Tape<float> deferred(Recording::deferred);
  relu_of(deferred);
  Tape<double> shadow;
  follow(shadow, deferred);
  (void)relu(shadow.variable({4}, exact));
  EXPECT_EQ(shadow.status().message, "follow: the decider has recorded no relu [4] at this place");

  // clear() ends it; a decider that was cleared too early is noticed.
  shadow.clear();
  EXPECT_TRUE(relu(shadow.variable({4}, exact)).valid());
  Tape<float> decider;
  const Var<float> x = relu(decider.variable({4}, single));
  (void)sum(x);
  shadow.clear();
  follow(shadow, decider);
  const Var<double> loss = sum(relu(shadow.variable({4}, exact)));
  decider.clear();
  EXPECT_EQ(shadow.backward(loss).message, "follow: the decider was cleared before backward()");
}

}  // namespace
}  // namespace likeness
