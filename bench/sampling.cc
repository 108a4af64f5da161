// Max pooling and separable maps at the shapes of a fit step with the paper's networks, on one thread: the stem's pooling of a
// ResNet-50 at 256 x 256 and the resizing of a rendered picture, each with its gradient.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "base/parallel.hpp"
#include "kernels/axis_map.hpp"
#include "kernels/pool.hpp"

namespace likeness::kernels {
namespace {

std::vector<float> noise(std::int64_t n) {
  std::mt19937 engine(1);
  std::normal_distribution<float> normal;
  std::vector<float> v(static_cast<std::size_t>(n));
  for (float& x : v) x = std::max(0.0F, normal(engine));  // as behind a ReLU: many ties
  return v;
}

enum class Pass { forward, forward_given, gradient };

void pool(benchmark::State& state, const PoolShape& s, Pass pass) {
  set_default_threads(1);
  const auto x = noise(s.planes * s.x_plane());
  const auto by = x;
  auto y = noise(s.planes * s.y_plane());
  auto dx = x;
  for (auto _ : state) {
    if (pass == Pass::forward) max_pool(s, x.data(), x.data(), y.data());
    if (pass == Pass::forward_given) max_pool(s, x.data(), by.data(), y.data());
    if (pass == Pass::gradient) max_pool_gradient(s, by.data(), y.data(), dx.data());
    benchmark::ClobberMemory();
  }
}

void axes(benchmark::State& state, const AxisMap& rows, const AxisMap& columns, std::int64_t planes) {
  set_default_threads(1);
  const auto x = noise(planes * rows.inputs * columns.inputs);
  std::vector<float> y(static_cast<std::size_t>(planes * rows.outputs * columns.outputs));
  std::vector<float> workspace(static_cast<std::size_t>(axes_workspace(rows, columns, planes)));
  for (auto _ : state) {
    apply_axes(rows, columns, x.data(), planes, y.data(), workspace.data());
    benchmark::ClobberMemory();
  }
}

void add_pool(const std::string& name, const PoolShape& s) {
  const auto add = [&](const char* kind, Pass pass) {
    benchmark::RegisterBenchmark((name + kind).c_str(), pool, s, pass)->Unit(benchmark::kMicrosecond);
  };
  add("/forward", Pass::forward);
  add("/forward by another's winners", Pass::forward_given);
  add("/gradient", Pass::gradient);
}

void add_axes(const std::string& name, const AxisMap& map, std::int64_t planes) {
  const AxisMap back = map.transposed();
  benchmark::RegisterBenchmark((name + "/forward").c_str(), axes, map, map, planes)->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark((name + "/gradient").c_str(), axes, back, back, planes)->Unit(benchmark::kMicrosecond);
}

}  // namespace
}  // namespace likeness::kernels

int main(int argc, char** argv) {
  using namespace likeness::kernels;
  const auto window = [](std::int64_t size, std::int64_t kernel, std::int64_t stride, std::int64_t padding) {
    return PoolAxis::window(size, kernel, stride, padding);
  };
  add_pool("pool/3x3s2p1/64x128x128", {64, window(128, 3, 2, 1), window(128, 3, 2, 1)});
  add_pool("pool/3x3s1p1/64x64x64", {64, window(64, 3, 1, 1), window(64, 3, 1, 1)});
  add_pool("pool/4x4s4/64x128x128", {64, window(128, 4, 4, 0), window(128, 4, 4, 0)});
  add_pool("pool/adaptive 7x7/512x16x16", {512, PoolAxis::adaptive(16, 7), PoolAxis::adaptive(16, 7)});
  add_pool("pool/adaptive 1x1/512x16x16", {512, PoolAxis::adaptive(16, 1), PoolAxis::adaptive(16, 1)});
  add_axes("resize/bilinear/3x512x512-256x256", AxisMap::bilinear(512, 256), 3);
  add_axes("resize/bilinear/3x192x192-256x256", AxisMap::bilinear(192, 256), 3);
  add_axes("resize/antialiased/3x512x512-160x160", AxisMap::antialiased(512, 160), 3);
  add_axes("pool/average 4x4s4/64x128x128", AxisMap::average(window(128, 4, 4, 0)), 64);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
