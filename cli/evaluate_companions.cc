// likeness evaluate companions
#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "align/affine.hpp"
#include "base/parallel.hpp"
#include "cli/common.hpp"
#include "cli/evaluate.hpp"
#include "cli/evaluate_figures.hpp"
#include "cli/evaluate_pictures.hpp"
#include "cli/fit_options.hpp"
#include "fit/companions.hpp"
#include "scene/model_folder.hpp"

namespace likeness::cli {
namespace {

using Colour = std::array<double, 3>;

struct CompanionArguments {
  std::uint64_t seed = 0;
  std::int64_t count = 1000;
  ModelArguments model;
};

// What the client shows of a region, and what the companion says of it.
struct Region {
  std::vector<Colour> shown, said;
};

double difference(const Colour& a, const Colour& b) { return (std::abs(a[0] - b[0]) + std::abs(a[1] - b[1]) + std::abs(a[2] - b[2])) / 3; }

void report_landmarks(const std::vector<Landmarks>& shown, const std::vector<Landmarks>& said, Figures& figures) {
  const Landmarks mean = mean_landmarks(shown);
  const auto report = [&](const std::string& name, const auto& of) {
    std::vector<double> pixels, percent;
    for (std::size_t i = 0; i < shown.size(); ++i) {
      pixels.push_back(inner_distance(shown[i], of(i)));
      percent.push_back(100 * pixels.back() / interocular_distance(shown[i]));
    }
    figures.spread(name + "_pixels", pixels, 3);
    figures.spread(name + "_percent", percent, 3);
  };
  report("companions_landmarks", [&](std::size_t i) -> const Landmarks& { return said[i]; });
  report("companions_mean_landmarks", [&](std::size_t) -> const Landmarks& { return mean; });
}

void report_colours(const std::string& name, const Region& region, Figures& figures) {
  figures.count("companions_" + name + "_examples", static_cast<std::int64_t>(region.shown.size()));
  if (region.shown.empty()) return;
  Colour mean{};
  for (const Colour& colour : region.shown) {
    for (std::size_t c = 0; c < 3; ++c) mean[c] += colour[c] / static_cast<double>(region.shown.size());
  }
  const auto report = [&](const std::string& prefix, const auto& of) {
    double l1 = 0, ciede = 0;
    for (std::size_t i = 0; i < region.shown.size(); ++i) {
      l1 += difference(region.shown[i], of(i));
      ciede += colour_distance(region.shown[i], of(i));
    }
    figures.add(prefix + name + "_l1", l1 / static_cast<double>(region.shown.size()));
    figures.add(prefix + name + "_ciede2000", ciede / static_cast<double>(region.shown.size()), 3);
  };
  report("companions_", [&](std::size_t i) -> const Colour& { return region.said[i]; });
  report("companions_mean_", [&](std::size_t) -> const Colour& { return mean; });
}

Status evaluate_companions(const CompanionArguments& arguments) {
  set_default_threads(arguments.model.threads);
  const auto client = open_scene(arguments.model.scene, arguments.model.model);
  if (!client.ok()) return client.status();
  const auto file = Safetensors::load(model_folder(arguments.model.model) / "companions.safetensors");
  if (!file.ok()) return file.status();
  const auto companions = Companions::load(*file, (*client)->schema());
  if (!companions.ok()) return companions.status();

  std::vector<Landmarks> shown, said;
  std::array<Region, kColourRegions> regions;
  const Examples examples = Examples::draw(**client, arguments.seed, arguments.count);
  for (std::int64_t i = 0; i < examples.size(); ++i) {
    const auto example = examples.get(i);
    if (!example.ok()) return example.status();
    const auto landmarks = companions->landmarks(example->x);
    shown.push_back(*example->landmarks), said.emplace_back();
    for (std::size_t k = 0; k < 68; ++k) said.back()[k] = {static_cast<float>(landmarks[2 * k]), static_cast<float>(landmarks[2 * k + 1])};
    const auto colours = companions->colours(example->x);
    for (std::size_t r = 0; r < kColourRegions; ++r) {
      const auto colour = mean_colour(example->picture, example->labels, kColourRegionClasses[r], kLeastShare[r]);
      if (!colour) continue;
      regions[r].shown.push_back(*colour);
      regions[r].said.push_back({colours[3 * r], colours[3 * r + 1], colours[3 * r + 2]});
    }
  }
  Figures figures;
  figures.count("companions_examples", examples.size());
  report_landmarks(shown, said, figures);
  for (std::size_t r = 0; r < kColourRegions; ++r) report_colours(kColourRegionNames[r], regions[r], figures);
  figures.print();
  return Status::success();
}

}  // namespace

void add_evaluate_companions(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<CompanionArguments>();
  CLI::App* command = app.add_subcommand(
      "companions", "The companions against the client: landmarks (51 inner ones) and colours, beside the examples' mean");
  command->add_option("--seed", arguments->seed, "Characters drawn from this seed (not one that training used)")->capture_default_str();
  command->add_option("-n,--count", arguments->count, "Characters")->check(CLI::Range(1, 1000000))->capture_default_str();
  add_model_options(*command, arguments->model);
  command->callback([arguments, &exit] {
    const Status status = evaluate_companions(*arguments);
    exit = status.ok() ? exit_ok : fail(status);
  });
}

}  // namespace likeness::cli
