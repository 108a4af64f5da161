// likeness evaluate f
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <system_error>

#include "align/warp.hpp"
#include "base/file.hpp"
#include "base/parallel.hpp"
#include "cli/common.hpp"
#include "cli/evaluate.hpp"
#include "cli/evaluate_figures.hpp"
#include "cli/evaluate_pictures.hpp"
#include "cli/fit_options.hpp"
#include "fit/batch.hpp"
#include "image/decode.hpp"
#include "image/resample.hpp"
#include "scene/model_folder.hpp"

namespace likeness::cli {
namespace {

constexpr std::size_t kSheetExamples = 16;
constexpr int kSheetSide = 256, kSheetColumns = 4;  // pairs in a row

struct ExtractorArguments {
  ExampleArguments examples;
  ModelArguments model;
  std::string sheet;
};

// Segments pictures; counts them against their labels where there are any; keeps the first ones for the sheet.
class Segmenter {
 public:
  Segmenter(const ResidualNet<float>& extractor, bool sheet) : extractor_(extractor), sheet_wanted_(sheet) {}

  // The likeliest class of every pixel of a square picture, at width x height.
  Result<Image> segment(const Image& picture, int width, int height) {
    const auto features = features_of(extractor_, tape_, picture);
    if (!features.ok()) return features.status();
    const auto logits = resize_bilinear(extractor_.segment(*features), height, width);
    if (!tape_.status().ok()) return tape_.status();
    if (logits.shape()[1] != static_cast<std::int64_t>(kClasses)) {
      return Status{Code::corrupt_model, "the extractor's head has another number of classes than 11"};
    }
    Image map(width, height, 1);
    const std::size_t places = map.pixels.size();
    for (std::size_t i = 0; i < places; ++i) {
      for (std::size_t c = 1; c < kClasses; ++c) {
        if (logits.value()[c * places + i] > logits.value()[map.pixels[i] * places + i]) map.pixels[i] = static_cast<std::uint8_t>(c);
      }
    }
    return map;
  }

  // `labels`: empty, or at any resolution.
  Status add(const Image& picture, const Image& labels) {
    const Image& like = labels.width > 0 ? labels : picture;
    const auto map = segment(picture, like.width, like.height);
    if (!map.ok()) return map.status();
    for (std::size_t i = 0; i < labels.pixels.size(); ++i) {
      if (labels.pixels[i] < kClasses) ++pixels_[labels.pixels[i]][map->pixels[i]];
    }
    ++(labels.width > 0 ? counted_ : unlabelled_);
    if (!sheet_wanted_ || sheet_.size() == 2 * kSheetExamples) return Status::success();
    for (const Image& half : {picture, coloured(*map)}) {
      auto small = resize(half, kSheetSide, kSheetSide, Filter::box);
      if (!small.ok()) return small.status();
      sheet_.push_back(std::move(*small));
    }
    return Status::success();
  }

  std::int64_t counted() const { return counted_; }
  std::int64_t seen() const { return counted_ + unlabelled_; }
  Status write_sheet(const std::string& file) const { return write_png(file, tile(sheet_, 2 * kSheetColumns)); }

  void report(Figures& figures) const {
    double sum = 0;
    int present = 0;
    std::array<double, kClasses> iou{};
    for (std::size_t c = 0; c < kClasses; ++c) {
      double either = -pixels_[c][c];
      for (std::size_t k = 0; k < kClasses; ++k) either += pixels_[c][k] + pixels_[k][c];
      iou[c] = either > 0 ? pixels_[c][c] / either : 0;
      if (either > 0) sum += iou[c], ++present;
    }
    figures.add("f_miou", present > 0 ? sum / present : 0, 4);
    for (std::size_t c = 0; c < kClasses; ++c) figures.add(std::string("f_iou_") + kClassNames[c], iou[c], 4);
  }

