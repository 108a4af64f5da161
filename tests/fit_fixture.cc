#include "fit_fixture.hpp"

#include <unistd.h>

#include <cmath>
#include <map>
#include <random>

namespace likeness::test {
namespace {

// Named tensors with random values, kept alive as long as the lookup.
class RandomTensors {
 public:
  explicit RandomTensors(unsigned seed) : random_(seed) {}
  void add(const std::string& name, const std::vector<std::int64_t>& shape, float spread, float middle = 0) {
    std::size_t count = 1;
    for (const std::int64_t n : shape) count *= static_cast<std::size_t>(n);
    std::uniform_real_distribution<float> draw(middle - spread, middle + spread);
    std::vector<float> values(count);
    for (float& v : values) v = draw(random_);
    tensors_[name] = {Shape(shape), std::move(values)};
  }
  void add_conv(const std::string& name, std::int64_t out, std::int64_t in, std::int64_t kernel) {
    add(name + ".weight", {out, in, kernel, kernel}, std::sqrt(3.0F / static_cast<float>(in * kernel * kernel)));
    add(name + ".bias", {out}, 0.1F);
  }
  TensorLookup lookup() const {
    return [this](const std::string& name) -> std::optional<Tensor<float>> {
      const auto found = tensors_.find(name);
      if (found == tensors_.end()) return std::nullopt;
      return found->second;
    };
  }

 private:
  std::mt19937 random_;
  std::map<std::string, Tensor<float>> tensors_;
};

}  // namespace

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

Generator<float> small_generator(unsigned seed) {
  const std::vector<std::int64_t> channels = {9, 16, 16, 12, 8, 3};  // the vector, then 4, 8, 16, 32, 64 pixels
  RandomTensors tensors(seed);
  for (std::size_t i = 0; i + 1 < channels.size(); ++i) {
    const std::string name = "deconv" + std::to_string(i);
    tensors.add(name + ".weight", {channels[i], channels[i + 1], 4, 4}, i == 0 ? 1.0F : 0.4F);
    tensors.add(name + ".bias", {channels[i + 1]}, 0.2F);
  }
  const GeneratorArchitecture architecture{9, {16, 16, 12, 8, 3}, small_schema().hash()};
  return *Generator<float>::create(architecture, tensors.lookup());
}

ResidualNet<float> small_extractor(unsigned seed, bool statistics) {
  RandomTensors tensors(seed);
  tensors.add_conv("conv1", 6, 3, 3);
  tensors.add_conv("layer1.0.conv1", 6, 6, 3);
  tensors.add_conv("layer1.0.conv2", 6, 6, 3);
  tensors.add_conv("layer2.0.conv1", 10, 6, 3);
  tensors.add_conv("layer2.0.conv2", 10, 10, 3);
  tensors.add_conv("layer2.0.downsample.0", 10, 6, 1);
  tensors.add_conv("head.lateral1", 8, 6, 1);
  tensors.add_conv("head.lateral2", 8, 10, 1);
  tensors.add_conv("head.smooth", 8, 8, 3);
  tensors.add_conv("head.classifier", 11, 8, 1);
  if (statistics) {
    for (const std::string domain : {"photo", "render"}) {
      tensors.add("statistics." + domain + ".layer1.mean", {6, 32, 32}, 0.2F, 0.3F);
      tensors.add("statistics." + domain + ".layer1.std", {6}, 0.1F, 0.4F);
      tensors.add("statistics." + domain + ".layer2.mean", {10, 16, 16}, 0.2F, 0.3F);
      tensors.add("statistics." + domain + ".layer2.std", {10}, 0.1F, 0.4F);
    }
  }
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
  return *ResidualNet<float>::create(architecture, tensors.lookup());
}

std::shared_ptr<const Model> small_model(Result<FaceFinder> finder) {
  return *assemble_model(std::make_unique<SmallClient>(), small_generator(1), small_extractor(2, true), std::move(finder), "generator",
                         "extractor");
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
