// Writes the fuzzers' corpora: make_corpus DIR. Small right files, and a few small cases of every hostile class; nothing from elsewhere.
// What a fuzzer has found lies beside them as found-*, and stays.
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.hpp"
#include "base/sha256.hpp"
#include "fit_fixture.hpp"
#include "hostile.hpp"
#include "image_files.hpp"
#include "nn/model_file.hpp"
#include "nn/random_tensors.hpp"
#include "weights/safetensors.hpp"

namespace {

using namespace likeness;  // NOLINT(google-build-using-namespace)
using testing::Bytes;
namespace fs = std::filesystem;

constexpr std::size_t kLargest = 2500;  // bytes of a file
constexpr std::size_t kPerClass = 4;

class Corpus {
 public:
  explicit Corpus(fs::path folder) : folder_(std::move(folder)) { fs::create_directories(folder_); }
  void add(const Bytes& file) { good_ = write_file_atomic(folder_ / sha256_hex(file).substr(0, 16), file).ok() && good_; }
  void add(const std::string& text) { add(Bytes(text.begin(), text.end())); }
  /// Spread over the class: the first ones are often much alike.
  void add(const testing::HostileClass& row, std::size_t most) {
    std::size_t small = 0, index = 0;
    row.visit([&](const std::string&, const testing::Expected&, const Bytes& file) { small += file.size() <= kLargest ? 1 : 0; });
    const std::size_t step = (small + most - 1) / most;
    row.visit([&](const std::string&, const testing::Expected&, const Bytes& file) {
      if (file.size() <= kLargest && index++ % step == 0) add(file);
    });
  }
  bool good() const { return good_; }

 private:
  fs::path folder_;
  bool good_ = true;
};

Bytes network(const TensorMap& tensors, const std::string& architecture) {
  SafetensorsWriter writer;
  for (const auto& [name, tensor] : tensors) {
    std::vector<std::int64_t> shape;
    for (int i = 0; i < tensor.shape.rank(); ++i) shape.push_back(tensor.shape[i]);
    if (!writer.add(name, shape, tensor.data, DType::f16).ok()) return {};
  }
  writer.set_metadata("architecture", architecture);
  return writer.bytes().value();
}

// A file as its header, a line end and its data (see read_model.cc).
Bytes bare(const Bytes& file) {
  const std::size_t header = std::size_t{file[0]} | std::size_t{file[1]} << 8;
  Bytes out(file.begin() + 8, file.begin() + static_cast<std::ptrdiff_t>(8 + header));
  out.push_back('\n');
  out.insert(out.end(), file.begin() + static_cast<std::ptrdiff_t>(8 + header), file.end());
  return out;
}

void models(Corpus corpus, bool& good) {
  for (const testing::HostileClass& row : testing::hostile_models()) corpus.add(row, kPerClass);
  const std::string g = R"({"type":"generator","inputs":3,"channels":[2,3]})";
  const std::string f =
      R"({"type":"residual","block":"basic","layers":[1,1],"widths":[2,3],"stem":{"width":2,"kernel":3,"stride":2,"max_pool":true},)"
      R"("input_size":32,"mean":[0.5,0.5,0.5],"std":[0.25,0.25,0.25],"head":{"type":"pyramid","width":2,"classes":3}})";
  for (const Bytes& file :
       {network(random_tensors(*GeneratorArchitecture::parse(g), 1), g), network(random_tensors(*ResidualArchitecture::parse(f), 2), f)}) {
    const Result<Safetensors> model = Safetensors::parse(file);
    good = good && model.ok() && (make_generator(*model).ok() || make_extractor(*model).ok());  // seeds that go all the way
    corpus.add(file);
    corpus.add(bare(file));
  }
  good = good && corpus.good();
}

void texts(const fs::path& folder, bool& good) {
  Corpus scenes(folder / "scene_json");
  const Schema schema = test::small_schema();
  scenes.add(schema.canonical_json());
  for (
      const char* text :
      {"{}", "[]", "", R"({"format":"likeness-scene","version":1,"name":"n","size":64,"parameters":[]})",
       R"({"format":"likeness-scene","version":1,"name":"n","size":64,"parameters":[{"name":"a","group":"g","type":"continuous","role":"identity","min":-1e308,"default":0,"max":1e308}]})",
       R"({"format":"likeness-scene","version":1,"name":"n","size":64,"parameters":[{"name":"a","group":"g","type":"choice","role":"nuisance","options":["x","x"]}]})",
       R"({"format":"likeness-scene","version":1,"name":"n","size":64,"client":{"command":["true"]},"parameters":[{"name":"a","group":"g","type":"simplex","role":"identity","components":["x","y"]}]})"}) {
    scenes.add(std::string(text));
  }
  Corpus points(folder / "landmark_points");
  nlohmann::json face = nlohmann::json::array();
  for (const Point& p : test::schematic_landmarks()) face.push_back({p[0], p[1]});
  points.add(face.dump());
  for (const double value : {0.0, 1e-40, 1e30, -1e38, 1e300}) {
    nlohmann::json changed = face;
    changed[40][1] = value;
    points.add(changed.dump());
    for (auto& point : changed) point = {value, value};
    points.add(changed.dump());
  }
  for (const char* text : {"[]", "{}", "[[1,2]]", "[[", "null", "[[1,\"2\"]]"}) points.add(std::string(text));
  good = good && scenes.good() && points.good();
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: %s DIR\n", arguments[0]);
    return 2;
  }
  const fs::path folder = arguments[1];
  bool good = true;
  Corpus photos(folder / "decode_photo");
  const auto classes = testing::hostile_photos();
  for (const testing::HostileClass& row : classes) photos.add(row, &row == classes.data() ? 24 : kPerClass);
  good = photos.good();
  models(Corpus(folder / "read_model"), good);
  Corpus manifests(folder / "manifest_json");
  manifests.add(testing::hostile_folders()[0], 24);
  good = good && manifests.good();
  texts(folder, good);
  return good ? 0 : 1;
}
