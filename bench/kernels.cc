// Convolution kernels at the layer shapes of the shipped networks, in both directions: time and GFLOP/s (multiply and add count
// as two; padding and discarded places do not count).
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/conv.hpp"
#include "kernels/targets.hpp"

namespace likeness::kernels {
namespace {

void conv(benchmark::State& state, const ConvShape& s, bool gather) {
  const std::vector<float> weight(static_cast<std::size_t>(s.weight_size()), 0.01F);
  std::vector<float> x(static_cast<std::size_t>(s.x_size()), 0.5F);
  std::vector<float> y(static_cast<std::size_t>(s.y_size()), 0.5F);
  const PackedConv packed(s, weight.data());
  std::vector<float> workspace(static_cast<std::size_t>(packed.workspace(s)));
  for (auto _ : state) {
    if (gather) {
      packed.gather(s, x.data(), nullptr, {}, y.data(), workspace.data());
    } else {
      packed.scatter(s, y.data(), nullptr, {}, x.data(), workspace.data());
    }
    benchmark::ClobberMemory();
  }
  const double flop = 2.0 * static_cast<double>(s.y_size() * s.in * s.kernel_h * s.kernel_w);
  state.counters["GFLOP/s"] = benchmark::Counter(flop * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

std::string label(const char* kind, const ConvShape& s) {
  return std::string(kind) + "/" + std::to_string(s.in) + "-" + std::to_string(s.out) + "/" + std::to_string(s.kernel_h) + "x" +
         std::to_string(s.kernel_w) + "s" + std::to_string(s.stride) + "/" + std::to_string(s.height) + "x" + std::to_string(s.width);
}

void add(const char* kind, const ConvShape& s) {
  for (const bool gather : {true, false}) {
    benchmark::RegisterBenchmark((label(kind, s) + (gather ? "/gather" : "/scatter")).c_str(), conv, s, gather)
        ->Unit(benchmark::kMicrosecond)
        ->UseRealTime();
  }
}

}  // namespace
}  // namespace likeness::kernels

int main(int argc, char** argv) {
  using namespace likeness::kernels;
  // Transposed convolutions: forward is scatter, the gradient gather; height and width are those of the output.
  const std::vector<std::int64_t> channels{320, 256, 192, 128, 64, 40, 16, 3};
  for (std::size_t i = 1; i < channels.size(); ++i) {
    const std::int64_t side = std::int64_t{4} << i;
    add("generator", {channels[i], channels[i - 1], side, side, 4, 4, 2, 1});
  }
  add("extractor", {3, 16, 256, 256, 3, 3, 2, 1});
  add("extractor", {16, 16, 128, 128, 3, 3, 1, 1});
  add("extractor", {16, 48, 128, 128, 3, 3, 2, 1});
  add("extractor", {48, 48, 64, 64, 3, 3, 1, 1});
  add("extractor", {48, 96, 64, 64, 3, 3, 2, 1});
  add("extractor", {96, 96, 32, 32, 3, 3, 1, 1});
  add("extractor", {96, 160, 32, 32, 3, 3, 2, 1});
  add("extractor", {160, 160, 16, 16, 3, 3, 1, 1});
  add("extractor", {96, 160, 32, 32, 1, 1, 2, 0});
  const std::vector<std::int64_t> paper{512, 512, 512, 256, 128, 64, 64, 3};
  for (std::size_t i = 1; i < paper.size(); ++i) {
    const std::int64_t side = std::int64_t{4} << i;
    add("paper/generator", {paper[i], paper[i - 1], side, side, 4, 4, 2, 1});
  }
  add("paper/extractor", {3, 64, 256, 256, 7, 7, 2, 3});
  add("paper/extractor", {64, 64, 64, 64, 1, 1});
  add("paper/extractor", {64, 256, 64, 64, 1, 1});
  add("paper/extractor", {256, 64, 64, 64, 1, 1});
  add("paper/extractor", {64, 64, 64, 64, 3, 3, 1, 1});
  add("paper/extractor", {128, 128, 64, 64, 3, 3, 2, 1});
  add("paper/extractor", {256, 512, 64, 64, 1, 1, 2});
  add("paper/extractor", {128, 512, 32, 32, 1, 1});
  add("paper/extractor", {512, 128, 32, 32, 1, 1});
  add("paper/extractor", {128, 128, 32, 32, 3, 3, 1, 1});
  add("paper/extractor", {256, 256, 32, 32, 3, 3, 2, 1});
  add("paper/extractor", {512, 1024, 32, 32, 1, 1, 2});
  add("paper/extractor", {256, 1024, 16, 16, 1, 1});
  add("paper/extractor", {1024, 256, 16, 16, 1, 1});
  add("paper/extractor", {256, 256, 16, 16, 3, 3, 1, 1});
  add("paper/extractor", {512, 512, 16, 16, 3, 3, 2, 1});
  add("paper/extractor", {1024, 2048, 16, 16, 1, 1, 2});
  add("paper/extractor", {512, 2048, 8, 8, 1, 1});
  add("paper/extractor", {2048, 512, 8, 8, 1, 1});
  add("paper/extractor", {512, 512, 8, 8, 3, 3, 1, 1});
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("instruction set", target_name());
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
