// likeness evaluate landmarks: two landmark files against each other on photos, and against the exact landmarks of renders.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "align/warp.hpp"
#include "base/file.hpp"
#include "base/parallel.hpp"
#include "cli/common.hpp"
#include "cli/evaluate.hpp"
#include "cli/evaluate_figures.hpp"
#include "cli/fit_options.hpp"
#include "fit/batch.hpp"
#include "image/decode.hpp"

namespace likeness::cli {
namespace {

struct LandmarkArguments {
  std::vector<std::string> photos;
  ModelArguments model;
  std::string reference = "dlib", sheet;
  std::uint64_t seed = 991;
  std::int64_t renders = 0;
};

// Landmarks of dlib's 68, by part. "inner" is what alignment uses.
struct Part {
  const char* name;
  std::size_t first, end;
};
constexpr std::array<Part, 6> kParts = {
    {{"inner", 17, 68}, {"brows", 17, 27}, {"nose", 27, 36}, {"eyes", 36, 48}, {"mouth", 48, 68}, {"jaw", 0, 17}}};
constexpr double kVisibleShift = 8;  // pixels of the 512 frame
constexpr int kTile = 320;

using Offsets = std::array<std::array<double, 2>, 68>;  // of landmarks, per cent of the inter-ocular distance

Offsets offsets(const Landmarks& found, const Landmarks& reference) {
  Offsets out;
  const double unit = interocular_distance(reference) / 100;
  for (std::size_t k = 0; k < out.size(); ++k) {
    for (std::size_t c = 0; c < 2; ++c) out[k][c] = static_cast<double>(found[k][c] - reference[k][c]) / unit;
  }
  return out;
}

double mean_length(const Offsets& all, const Part& part) {
  double sum = 0;
  for (std::size_t k = part.first; k < part.end; ++k) sum += std::hypot(all[k][0], all[k][1]);
  return sum / static_cast<double>(part.end - part.first);
}

// NAME_PART_{mean,median,p95} for each part; then the inner ones after each landmark's mean offset is taken away: a habit
// that both a photo and the reference face show is no error of an alignment.
void add_parts(Figures& figures, const std::string& name, const std::vector<Offsets>& all) {
  for (const Part& part : kParts) {
    std::vector<double> values;
    for (const Offsets& one : all) values.push_back(mean_length(one, part));
    figures.spread(name + "_" + part.name, std::move(values), 2);
  }
  Offsets habit{};
  for (const Offsets& one : all) {
    for (std::size_t k = 0; k < habit.size(); ++k) {
      for (std::size_t c = 0; c < 2; ++c) habit[k][c] += one[k][c] / static_cast<double>(all.size());
    }
  }
  std::vector<double> values;
  for (Offsets one : all) {
    for (std::size_t k = 0; k < habit.size(); ++k) {
      for (std::size_t c = 0; c < 2; ++c) one[k][c] -= habit[k][c];
    }
    values.push_back(mean_length(one, kParts[0]));
  }
  figures.spread(name + "_inner_without_habits", std::move(values), 2);
}

// How far the frame's corners move when a photo is laid on it by other landmarks: the largest of the four, in pixels of the frame.
double corner_shift(const Affine& one, const Affine& other) {
  const Affine photo = one.inverse();
  double most = 0;
  for (const double x : {0.0, double{kFrame}}) {
    for (const double y : {0.0, double{kFrame}}) {
      const auto p = photo.apply(x, y), q = other.apply(p[0], p[1]);
      most = std::max(most, std::hypot(q[0] - x, q[1] - y));
    }
  }
  return most;
}

void dot(Image& tile, std::array<double, 2> p, std::array<std::uint8_t, 3> colour) {
  const int x = static_cast<int>(std::lround(p[0])), y = static_cast<int>(std::lround(p[1]));
  for (int v = std::max(0, y - 1); v <= std::min(tile.height - 1, y); ++v) {
    for (int u = std::max(0, x - 1); u <= std::min(tile.width - 1, x); ++u) std::ranges::copy(colour, tile.at(u, v));
  }
}

// The face with the reference's points in red and the examined ones in green.
Result<Image> draw_tile(const Image& photo, const Face& face, const Landmarks& found) {
  const double scale = kTile / 1.5 / static_cast<double>(face.box[2] - face.box[0]);
  const double x = static_cast<double>(face.box[0] + face.box[2]) / 2, y = static_cast<double>(face.box[1] + face.box[3]) / 2;
  const Affine map{{scale, 0, kTile / 2.0 - scale * x, 0, scale, kTile / 2.0 - scale * y}};
  Result<Warped> warped = warp_photo(photo, map, kTile);
  if (!warped.ok()) return warped.status();
  for (const Point& p : face.landmarks) dot(warped->picture, map.apply(p[0], p[1]), {255, 40, 40});
  for (const Point& p : found) dot(warped->picture, map.apply(p[0], p[1]), {40, 255, 40});
  return std::move(warped->picture);
}

struct Compared {
  Status status;
  Offsets offsets{};
  double shift = 0;
  Image tile;
};

Compared compare(const Image& photo, const Aligner& examined, const FaceFinder& finder, const Aligner& reference, const FaceFinder& judge,
                 bool draw) {
  Compared out;
  const Result<Face> face = judge.find(photo);
  const Result<Landmarks> found = face.ok() ? finder.landmarks(photo, face->box) : face.status();
  if (!found.ok()) return out.status = found.status(), out;
  out.offsets = offsets(*found, face->landmarks);
  const auto map = [](const Landmarks& from, const Landmarks& to) {
    return estimate_map(AlignKind::similarity, std::span(from).subspan(kFirstInnerLandmark), std::span(to).subspan(kFirstInnerLandmark));
  };
  const Result<Affine> one = map(face->landmarks, reference.reference_landmarks());
  const Result<Affine> other = map(*found, examined.reference_landmarks());
  if (!one.ok() || !other.ok()) return out.status = one.ok() ? other.status() : one.status(), out;
  out.shift = corner_shift(*one, *other);
  if (!draw) return out;
  Result<Image> tile = draw_tile(photo, *face, *found);
  if (tile.ok()) out.tile = std::move(*tile);
  out.status = tile.status();
  return out;
}

Status compare_photos(const LandmarkArguments& arguments, const Aligner& examined, const FaceFinder& finder, const Aligner& reference,
                      const FaceFinder& judge, Figures& figures) {
  const std::vector<BatchInput> inputs = list_inputs(arguments.photos);
  std::vector<Compared> all(inputs.size());
  parallel_for(static_cast<std::int64_t>(inputs.size()), [&](std::int64_t i) {
    Compared& out = all[static_cast<std::size_t>(i)];
    const BatchInput& input = inputs[static_cast<std::size_t>(i)];
    const auto bytes = input.status.ok() ? read_file(input.file) : input.status;
    const Result<Image> photo = bytes.ok() ? decode_photo(*bytes) : bytes.status();
    if (photo.ok()) {
      out = compare(*photo, examined, finder, reference, judge, !arguments.sheet.empty());
    } else {
      out.status = photo.status();
    }
  });
  std::vector<Offsets> found;
  std::vector<double> shifts;
  std::vector<Image> tiles;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i].status.ok()) {
      std::fprintf(stderr, "likeness: %s: %s: %s\n", inputs[i].file.c_str(), code_name(all[i].status.code), all[i].status.message.c_str());
      continue;
    }
    found.push_back(all[i].offsets);
    shifts.push_back(all[i].shift);
    if (!arguments.sheet.empty()) tiles.push_back(std::move(all[i].tile));
  }
  figures.count("photos", static_cast<std::int64_t>(inputs.size()));
  figures.count("photos_compared", static_cast<std::int64_t>(found.size()));
  if (found.empty()) return Status::success();
  add_parts(figures, "photos", found);
  const auto visible = std::ranges::count_if(shifts, [](double shift) { return shift > kVisibleShift; });
  figures.add("photos_visibly_shifted", static_cast<double>(visible) / static_cast<double>(shifts.size()), 3);
  figures.spread("photos_corner_shift", std::move(shifts), 2);
  return arguments.sheet.empty() ? Status::success() : write_png(arguments.sheet, tile(tiles, 5));
}

