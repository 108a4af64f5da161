// Files that are wrong, made here: every one is refused with corrupt_model, and those next to them that are right are read.
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

std::string repeated(const std::string& what, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += what;
  return text;
}

void expect_read(const std::string& header, std::size_t data_bytes) {
  const auto file = Safetensors::parse(file_of(header, data_bytes));
  EXPECT_TRUE(file.ok()) << header.substr(0, 200) << " -> " << file.status().message;
}

void expect_refused(const std::string& header, std::size_t data_bytes) {
  const auto file = Safetensors::parse(file_of(header, data_bytes));
  EXPECT_EQ(file.status().code, Code::corrupt_model) << header.substr(0, 200);
  EXPECT_FALSE(file.status().message.empty());
}

const std::string kGood = "{" + entry("a", "[2]", "[0,8]") + "," + entry("b", "[1,2]", "[8,12]", "F16") + "}";

TEST(HostileSafetensors, TheFileThatTheOthersVaryIsRead) {
  expect_read(kGood, 12);
  expect_read(kGood + "   ", 12);
  expect_read("{" + entry("b", "[1,2]", "[8,12]", "F16") + "," + entry("a", "[2]", "[0,8]") + "}", 12);
  expect_read("{}", 0);
}

TEST(HostileSafetensors, LengthPrefix) {
  const std::uint64_t n = kGood.size();
  const std::string data(12, '\0');
  for (const std::uint64_t length :
       {std::uint64_t{0}, std::uint64_t{1}, n - 1, n + 1, n + 12, n + 13, std::uint64_t{100'000'000}, std::uint64_t{100'000'001},
        std::uint64_t{1} << 31, std::uint64_t{1} << 32, std::uint64_t{1} << 63, ~std::uint64_t{0}, ~std::uint64_t{0} - 7, n << 56}) {
    EXPECT_EQ(Safetensors::parse(with_length(length, kGood, data)).status().code, Code::corrupt_model) << length;
  }
  // The cap itself: a header of exactly 1 MiB is read, one byte more is not.
  const std::size_t cap = 1U << 20;
  expect_read(kGood + std::string(cap - kGood.size(), ' '), 12);
  expect_refused(kGood + std::string(cap + 1 - kGood.size(), ' '), 12);
}

TEST(HostileSafetensors, JsonSyntax) {
  for (const std::string& header : {"\xEF\xBB\xBF" + kGood,
                                    " " + kGood,
                                    "\n" + kGood,
                                    kGood + "\n",
                                    kGood + std::string(1, '\0'),
                                    kGood + "{}",
                                    kGood + ",",
                                    kGood + "x",
                                    "/**/" + kGood,
                                    "{/**/" + kGood.substr(1),
                                    std::string("[]"),
                                    std::string("null"),
                                    std::string("{"),
                                    std::string("}"),
                                    std::string("{\"a\\ud800\":1}"),
                                    std::string("{\"a\xC0\xAF\":1}"),
                                    std::string("{\"a\xFF\":1}"),
                                    std::string("{\"a\n\":1}"),
                                    std::string("{'a':1}"),
                                    kGood.substr(0, kGood.size() - 1) + ",}",
                                    std::string("{}") + std::string(1, '\0') + "{}"}) {
    expect_refused(header, 12);
    expect_refused(header, 0);
  }
  expect_refused("{\"a\":" + repeated("[", 100'000) + repeated("]", 100'000) + "}", 0);
  expect_refused(repeated("{\"a\":", 100'000) + "1" + repeated("}", 100'000), 0);
  expect_refused(repeated("[", 500'000), 0);
}

TEST(HostileSafetensors, DuplicateKeysAtEveryLevel) {
  const std::string a = entry("a", "[2]", "[0,8]");
  expect_refused("{" + a + "," + a + "}", 8);
  expect_refused("{" + a + "," + entry("a", "[2]", "[8,16]") + "}", 16);
  expect_refused("{" + a + "," + entry("\\u0061", "[2]", "[8,16]") + "}", 16);
  expect_refused("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}," + a + "}", 8);
  expect_refused("{\"__metadata__\":{}," + a + ",\"__metadata__\":{}}", 8);
  expect_refused(R"({"a":{"dtype":"F16","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8);
  expect_read("{\"__metadata__\":{\"k\":\"1\",\"l\":\"2\"}," + a + "}", 8);
}

TEST(HostileSafetensors, Names) {
  for (const char* name : {"", "a b", "../a", "a/b", "a\\u0000", "a\\n", "\xC3\xA4", "a\\\\b", "a:b"}) {
    expect_refused("{" + entry(name, "[2]", "[0,8]") + "}", 8);
  }
  expect_read("{" + entry(std::string(256, 'n'), "[2]", "[0,8]") + "}", 8);
  expect_refused("{" + entry(std::string(257, 'n'), "[2]", "[0,8]") + "}", 8);
  expect_read("{" + entry("layer1.0.conv1-w_B.weight", "[2]", "[0,8]") + "}", 8);
}

TEST(HostileSafetensors, Structure) {
  for (const char* header :
       {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"extra":1}})", R"({"a":["F32",[2],[0,8]]})", R"({"a":null})",
        R"({"a":"F32"})", R"({"__metadata__":null})", R"({"__metadata__":[]})", R"({"__metadata__":"x"})", R"({"__metadata__":{"k":1}})",
        R"({"__metadata__":{"k":null}})", R"({"__metadata__":{"k":{"l":"m"}}})", R"({"a":{"shape":[2],"data_offsets":[0,8]}})",
        R"({"a":{"dtype":"F32","data_offsets":[0,8]}})", R"({"a":{"dtype":"F32","shape":[2]}})", R"({"a":{}})",
        R"({"a":{"dtype":1,"shape":[2],"data_offsets":[0,8]}})", R"({"a":{"dtype":null,"shape":[2],"data_offsets":[0,8]}})"}) {
    expect_refused(header, 8);
    expect_refused(header, 0);
  }
  for (const char* dtype : {"f32", "F32 ", "", "F33", "FLOAT", "U8", "I32", "BOOL", "F8_E4M3", "C64"}) {
    expect_refused("{" + entry("a", "[2]", "[0,8]", dtype) + "}", 8);
  }
  for (const char* dtype : {"F64", "I64"}) expect_read("{" + entry("a", "[1]", "[0,8]", dtype) + "}", 8);
  for (const char* dtype : {"F16", "BF16"}) expect_read("{" + entry("a", "[4]", "[0,8]", dtype) + "}", 8);
}

