// `likeness inspect` on files and folders of small random networks.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.hpp"
#include "fit_fixture.hpp"
#include "golden.hpp"
#include "program.hpp"
#include "random_model.hpp"
#include "weights/safetensors.hpp"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::run_program;

bool says(const test::ProgramRun& run, const std::string& part) { return run.output.find(part) != std::string::npos; }

class Inspect : public testing::Test {
 protected:
  Inspect() {
    const Schema schema = test::small_schema();
    EXPECT_TRUE(write_file_atomic(folder_.path() / "scene.json", schema.canonical_json()).ok());
    test::write_random_model(folder_.path(), schema);
  }
  std::string file(const char* name) const { return (folder_.path() / name).string(); }
  json inspect_json(const std::string& arguments) const {
    const test::ProgramRun run = run_program("inspect " + arguments + " --json");
    EXPECT_EQ(run.status, 0) << run.errors;
    json out = json::parse(run.output, nullptr, false);
    EXPECT_TRUE(out.is_object()) << run.output;
    return out;
  }

  test::TemporaryFolder folder_;
};

TEST_F(Inspect, AGenerator) {
  const auto run = run_program("inspect " + file("generator.safetensors"));
  ASSERT_EQ(run.status, 0) << run.errors;
  EXPECT_TRUE(says(run, "generator     9 sliders -> 64 x 64 picture")) << run.output;
  EXPECT_TRUE(says(run, "24 16 12 8 3")) << run.output;
  EXPECT_TRUE(says(run, "tensor deconv0.weight  F16   [9, 24, 4, 4]")) << run.output;
  EXPECT_TRUE(says(run, "GFLOP forward")) << run.output;

  const json out = inspect_json(file("generator.safetensors") + " --plan");
  const std::int64_t expected = 16 * (9 * 24 + 24 * 16 + 16 * 12 + 12 * 8 + 8 * 3) + 24 + 16 + 12 + 8 + 3;
  EXPECT_EQ(out["parameters"], expected);
  EXPECT_EQ(out["tensors"].size(), 10U);
  // Multiplications and additions of the layers, each output of a transposed 4x4 convolution of stride 2 being a sum of 4 taps.
  double convolutions = 0;
  const int channels[] = {24, 16, 12, 8, 3};
  for (int i = 1; i < 5; ++i) convolutions += 2.0 * 4 * channels[i - 1] * channels[i] * (4 << i) * (4 << i);
  double found = 0;
  for (const json& step : out["network"]["plan"]) {
    if (step["operation"] == "conv_transpose2d" && !step["backward"].get<bool>()) found += step["flop"].get<double>();
  }
  EXPECT_DOUBLE_EQ(found, convolutions);
  EXPECT_EQ(out["network"]["plan"][0]["shape"], json({24 * 16}));
  EXPECT_GE(out["network"]["block_bytes"].get<std::size_t>(), 3U * 64 * 64 * sizeof(float));
}

TEST_F(Inspect, AnExtractorAndItsPlan) {
  const auto run = run_program("inspect " + file("extractor.safetensors") + " --plan");
  ASSERT_EQ(run.status, 0) << run.errors;
  EXPECT_TRUE(says(run, "basic blocks 1-1, widths 6-10, stem 3x3/2")) << run.output;
  EXPECT_TRUE(says(run, "6x32x32, 10x16x16")) << run.output;
  EXPECT_TRUE(says(run, "pyramid head, 11 classes")) << run.output;
  EXPECT_TRUE(says(run, "conv2d 3x3 + bias + residual + relu")) << run.output;
  EXPECT_TRUE(says(run, "gradients of the inputs of")) << run.output;
  EXPECT_FALSE(says(run, "tensor conv1.weight")) << run.output;
}

