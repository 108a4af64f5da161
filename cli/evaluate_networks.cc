// likeness evaluate g, likeness evaluate f
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <system_error>

#include "align/warp.hpp"
#include "base/file.hpp"
#include "base/parallel.hpp"
#include "cli/common.hpp"
#include "cli/evaluate.hpp"
#include "cli/fit_options.hpp"
#include "fit/batch.hpp"
#include "fit/objective.hpp"
#include "image/decode.hpp"
#include "image/resample.hpp"
#include "scene/model_folder.hpp"

namespace likeness::cli {
namespace {

constexpr int kClasses = 11;
constexpr std::array<const char*, kClasses> kClassNames = {"background", "face", "hair",      "left_brow",   "right_brow", "left_eye",
                                                           "right_eye",  "nose", "upper_lip", "inner_mouth", "lower_lip"};
constexpr std::uint8_t kIgnore = 255;

struct NetworkArguments {
  std::string data;
  ModelArguments model;
  std::uint64_t seed = 0;
  std::int64_t count = 500;
};

void add_options(CLI::App& command, NetworkArguments& a, const char* data_help) {
  CLI::Option* data = command.add_option("data", a.data, data_help);
  command.add_option("--seed", a.seed, "Without data: characters drawn from this seed (not one that training used)")->excludes(data);
  command.add_option("-n,--count", a.count, "Examples at most")->check(CLI::Range(1, 1000000))->capture_default_str();
  add_model_options(command, a.model);
}

Result<Examples> examples_of(const NetworkArguments& arguments, const GameClient& client) {
  if (arguments.data.empty()) return Examples::draw(client, arguments.seed, arguments.count);
  return Examples::open(arguments.data, client.schema());
}

// Mean absolute difference of RGB values in [0, 1], over the places of some classes.
struct Difference {
  double sum = 0, count = 0;
  double mean() const { return count > 0 ? sum / count : 0; }
};

Status evaluate_generator(const NetworkArguments& arguments) {
  set_default_threads(arguments.model.threads);
  const auto client = open_scene(arguments.model.scene, arguments.model.model);
  if (!client.ok()) return client.status();
  const auto generator = load_generator(model_folder(arguments.model.model) / "generator.safetensors");
  if (!generator.ok()) return generator.status();
  const GeneratorArchitecture& architecture = generator->architecture();
  const Schema& schema = (*client)->schema();
  if (architecture.inputs != static_cast<int>(schema.size()) || (!architecture.schema.empty() && architecture.schema != schema.hash())) {
    return {Code::schema_mismatch, "the generator was trained for another scene"};
  }
  const auto examples = examples_of(arguments, **client);
  if (!examples.ok()) return examples.status();
  Difference all, face, hair;
  Tape<float> tape;
  const std::int64_t count = std::min(arguments.count, examples->size());
  for (std::int64_t i = 0; i < count; ++i) {
    const auto example = examples->get(i);
    if (!example.ok()) return example.status();
    tape.clear();
    const auto picture = generate_picture(*generator, tape, example->x);
    if (!picture.ok()) return picture.status();
    const auto truth = resize(example->picture, picture->size, picture->size, Filter::box);
    if (!truth.ok()) return truth.status();
    const Image& labels = example->labels;
    for (std::size_t p = 0; p < picture->rgb.size(); p += 3) {
      double apart = 0;
      for (std::size_t c = 0; c < 3; ++c) apart += std::abs(int{picture->rgb[p + c]} - int{truth->pixels[p + c]}) / 255.0;
      all.sum += apart, all.count += 3;
      if (labels.width < 1) continue;
      const int x = static_cast<int>(p / 3) % picture->size, y = static_cast<int>(p / 3) / picture->size;
      const int label = *labels.at(x * labels.width / picture->size, y * labels.height / picture->size);
      if (label == 2) hair.sum += apart, hair.count += 3;
      if (label == 1 || label >= 3) face.sum += apart, face.count += 3;
    }
  }
  std::printf("g_examples %lld\ng_l1 %.5f\n", static_cast<long long>(count), all.mean());
  if (face.count > 0) std::printf("g_l1_face %.5f\n", face.mean());
  if (hair.count > 0) std::printf("g_l1_hair %.5f\n", hair.mean());
  return Status::success();
}

// Pixels by true and by predicted class.
using Confusion = std::array<std::array<double, kClasses>, kClasses>;

// Segments a square picture and counts it against its labels, at the labels' resolution.
Status count_pixels(const ResidualNet<float>& extractor, Tape<float>& tape, const Image& picture, const Image& labels,
                    Confusion& confusion) {
  const int input = extractor.architecture().input_size;
  const auto small = resize(picture, input, input, Filter::box);
  if (!small.ok()) return small.status();
  const std::size_t area = static_cast<std::size_t>(input) * static_cast<std::size_t>(input);
  std::vector<float> planes(3 * area);
  for (std::size_t i = 0; i < area; ++i) {
    for (std::size_t c = 0; c < 3; ++c) planes[c * area + i] = static_cast<float>(small->pixels[3 * i + c]) / 255.0F;
  }
  tape.clear();
  const auto features = extractor.features(tape.constant({1, 3, input, input}, planes));
  const auto logits = resize_bilinear(extractor.segment(features), labels.height, labels.width);
  if (!tape.status().ok()) return tape.status();
  if (logits.shape()[1] != kClasses) return {Code::corrupt_model, "the extractor's head has another number of classes than 11"};
  const std::size_t places = labels.pixels.size();
  for (std::size_t i = 0; i < places; ++i) {
    if (labels.pixels[i] >= kClasses) continue;
    std::size_t best = 0;
    for (std::size_t c = 1; c < kClasses; ++c) {
      if (logits.value()[c * places + i] > logits.value()[best * places + i]) best = c;
    }
    ++confusion[labels.pixels[i]][best];
  }
  return Status::success();
}

void print(const Confusion& confusion) {
  double sum = 0;
  int present = 0;
  std::array<double, kClasses> iou{};
  for (std::size_t c = 0; c < kClasses; ++c) {
    double either = -confusion[c][c];
    for (std::size_t k = 0; k < kClasses; ++k) either += confusion[c][k] + confusion[k][c];
    iou[c] = either > 0 ? confusion[c][c] / either : 0;
    if (either > 0) sum += iou[c], ++present;
  }
  std::printf("f_miou %.4f\n", present > 0 ? sum / present : 0);
  for (std::size_t c = 0; c < kClasses; ++c) std::printf("f_iou_%s %.4f\n", kClassNames[c], iou[c]);
}

// A folder of NNN.jpg with NNN.png label maps: each is aligned like any photo, its labels by the same map.
Status count_labelled(const NetworkArguments& arguments, const ResidualNet<float>& extractor, Confusion& confusion) {
  const Result<Frame> frame = open_frame(arguments.model);
  if (!frame.ok()) return frame.status();
  Tape<float> tape;
  int used = 0, refused = 0;
  for (const BatchInput& input : list_inputs(std::span(&arguments.data, 1))) {
    if (input.file.extension() == ".png") continue;
    if (used == arguments.count) break;
    std::filesystem::path label_file = input.file;
    const auto photo_bytes = read_file(input.file), label_bytes = read_file(label_file.replace_extension(".png"));
    if (!photo_bytes.ok()) return photo_bytes.status();
    if (!label_bytes.ok()) return label_bytes.status();
    const auto labels = decode_labels(*label_bytes);
    if (!labels.ok()) return labels.status();
    const auto photo = decode_photo(*photo_bytes);
    if (!photo.ok()) return photo.status();
    const auto aligned = frame->aligner.align(*photo, AlignKind::similarity);
    if (!aligned.ok()) {
      ++refused;
      std::fprintf(stderr, "likeness: %s: %s\n", input.file.c_str(), code_name(aligned.status().code));
      continue;
    }
    // The label map may have another resolution than the photo.
    const Affine to_photo{
        {static_cast<double>(photo->width) / labels->width, 0, 0, 0, static_cast<double>(photo->height) / labels->height, 0}};
    const auto warped = warp_labels(*labels, aligned->to_frame.after(to_photo), kFrame, kIgnore);
    if (!warped.ok()) return warped.status();
    if (Status status = count_pixels(extractor, tape, aligned->picture, *warped, confusion); !status.ok()) return status;
    ++used;
  }
  if (used == 0) return {Code::not_found, arguments.data + " holds no photos with label maps (NNN.jpg, NNN.png)"};
  std::printf("f_examples %d\nf_refused %d\n", used, refused);
  return Status::success();
}

Status evaluate_extractor(const NetworkArguments& arguments) {
  set_default_threads(arguments.model.threads);
  const auto extractor = load_extractor(model_folder(arguments.model.model) / "extractor.safetensors");
  if (!extractor.ok()) return extractor.status();
  if (!extractor->has_head()) return {Code::unavailable, "this extractor has no segmentation head"};
  auto confusion = std::make_unique<Confusion>();
  std::error_code error;
  if (!arguments.data.empty() && !std::filesystem::exists(std::filesystem::path(arguments.data) / "parameters.npy", error)) {
    if (Status status = count_labelled(arguments, *extractor, *confusion); !status.ok()) return status;
    print(*confusion);
    return Status::success();
  }
  const auto client = open_scene(arguments.model.scene, arguments.model.model);
  if (!client.ok()) return client.status();
  const auto examples = examples_of(arguments, **client);
  if (!examples.ok()) return examples.status();
  Tape<float> tape;
  const std::int64_t count = std::min(arguments.count, examples->size());
  for (std::int64_t i = 0; i < count; ++i) {
    const auto example = examples->get(i);
    if (!example.ok()) return example.status();
    if (example->labels.width < 1) return {Code::not_found, "the data set has no label maps: write it with --labels"};
    if (Status status = count_pixels(*extractor, tape, example->picture, example->labels, *confusion); !status.ok()) return status;
  }
  std::printf("f_examples %lld\n", static_cast<long long>(count));
  print(*confusion);
  return Status::success();
}

void add(CLI::App& app, int& exit, const char* name, const char* help, const char* data_help, Status (*run)(const NetworkArguments&)) {
  auto arguments = std::make_shared<NetworkArguments>();
  CLI::App* command = app.add_subcommand(name, help);
  add_options(*command, *arguments, data_help);
  command->callback([arguments, &exit, run] {
    const Status status = run(*arguments);
    exit = status.ok() ? exit_ok : fail(status);
  });
}

}  // namespace

void add_evaluate_generator(CLI::App& app, int& exit) {
  add(app, exit, "g", "The generator against the client: mean absolute difference of RGB in [0, 1]", "Data set folder", evaluate_generator);
}

void add_evaluate_extractor(CLI::App& app, int& exit) {
  add(app, exit, "f", "The extractor's segmentation: intersection over union, mean and per class",
      "Data set folder, or folder of NNN.jpg with NNN.png label maps (255: not counted)", evaluate_extractor);
}

}  // namespace likeness::cli