 private:
  const ResidualNet<float>& extractor_;
  bool sheet_wanted_;
  Tape<float> tape_;
  std::array<std::array<double, kClasses>, kClasses> pixels_{};  // by true and by predicted class
  std::int64_t counted_ = 0, unlabelled_ = 0;
  std::vector<Image> sheet_;
};

// The label map NNN.png beside a photo, by the same map in the frame; empty where there is none.
Result<Image> labels_beside(const std::filesystem::path& photo_file, const Image& photo, const Affine& to_frame) {
  std::filesystem::path file = photo_file;
  const auto bytes = read_file(file.replace_extension(".png"));
  if (!bytes.ok()) return bytes.status().code == Code::not_found ? Result<Image>(Image()) : Result<Image>(bytes.status());
  const auto labels = decode_labels(*bytes);
  if (!labels.ok()) return labels.status();
  // The label map may have another resolution than the photo.
  const Affine to_photo{{static_cast<double>(photo.width) / labels->width, 0, 0, 0, static_cast<double>(photo.height) / labels->height, 0}};
  return warp_labels(*labels, to_frame.after(to_photo), kFrame, kIgnore);
}

// A folder of photos, each aligned like any photo; NNN.png beside NNN.jpg is its label map.
Status segment_photos(const ExtractorArguments& arguments, Segmenter& segmenter, std::int64_t& refused) {
  const Result<Frame> frame = open_frame(arguments.model);
  if (!frame.ok()) return frame.status();
  const std::vector<BatchInput> inputs = list_inputs(std::span(&arguments.examples.data, 1));
  const bool only_png = std::ranges::all_of(inputs, [](const BatchInput& input) { return input.file.extension() == ".png"; });
  for (const BatchInput& input : inputs) {
    if (!input.status.ok()) return input.status;
    if (input.file.extension() == ".png" && !only_png) continue;
    if (segmenter.seen() == arguments.examples.count) break;
    const auto bytes = read_file(input.file);
    if (!bytes.ok()) return bytes.status();
    const auto photo = decode_photo(*bytes);
    if (!photo.ok()) return photo.status();
    const auto aligned = frame->aligner.align(*photo, AlignKind::similarity);
    if (!aligned.ok()) {
      ++refused;
      std::fprintf(stderr, "likeness: %s: %s\n", input.file.c_str(), code_name(aligned.status().code));
      continue;
    }
    const auto labels = only_png ? Result<Image>(Image()) : labels_beside(input.file, *photo, aligned->to_frame);
    if (!labels.ok()) return labels.status();
    if (Status status = segmenter.add(aligned->picture, *labels); !status.ok()) return status;
  }
  if (segmenter.counted() == 0 && arguments.sheet.empty()) {
    return {Code::not_found,
            arguments.examples.data + " holds no photos with label maps (NNN.jpg, NNN.png): without them only --sheet is of use"};
  }
  if (segmenter.seen() == 0) return {Code::not_found, arguments.examples.data + " holds no photos with a face"};
  return Status::success();
}

Status segment_renders(const ExtractorArguments& arguments, Segmenter& segmenter) {
  const auto client = open_scene(arguments.model.scene, arguments.model.model);
  if (!client.ok()) return client.status();
  const auto examples = open_examples(arguments.examples, **client);
  if (!examples.ok()) return examples.status();
  const std::int64_t count = std::min(arguments.examples.count, examples->size());
  for (std::int64_t i = 0; i < count; ++i) {
    const auto example = examples->get(i);
    if (!example.ok()) return example.status();
    if (example->labels.width < 1) return {Code::not_found, "the data set has no label maps: write it with --labels"};
    if (Status status = segmenter.add(example->picture, example->labels); !status.ok()) return status;
  }
  return Status::success();
}

Status evaluate_extractor(const ExtractorArguments& arguments) {
  set_default_threads(arguments.model.threads);
  const auto extractor = load_extractor(model_folder(arguments.model.model) / "extractor.safetensors");
  if (!extractor.ok()) return extractor.status();
  if (!extractor->has_head()) return {Code::unavailable, "this extractor has no segmentation head"};
  Segmenter segmenter(*extractor, !arguments.sheet.empty());
  Figures figures;
  std::error_code error;
  const std::filesystem::path data = arguments.examples.data;
  if (!data.empty() && !std::filesystem::exists(data / "parameters.npy", error)) {
    std::int64_t refused = 0;
    if (Status status = segment_photos(arguments, segmenter, refused); !status.ok()) return status;
    figures.count("f_examples", segmenter.counted());
    figures.count("f_unlabelled", segmenter.seen() - segmenter.counted());
    figures.count("f_refused", refused);
  } else {
    if (Status status = segment_renders(arguments, segmenter); !status.ok()) return status;
    figures.count("f_examples", segmenter.seen());
  }
  if (!arguments.sheet.empty()) {
    if (Status status = segmenter.write_sheet(arguments.sheet); !status.ok()) return status;
  }
  if (segmenter.counted() > 0) segmenter.report(figures);
  figures.print();
  return Status::success();
}

}  // namespace

void add_evaluate_extractor(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<ExtractorArguments>();
  CLI::App* command = app.add_subcommand("f", "The extractor's segmentation: intersection over union, mean and per class");
  add_example_options(*command, arguments->examples,
                      "Data set folder, or folder of photos NNN.jpg with label maps NNN.png (255: not counted)");
  command->add_option("--sheet", arguments->sheet, "PNG to write: picture | label map of the first 16; photos need no label maps for it");
  add_model_options(*command, arguments->model);
  command->callback([arguments, &exit] {
    const Status status = evaluate_extractor(*arguments);
    exit = status.ok() ? exit_ok : fail(status);
  });
}

}  // namespace likeness::cli