TEST_F(Inspect, AFolderShowsTheWholeFitStep) {
  const auto run = run_program("inspect " + folder_.path().string() + " --plan");
  ASSERT_EQ(run.status, 0) << run.errors;
  EXPECT_TRUE(says(run, "generator     9 sliders")) << run.output;
  EXPECT_TRUE(says(run, "basic blocks 1-1")) << run.output;
  const json out = inspect_json(folder_.path().string() + " --plan");
  std::size_t transposed = 0, gradients = 0;
  for (const json& step : out["network"]["plan"]) {
    transposed += step["operation"] == "conv_transpose2d";
    gradients += step["backward"].get<bool>();
    EXPECT_LE(step["offset"].get<std::size_t>() + step["bytes"].get<std::size_t>(), out["network"]["block_bytes"].get<std::size_t>());
  }
  EXPECT_EQ(transposed, 8U);
  EXPECT_GT(gradients, 10U);
  fs::remove(folder_.path() / "extractor.safetensors");
  EXPECT_EQ(run_program("inspect " + folder_.path().string()).status, 3);
}

TEST_F(Inspect, ATorchvisionStateDict) {
  const Safetensors golden = test::golden_file("torchvision.safetensors");
  SafetensorsWriter writer;
  for (const auto& [name, entry] : golden.tensors()) {
    if (!name.starts_with("resnet.")) continue;
    ASSERT_TRUE(writer.add(name.substr(7), entry.shape, *golden.floats(name)).ok());
  }
  ASSERT_TRUE(writer.save(folder_.path() / "resnet.safetensors").ok());
  const auto run = run_program("inspect " + file("resnet.safetensors"));
  ASSERT_EQ(run.status, 0) << run.errors;
  EXPECT_TRUE(says(run, "basic blocks 2-2-1-1, widths 4-5-6-8, stem 7x7/2 + max pool")) << run.output;
}

TEST_F(Inspect, TensorsWithoutANetwork) {
  SafetensorsWriter writer;
  ASSERT_TRUE(writer.add("a.b", {2, 3}, std::vector<float>(6, 1.0F)).ok());
  writer.set_metadata("training", "none, random");
  ASSERT_TRUE(writer.save(folder_.path() / "tensors.safetensors").ok());
  const auto run = run_program("inspect " + file("tensors.safetensors"));
  EXPECT_EQ(run.status, 0) << run.errors;
  EXPECT_TRUE(says(run, "training      none, random")) << run.output;
  EXPECT_TRUE(says(run, "tensor a.b  F32   [2, 3]")) << run.output;
  const auto plan = run_program("inspect --plan " + file("tensors.safetensors"));
  EXPECT_EQ(plan.status, 3);
  EXPECT_NE(plan.errors.find("INVALID_ARGUMENT"), std::string::npos) << plan.errors;
  EXPECT_EQ(plan.output, "");
}

TEST_F(Inspect, RefusesDamage) {
  const std::string text = *read_text_file(file("generator.safetensors"));
  ASSERT_TRUE(write_file_atomic(file("generator.safetensors"), text.substr(0, text.size() - 3)).ok());
  for (const std::string& path : {file("generator.safetensors"), std::string("nothing.safetensors")}) {
    const auto run = run_program("inspect " + path);
    EXPECT_EQ(run.status, 3);
    EXPECT_EQ(run.output, "");
    EXPECT_NE(run.errors.find(path), std::string::npos) << run.errors;
  }
  SafetensorsWriter writer;  // an architecture whose tensors are missing
  writer.set_metadata("architecture", R"({"type": "generator", "inputs": 9, "channels": [8, 3]})");
  ASSERT_TRUE(writer.add("deconv0.weight", {9, 8, 4, 4}, std::vector<float>(9 * 8 * 16)).ok());
  ASSERT_TRUE(writer.save(folder_.path() / "generator.safetensors").ok());
  const auto run = run_program("inspect " + file("generator.safetensors"));
  EXPECT_EQ(run.status, 3);
  EXPECT_NE(run.errors.find("deconv0.bias"), std::string::npos) << run.errors;
}

}  // namespace
}  // namespace likeness
