// Defines a small network, checks its gradient, and minimises a loss with a program that allocates nothing.
#include <cstdio>

#include "likeness/gradcheck.hpp"
#include "likeness/optimizer.hpp"
#include "likeness/program.hpp"
using namespace likeness;

// Which picture looks to a convolution as the target does? Generic: the checker runs this on double and on complex numbers, the
// program on float.
const auto distance = []<class T>(Tape<T>& tape, std::span<const Var<T>> in) {
  const Var<T> filter = tape.copied({4, 1, 3, 3}, random_directions(36, 1)), target = tape.copied({1, 1, 6, 6}, random_directions(36, 2));
  const auto features = [&](Var<T> picture) { return silu(conv2d(picture, filter, {}, {.padding = 1})); };
  return l2_mean(features(in[0]), features(target));
};

int main() {
  const Tensor<double> start{{1, 1, 6, 6}, random_directions(36, 3)};
  const GradientReport report = check_gradient(distance, {start});
  std::fputs(report.text().c_str(), stdout);

  Tape<float> tape(Recording::deferred);
  const Var<float> x = tape.variable(start.shape, std::vector<float>(start.data.begin(), start.data.end()));
  const Var<float> loss = distance(tape, std::span(&x, 1));
  Result<Program<float>> program = freeze<float>({.loss = loss, .gradients = {x}});
  if (!report.ok() || !program.ok()) return 1;

  Adam<float> adam({.rate = 0.05});
  for (int step = 0; step <= 200; ++step) {
    program->run();
    if (step % 50 == 0) std::printf("step %3d: loss %.6f\n", step, program->value(loss)[0]);
    adam.step(program->input(x), program->gradient(x));
  }
}