// Both files against the client's landmarks.
Status compare_renders(const LandmarkArguments& arguments, const GameClient& client, const FaceFinder& finder, const FaceFinder& judge,
                       Figures& figures) {
  struct Rendered {
    Status status;
    bool face = false;
    Offsets examined{}, reference{};
  };
  std::vector<Rendered> all(static_cast<std::size_t>(arguments.renders));
  parallel_for(arguments.renders, [&](std::int64_t i) {
    Rendered& out = all[static_cast<std::size_t>(i)];
    auto r = client.render(draw_human(client.schema(), arguments.seed, static_cast<std::uint64_t>(i)), {});
    if (!r.ok()) return static_cast<void>(out.status = r.status());
    Image picture(r->size, r->size, 3);
    picture.pixels = std::move(r->rgb);
    const Result<Face> face = judge.find(picture);
    if (face.status().code == Code::no_face) return;
    if (!face.ok()) return static_cast<void>(out.status = face.status());
    const Result<Landmarks> found = finder.landmarks(picture, face->box);
    if (!found.ok()) return static_cast<void>(out.status = found.status());
    out.face = true;
    out.examined = offsets(*found, r->landmarks);
    out.reference = offsets(face->landmarks, r->landmarks);
  });
  std::vector<Offsets> examined, reference;
  for (const Rendered& one : all) {
    if (!one.status.ok()) return one.status;
    if (!one.face) continue;
    examined.push_back(one.examined);
    reference.push_back(one.reference);
  }
  figures.count("renders", arguments.renders);
  figures.count("renders_detected", static_cast<std::int64_t>(examined.size()));
  if (examined.empty()) return Status::success();
  add_parts(figures, "renders", examined);
  add_parts(figures, "renders_against", reference);
  return Status::success();
}

