// Files that are right: what is written comes back, byte for byte and number for number.
#include "weights/safetensors.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

#include "weights/half.hpp"

namespace likeness {
namespace {

std::vector<float> ramp(std::size_t count, float scale) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = scale * (static_cast<float>(i) - 2.5F) / 3.0F;
  return values;
}

SafetensorsWriter example(bool reversed) {
  SafetensorsWriter writer;
  writer.set_metadata("architecture", "{\"type\":\"generator\"}");
  writer.set_metadata("note", "quotes \" and umlauts \xC3\xA4\n");
  const auto add = [&](int which) {
    bool added = false;
    if (which == 0) added = writer.add("b.weight", {2, 3, 1}, ramp(6, 1.0F), DType::f32).ok();
    if (which == 1) added = writer.add("a.bias", {3}, ramp(3, 1.0F), DType::f16).ok();
    if (which == 2) added = writer.add("c", {}, ramp(1, 1.0F), DType::f64).ok();
    if (which == 3) added = writer.add("d", {5}, ramp(5, 1e30F), DType::bf16).ok();
    EXPECT_TRUE(added);
  };
  for (int i = 0; i < 4; ++i) add(reversed ? 3 - i : i);
  return writer;
}

TEST(Safetensors, NamesWhatTorchSaveWrites) {
  const auto file = Safetensors::parse({'P', 'K', 3, 4, 0, 0, 8, 8, 0, 0, 0, 0});
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.status().code, Code::corrupt_model);
  EXPECT_NE(file.status().message.find("export_state_dict.py"), std::string::npos) << file.status().message;
}

TEST(Safetensors, RoundTrip) {
  const auto bytes = example(false).bytes();
  ASSERT_TRUE(bytes.ok()) << bytes.status().message;
  const auto file = Safetensors::parse(bytes.value());
  ASSERT_TRUE(file.ok()) << file.status().message;
  EXPECT_EQ(file->metadata("architecture"), "{\"type\":\"generator\"}");
  EXPECT_EQ(file->metadata("note"), "quotes \" and umlauts \xC3\xA4\n");
  EXPECT_EQ(file->metadata("absent"), "");
  ASSERT_EQ(file->tensors().size(), 4U);
  const TensorEntry* weight = file->find("b.weight");
  ASSERT_NE(weight, nullptr);
  EXPECT_EQ(weight->shape, (std::vector<std::int64_t>{2, 3, 1}));
  EXPECT_EQ(weight->count(), 6);
  EXPECT_EQ(weight->dtype, DType::f32);
  EXPECT_EQ(shape_text(weight->shape), "[2, 3, 1]");

  EXPECT_EQ(file->floats("b.weight").value(), ramp(6, 1.0F));
  const std::vector<float> halves = file->floats("a.bias").value();
  const std::vector<float> brains = file->floats("d").value();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(halves[i], float_from_half(half_from_float(ramp(3, 1.0F)[i])));
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(brains[i], float_from_bfloat16(bfloat16_from_float(ramp(5, 1e30F)[i])));
  EXPECT_EQ(file->floats("c").value(), ramp(1, 1.0F));
  EXPECT_TRUE(file->find("c")->shape.empty());
}

TEST(Safetensors, BytesDoNotDependOnTheOrderOfAdding) { EXPECT_EQ(example(false).bytes().value(), example(true).bytes().value()); }

TEST(Safetensors, HeaderIsWhatOtherReadersExpect) {
  SafetensorsWriter writer;
  writer.set_metadata("k", "v");
  ASSERT_TRUE(writer.add("t", {2}, ramp(2, 1.0F), DType::f16).ok());
  const auto bytes = writer.bytes().value();
  const std::string header = R"({"__metadata__":{"k":"v"},"t":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})";
  const std::size_t padded = (header.size() + 7) / 8 * 8;
  ASSERT_EQ(bytes.size(), 8 + padded + 4);
  EXPECT_EQ(bytes[0], padded);
  EXPECT_EQ(std::string(bytes.begin() + 8, bytes.end() - 4), header + std::string(padded - header.size(), ' '));
}

