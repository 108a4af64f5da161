// likeness align: photos warped onto the reference face.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <vector>

#include "base/file.hpp"
#include "cli/common.hpp"
#include "cli/fit_options.hpp"
#include "fit/batch.hpp"
#include "image/decode.hpp"

namespace likeness::cli {
namespace {

struct AlignArguments {
  std::vector<std::string> photos;
  std::string output;
  ModelArguments model;
  AlignKind align = AlignKind::similarity;
  bool landmarks = false, coverage = false;
};

std::string landmarks_json(const AlignedPhoto& aligned) {
  nlohmann::ordered_json json;
  json["format"] = "likeness-landmarks";
  json["version"] = 1;
  json["photo_to_frame"] = aligned.to_frame.a;
  json["photo"] = aligned.landmarks;
  for (const Point& p : aligned.landmarks) json["frame"].push_back(aligned.to_frame.apply(p[0], p[1]));
  return json.dump() + "\n";
}

Status align_one(const Aligner& aligner, const AlignArguments& arguments, const BatchInput& input, const std::filesystem::path& png) {
  if (!input.status.ok()) return input.status;
  const auto bytes = read_file(input.file);
  if (!bytes.ok()) return bytes.status();
  const Result<Image> photo = decode_photo(*bytes);
  if (!photo.ok()) return photo.status();
  const Result<AlignedPhoto> aligned = aligner.align(*photo, arguments.align);
  if (!aligned.ok()) return aligned.status();
  std::filesystem::path beside = png;
  if (arguments.landmarks) {
    if (Status status = write_file_atomic(beside.replace_extension(".json"), landmarks_json(*aligned)); !status.ok()) return status;
  }
  if (arguments.coverage) {
    beside.replace_filename(png.stem().string() + "_coverage.png");
    if (Status status = write_png(beside, aligned->coverage); !status.ok()) return status;
  }
  return write_png(png, aligned->picture);
}

int align(const AlignArguments& arguments) {
  const Result<Frame> frame = open_frame(arguments.model);
  if (!frame.ok()) return fail(frame.status());
  const std::vector<BatchInput> inputs = list_inputs(arguments.photos);
  const std::filesystem::path output = arguments.output;
  const bool single = output.extension() == ".png";
  if (single && inputs.size() != 1) return fail({Code::invalid_argument, "several photos need a folder after -o"}, exit_usage);
  std::error_code error;
  if (!single) std::filesystem::create_directories(output, error);
  if (error) return fail({Code::io_error, "cannot make " + output.string() + ": " + error.message()});
  int exit = exit_ok;
  for (const BatchInput& input : inputs) {
    const Status status = align_one(frame->aligner, arguments, input, single ? output : output / (input.stem + ".png"));
    if (status.ok()) continue;
    exit = exit_refused;
    std::fprintf(stderr, "likeness: %s: %s: %s\n", input.file.c_str(), code_name(status.code), status.message.c_str());
  }
  return exit;
}

}  // namespace

void add_align_command(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<AlignArguments>();
  CLI::App* command = app.add_subcommand("align", "Warp photos onto the reference face, 512x512");
  command->add_option("photos", arguments->photos, "Photos, or folders of them")->required();
  command->add_option("-o,--output", arguments->output, "PNG to write, or a folder for STEM.png")->required();
  add_align_option(*command, arguments->align);
  add_model_options(*command, arguments->model);
  command->add_flag("--landmarks", arguments->landmarks, "Also STEM.json: the 68 landmarks in the photo and in the frame, and the map");
  command->add_flag("--coverage", arguments->coverage, "Also STEM_coverage.png: 255 where the photo reaches");
  command->callback([arguments, &exit] { exit = align(*arguments); });
}

}  // namespace likeness::cli
