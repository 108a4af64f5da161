// likeness evaluate g
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/parallel.hpp"
#include "cli/common.hpp"
#include "cli/evaluate.hpp"
#include "cli/evaluate_figures.hpp"
#include "cli/evaluate_pictures.hpp"
#include "cli/fit_options.hpp"
#include "fit/model.hpp"
#include "fit/objective.hpp"
#include "fit/report.hpp"
#include "image/resample.hpp"
#include "scene/model_folder.hpp"

namespace likeness::cli {
namespace {

constexpr std::size_t kSheetExamples = 8;

struct GeneratorArguments {
  ExampleArguments examples;
  ModelArguments model;
  std::string sheet;
};

// A part of the model folder that not every figure needs: nothing, with a note on standard error, where it is missing.
template <class T>
Result<std::optional<T>> optional_part(Result<T> part, const char* figures) {
  if (part.ok()) return std::optional<T>(std::move(*part));
  const Code code = part.status().code;
  if (code != Code::not_found && code != Code::unavailable) return part.status();
  std::fprintf(stderr, "likeness: note: no %s: %s\n", figures, part.status().message.c_str());
  return std::optional<T>();
}

// Mean absolute differences of RGB by class.
class PixelErrors {
 public:
  // Of two square pictures of one size; `labels` at any resolution, or empty.
  void add(const Image& a, const Image& b, const Image& labels) {
    const int size = a.width;
    for (int y = 0; y < size; ++y) {
      for (int x = 0; x < size; ++x) {
        const std::uint8_t label = labels.width < 1 ? kIgnore : *labels.at(x * labels.width / size, y * labels.height / size);
        Difference& difference = label < kClasses ? classes_[label] : other_;
        difference.add(a.at(x, y), b.at(x, y));
      }
    }
  }
  Difference all() const {
    return sum([](std::uint8_t) { return true; }, other_);
  }
  Difference face() const { return sum(in_face, {}); }
  const Difference& of(std::size_t label) const { return classes_[label]; }

 private:
  template <class Wanted>
  Difference sum(Wanted wanted, Difference total) const {
    for (std::uint8_t c = 0; c < kClasses; ++c) {
      if (wanted(c)) total.sum += classes_[c].sum, total.count += classes_[c].count;
    }
    return total;
  }

  std::array<Difference, kClasses> classes_{};
  Difference other_;
};

// How far the extractor sees the imitator from the client: mean |a - b| of each depth, over that of two characters.
class FeatureGap {
 public:
  explicit FeatureGap(const ResidualNet<float>& extractor) : extractor_(extractor) {}

  Status add(const Image& generated, const Image& drawn) {
    std::vector<std::vector<float>> a, b;
    for (const auto& [picture, into] : {std::pair(&generated, &a), std::pair(&drawn, &b)}) {
      const auto features = features_of(extractor_, tape_, *picture);
      if (!features.ok()) return features.status();
      for (const Var<float>& depth : *features) into->emplace_back(depth.value().begin(), depth.value().end());
    }
    gap_.resize(a.size());
    between_.resize(a.size());
    for (std::size_t d = 0; d < a.size(); ++d) {
      gap_[d] += apart(a[d], b[d]);
      if (!last_.empty()) between_[d] += apart(last_[d], b[d]);
    }
    last_ = std::move(b);
    ++count_;
    return Status::success();
  }

  void report(Figures& figures) const {
    if (count_ < 2) return;
    double sum = 0;
    for (std::size_t d = 0; d < gap_.size(); ++d) {
      const double share = between_[d] > 0 ? gap_[d] / count_ / (between_[d] / (count_ - 1)) : 0;
      figures.add("g_feature_gap_depth" + std::to_string(d + 1), share, 4);
      sum += share / static_cast<double>(gap_.size());
    }
    figures.add("g_feature_gap", sum, 4);
  }

 private:
  static double apart(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    return sum / static_cast<double>(a.size());
  }

  const ResidualNet<float>& extractor_;
  Tape<float> tape_;
  std::vector<double> gap_, between_;  // sums over characters
  std::vector<std::vector<float>> last_;
  double count_ = 0;
};

// The shift of the landmarks that the face finder sees.
class LandmarkShift {
 public:
  explicit LandmarkShift(const FaceFinder& finder) : finder_(finder) {}

  Status add(const Image& generated, const Image& drawn) {
    std::array<Landmarks, 2> found{};
    std::array<Status, 2> status;
    const std::array<const Image*, 2> pictures = {&generated, &drawn};
    parallel_for(2, [&](std::int64_t i) {
      const auto at = static_cast<std::size_t>(i);
      const Result<Face> face = finder_.find(*pictures[at]);
      status[at] = face.status();
      if (face.ok()) found[at] = face->landmarks;
    });
    for (const Status& s : status) {
      if (!s.ok() && s.code != Code::no_face) return s;
    }
    if (status[0].ok() && status[1].ok()) pixels_.push_back(inner_distance(found[0], found[1]) * 512 / drawn.width);
    no_face_ += !status[0].ok() || !status[1].ok() ? 1 : 0;
    return Status::success();
  }

  void report(Figures& figures) const {
    figures.count("g_landmark_examples", static_cast<std::int64_t>(pixels_.size()));
    figures.count("g_landmark_no_face", no_face_);
    figures.spread("g_landmark_shift_pixels", pixels_, 2);
  }