TEST(Safetensors, ReadsShapesAndRefusesTheWrongOnes) {
  const auto file = Safetensors::parse(example(false).bytes().value());
  std::vector<float> six(6);
  std::vector<float> five(5);
  const std::vector<std::int64_t> right = {2, 3, 1};
  const std::vector<std::int64_t> wrong = {3, 2, 1};
  const std::vector<std::int64_t> longer = {2, 3, 1, 1};
  EXPECT_TRUE(file->read_f32("b.weight", right, six).ok());
  EXPECT_EQ(six, ramp(6, 1.0F));
  EXPECT_EQ(file->read_f32("b.weight", wrong, six).code, Code::corrupt_model);
  EXPECT_EQ(file->read_f32("b.weight", longer, six).code, Code::corrupt_model);
  EXPECT_EQ(file->read_f32("b.weight", five).code, Code::invalid_argument);
  EXPECT_EQ(file->read_f32("absent", right, six).code, Code::not_found);
  EXPECT_EQ(file->floats("absent").status().code, Code::not_found);
}

TEST(Safetensors, WriterRefusesWhatTheReaderWould) {
  SafetensorsWriter writer;
  const std::vector<float> one = {1.0F};
  EXPECT_EQ(writer.add("", {1}, one).code, Code::invalid_argument);
  EXPECT_EQ(writer.add("a/b", {1}, one).code, Code::invalid_argument);
  EXPECT_EQ(writer.add("__metadata__", {1}, one).code, Code::invalid_argument);
  EXPECT_EQ(writer.add(std::string(257, 'x'), {1}, one).code, Code::invalid_argument);
  EXPECT_EQ(writer.add("t", {2}, one).code, Code::invalid_argument);
  EXPECT_EQ(writer.add("t", {-1}, one).code, Code::invalid_argument);
  EXPECT_EQ(writer.add("t", {0}, {}).code, Code::invalid_argument);
  EXPECT_EQ(writer.add("t", {1, 1, 1, 1, 1, 1, 1, 1, 1}, one).code, Code::invalid_argument);
  EXPECT_EQ(writer.add("t", {std::int64_t{1} << 62, 8}, one).code, Code::invalid_argument);
  EXPECT_EQ(writer.add("t", {1}, std::vector<float>{std::numeric_limits<float>::quiet_NaN()}).code, Code::invalid_argument);
  EXPECT_EQ(writer.add("t", {1}, std::vector<float>{65520.0F}, DType::f16).code, Code::invalid_argument);
  EXPECT_TRUE(writer.add("t", {1}, std::vector<float>{65519.0F}, DType::f16).ok());
  EXPECT_EQ(writer.add("t", {1}, one).code, Code::invalid_argument) << "added twice";
  writer.set_metadata("latin1", "\xE4");
  EXPECT_EQ(writer.bytes().status().code, Code::invalid_argument);
}

TEST(Safetensors, SavesAndLoads) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("likeness_weights_test_" + std::to_string(::getpid()) + ".safetensors");
  ASSERT_TRUE(example(false).save(path).ok());
  const auto file = Safetensors::load(path);
  ASSERT_TRUE(file.ok()) << file.status().message;
  EXPECT_EQ(file->tensors().size(), 4U);
  EXPECT_EQ(file->sha256().size(), 64U);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  const auto cut = Safetensors::load(path);
  EXPECT_EQ(cut.status().code, Code::corrupt_model);
  EXPECT_EQ(cut.status().message.rfind(path.string(), 0), 0U) << cut.status().message;
  std::filesystem::remove(path);
  EXPECT_EQ(Safetensors::load(path).status().code, Code::not_found);
}

}  // namespace
}  // namespace likeness
