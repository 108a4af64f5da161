// A small game for tests: an analytic face, a generator and an extractor with random weights. Nothing here is trained.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fit/model.hpp"
#include "likeness/nn.hpp"
#include "likeness/scene.hpp"

namespace likeness::test {

/// tone, width (continuous), ancestry (simplex of 3), hat (choice of 3), turn (nuisance).
Schema small_schema();

/// Draws an ellipse on a ground; tone, width and hat show, turn moves the landmarks unless neutral.
class SmallClient : public GameClient {
 public:
  const Schema& schema() const override { return schema_; }
  Result<Rendering> render(std::span<const float> x, const RenderOptions& options) const override;

 private:
  Schema schema_ = small_schema();
};

/// 68 landmarks of a frontal face, 115 px between the eyes, in the middle of 512 x 512.
Landmarks schematic_landmarks();

/// 64 x 64 pictures. A function of `seed`.
Generator<float> small_generator(unsigned seed);
/// 64 x 64 input, two depths, 11 classes, with feature statistics if `statistics`. A function of `seed`.
ResidualNet<float> small_extractor(unsigned seed, bool statistics);
/// The same with the tensors statistics.* of a file.
ResidualNet<float> small_extractor(unsigned seed, const Safetensors& statistics);

std::shared_ptr<const Model> small_model(Result<FaceFinder> finder = Status{Code::unavailable, "no finder in this test"},
                                         std::optional<Encoder> encoder = {}, Precision precision = Precision::fp32);

/// A folder that is empty now and removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace likeness::test
