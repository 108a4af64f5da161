#include "fit/model.hpp"

#include <future>
#include <system_error>
#include <utility>

#include "fit/objective.hpp"
#include "nn/model_file.hpp"
#include "weights/model_file.hpp"

namespace likeness {

namespace fs = std::filesystem;

namespace {

Result<ModelFile> load_file(const fs::path& path) {
  Result<ModelFile> file = ModelFile::load(path);
  if (file.ok() || file.status().code != Code::not_found) return file;
  return Status{Code::not_found, path.string() + " is missing: point --model or LIKENESS_MODEL to a folder with a trained model"};
}

}  // namespace

Result<FaceFinder> open_face_finder(const fs::path& folder, const fs::path& file) {
  const fs::path path = file.empty() ? landmark_file(folder) : file;
  std::string digest = FaceFinder::kDebianDigest;
  if (path.parent_path() == folder) {
    if (const Result<Manifest> manifest = Manifest::load(folder); manifest.ok()) {
      const auto entry = manifest->files().find(path.filename().string());
      if (entry != manifest->files().end()) digest = entry->second.sha256;
    }
  }
  return FaceFinder::open(path, digest);
}

Result<std::shared_ptr<const Model>> assemble_model(std::unique_ptr<const GameClient> client, Generator<float> generator,
                                                    ResidualNet<float> extractor, Result<FaceFinder> finder, std::string generator_hash,
                                                    std::string extractor_hash) {
  const Schema& schema = client->schema();
  const GeneratorArchitecture& architecture = generator.architecture();
  if (architecture.inputs != static_cast<int>(schema.size()) || (!architecture.schema.empty() && architecture.schema != schema.hash())) {
    return Status{Code::schema_mismatch,
                  "the generator was trained for another scene than " + schema.name() + ": use the scene.json that came with it"};
  }
  Result<Aligner> aligner = Aligner::create(*client, std::move(finder));
  if (!aligner.ok()) return aligner.status();
  return std::shared_ptr<const Model>(std::make_shared<Model>(
      std::unique_ptr<const Model::Impl>(new Model::Impl{std::move(client), std::move(generator), std::move(extractor), std::move(*aligner),
                                                         std::move(generator_hash), std::move(extractor_hash)})));
}

Result<std::shared_ptr<const Model>> Model::load(const ModelOptions& options) {
  std::error_code error;
  if (fs::exists(options.folder / "manifest.json", error)) {
    const Result<Manifest> manifest = Manifest::load(options.folder);
    if (!manifest.ok()) return manifest.status();
    if (Status status = manifest->check(options.folder); !status.ok()) return status;
  }
  const Result<ModelFile> generator_file = load_file(options.folder / "generator.safetensors");
  if (!generator_file.ok()) return generator_file.status();
  const Result<ModelFile> extractor_file = load_file(options.folder / "extractor.safetensors");
  if (!extractor_file.ok()) return extractor_file.status();
  // The landmark file takes the longest, on one core.
  std::future<Result<FaceFinder>> finder =
      std::async(std::launch::async, [&options] { return open_face_finder(options.folder, options.landmarks); });
  Result<Generator<float>> generator = make_generator(*generator_file);
  if (!generator.ok()) return generator.status();
  Result<ResidualNet<float>> extractor = make_extractor(*extractor_file);
  if (!extractor.ok()) return extractor.status();
  Result<std::unique_ptr<GameClient>> client = open_client(options.scene.empty() ? options.folder / "scene.json" : options.scene);
  if (!client.ok()) return client.status();
  return assemble_model(std::move(*client), std::move(*generator), std::move(*extractor), finder.get(), generator_file->tensors.sha256(),
                        extractor_file->tensors.sha256());
}

Model::Model(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Model::~Model() = default;

const Schema& Model::schema() const { return impl_->client->schema(); }
const GameClient& Model::client() const { return *impl_->client; }
const std::string& Model::generator_hash() const { return impl_->generator_hash; }
const std::string& Model::extractor_hash() const { return impl_->extractor_hash; }
const Landmarks& Model::reference_landmarks() const { return impl_->aligner.reference_landmarks(); }

Result<Picture> Model::generate(std::span<const float> x) const {
  if (x.size() != schema().size()) return Status{Code::invalid_argument, "x has another length than the schema"};
  Tape<float> tape;
  return generate_picture(impl_->generator, tape, x);
}

}  // namespace likeness
