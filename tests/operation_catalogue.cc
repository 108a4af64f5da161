#include "operation_catalogue.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "likeness/gradcheck.hpp"

namespace likeness::test {
namespace {

constexpr double kUnit = 1.0 / 256;

std::uint64_t environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

Random::Random(std::uint64_t seed, const std::string& name) {
  std::vector<std::uint32_t> words{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  for (const char c : name) words.push_back(static_cast<std::uint32_t>(c));
  std::seed_seq mixed(words.begin(), words.end());
  engine_.seed(mixed);
}

Shape Random::any_shape() {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(between(1, 4)));
  const std::int64_t most = sizes.size() == 1 ? 37 : sizes.size() == 2 ? 6 : 3;
  for (std::int64_t& size : sizes) size = between(1, most);
  return Shape(sizes);
}

Tensor<double> Random::numbers(const Shape& shape) { return numbers(shape, -1, 1); }

Tensor<double> Random::numbers(const Shape& shape, double low, double high) {
  Tensor<double> t{shape, std::vector<double>(static_cast<std::size_t>(shape.size()))};
  const auto steps = static_cast<std::int64_t>((high - low) / kUnit);
  for (double& v : t.data) v = low + static_cast<double>(between(0, steps)) * kUnit;
  return t;
}

Tensor<double> Random::off_zero(const Shape& shape) {
  Tensor<double> t = numbers(shape, 1.0 / 16, 1);
  const std::size_t positive = static_cast<std::size_t>(between(0, shape.size() - 1));
  for (std::size_t i = 0; i < t.data.size(); ++i) {
    if (i != positive && chance(50)) t.data[i] = -t.data[i];
  }
  return t;
}

Tensor<double> Random::distinct(const Shape& shape) {
  Tensor<double> t{shape, {}};
  for (std::int64_t i = 0; i < shape.size(); ++i) t.data.push_back(static_cast<double>(i - shape.size() / 2) / 32 + 1.0 / 64);
  for (std::size_t i = t.data.size(); i > 1; --i)
    std::swap(t.data[i - 1], t.data[static_cast<std::size_t>(between(0, static_cast<std::int64_t>(i) - 1))]);
  return t;
}

Tensor<double> Random::apart_from(const Tensor<double>& a) {
  Tensor<double> t = off_zero(a.shape);
  for (std::size_t i = 0; i < t.data.size(); ++i) t.data[i] += a.data[i];
  return t;
}

const std::vector<Operation>& operation_catalogue() {
  static const std::vector<Operation> all = [] {
    std::vector<Operation> list = convolutions_and_maps();
    for (std::vector<Operation> part : {pictures_and_parts(), elementwise_and_losses()})
      std::move(part.begin(), part.end(), std::back_inserter(list));
    return list;
  }();
  return all;
}

template <class T>
Var<T> projected(Tape<T>& tape, Var<T> y, std::uint32_t seed) {
  if (!y.valid()) return y;
  const std::int64_t n = y.shape().size();
  return linear(reshape(y, {n}), tape.copied({1, n}, random_directions(n, seed)), {});
}
template Var<float> projected(Tape<float>&, Var<float>, std::uint32_t);
template Var<double> projected(Tape<double>&, Var<double>, std::uint32_t);
template Var<std::complex<double>> projected(Tape<std::complex<double>>&, Var<std::complex<double>>, std::uint32_t);

Question ask(const Operation& operation, std::uint64_t seed, int only) {
  Random random(seed, operation.name);
  const Instance instance = operation.draw(random);
  std::vector<bool> wanted;
  for (std::size_t k = 0; k < instance.inputs.size(); ++k)
    wanted.push_back(only >= 0 ? k == static_cast<std::size_t>(only) : random.chance(75));
  if (std::ranges::none_of(wanted, [](bool w) { return w; })) wanted[0] = true;

  std::vector<Tensor<double>> variables;
  std::string text = operation.name + " " + instance.text + ":";
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    if (wanted[k]) variables.push_back(instance.inputs[k]);
    text += " " + instance.inputs[k].shape.text() + (wanted[k] ? "" : " constant");
  }
  text += "; LIKENESS_SEED=" + std::to_string(seed);

  const auto y = [instance, wanted]<class T>(Tape<T>& tape, std::span<const Var<T>> in) {
    std::vector<Var<T>> all;
    for (std::size_t k = 0, next = 0; k < wanted.size(); ++k)
      all.push_back(wanted[k] ? in[next++] : tape.copied(instance.inputs[k].shape, instance.inputs[k].data));
    return instance.graph(tape, std::span<const Var<T>>(all));
  };
  const auto loss = [y, seed]<class T>(Tape<T>& tape, std::span<const Var<T>> in) {
    return projected(tape, y(tape, in), static_cast<std::uint32_t>(seed) + 7);
  };
  return {std::move(variables), y, loss, std::move(text)};
}

std::uint64_t first_seed() { return environment("LIKENESS_SEED", 1); }
std::uint64_t instances() { return environment("LIKENESS_INSTANCES", 200); }

}  // namespace likeness::test