TEST(HostileSafetensors, Shapes) {
  for (const char* shape : {"[-2]",
                            "[2.0]",
                            "[2e0]",
                            "[\"2\"]",
                            "[true]",
                            "[null]",
                            "[[2]]",
                            "{}",
                            "2",
                            "null",
                            "\"2\"",
                            "[02]",
                            "[-0]",
                            "[0]",
                            "[2,0]",
                            "[0,18446744073709551615,18446744073709551615]",
                            "[18446744073709551615,18446744073709551615,0]",
                            "[18446744073709551616]",
                            "[18446744073709551615]",
                            "[4611686018427387906]",
                            "[4194305,4194305,211106198978564]",
                            "[9223372036854775808,2]",
                            "[2147483648,2147483648,2]",
                            "[1,1,1,1,1,1,1,1,2]",
                            "[1]",
                            "[3]",
                            "[1,1]",
                            "[2,2]"}) {
    expect_refused("{" + entry("a", shape, "[0,8]") + "}", 8);
    expect_refused("{" + entry("a", shape, "[0,0]") + "}", 0);
  }
  expect_read("{" + entry("a", "[1,1,1,1,1,1,1,2]", "[0,8]") + "}", 8);
  expect_read("{" + entry("a", "[]", "[0,4]") + "}", 4);
  std::string deep = "[1";
  for (int i = 0; i < 1000; ++i) deep += ",1";
  expect_refused("{" + entry("a", deep + "]", "[0,4]") + "}", 4);
}

