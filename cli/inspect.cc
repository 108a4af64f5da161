// likeness inspect: what a model file holds, what it costs to run, and the plan of running it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "autodiff/text_table.hpp"
#include "cli/common.hpp"
#include "cli/network_card.hpp"
#include "cli/plan_json.hpp"

namespace likeness::cli {
namespace {

constexpr std::size_t kLabel = 14, kLine = 110;

struct InspectArguments {
  std::string path;
  bool plan = false;
  bool json = false;
};

std::string with_unit(double value, const char* unit) { return decimals("%.2f ", value) + unit; }

// "label        text", wrapped at words.
void print_fact(const std::string& label, std::string text) {
  std::string start = label + std::string(std::max<std::size_t>(kLabel, label.size() + 1) - label.size(), ' ');
  while (!text.empty()) {
    std::size_t end = text.size();
    if (start.size() + text.size() > kLine) {
      end = text.rfind(' ', kLine - kLabel);
      if (end == std::string::npos || end == 0) end = std::min(text.find(' '), text.size());
    }
    std::printf("%s%s\n", start.c_str(), text.substr(0, end).c_str());
    text.erase(0, std::min(end + 1, text.size()));
    start.assign(kLabel, ' ');
  }
}

std::string compute_text(const NetworkCard& card) {
  return with_unit(card.flops(true) / 1e9, "GFLOP forward, ") + with_unit(card.flops(false) / 1e9, "GFLOP with the gradient");
}

void print_card(const NetworkCard& card) {
  for (const auto& [label, text] : card.facts) print_fact(label, text);
  print_fact("computes", card.task);
  print_fact("compute", compute_text(card));
  print_fact("memory", with_unit(static_cast<double>(card.block_bytes) / 1e6, "MB in one block, beside the weights"));
}

nlohmann::json card_json(const NetworkCard& card, bool with_plan) {
  nlohmann::json facts = nlohmann::json::object();
  for (const auto& [label, text] : card.facts) facts[label] = text;
  nlohmann::json out = {{"facts", facts},
                        {"computes", card.task},
                        {"forward_flop", card.flops(true)},
                        {"total_flop", card.flops(false)},
                        {"block_bytes", card.block_bytes}};
  for (const PlanStep& step : card.plan) {
    if (!with_plan) break;
    out["plan"].push_back(plan_step_json(step));
  }
  return out;
}

// Weights of the network: not the statistics that travel with it, nor PyTorch's counters.
std::uint64_t parameters(const Safetensors& file) {
  std::uint64_t count = 0;
  for (const auto& [name, tensor] : file.tensors()) {
    if (!name.starts_with("statistics.") && tensor.dtype != DType::i64) count += static_cast<std::uint64_t>(tensor.count());
  }
  return count;
}

int inspect_folder(const InspectArguments& arguments) {
  const Result<NetworkCard> card = describe_fit_step(arguments.path);
  if (!card.ok()) return fail(card.status());
  if (arguments.json) {
    std::printf("%s\n", nlohmann::json({{"folder", arguments.path}, {"network", card_json(*card, arguments.plan)}}).dump(1).c_str());
    return exit_ok;
  }
  print_fact("folder", arguments.path);
  print_card(*card);
  if (arguments.plan) std::printf("\n%s", plan_text(card->plan, card->block_bytes).c_str());
  return exit_ok;
}

void print_file(const InspectArguments& arguments, const Safetensors& file, const std::optional<NetworkCard>& card) {
  print_fact("file", arguments.path);
  print_fact("bytes", grouped(file.file_bytes()));
  print_fact("sha256", file.sha256());
  if (card) {
    print_card(*card);
  } else {
    print_fact("network", "none that likeness runs by itself");
  }
  print_fact("parameters", grouped(parameters(file)));
  std::printf("\n");
  for (const auto& [key, value] : file.metadata()) print_fact(key, value);
  if (!file.metadata().empty()) std::printf("\n");
  if (card && arguments.plan) {
    std::printf("%s", plan_text(card->plan, card->block_bytes).c_str());
    return;
  }
  std::size_t width = 0;
  for (const auto& entry : file.tensors()) width = std::max(width, entry.first.size());
  for (const auto& [name, tensor] : file.tensors()) {
    std::printf("tensor %-*s  %-4s  %-20s %12s\n", static_cast<int>(width), name.c_str(), dtype_name(tensor.dtype),
                shape_text(tensor.shape).c_str(), grouped(static_cast<std::uint64_t>(tensor.count())).c_str());
  }
}

int inspect(const InspectArguments& arguments) {
  std::error_code error;
  if (std::filesystem::is_directory(arguments.path, error)) return inspect_folder(arguments);
  const Result<Safetensors> file = Safetensors::load(arguments.path);
  if (!file.ok()) return fail(file.status());
  const Result<std::optional<NetworkCard>> card = describe_network(*file);
  if (!card.ok()) return fail({card.status().code, arguments.path + ": " + card.status().message});
  if (arguments.plan && !card->has_value()) {
    return fail({Code::invalid_argument, arguments.path + ": holds no network that likeness runs by itself, so there is no plan"});
  }
  if (!arguments.json) {
    print_file(arguments, *file, *card);
    return exit_ok;
  }
  nlohmann::json out = {{"file", arguments.path},
                        {"bytes", file->file_bytes()},
                        {"sha256", file->sha256()},
                        {"parameters", parameters(*file)},
                        {"metadata", nlohmann::json::object()}};
  for (const auto& [key, value] : file->metadata()) out["metadata"][key] = value;
  for (const auto& [name, tensor] : file->tensors())
    out["tensors"].push_back({{"name", name}, {"dtype", dtype_name(tensor.dtype)}, {"shape", tensor.shape}});
  if (card->has_value()) out["network"] = card_json(**card, arguments.plan);
  std::printf("%s\n", out.dump(1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  return exit_ok;
}

}  // namespace

void add_inspect_command(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<InspectArguments>();
  CLI::App* command = app.add_subcommand("inspect", "Show a model file: architecture, card, tensors, and the plan of running it");
  command->add_option("model", arguments->path, "MODEL.safetensors, or a model folder: the whole fit step")->required();
  command->add_flag("--plan", arguments->plan, "The frozen plan: operation, shape, bytes, FLOPs (instead of the tensors)");
  command->add_flag("--json", arguments->json, "As JSON");
  command->callback([arguments, &exit] { exit = inspect(*arguments); });
}

}  // namespace likeness::cli