 private:
  const FaceFinder& finder_;
  std::vector<double> pixels_;
  std::int64_t no_face_ = 0;
};

Result<Image> square(const Image& picture, int size) {
  if (picture.width == size && picture.height == size) return picture;
  return resize(picture, size, size, Filter::box);
}

Result<Image> mean_picture(const Examples& examples, std::int64_t count, int size) {
  if (count < 1) return Status{Code::invalid_argument, "there are no examples"};
  std::vector<double> sum(std::size_t{3} * static_cast<std::size_t>(size) * static_cast<std::size_t>(size));
  for (std::int64_t i = 0; i < count; ++i) {
    const auto example = examples.get(i);
    if (!example.ok()) return example.status();
    const auto picture = square(example->picture, size);
    if (!picture.ok()) return picture.status();
    for (std::size_t p = 0; p < sum.size(); ++p) sum[p] += picture->pixels[p];
  }
  Image mean(size, size, 3);
  for (std::size_t p = 0; p < sum.size(); ++p) mean.pixels[p] = static_cast<std::uint8_t>(std::lround(sum[p] / static_cast<double>(count)));
  return mean;
}

void report(const PixelErrors& generated, const PixelErrors& mean, Figures& figures) {
  figures.add("g_l1", generated.all().mean());
  if (generated.face().count > 0) {
    figures.add("g_l1_face", generated.face().mean());
    figures.add("g_mean_picture_l1_face", mean.face().mean());
    if (mean.face().sum > 0) figures.add("g_share_of_mean_picture", generated.face().mean() / mean.face().mean(), 4);
  }
  for (std::size_t c = 0; c < kClasses; ++c) {
    if (generated.of(c).count > 0) figures.add(std::string("g_l1_class_") + kClassNames[c], generated.of(c).mean());
  }
}

Result<Generator<float>> open_generator(const std::filesystem::path& folder, const Schema& schema) {
  Result<Generator<float>> generator = load_generator(folder / "generator.safetensors");
  if (!generator.ok()) return generator.status();
  const GeneratorArchitecture& architecture = generator->architecture();
  if (architecture.inputs != static_cast<int>(schema.size()) || (!architecture.schema.empty() && architecture.schema != schema.hash())) {
    return Status{Code::schema_mismatch, "the generator was trained for another scene"};
  }
  return generator;
}

Status evaluate_generator(const GeneratorArguments& arguments) {
  set_default_threads(arguments.model.threads);
  const std::filesystem::path folder = model_folder(arguments.model.model);
  const auto client = open_scene(arguments.model.scene, arguments.model.model);
  if (!client.ok()) return client.status();
  const auto generator = open_generator(folder, (*client)->schema());
  if (!generator.ok()) return generator.status();
  const auto extractor = optional_part(load_extractor(folder / "extractor.safetensors"), "feature gap");
  if (!extractor.ok()) return extractor.status();
  const auto finder = optional_part(open_chosen_finder(arguments.model), "landmark shift");
  if (!finder.ok()) return finder.status();
  const auto examples = open_examples(arguments.examples, **client);
  if (!examples.ok()) return examples.status();
  const std::int64_t count = std::min(arguments.examples.count, examples->size());
  const auto mean = mean_picture(*examples, count, generator->size());
  if (!mean.ok()) return mean.status();

  PixelErrors of_generator, of_mean;
  std::optional<FeatureGap> gap;
  if (*extractor) gap.emplace(**extractor);
  std::optional<LandmarkShift> shift;
  if (*finder) shift.emplace(**finder);
  std::vector<Image> above, below;
  Tape<float> tape;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto example = examples->get(i);
    if (!example.ok()) return example.status();
    tape.clear();
    const auto picture = generate_picture(*generator, tape, example->x);
    if (!picture.ok()) return picture.status();
    const Image generated = image_from(*picture);
    const auto drawn = square(example->picture, picture->size);
    if (!drawn.ok()) return drawn.status();
    of_generator.add(generated, *drawn, example->labels);
    of_mean.add(*mean, *drawn, example->labels);
    Status status = gap ? gap->add(generated, *drawn) : Status::success();
    if (status.ok() && shift) status = shift->add(generated, *drawn);
    if (!status.ok()) return status;
    if (!arguments.sheet.empty() && above.size() < kSheetExamples) above.push_back(*drawn), below.push_back(generated);
  }
  if (!arguments.sheet.empty()) {
    const int columns = static_cast<int>(above.size());
    above.insert(above.end(), below.begin(), below.end());
    if (Status status = write_png(arguments.sheet, tile(above, columns)); !status.ok()) return status;
  }
  Figures figures;
  figures.count("g_examples", count);
  report(of_generator, of_mean, figures);
  if (gap) gap->report(figures);
  if (shift) shift->report(figures);
  figures.print();
  return Status::success();
}

}  // namespace

void add_evaluate_generator(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<GeneratorArguments>();
  CLI::App* command = app.add_subcommand("g",
                                         "The generator against the client: mean absolute difference of RGB in [0, 1], by class and beside "
                                         "the mean picture's; shift of features (1: as far as two characters) and of landmarks (of 512)");
  add_example_options(*command, arguments->examples, "Data set folder");
  command->add_option("--sheet", arguments->sheet, "PNG to write: the first 8 characters by the client, below them by the generator");
  add_model_options(*command, arguments->model);
  command->callback([arguments, &exit] {
    const Status status = evaluate_generator(*arguments);
    exit = status.ok() ? exit_ok : fail(status);
  });
}

}  // namespace likeness::cli
