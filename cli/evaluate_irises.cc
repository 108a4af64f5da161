// likeness evaluate irises: what the search sees of eyes, in photographs and in the client's pictures of each option.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/parallel.hpp"
#include "cli/common.hpp"
#include "cli/evaluate.hpp"
#include "cli/evaluate_pictures.hpp"
#include "cli/fit_options.hpp"
#include "fit/batch.hpp"
#include "fit/iris.hpp"
#include "image/decode.hpp"

namespace likeness::cli {
namespace {

constexpr int kSide = 256;  // of the pictures by which a search decides

struct IrisArguments {
  std::vector<std::string> photos;
  ModelArguments model;
  std::string choice = "eye_color";
  std::uint64_t seed = 991;
  std::int64_t renders = 0;
};

void print(const char* kind, const std::string& name, const IrisColour& colour) {
  std::string quoted = name;
  for (std::size_t at = 0; (at = quoted.find('"', at)) != std::string::npos; at += 2) quoted.insert(at, 1, '"');
  std::printf("%s,\"%s\",%.4f,%.4f,%.4f\n", kind, quoted.c_str(), colour[0], colour[1], colour[2]);
}

// How many had none.
std::size_t print_photos(const IrisArguments& arguments, const Aligner& aligner) {
  const std::vector<BatchInput> inputs = list_inputs(arguments.photos);
  std::vector<Status> failures(inputs.size());
  std::vector<std::optional<IrisColour>> colours(inputs.size());
  parallel_for(static_cast<std::int64_t>(inputs.size()), [&](std::int64_t i) {
    const BatchInput& input = inputs[static_cast<std::size_t>(i)];
    Status& failure = failures[static_cast<std::size_t>(i)];
    const auto bytes = input.status.ok() ? read_file(input.file) : input.status;
    if (!bytes.ok()) return static_cast<void>(failure = bytes.status());
    const Result<Image> photo = decode_photo(*bytes);
    if (!photo.ok()) return static_cast<void>(failure = photo.status());
    const Result<AlignedPhoto> aligned = aligner.align(*photo, AlignKind::similarity);
    if (!aligned.ok()) return static_cast<void>(failure = aligned.status());
    Landmarks framed = aligned->landmarks;
    for (Point& p : framed) {
      const auto q = aligned->to_frame.apply(p[0], p[1]);
      p = {static_cast<float>(q[0]), static_cast<float>(q[1])};
    }
    colours[static_cast<std::size_t>(i)] = iris_colour(aligned->picture, framed);
  });
  std::size_t refused = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (colours[i]) {
      print("photo", inputs[i].stem, *colours[i]);
    } else {
      ++refused;
      const Status why = failures[i].ok() ? Status{Code::no_face, "the eyes are closed, or outside"} : failures[i];
      std::fprintf(stderr, "likeness: %s: %s: %s\n", inputs[i].file.c_str(), code_name(why.code), why.message.c_str());
    }
  }
  return refused;
}

// The mean over random characters that are alike but for the option; of other choices they have the default's.
Status print_renders(const IrisArguments& arguments, const GameClient& client) {
  const Schema& schema = client.schema();
  const Parameter* choice = schema.find(arguments.choice);
  if (choice == nullptr || choice->type != ParameterType::choice) {
    return {Code::invalid_argument, "\"" + arguments.choice + "\" is no choice of " + schema.name()};
  }
  const std::vector<float> defaults = schema.default_vector();
  std::vector<std::optional<IrisColour>> seen(static_cast<std::size_t>(arguments.renders) * choice->size());
  std::vector<Status> failures(seen.size());
  parallel_for(static_cast<std::int64_t>(seen.size()), [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    std::vector<float> x = draw_human(schema, arguments.seed, at / choice->size());
    for (const Parameter& p : schema.parameters()) {
      if (p.type == ParameterType::choice)
        std::copy_n(defaults.begin() + static_cast<std::ptrdiff_t>(p.offset), p.size(), x.begin() + static_cast<std::ptrdiff_t>(p.offset));
    }
    for (std::size_t o = 0; o < choice->size(); ++o) x[choice->offset + o] = o == at % choice->size() ? 1.0F : 0.0F;
    Result<Rendering> rendered = client.render(x, {.size = kSide, .neutral = false});
    if (!rendered.ok()) return static_cast<void>(failures[at] = rendered.status());
    seen[at] = iris_colour(picture_of(*rendered), rendered->landmarks);
  });
  for (std::size_t o = 0; o < choice->size(); ++o) {
    IrisColour sum{};
    double count = 0;
    for (std::size_t at = o; at < seen.size(); at += choice->size()) {
      if (!failures[at].ok()) return failures[at];
      if (!seen[at]) continue;
      for (std::size_t c = 0; c < sum.size(); ++c) sum[c] += (*seen[at])[c];
      ++count;
    }
    if (count == 0) {
      std::fprintf(stderr, "likeness: note: %s shows no irises\n", choice->options[o].c_str());
      continue;
    }
    for (double& s : sum) s /= count;
    print("option", choice->options[o], sum);
  }
  return Status::success();
}

int evaluate_irises(const IrisArguments& arguments) {
  if (arguments.photos.empty() && arguments.renders == 0) return fail({Code::invalid_argument, "name photos, or give --renders"});
  const Result<Frame> frame = open_frame(arguments.model);
  if (!frame.ok()) return fail(frame.status());
  std::printf("kind,name,light,red_green,green_blue\n");
  const std::size_t refused = print_photos(arguments, frame->aligner);
  if (arguments.renders > 0) {
    if (const Status status = print_renders(arguments, *frame->client); !status.ok()) return fail(status);
  }
  return refused == 0 ? exit_ok : exit_refused;
}

}  // namespace

void add_evaluate_irises(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<IrisArguments>();
  CLI::App* command = app.add_subcommand(
      "irises",
      "CSV: colour of the irises against the whites of photos, and of the client's pictures of each option (train/fit_irises.py)");
  command->add_option("photos", arguments->photos, "Photos, or folders of them");
  command->add_option("--renders", arguments->renders, "Also the means over that many random characters with each option")
      ->check(CLI::Range(1, 100000));
  command->add_option("--choice", arguments->choice, "The choice whose options they are")->capture_default_str();
  command->add_option("--seed", arguments->seed, "Seed of the random characters")->capture_default_str();
  add_model_options(*command, arguments->model);
  command->callback([arguments, &exit] { exit = evaluate_irises(*arguments); });
}

}  // namespace likeness::cli
