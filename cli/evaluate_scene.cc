// likeness evaluate scene
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "align/face_finder.hpp"
#include "base/file.hpp"
#include "base/parallel.hpp"
#include "cli/common.hpp"
#include "cli/evaluate.hpp"
#include "cli/fit_options.hpp"
#include "fit/model.hpp"
#include "image/resample.hpp"
#include "scene/model_folder.hpp"

namespace likeness::cli {
namespace {

struct SceneArguments {
  std::string scene, model, sheets, base;
  std::uint64_t seed = 0;
  std::int64_t count = 500;
  int size = 192;
};

// Landmarks of dlib's 68, by part.
struct Part {
  const char* name;
  std::size_t first, end;
};
constexpr std::array<Part, 5> kParts = {{{"jaw", 0, 17}, {"brows", 17, 27}, {"nose", 27, 36}, {"eyes", 36, 48}, {"mouth", 48, 68}}};

// How far the finder's landmarks are from the client's, over `count` random characters.
Status measure_landmarks(const GameClient& client, const FaceFinder& finder, const SceneArguments& arguments) {
  struct Found {
    Status status;
    bool face = false;
    std::array<double, 68> distance{};  // parts of the picture's side
    double eyes = 0;                    // between the eyes' middles, parts of the side
  };
  std::vector<Found> all(static_cast<std::size_t>(arguments.count));
  parallel_for(arguments.count, [&](std::int64_t i) {
    Found& found = all[static_cast<std::size_t>(i)];
    auto r = client.render(draw_human(client.schema(), arguments.seed, static_cast<std::uint64_t>(i)), {});
    if (!r.ok()) {
      found.status = r.status();
      return;
    }
    Image picture(r->size, r->size, 3);
    picture.pixels = std::move(r->rgb);
    const Result<Face> face = finder.find(picture);
    if (!face.ok()) {
      if (face.status().code != Code::no_face) found.status = face.status();
      return;
    }
    found.face = true;
    std::array<double, 4> eye{};  // sums of x and y of the two eyes
    for (std::size_t k = 0; k < 68; ++k) {
      found.distance[k] = std::hypot(face->landmarks[k][0] - static_cast<double>(r->landmarks[k][0]),
                                     face->landmarks[k][1] - static_cast<double>(r->landmarks[k][1])) /
                          r->size;
      if (k < 36 || k >= 48) continue;
      for (std::size_t c = 0; c < 2; ++c) eye[(k < 42 ? 0 : 2) + c] += static_cast<double>(r->landmarks[k][c]) / 6 / r->size;
    }
    found.eyes = std::hypot(eye[2] - eye[0], eye[3] - eye[1]);
  });
  double faces = 0;
  std::array<double, kParts.size()> pixels{};
  double inner = 0;
  for (const Found& found : all) {
    if (!found.status.ok()) return found.status;
    if (!found.face) continue;
    faces += 1;
    for (std::size_t p = 0; p < kParts.size(); ++p) {
      for (std::size_t k = kParts[p].first; k < kParts[p].end; ++k)
        pixels[p] += found.distance[k] / static_cast<double>(kParts[p].end - kParts[p].first);
    }
    for (std::size_t k = 17; k < 68; ++k) inner += found.distance[k] / found.eyes / 51;
  }
  std::printf("scene_rendered %lld\nscene_detected %.4f\n", static_cast<long long>(arguments.count),
              faces / static_cast<double>(arguments.count));
  if (faces == 0) return Status::success();
  std::printf("scene_landmark_error %.4f\n", inner / faces);  // 51 inner ones, parts of the distance between the eyes
  for (std::size_t p = 0; p < kParts.size(); ++p) std::printf("scene_landmark_pixels_%s %.2f\n", kParts[p].name, 512 * pixels[p] / faces);
  return Status::success();
}

Result<Image> draw(const GameClient& client, const std::vector<float>& x, int size) {
  auto r = client.render(x, {});
  if (!r.ok()) return r.status();
  Image picture(r->size, r->size, 3);
  picture.pixels = std::move(r->rgb);
  return resize(picture, size, size, Filter::box);
}

// An empty vector leaves its place black.
Status write_pictures(const GameClient& client, const std::vector<std::vector<float>>& characters, int columns, int size,
                      const std::filesystem::path& file) {
  std::vector<Image> pictures(characters.size());
  std::vector<Status> status(characters.size());
  parallel_for(static_cast<std::int64_t>(characters.size()), [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    Result<Image> picture = characters[at].empty() ? Image(size, size, 3) : draw(client, characters[at], size);
    if (picture.ok()) pictures[at] = std::move(*picture);
    status[at] = picture.status();
  });
  for (const Status& s : status) {
    if (!s.ok()) return s;
  }
  return write_png(file, tile(pictures, columns));
}

// random.png: random characters. GROUP.png: a row for each parameter of the group, from its minimum to its maximum (a mixture's components,
// the first seven options of a choice), everything else as in `base`.
Status write_sheets(const GameClient& client, const std::vector<float>& base, const SceneArguments& arguments) {
  constexpr int kColumns = 7;
  std::error_code error;
  std::filesystem::create_directories(arguments.sheets, error);
  if (error) return {Code::io_error, "cannot make " + arguments.sheets + ": " + error.message()};
  const Schema& schema = client.schema();
  std::vector<std::vector<float>> characters;
  for (std::uint64_t i = 0; i < std::uint64_t{kColumns} * 4; ++i) characters.push_back(draw_human(schema, arguments.seed, i));
  const std::filesystem::path folder = arguments.sheets;
  Status status = write_pictures(client, characters, kColumns, arguments.size, folder / "random.png");
  std::map<std::string, std::vector<std::vector<float>>> sheets;
  for (const Parameter& p : schema.parameters()) {
    for (int i = 0; i < kColumns; ++i) {
      if (p.type != ParameterType::continuous && static_cast<std::size_t>(i) >= p.size()) {
        sheets[p.group].emplace_back();
        continue;
      }
      std::vector<float> x = base;
      if (p.type == ParameterType::continuous) {
        x[p.offset] = static_cast<float>(i) / (kColumns - 1);
      } else {
        for (std::size_t k = 0; k < p.size(); ++k) x[p.offset + k] = static_cast<int>(k) == i ? 1.0F : 0.0F;
      }
      sheets[p.group].push_back(std::move(x));
    }
  }
  for (const auto& [group, rows] : sheets) {
    if (status.ok()) status = write_pictures(client, rows, kColumns, arguments.size, folder / (group + ".png"));
  }
  return status;
}

Status evaluate_scene(const SceneArguments& arguments) {
  const auto client = open_scene(arguments.scene, arguments.model);
  if (!client.ok()) return client.status();
  if (!arguments.sheets.empty()) {
    std::vector<float> base = (*client)->schema().default_vector();
    if (!arguments.base.empty()) {
      const auto text = read_text_file(arguments.base);
      if (!text.ok()) return text.status();
      const auto character = character_from_json((*client)->schema(), *text);
      if (!character.ok()) return character.status();
      base = character->x;
    }
    return write_sheets(**client, base, arguments);
  }
  const auto finder = open_face_finder(model_folder(arguments.model), {});
  if (!finder.ok()) return finder.status();
  return measure_landmarks(**client, *finder, arguments);
}

}  // namespace

void add_evaluate_scene(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<SceneArguments>();
  CLI::App* command = app.add_subcommand("scene", "How well the face finder sees random characters; or contact sheets of every slider");
  command->add_option("--seed", arguments->seed, "Seed of the random characters");
  command->add_option("-n,--count", arguments->count, "Characters")->check(CLI::Range(1, 1000000))->capture_default_str();
  auto* sheets = command->add_option("--sheets", arguments->sheets, "Write contact sheets into this folder instead of measuring");
  command->add_option("--base", arguments->base, "Sheets: character.json that the sliders start from (default: the average)")
      ->needs(sheets);
  command->add_option("--size", arguments->size, "Sheets: pixels of a picture's side")->check(CLI::Range(32, 512))->capture_default_str();
  command->add_option("--scene", arguments->scene, kSceneHelp);
  command->add_option("--model", arguments->model, "Model folder");
  command->callback([arguments, &exit] {
    const Status status = evaluate_scene(*arguments);
    exit = status.ok() ? exit_ok : fail(status);
  });
}

}  // namespace likeness::cli
