#include "cli/network_card.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "fit/objective.hpp"
#include "likeness/nn.hpp"
#include "nn/model_file.hpp"

namespace likeness::cli {
namespace {

std::string joined(std::span<const int> numbers, const char* between) {
  std::string text;
  for (const int n : numbers) text += (text.empty() ? "" : between) + std::to_string(n);
  return text;
}

std::string square(int side) { return std::to_string(side) + " x " + std::to_string(side); }

std::string colour(const std::array<float, 3>& c) {
  char text[64];
  std::snprintf(text, sizeof text, "%g %g %g", static_cast<double>(c[0]), static_cast<double>(c[1]), static_cast<double>(c[2]));
  return text;
}

// torchvision's name of a trunk with its widths and stem, else "".
std::string torchvision_name(const ResidualArchitecture& a) {
  const bool is_wide = a.widths == std::vector<int>{64, 128, 256, 512} && a.stem_width == 64 && a.stem_kernel == 7 && a.stem_max_pool;
  if (!is_wide) return "";
  if (a.layers == std::vector<int>{2, 2, 2, 2} && !a.bottleneck) return "ResNet-18, ";
  if (a.layers == std::vector<int>{3, 4, 6, 3}) return a.bottleneck ? "ResNet-50, " : "ResNet-34, ";
  return "";
}

void add_facts(const GeneratorArchitecture& a, int size, NetworkCard& card) {
  const char* const kOutputs[] = {"sigmoid", "tanh", "linear"};
  card.facts = {{"generator", std::to_string(a.inputs) + " sliders -> " + square(size) + " picture"},
                {"channels", joined(a.channels, " ") + " (transposed 4x4 convolutions, " + kOutputs[static_cast<int>(a.output)] + ")"}};
}

void add_facts(const ResidualArchitecture& a, std::span<const Var<float>> features, NetworkCard& card) {
  std::string trunk = torchvision_name(a) + (a.bottleneck ? "bottleneck" : "basic") + " blocks " + joined(a.layers, "-") + ", widths " +
                      joined(a.widths, "-") + ", stem " + std::to_string(a.stem_kernel) + "x" + std::to_string(a.stem_kernel) + "/" +
                      std::to_string(a.stem_stride) + (a.stem_max_pool ? " + max pool" : "");
  if (std::ranges::find(a.replace_stride_with_dilation, true) != a.replace_stride_with_dilation.end()) trunk += ", dilated";
  std::string shapes;
  for (const Var<float>& f : features) {
    const Shape s = f.shape();
    shapes += (shapes.empty() ? "" : ", ") + std::to_string(s[1]) + "x" + std::to_string(s[2]) + "x" + std::to_string(s[3]);
  }
  card.facts = {{"extractor", trunk},
                {"input", square(a.input_size) + " RGB, mean " + colour(a.mean) + ", std " + colour(a.std)},
                {"features", shapes}};
  if (a.head_classes > 0) {
    const char* const head = a.head == SegmentationHead::fcn ? "FCN head, " : "pyramid head, ";
    card.facts.emplace_back("segmentation", head + std::to_string(a.head_classes) + " classes");
  }
}

Status add_plan(const Wanted<float>& wanted, NetworkCard& card) {
  const Result<Program<float>> program = freeze(wanted);
  if (!program.ok()) return program.status();
  card.plan = program->plan();
  card.block_bytes = program->bytes();
  return Status::success();
}

Tensor<float> zeros(const Shape& shape) { return {shape, std::vector<float>(static_cast<std::size_t>(shape.size()))}; }

Result<NetworkCard> describe_generator(const Safetensors& file) {
  const auto generator = make_generator(file);
  if (!generator.ok()) return generator.status();
  NetworkCard card;
  add_facts(generator->architecture(), generator->size(), card);
  card.task = "the picture of x, its mean distance from another, and the gradient to x";
  Tape<float> tape(Recording::deferred);
  const Var<float> x = tape.variable(zeros({generator->architecture().inputs}));
  const Var<float> picture = (*generator)(x);
  const Tensor<float> target = zeros(picture.shape());
  const Var<float> loss = l1_mean(picture, tape.constant(target));
  const Status status = add_plan({.loss = loss, .gradients = {x}, .outputs = {picture}}, card);
  if (!status.ok()) return status;
  return card;
}

Result<NetworkCard> describe_extractor(const Safetensors& file) {
  const auto extractor = make_extractor(file);
  if (!extractor.ok()) return extractor.status();
  NetworkCard card;
  card.task = "features of a picture, their mean distance from others, and the gradient to the picture";
  Tape<float> tape(Recording::deferred);
  const std::int64_t side = extractor->architecture().input_size;
  const Var<float> picture = tape.variable(zeros({1, 3, side, side}));
  std::vector<Var<float>> outputs = extractor->features(picture);
  add_facts(extractor->architecture(), outputs, card);
  std::vector<Tensor<float>> targets;
  for (const Var<float>& feature : outputs) targets.push_back(zeros(feature.shape()));
  std::vector<Var<float>> constants;
  for (const Tensor<float>& target : targets) constants.push_back(tape.constant(target));
  const std::vector<float> shares(outputs.size(), 1.0F / static_cast<float>(outputs.size()));
  const Var<float> loss = feature_l1<float>(outputs, constants, shares);
  if (extractor->has_head()) outputs.push_back(extractor->segment(outputs));
  const Status status = add_plan({.loss = loss, .gradients = {picture}, .outputs = outputs}, card);
  if (!status.ok()) return status;
  return card;
}

}  // namespace

double NetworkCard::flops(bool forward_only) const {
  double sum = 0;
  for (const PlanStep& step : plan) sum += forward_only && step.backward ? 0 : step.flops;
  return sum;
}

Result<std::optional<NetworkCard>> describe_network(const Safetensors& file) {
  const auto some = [](Result<NetworkCard> card) -> Result<std::optional<NetworkCard>> {
    if (!card.ok()) return card.status();
    return std::optional(std::move(*card));
  };
  const std::string_view text = file.metadata("architecture");
  if (text.empty()) {
    // A plain state_dict: ours to run if it is a ResNet, else just tensors.
    if (!extractor_architecture(file).ok()) return std::optional<NetworkCard>();
    return some(describe_extractor(file));
  }
  const auto architecture = nlohmann::json::parse(text, nullptr, false);
  const std::string type = architecture.is_object() ? architecture.value("type", nlohmann::json()).dump() : "";
  if (type == "\"generator\"") return some(describe_generator(file));
  if (type == "\"residual\"") return some(describe_extractor(file));
  return std::optional<NetworkCard>();
}

Result<NetworkCard> describe_fit_step(const std::filesystem::path& folder) {
  const Result<std::string> scene = read_text_file(folder / "scene.json");
  if (!scene.ok()) return scene.status();
  const Result<Schema> schema = Schema::parse(*scene);
  if (!schema.ok()) return schema.status();
  const auto generator = load_generator(folder / "generator.safetensors");
  if (!generator.ok()) return generator.status();
  const auto extractor = load_extractor(folder / "extractor.safetensors");
  if (!extractor.ok()) return extractor.status();
  const auto objective = Objective::create(*generator, *extractor, *schema, nullptr);
  if (!objective.ok()) return objective.status();
  Image picture(generator->size(), generator->size(), 3), coverage(generator->size(), generator->size(), 1);
  std::ranges::fill(picture.pixels, std::uint8_t{128});
  std::ranges::fill(coverage.pixels, std::uint8_t{255});
  if (Status status = (*objective)->set_photo({picture, coverage}, {}); !status.ok()) return status;
  NetworkCard card;
  NetworkCard parts;
  add_facts(generator->architecture(), generator->size(), card);
  Tape<float> tape(Recording::deferred);
  const std::int64_t side = extractor->architecture().input_size;
  add_facts(extractor->architecture(), extractor->features(tape.variable(zeros({1, 3, side, side}))), parts);
  card.facts.insert(card.facts.end(), parts.facts.begin(), parts.facts.end());
  card.task = "one step of a fit: the picture of x, how far it is from a photo, and the gradient to x";
  card.plan = (*objective)->program()->plan();
  card.block_bytes = (*objective)->program()->bytes();
  return card;
}

}  // namespace likeness::cli
