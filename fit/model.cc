#include "fit/model.hpp"

#include <future>
#include <system_error>
#include <utility>

#include "fit/objective.hpp"
#include "nn/model_file.hpp"
#include "scene/client.hpp"
#include "scene/model_folder.hpp"
#include "weights/model_file.hpp"

namespace likeness {

namespace fs = std::filesystem;

namespace {

Result<ModelFile> load_file(const fs::path& path) {
  Result<ModelFile> file = ModelFile::load(path);
  if (file.ok() || file.status().code != Code::not_found) return file;
  return Status{
      Code::not_found,
      path.string() + " is missing: name a folder with a trained model (LIKENESS_MODEL, --model, or the folder of the model options)"};
}

// A network's file and what is made of it.
template <class Network>
struct LoadedNetwork {
  Status file;
  Result<Network> network;
  std::string sha256;
};

template <class Network>
std::future<LoadedNetwork<Network>> load_beside(const fs::path& path, Precision precision,
                                                Result<Network> (*make)(const Safetensors&, Precision)) {
  return std::async(std::launch::async, [=]() -> LoadedNetwork<Network> {
    const Result<ModelFile> file = load_file(path);
    if (!file.ok()) return {file.status(), file.status(), {}};
    return {Status::success(), make(file->tensors, precision), file->tensors.sha256()};
  });
}

}  // namespace

Result<FaceFinder> open_face_finder(const fs::path& folder, const fs::path& file) {
  const fs::path path = file.empty() ? landmark_file(folder) : file;
  std::string digest = FaceFinder::kDebianDigest;
  if (const Result<Manifest> manifest = Manifest::load(path.parent_path()); manifest.ok()) {
    const auto entry = manifest->files().find(path.filename().string());
    if (entry != manifest->files().end()) digest = entry->second.sha256;
  }
  return FaceFinder::open(path, digest);
}

Result<std::shared_ptr<const Model>> assemble_model(Model::Impl parts, Result<FaceFinder> finder) {
  ReferenceFace face = Aligner::draw_reference(*parts.client);
  return assemble_model(std::move(parts), std::move(face), std::move(finder));
}

Result<std::shared_ptr<const Model>> assemble_model(Model::Impl parts, ReferenceFace face, Result<FaceFinder> finder) {
  const Schema& schema = parts.client->schema();
  const GeneratorArchitecture& architecture = parts.generator.architecture();
  if (architecture.inputs != static_cast<int>(schema.size()) || (!architecture.schema.empty() && architecture.schema != schema.hash())) {
    return Status{Code::schema_mismatch,
                  "the generator was trained for another scene than " + schema.name() + ": use the scene.json that came with it"};
  }
  Result<Aligner> aligner = Aligner::create(std::move(face), std::move(finder));
  if (!aligner.ok()) return aligner.status();
  parts.aligner = std::move(*aligner);
  return std::shared_ptr<const Model>(std::make_shared<Model>(std::make_unique<const Model::Impl>(std::move(parts))));
}

Result<std::shared_ptr<const Model>> Model::load(const ModelOptions& options) {
  const fs::path folder = model_folder(options.folder);
  std::error_code error;
  if (const Result<Manifest> manifest = Manifest::load(folder); manifest.ok()) {
    if (Status status = manifest->check_present(folder); !status.ok()) return status;
  }
  if (const fs::path scene = folder / "scene.json"; fs::exists(scene, error)) {
    // The networks are compared with the manifest as they are read; open_scene() below does not know it.
    if (const auto bytes = read_model_bytes(scene); !bytes.ok()) return bytes.status();
  }
  // Nothing of this needs anything else of it. The landmark file takes the longest, then the scene, which stays on this thread. Whatever
  // fails, the parts are looked at in one order.
  std::future<Result<FaceFinder>> finder = std::async(std::launch::async, [&] { return open_face_finder(folder, options.landmarks); });
  auto making_generator = load_beside<Generator<float>>(folder / "generator.safetensors", options.precision, make_generator<float>);
  auto making_extractor = load_beside<ResidualNet<float>>(folder / "extractor.safetensors", options.precision, make_extractor<float>);
  Result<std::unique_ptr<GameClient>> client = scene::open_scene(options.scene, folder);
  ReferenceFace face = client.ok() ? Aligner::draw_reference(**client) : ReferenceFace{client.status(), client.status()};
  LoadedNetwork<Generator<float>> generator = making_generator.get();
  if (!generator.file.ok()) return generator.file;
  LoadedNetwork<ResidualNet<float>> extractor = making_extractor.get();
  if (!extractor.file.ok()) return extractor.file;
  if (!generator.network.ok()) return generator.network.status();
  if (!extractor.network.ok()) return extractor.network.status();
  if (!client.ok()) return client.status();
  Model::Impl parts{.client = std::move(*client),
                    .generator = std::move(*generator.network),
                    .extractor = std::move(*extractor.network),
                    .companions = {},
                    .encoder = {},
                    .generator_hash = generator.sha256,
                    .extractor_hash = extractor.sha256,
                    .companions_hash = {},
                    .encoder_hash = {},
                    .aligner = {},
                    .precision = has_bf16() ? options.precision : Precision::fp32};
  if (const fs::path file = folder / "companions.safetensors"; fs::exists(file, error)) {
    const Result<Safetensors> tensors = Safetensors::load(file);
    if (!tensors.ok()) return tensors.status();
    Result<Companions> companions = Companions::load(*tensors, parts.client->schema());
    if (!companions.ok()) return companions.status();
    parts.companions = std::move(*companions);
    parts.companions_hash = tensors->sha256();
  }
  if (const fs::path file = folder / "encoder.safetensors"; fs::exists(file, error)) {
    const Result<Safetensors> tensors = Safetensors::load(file);
    if (!tensors.ok()) return tensors.status();
    Result<Encoder> encoder = Encoder::load(*tensors, parts.client->schema(), parts.extractor, parts.extractor_hash);
    if (!encoder.ok()) return encoder.status();
    parts.encoder = std::move(*encoder);
    parts.encoder_hash = tensors->sha256();
  }
  return assemble_model(std::move(parts), std::move(face), finder.get());
}

Model::Model(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Model::~Model() = default;

const Schema& Model::schema() const { return impl_->client->schema(); }
const GameClient& Model::client() const { return *impl_->client; }
const std::string& Model::generator_hash() const { return impl_->generator_hash; }
const std::string& Model::extractor_hash() const { return impl_->extractor_hash; }
const std::string& Model::companions_hash() const { return impl_->companions_hash; }
const std::string& Model::encoder_hash() const { return impl_->encoder_hash; }
Precision Model::precision() const { return impl_->precision; }
const Landmarks& Model::reference_landmarks() const { return impl_->aligner->reference_landmarks(); }

Result<Picture> Model::generate(std::span<const float> x) const {
  if (x.size() != schema().size()) return Status{Code::invalid_argument, "x has another length than the schema"};
  Tape<float> tape;
  return generate_picture(impl_->generator, tape, x);
}

}  // namespace likeness
