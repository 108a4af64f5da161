#include "cli/fit_options.hpp"

#include <CLI/CLI.hpp>
#include <map>
#include <utility>

#include "base/file.hpp"
#include "base/parallel.hpp"
#include "cli/common.hpp"
#include "fit/model.hpp"
#include "image/encode.hpp"
#include "scene/model_folder.hpp"

namespace likeness::cli {
namespace {

// An option whose words stand for values of an enumeration.
template <class E>
void add_choice(CLI::App& command, const char* name, E& value, const char* help, const std::map<std::string, E>& words) {
  std::string initial;
  for (const auto& [word, meaning] : words) {
    if (meaning == value) initial = word;
  }
  command
      .add_option_function<std::string>(
          name, [&value, words](const std::string& word) { value = words.at(word); }, help)
      ->check(CLI::IsMember(words))
      ->default_str(initial);
}

// Empty: the default.
std::filesystem::path chosen_landmarks(const ModelArguments& arguments) {
  if (arguments.landmark_model.empty()) return {};
  return landmark_file(model_folder(arguments.model), arguments.landmark_model);
}

}  // namespace

void add_model_options(CLI::App& command, ModelArguments& arguments) {
  command.add_option("--model", arguments.model, "Model folder (default: $LIKENESS_MODEL, else the installed one)");
  command.add_option("--scene", arguments.scene, kSceneHelp);
  command.add_option("--landmark-model", arguments.landmark_model,
                     "Landmark regressor: own (the model folder's), dlib (its published one; not for commercial use) or a file\n"
                     "(default: landmarks68.dat of the model folder, else dlib's, else own)");
  command.add_option("--threads", arguments.threads, "Threads (default: all cores)")->check(CLI::Range(1, 1024));
}

void add_precision_option(CLI::App& command, ModelArguments& arguments) {
  add_choice<Precision>(command, "--precision", arguments.precision,
                        "Of the networks' products: fp32, or bf16 where the processor has it (elsewhere fp32)",
                        {{"fp32", Precision::fp32}, {"bf16", Precision::bf16}});
}

Result<std::shared_ptr<const Model>> load_model(const ModelArguments& arguments) {
  set_default_threads(arguments.threads);
  return Model::load(
      {.folder = arguments.model, .scene = arguments.scene, .landmarks = chosen_landmarks(arguments), .precision = arguments.precision});
}

Result<FaceFinder> open_chosen_finder(const ModelArguments& arguments) {
  return open_face_finder(model_folder(arguments.model), chosen_landmarks(arguments));
}

Result<Frame> open_frame(const ModelArguments& arguments) {
  set_default_threads(arguments.threads);
  Result<std::unique_ptr<GameClient>> client = open_scene(arguments.scene, arguments.model);
  if (!client.ok()) return client.status();
  Result<FaceFinder> finder = open_chosen_finder(arguments);
  if (!finder.ok()) return finder.status();
  Result<Aligner> aligner = Aligner::create(**client, std::move(finder));
  if (!aligner.ok()) return aligner.status();
  return Frame{std::move(*client), std::move(*aligner)};
}

void add_align_option(CLI::App& command, AlignKind& align) {
  add_choice<AlignKind>(command, "--align", align, "How the photo is laid on the reference face",
                        {{"affine", AlignKind::affine}, {"similarity", AlignKind::similarity}});
}

void add_fit_options(CLI::App& command, FitOptions& options) {
  command.add_option("--iterations", options.iterations, "Gradient steps at most")->check(CLI::Range(1, 10000))->capture_default_str();
  command.add_option("--threshold", options.threshold, "Stop at this similarity (1: never)")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option("--step", options.step, "First step size")->check(CLI::Range(1e-6, 100.0))->capture_default_str();
  add_choice<LossKind>(command, "--loss", options.loss, "Distance of features", {{"l1", LossKind::l1}, {"l2", LossKind::l2}});
  add_align_option(command, options.align);
  add_choice<StartKind>(command, "--start", options.start, "Where to start: the encoder's guess, if the model has one, or the average face",
                        {{"guess", StartKind::guess}, {"average", StartKind::average}});
  add_choice<ChoiceJudge>(command, "--choices", options.choices,
                          "Whose pictures of the options of hair, brows and other choices are compared",
                          {{"client", ChoiceJudge::client}, {"generator", ChoiceJudge::generator}});
  command.add_option("--seed", options.seed, "0: exactly at the start; else near it, at random")->capture_default_str();
  add_choice<OptimizerKind>(command, "--optimizer", options.optimizer, "Kind of descent",
                            {{"adam", OptimizerKind::adam}, {"sgd", OptimizerKind::sgd}});
  add_choice<ObjectiveKind>(command, "--objective", options.objective, "likeness, or plain: raw features only",
                            {{"likeness", ObjectiveKind::likeness}, {"plain", ObjectiveKind::plain}});
  command.add_option_function<std::string>(
      "--weights",
      [&options](const std::string& text) {
        Result<std::string> json = text;
        if (!text.starts_with('{')) json = read_text_file(text);
        const Result<ObjectiveWeights> weights = json.ok() ? parse_objective(*json) : json.status();
        if (!weights.ok()) throw CLI::ValidationError("--weights", weights.status().message);
        options.weights = *weights;
      },
      "Weights of the loss's terms: a JSON file, or {\"landmarks\": 0, ...} itself (docs/quality.md)");
}

Status write_png(const std::filesystem::path& path, const Image& image) {
  const auto png = encode_png(image);
  return png.ok() ? write_file_atomic(path, *png) : png.status();
}

}  // namespace likeness::cli