Status evaluate_landmarks(const LandmarkArguments& arguments) {
  if (arguments.photos.empty() && arguments.renders == 0) return {Code::invalid_argument, "name photos, or give --renders"};
  const Result<Frame> examined = open_frame(arguments.model);
  if (!examined.ok()) return examined.status();
  ModelArguments against = arguments.model;
  against.landmark_model = arguments.reference;
  const Result<Frame> reference = open_frame(against);
  if (!reference.ok()) return reference.status();
  const Result<FaceFinder> finder = open_chosen_finder(arguments.model), judge = open_chosen_finder(against);
  if (!finder.ok() || !judge.ok()) return finder.ok() ? judge.status() : finder.status();
  Figures figures;
  if (!arguments.photos.empty()) {
    const Status status = compare_photos(arguments, examined->aligner, *finder, reference->aligner, *judge, figures);
    if (!status.ok()) return status;
  }
  if (arguments.renders > 0) {
    const Status status = compare_renders(arguments, *examined->client, *finder, *judge, figures);
    if (!status.ok()) return status;
  }
  figures.print();
  return Status::success();
}

}  // namespace

void add_evaluate_landmarks(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<LandmarkArguments>();
  arguments->model.landmark_model = "own";
  CLI::App* command = app.add_subcommand(
      "landmarks",
      "One landmark file against another on photos, both against the client on renders; per cent of the inter-ocular distance");
  command->add_option("photos", arguments->photos, "Photos, or folders of them");
  command
      ->add_option("--against", arguments->reference, "Landmark file to compare --landmark-model (default own) with: own, dlib or a file")
      ->capture_default_str();
  command->add_option("--renders", arguments->renders, "Also measure on that many random characters")->check(CLI::Range(1, 1000000));
  command->add_option("--seed", arguments->seed, "Seed of the random characters")->capture_default_str();
  command->add_option("--sheet", arguments->sheet, "PNG to write: faces with the points of both (green: --landmark-model, red: --against)");
  add_model_options(*command, arguments->model);
  command->callback([arguments, &exit] {
    const Status status = evaluate_landmarks(*arguments);
    exit = status.ok() ? exit_ok : fail(status);
  });
}

}  // namespace likeness::cli
