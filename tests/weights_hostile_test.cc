// What the verdicts of weights_hostile_cases.cc (hostile_table) do not show: values, and how much damage no header can tell.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "weights/safetensors.hpp"

namespace likeness {
namespace {

std::vector<std::uint8_t> with_length(std::uint64_t length, const std::string& header, const std::string& data) {
  std::vector<std::uint8_t> bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<std::uint8_t>(length >> (8 * i)));
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

std::vector<std::uint8_t> file_of(const std::string& header, std::size_t data_bytes) {
  return with_length(header.size(), header, std::string(data_bytes, '\0'));
}

std::string entry(const std::string& name, const std::string& shape, const std::string& offsets, const std::string& dtype = "F32") {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

const std::string kGood = "{" + entry("a", "[2]", "[0,8]") + "," + entry("b", "[1,2]", "[8,12]", "F16") + "}";

TEST(HostileSafetensors, MisalignedTensorIsReadByCopy) {
  // F16 [1] then F32 [1]: the second begins at an odd multiple of 2.
  const std::string header = "{" + entry("a", "[1]", "[0,2]", "F16") + "," + entry("b", "[1]", "[2,6]") + "}";
  std::string data(6, '\0');
  const float value = 1.5F;
  std::memcpy(data.data() + 2, &value, 4);
  const auto file = Safetensors::parse(with_length(header.size(), header, data));
  ASSERT_TRUE(file.ok()) << file.status().message;
  EXPECT_EQ(file->floats("b").value()[0], 1.5F);
}

TEST(HostileSafetensors, WholeNumbersAreCarriedButNotConverted) {
  const auto file = Safetensors::parse(file_of("{" + entry("a", "[]", "[0,8]", "I64") + "}", 8));
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->floats("a").status().code, Code::corrupt_model);
}

TEST(HostileSafetensors, BitFlipsInTheHeaderNeverLieAboutSizes) {
  const auto good = file_of(kGood, 12);
  int accepted = 0;
  for (std::size_t bit = 0; bit < 8 * (8 + kGood.size()); ++bit) {
    auto flipped = good;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto file = Safetensors::parse(flipped);
    accepted += file.ok() ? 1 : 0;  // a renamed tensor, or a dtype of the same size: what is left to the manifest
  }
  EXPECT_LT(accepted, 20) << "of " << 8 * (8 + kGood.size());
}

}  // namespace
}  // namespace likeness
