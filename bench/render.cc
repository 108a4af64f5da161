// Time of one picture of the built-in head on one core, from slider values to pixels: morph, skin, rasteriser.
//   bench_render --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
// The model folder is $LIKENESS_MODEL; every run draws the same characters, one after the other.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "base/file.hpp"
#include "likeness/scene.hpp"
#include "scene/head_asset.hpp"
#include "scene/head_model.hpp"

namespace likeness {
namespace {

std::filesystem::path scene_file() {
  const char* folder = std::getenv("LIKENESS_MODEL");
  return std::filesystem::path(folder != nullptr ? folder : "weights/models/makehuman-head") / "scene.json";
}

const GameClient* client(benchmark::State& state) {
  static const Result<std::unique_ptr<GameClient>> opened = open_client(scene_file());
  if (!opened.ok()) state.SkipWithError(opened.status().message.c_str());
  return opened.ok() ? opened->get() : nullptr;
}

constexpr std::uint64_t characters = 8;

// Slider values to triangles and skin texture.
void morph(benchmark::State& state) {
  if (client(state) == nullptr) return;
  const Schema& schema = client(state)->schema();
  Result<scene::HeadAsset> asset = scene::read_head(scene_file().parent_path() / "head.asset");
  if (!asset.ok()) return state.SkipWithError(asset.status().message.c_str());
  const Result<scene::HeadModel> model = scene::HeadModel::create(std::move(*asset), schema);
  if (!model.ok()) return state.SkipWithError(model.status().message.c_str());
  std::uint64_t index = 0;
  for (auto _ : state) benchmark::DoNotOptimize(model->draw(draw_human(schema, 1, index++ % characters)));
}
BENCHMARK(morph)->Unit(benchmark::kMillisecond);

// Arguments: size, samples a pixel and axis, hair style (-1: as drawn).
void render(benchmark::State& state) {
  const GameClient* game = client(state);
  if (game == nullptr) return;
  RenderOptions options;
  options.size = static_cast<int>(state.range(0));
  options.supersample = static_cast<int>(state.range(1));
  options.labels = state.range(3) != 0;
  const Parameter* hair = game->schema().find("hair");
  const auto style = static_cast<std::ptrdiff_t>(state.range(2));
  std::uint64_t index = 0;
  for (auto _ : state) {
    std::vector<float> x = draw_human(game->schema(), 1, index++ % characters);
    if (style >= 0 && hair != nullptr && style < static_cast<std::ptrdiff_t>(hair->size())) {
      const auto first = x.begin() + static_cast<std::ptrdiff_t>(hair->offset);
      std::fill_n(first, hair->size(), 0.0F);
      first[style] = 1;
      state.SetLabel(hair->options[static_cast<std::size_t>(style)]);
    }
    const Result<Rendering> picture = game->render(x, options);
    if (!picture.ok()) return state.SkipWithError(picture.status().message.c_str());
    benchmark::DoNotOptimize(picture->rgb.data());
  }
}
BENCHMARK(render)
    ->ArgNames({"size", "samples", "hair", "labels"})
    ->Args({512, 1, -1, 0})
    ->Args({512, 2, -1, 0})
    ->Args({512, 2, -1, 1})
    ->Args({256, 2, -1, 1})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(render)
    ->ArgNames({"size", "samples", "hair", "labels"})
    ->ArgsProduct({{512}, {2}, benchmark::CreateDenseRange(0, 6, 1), {0}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace likeness

BENCHMARK_MAIN();
