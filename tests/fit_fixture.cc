#include "fit_fixture.hpp"

#include <unistd.h>

#include <cmath>
#include <random>

#include "nn/random_tensors.hpp"

namespace likeness::test {
Schema small_schema() {
  const auto schema = Schema::parse(R"({"format": "likeness-scene", "version": 1, "name": "small", "size": 512, "parameters": [
    {"name": "tone", "group": "skin", "type": "continuous", "role": "identity", "min": -1, "default": 0, "max": 2},
    {"name": "width", "group": "head", "type": "continuous", "role": "identity", "min": 0, "default": 0.5, "max": 1},
    {"name": "ancestry", "group": "macro", "type": "simplex", "role": "identity", "components": ["a", "b", "c"]},
    {"name": "hat", "group": "hat", "type": "choice", "role": "identity", "options": ["none", "cap", "crown"], "default": "none"},
    {"name": "turn", "group": "pose", "type": "continuous", "role": "nuisance", "min": -15, "default": 0, "max": 15}]})");
  return *schema;
}

Result<Rendering> SmallClient::render(std::span<const float> x, const RenderOptions& options) const {
  if (x.size() != schema_.size()) return Status{Code::invalid_argument, "wrong length"};
  const auto size = static_cast<std::size_t>(options.size);
  Rendering r{options.size, std::vector<std::uint8_t>(size * size * 3), {}, schematic_landmarks()};
  const double turn = options.neutral ? 0 : x[8] - 0.5, scale = options.size / 512.0, width = 100 + 60 * static_cast<double>(x[1]);
  for (Point& p : r.landmarks) p = {static_cast<float>((p[0] + 20 * turn) * scale), static_cast<float>(p[1] * scale)};
  const std::size_t hat = schema_.chosen(*schema_.find("hat"), x);
  for (std::size_t y = 0; y < size; ++y) {
    for (std::size_t column = 0; column < size; ++column) {
      const double u = (static_cast<double>(column) + 0.5) / scale - 256, v = (static_cast<double>(y) + 0.5) / scale - 270;
      const bool face = u * u / (width * width) + v * v / (170.0 * 170) < 1;
      const bool worn = hat != 0 && v < -100 && std::abs(u) < 100;
      for (std::size_t c = 0; c < 3; ++c) {
        const double skin = 60 + 150 * static_cast<double>(x[0]) + 10 * static_cast<double>(c);
        r.rgb[3 * (y * size + column) + c] = static_cast<std::uint8_t>(worn ? 100 * hat : (face ? skin : 90));
      }
    }
  }
  return r;
}

Landmarks schematic_landmarks() {
  Landmarks face;
  const auto put = [&face](int i, double x, double y) {
    face[static_cast<std::size_t>(i)] = {static_cast<float>(x), static_cast<float>(y)};
  };
  for (int i = 0; i < 17; ++i) put(i, 256 - 135 * std::cos(M_PI * i / 16), 235 + 170 * std::sin(M_PI * i / 16));
  for (int i = 0; i < 10; ++i) put(17 + i, 148 + 24 * i, 190);
  for (int i = 0; i < 4; ++i) put(27 + i, 256, 222 + 22 * i);
  for (int i = 0; i < 5; ++i) put(31 + i, 234 + 11 * i, 302);
  for (int i = 0; i < 6; ++i) {
    const double angle = M_PI * (1 + i / 3.0);
    put(36 + i, 198.5 + 22 * std::cos(angle), 225 + 9 * std::sin(angle));
    put(42 + i, 313.5 + 22 * std::cos(angle), 225 + 9 * std::sin(angle));
  }
  for (int i = 0; i < 12; ++i) put(48 + i, 256 - 45 * std::cos(M_PI * i / 6), 350 - 18 * std::sin(M_PI * i / 6));
  for (int i = 0; i < 8; ++i) put(60 + i, 256 - 34 * std::cos(M_PI * i / 4), 350 - 6 * std::sin(M_PI * i / 4));
  return face;
}

GeneratorArchitecture small_generator_architecture() { return {9, {16, 16, 12, 8, 3}, small_schema().hash()}; }

Generator<float> small_generator(unsigned seed) {
  TensorMap tensors = random_tensors(small_generator_architecture(), seed);
  for (float& v : tensors.at("deconv0.weight").data) v *= 3;  // sliders that show
  return *Generator<float>::create(small_generator_architecture(), tensor_lookup(tensors));
}

ResidualArchitecture small_extractor_architecture() {
  ResidualArchitecture architecture;
  architecture.layers = {1, 1};
  architecture.widths = {6, 10};
  architecture.stem_width = 6;
  architecture.stem_kernel = 3;
  architecture.stem_max_pool = false;
  architecture.input_size = 64;
  architecture.mean = {0.5F, 0.5F, 0.5F};
  architecture.std = {0.25F, 0.25F, 0.25F};
  architecture.head_width = 8;
  architecture.head_classes = 11;
  return architecture;
}

ResidualNet<float> small_extractor(unsigned seed, bool statistics) {
  TensorMap tensors = random_tensors(small_extractor_architecture(), seed);
  if (statistics) {
    std::mt19937 random(seed);
    const auto add = [&](const std::string& name, const Shape& shape, float middle) {
      std::vector<float> values(static_cast<std::size_t>(shape.size()));
      for (float& v : values) v = middle + static_cast<float>(random() % 1000) / 5000;
      tensors[name] = {shape, std::move(values)};
    };
    for (const std::string domain : {"photo", "render"}) {
      add("statistics." + domain + ".layer1.mean", {6, 32, 32}, 0.2F);
      add("statistics." + domain + ".layer1.std", {6}, 0.3F);
      add("statistics." + domain + ".layer2.mean", {10, 16, 16}, 0.2F);
      add("statistics." + domain + ".layer2.std", {10}, 0.3F);
    }
  }
  return *ResidualNet<float>::create(small_extractor_architecture(), tensor_lookup(tensors));
}

ResidualNet<float> small_extractor(unsigned seed, const Safetensors& statistics) {
  TensorMap tensors = random_tensors(small_extractor_architecture(), seed);
  for (const auto& [name, entry] : statistics.tensors()) {
    if (name.starts_with("statistics.")) tensors[name] = {Shape(std::span<const std::int64_t>(entry.shape)), *statistics.floats(name)};
  }
  return *ResidualNet<float>::create(small_extractor_architecture(), tensor_lookup(tensors));
}

std::shared_ptr<const Model> small_model(Result<FaceFinder> finder, std::optional<Encoder> encoder, Precision precision) {
  Model::Impl parts{.client = std::make_unique<SmallClient>(),
                    .generator = small_generator(1),
                    .extractor = small_extractor(2, true),
                    .companions = {},
                    .encoder = std::move(encoder),
                    .generator_hash = "generator",
                    .extractor_hash = "extractor",
                    .companions_hash = {},
                    .encoder_hash = {},
                    .aligner = {},
                    .precision = precision};
  return *assemble_model(std::move(parts), std::move(finder));
}

TemporaryFolder::TemporaryFolder() {
  static int count = 0;
  path_ = std::filesystem::temp_directory_path() / ("likeness_test_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
  std::filesystem::create_directories(path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

}  // namespace likeness::test