TEST(HostileSafetensors, Offsets) {
  for (const char* offsets : {"[8,0]",
                              "[0]",
                              "[0,8,16]",
                              "[]",
                              "[0.0,8]",
                              "[\"0\",8]",
                              "[0,\"8\"]",
                              "[0,7]",
                              "[0,9]",
                              "[1,9]",
                              "[-8,0]",
                              "[null,8]",
                              "8",
                              "{}",
                              "null",
                              "[0,16]",
                              "[8,16]",
                              "[18446744073709551608,18446744073709551615]",
                              "[18446744073709551608,0]",
                              "[18446744073709551616,8]",
                              "[-0,8]"}) {
    expect_refused("{" + entry("a", "[2]", offsets) + "}", 8);
  }
  const std::string a = entry("a", "[2]", "[0,8]");
  expect_read("{" + a + "," + entry("b", "[1]", "[8,12]") + "}", 12);
  expect_refused("{" + a + "," + entry("b", "[1]", "[12,16]") + "}", 16);  // hole in the middle
  expect_refused("{" + a + "," + entry("b", "[1]", "[4,8]") + "}", 8);     // overlap
  expect_refused("{" + a + "," + entry("b", "[2]", "[0,8]") + "}", 8);     // the same bytes twice
  expect_refused("{" + entry("a", "[2]", "[4,12]") + "}", 12);             // hole at the start
  expect_refused("{" + a + "}", 9);                                        // a byte left over
  expect_refused("{" + a + "}", 7);                                        // truncated
  expect_refused("{}", 1);                                                 // data without a tensor
  expect_refused("{" + a + "," + entry("z", "[0]", "[8,8]") + "}", 8);     // empty tensor
  auto polyglot = file_of("{" + a + "}", 8);
  for (const char c : std::string("PK\x03\x04")) polyglot.push_back(static_cast<std::uint8_t>(c));
  EXPECT_EQ(Safetensors::parse(polyglot).status().code, Code::corrupt_model);
}

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

TEST(HostileSafetensors, TooManyTensors) {
  const auto many = [](int count) {
    std::string header = "{";
    for (int i = 0; i < count; ++i) {
      header += (i > 0 ? "," : "") +
                entry("t" + std::to_string(i), "[1]", "[" + std::to_string(2 * i) + "," + std::to_string(2 * i + 2) + "]", "F16");
    }
    return header + "}";
  };
  expect_read(many(4096), 8192);
  expect_refused(many(4097), 8194);
}

TEST(HostileSafetensors, NumbersThatAreNotFinite) {
  struct Case {
    const char* dtype;
    std::uint64_t bits;
    std::size_t bytes;
    bool good;
  };
  for (const Case& c :
       {Case{"F32", 0x7F800000, 4, false}, Case{"F32", 0xFFC00001, 4, false}, Case{"F32", 0x7F7FFFFF, 4, true}, Case{"F32", 1, 4, true},
        Case{"F16", 0x7C00, 2, false}, Case{"F16", 0xFE00, 2, false}, Case{"F16", 0x7BFF, 2, true}, Case{"F16", 1, 2, true},
        Case{"BF16", 0x7F80, 2, false}, Case{"BF16", 0x7F7F, 2, true}, Case{"F64", 0x7FF0000000000000, 8, false},
        Case{"F64", 0x7FEFFFFFFFFFFFFF, 8, true}, Case{"I64", ~std::uint64_t{0}, 8, true}}) {
    const std::string header = "{" + entry("a", "[3]", "[0," + std::to_string(3 * c.bytes) + "]", c.dtype) + "}";
    std::string data(3 * c.bytes, '\0');
    std::memcpy(data.data() + 2 * c.bytes, &c.bits, c.bytes);
    EXPECT_EQ(Safetensors::parse(with_length(header.size(), header, data)).ok(), c.good) << c.dtype << " " << c.bits;
  }
}

TEST(HostileSafetensors, WholeNumbersAreCarriedButNotConverted) {
  const auto file = Safetensors::parse(file_of("{" + entry("a", "[]", "[0,8]", "I64") + "}", 8));
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->floats("a").status().code, Code::corrupt_model);
}

TEST(HostileSafetensors, EveryTruncationIsRefused) {
  const auto good = file_of(kGood, 12);
  ASSERT_TRUE(Safetensors::parse(good).ok());
  for (std::size_t length = 0; length < good.size(); ++length) {
    const std::vector<std::uint8_t> cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_EQ(Safetensors::parse(cut).status().code, Code::corrupt_model) << length;
  }
}

TEST(HostileSafetensors, BitFlipsInTheHeaderNeverLieAboutSizes) {
  const auto good = file_of(kGood, 12);
  int accepted = 0;
  for (std::size_t bit = 0; bit < 8 * (8 + kGood.size()); ++bit) {
    auto flipped = good;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto file = Safetensors::parse(flipped);
    if (!file.ok()) {
      EXPECT_EQ(file.status().code, Code::corrupt_model);
      continue;
    }
    ++accepted;  // a renamed tensor, or a dtype of the same size: what is left to the manifest
    std::size_t total = 0;
    for (const auto& [name, tensor] : file->tensors()) total += tensor.bytes;
    EXPECT_EQ(total, 12U);
  }
  EXPECT_LT(accepted, 20) << "of " << 8 * (8 + kGood.size());
}

}  // namespace
}  // namespace likeness
