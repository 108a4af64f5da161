// Opening the client that a scene.json names; the built-in head as a GameClient.
#include "scene/client.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "likeness/mesh.hpp"
#include "scene/child_process.hpp"
#include "scene/glasses.hpp"
#include "scene/head_asset.hpp"
#include "scene/head_model.hpp"
#include "scene/mesh_export.hpp"
#include "scene/process_client.hpp"
#include "scene/raster.hpp"

namespace likeness {
namespace {

class BuiltinClient final : public GameClient {
 public:
  BuiltinClient(Schema schema, scene::HeadModel model) : schema_(std::move(schema)), model_(std::move(model)) {}

  const Schema& schema() const override { return schema_; }

  Result<Rendering> render(std::span<const float> x, const RenderOptions& options) const override {
    const Result<std::vector<float>> canonical = scene::canonical_character(schema_, x, options);
    if (!canonical.ok()) return canonical.status();
    scene::DrawList list = model_.draw(*canonical);
    const auto worn = [](const scene::Draw& draw) { return draw.material == scene::Material::glasses; };
    if (options.glasses != 0 && std::ranges::none_of(list.draws, worn))
      scene::add_glasses(scene::random_glasses(options.glasses), list.landmarks, &list);
    const scene::View view = model_.view(*canonical);
    return scene::rasterise(list, model_.camera(), view, model_.framing(list.landmarks, view), options);
  }

  Result<Mesh> mesh(std::span<const float> x, bool expression) const override {
    Result<std::vector<float>> canonical = scene::canonical_character(schema_, x, {});
    if (!canonical.ok()) return canonical.status();
    for (const Parameter& p : schema_.parameters()) {
      // What animates a head puts its expressions on a face that has none, not even the one at rest.
      if (!expression && p.role == ParameterRole::nuisance && p.type == ParameterType::continuous) (*canonical)[p.offset] = 0.5F;
    }
    return scene::mesh_from(model_.draw(*canonical));
  }

 private:
  Schema schema_;
  scene::HeadModel model_;
};

Result<std::unique_ptr<GameClient>> open_builtin(Schema schema, const nlohmann::json& client, const std::filesystem::path& scene_json) {
  const nlohmann::json asset_name = client.value("asset", nlohmann::json());
  if (!asset_name.is_string()) return Status{Code::corrupt_scene, scene_json.string() + ": the client names no asset"};
  Result<scene::HeadAsset> asset = scene::read_head(scene_json.parent_path() / asset_name.get<std::string>());
  if (!asset.ok()) return asset.status();
  Result<scene::HeadModel> model = scene::HeadModel::create(std::move(*asset), schema);
  if (!model.ok()) return model.status();
  return std::unique_ptr<GameClient>(std::make_unique<BuiltinClient>(std::move(schema), std::move(*model)));
}

}  // namespace

Result<Mesh> GameClient::mesh(std::span<const float> /*x*/, bool /*expression*/) const {
  return Status{Code::unavailable, "this scene's client draws pictures only: it has no 3-D head to export"};
}

namespace scene {

Result<std::vector<float>> canonical_character(const Schema& schema, std::span<const float> x, const RenderOptions& options) {
  if (x.size() != schema.size())
    return Status{Code::invalid_argument,
                  "a character of this scene has " + std::to_string(schema.size()) + " entries, not " + std::to_string(x.size())};
  if (!std::all_of(x.begin(), x.end(), [](float v) { return std::isfinite(v); }))
    return Status{Code::invalid_argument, "an entry of the character is not a finite number"};
  if (options.size < 16 || options.size > 4096 || options.supersample < 1 || options.supersample > 4)
    return Status{Code::invalid_argument, "pictures are 16 to 4096 pixels wide, with 1 to 4 samples a pixel and axis"};
  std::vector<float> canonical(x.begin(), x.end());
  if (options.neutral) {
    const std::vector<float> average = schema.default_vector();
    for (const Parameter& p : schema.parameters()) {
      if (p.role != ParameterRole::nuisance) continue;
      const auto at = static_cast<std::ptrdiff_t>(p.offset);
      std::copy_n(average.begin() + at, p.size(), canonical.begin() + at);
      if (p.type == ParameterType::continuous) canonical[p.offset] = static_cast<float>(p.from_client(p.rest));
    }
  }
  schema.canonicalise(canonical);
  return canonical;
}

Result<std::unique_ptr<GameClient>> open_client(const std::filesystem::path& scene_json, Programs programs) {
  Result<std::string> text = read_text_file(scene_json, std::size_t{16} << 20);
  if (!text.ok()) return text.status();
  const auto located = [&](const Status& status) { return Status{status.code, scene_json.string() + ": " + status.message}; };
  Result<Schema> schema = Schema::parse(*text);
  if (!schema.ok()) return located(schema.status());
  const nlohmann::json root = nlohmann::json::parse(schema->canonical_json(), nullptr, false);
  const nlohmann::json client = root.value("client", nlohmann::json());
  const nlohmann::json type = client.is_object() ? client.value("type", nlohmann::json()) : nlohmann::json();
  if (type == "builtin") return open_builtin(std::move(*schema), client, scene_json);
  if (type != "process") return located({Code::unavailable, "the client's type must be \"builtin\" or \"process\""});
  Result<ProcessSettings> settings = ProcessSettings::parse(*schema);
  if (!settings.ok()) return located(settings.status());
  if (programs == Programs::refuse) {
    return located({Code::unavailable, "this scene starts a program, " + quote(settings->command[0]) +
                                           ": if you trust it, name the scene.json itself (--scene FILE, ModelOptions::scene)"});
  }
  Result<std::unique_ptr<GameClient>> opened = open_process_client(std::move(*schema), std::move(*settings), scene_json.parent_path());
  if (!opened.ok()) return located(opened.status());
  return opened;
}

Result<std::unique_ptr<GameClient>> open_scene(const std::filesystem::path& named, const std::filesystem::path& folder) {
  return named.empty() ? open_client(folder / "scene.json", Programs::refuse) : open_client(named, Programs::run);
}

}  // namespace scene

Result<std::unique_ptr<GameClient>> open_client(const std::filesystem::path& scene_json) {
  return scene::open_client(scene_json, scene::Programs::run);
}

}  // namespace likeness
