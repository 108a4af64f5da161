// The catalogue of operations: one entry each, from which every test of all operations derives. An entry draws random instances:
// shapes with odd sizes, often smaller than the kernel, options, and inputs that keep their distance from kinks.
#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <ostream>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "likeness/autodiff.hpp"

namespace likeness::test {

/// A graph for all three number types: made from a generic function (Tape<T>&, std::span<const Var<T>>) -> Var<T>.
class AnyGraph {
 public:
  template <class F>
  AnyGraph(F f) : single_(f), exact_(f), complex_(f) {}
  Var<float> operator()(Tape<float>& tape, std::span<const Var<float>> in) const { return single_(tape, in); }
  Var<double> operator()(Tape<double>& tape, std::span<const Var<double>> in) const { return exact_(tape, in); }
  Var<std::complex<double>> operator()(Tape<std::complex<double>>& tape, std::span<const Var<std::complex<double>>> in) const {
    return complex_(tape, in);
  }

 private:
  template <class T>
  using Function = std::function<Var<T>(Tape<T>&, std::span<const Var<T>>)>;
  Function<float> single_;
  Function<double> exact_;
  Function<std::complex<double>> complex_;
};

/// Random choices and numbers. All numbers are multiples of 1/256 of small size: exact in single precision, so that both precisions
/// see the same inputs. No distribution of the standard library: they differ between libraries.
class Random {
 public:
  Random(std::uint64_t seed, const std::string& name);
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool chance(int percent) { return between(1, 100) <= percent; }
  /// [N, C, H, W] of one or two pictures, at most three channels and five rows and columns.
  Shape picture() { return {chance(80) ? 1 : 2, between(1, 3), between(1, 5), between(1, 5)}; }
  /// One to four dimensions, at most about 40 numbers.
  Shape any_shape();
  /// In [-1, 1].
  Tensor<double> numbers(const Shape& shape);
  /// In [low, high], both multiples of 1/256.
  Tensor<double> numbers(const Shape& shape, double low, double high);
  /// 1/16 to 1, of either sign: away from the kink at zero. At least one is positive.
  Tensor<double> off_zero(const Shape& shape);
  /// All different, at least 1/32 from each other and 1/64 from zero: one largest in every window.
  Tensor<double> distinct(const Shape& shape);
  /// A tensor like `a`, 1/16 to 1 above or below it everywhere: away from the kink at a = b.
  Tensor<double> apart_from(const Tensor<double>& a);

 private:
  std::mt19937_64 engine_;
};

/// One use of an operation.
struct Instance {
  std::string text;  ///< Options, for messages; the shapes are those of `inputs`.
  std::vector<Tensor<double>> inputs;
  AnyGraph graph;  ///< y, of any shape.
};

struct Operation {
  std::string name;                 ///< The function in likeness/autodiff.hpp; after a comma, which of its forms.
  std::vector<std::size_t> linear;  ///< Inputs in which y is linear (plus a constant) while the others are fixed.
  bool any_shape = false;           ///< No shape of a single input is wrong.
  std::function<Instance(Random&)> draw;
  std::vector<std::size_t> optional = {};  ///< Inputs that may be absent.
};
inline void PrintTo(const Operation& operation, std::ostream* out) { *out << operation.name; }

const std::vector<Operation>& operation_catalogue();

// The parts of the catalogue.
std::vector<Operation> convolutions_and_maps();
std::vector<Operation> pictures_and_parts();
std::vector<Operation> elementwise_and_losses();

/// `values` in another number type.
template <class T>
Tensor<T> converted(const Tensor<double>& values) {
  return {values.shape, std::vector<T>(values.data.begin(), values.data.end())};
}

/// sum_i r_i y_i with fixed random r of either sign: a scalar that sees every number of y.
template <class T>
Var<T> projected(Tape<T>& tape, Var<T> y, std::uint32_t seed);

/// The variables of an instance, and its graph with the other inputs as constants.
struct Question {
  std::vector<Tensor<double>> variables;
  AnyGraph y;
  AnyGraph loss;     ///< projected(y)
  std::string text;  ///< Everything that identifies it.
};
/// The same instance with a random choice of inputs whose gradients are wanted (`only`: that input alone).
Question ask(const Operation& operation, std::uint64_t seed, int only = -1);

/// From the environment: LIKENESS_SEED (1), and the number of instances of each operation LIKENESS_INSTANCES (200).
std::uint64_t first_seed();
std::uint64_t instances();

}  // namespace likeness::test
