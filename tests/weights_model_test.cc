// Model files and the manifest.
#include "weights/model_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.hpp"
#include "base/sha256.hpp"

namespace likeness {
namespace {

const std::string kSchema(64, 'a');

std::vector<std::uint8_t> model(const std::string& architecture, const std::string& schema) {
  SafetensorsWriter writer;
  if (!architecture.empty()) writer.set_metadata("architecture", architecture);
  if (!schema.empty()) writer.set_metadata("schema", schema);
  EXPECT_TRUE(writer.add("t", {2}, std::vector<float>{1.0F, 2.0F}).ok());
  return writer.bytes().value();
}

TEST(ModelFile, ReadsArchitectureAndSchema) {
  const auto file = ModelFile::parse(model(R"({"type":"generator"})", kSchema));
  ASSERT_TRUE(file.ok()) << file.status().message;
  EXPECT_EQ(file->architecture, R"({"type":"generator"})");
  EXPECT_EQ(file->schema, kSchema);
  EXPECT_TRUE(file->tensors.contains("t"));
  EXPECT_TRUE(ModelFile::parse(model("{}", "")).ok());
}

TEST(ModelFile, RefusesAMissingOrBrokenArchitecture) {
  for (const char* architecture : {"", "[]", "{", "{\"a\":1,\"a\":2}", " {}", "generator"}) {
    EXPECT_EQ(ModelFile::parse(model(architecture, kSchema)).status().code, Code::corrupt_model) << architecture;
  }
  EXPECT_EQ(ModelFile::parse(model("{}", "abc")).status().code, Code::corrupt_model);
}

std::string manifest_of(const std::string& files) { return R"({"format":"likeness-manifest","version":1,"files":)" + files + "}"; }
std::string line(const std::string& name, const std::string& digest, const std::string& bytes) {
  return "\"" + name + "\":{\"sha256\":\"" + digest + "\",\"size\":" + bytes + "}";
}

TEST(Manifest, Parses) {
  const auto manifest = Manifest::parse(manifest_of("{" + line("a.safetensors", kSchema, "12") + "}") + "\n");
  ASSERT_TRUE(manifest.ok()) << manifest.status().message;
  ASSERT_EQ(manifest->files().size(), 1U);
  EXPECT_EQ(manifest->files().at("a.safetensors").bytes, 12U);
}

class ManifestFolder : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("likeness_manifest_test_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    ASSERT_TRUE(write_file_atomic(folder_ / "one.bin", "first file").ok());
    ASSERT_TRUE(
        write_file_atomic(folder_ / "manifest.json", manifest_of("{" + line("one.bin", sha256_hex("first file"), "10") + "}")).ok());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(ManifestFolder, ChecksBeforeUse) {
  const auto manifest = Manifest::load(folder_);
  ASSERT_TRUE(manifest.ok()) << manifest.status().message;
  EXPECT_TRUE(manifest->check_present(folder_).ok());
  const auto bytes = manifest->read_checked(folder_, "one.bin");
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(std::string(bytes.value().begin(), bytes.value().end()), "first file");
  EXPECT_EQ(manifest->read_checked(folder_, "manifest.json").status().code, Code::corrupt_model) << "not listed";

  ASSERT_TRUE(write_file_atomic(folder_ / "one.bin", "First file").ok());
  EXPECT_NE(manifest->read_checked(folder_, "one.bin").status().message.find("SHA-256"), std::string::npos);
  ASSERT_TRUE(write_file_atomic(folder_ / "one.bin", "first file.").ok());
  EXPECT_NE(manifest->read_checked(folder_, "one.bin").status().message.find("11 bytes"), std::string::npos);
  std::filesystem::remove(folder_ / "one.bin");
  EXPECT_EQ(manifest->read_checked(folder_, "one.bin").status().code, Code::not_found);
  EXPECT_EQ(manifest->check_present(folder_).code, Code::not_found);
}

TEST_F(ManifestFolder, NothingIsParsedThatTheManifestDoesNotVouchFor) {
  const auto file = folder_ / "net.safetensors";
  const std::vector<std::uint8_t> good = model(R"({"type":"generator"})", "");
  ASSERT_TRUE(write_file_atomic(file, good).ok());
  const auto list = [&](const std::string& files) { ASSERT_TRUE(write_file_atomic(folder_ / "manifest.json", manifest_of(files)).ok()); };
  const std::string entry = line("net.safetensors", sha256_hex(good), std::to_string(good.size()));
  list("{" + entry + "}");
  EXPECT_TRUE(ModelFile::load(file).ok()) << ModelFile::load(file).status().message;
  EXPECT_TRUE(Safetensors::load(file).ok());
  list("{}");
  EXPECT_NE(ModelFile::load(file).status().message.find("not listed"), std::string::npos);
  EXPECT_NE(Safetensors::load(file).status().message.find("not listed"), std::string::npos);
  list("{" + entry + "}");
  auto other = good;  // still a right model, with another weight
  other[other.size() - 1] ^= 1;
  ASSERT_TRUE(ModelFile::parse(other).ok());
  ASSERT_TRUE(write_file_atomic(file, other).ok());
  EXPECT_NE(ModelFile::load(file).status().message.find("SHA-256"), std::string::npos);
  EXPECT_NE(Safetensors::load(file).status().message.find("SHA-256"), std::string::npos);
  ASSERT_TRUE(write_file_atomic(folder_ / "manifest.json", "no manifest").ok());
  EXPECT_EQ(ModelFile::load(file).status().code, Code::corrupt_model);
  std::filesystem::remove(folder_ / "manifest.json");
  EXPECT_TRUE(ModelFile::load(file).ok()) << "a folder without a manifest is checked for its structure only";
  std::filesystem::remove(file);
  EXPECT_EQ(ModelFile::load(file).status().code, Code::not_found);
  list("{" + entry + "}");
  EXPECT_EQ(ModelFile::load(file).status().code, Code::not_found);
}

TEST_F(ManifestFolder, MissingManifest) {
  EXPECT_EQ(Manifest::load(folder_ / "elsewhere").status().code, Code::not_found);
  ASSERT_TRUE(write_file_atomic(folder_ / "manifest.json", "{").ok());
  EXPECT_EQ(Manifest::load(folder_).status().code, Code::corrupt_model);
}

}  // namespace
}  // namespace likeness
