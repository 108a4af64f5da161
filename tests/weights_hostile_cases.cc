// safetensors files: the groups of hand-made cases that the format's reference implementation was measured with, and generated damage.
#include <cstring>
#include <utility>

#include "hostile.hpp"
#include "weights/model_file.hpp"
#include "weights/safetensors.hpp"

namespace likeness::testing {
namespace {

Bytes with_length(std::uint64_t length, const std::string& header, const std::string& data) {
  Bytes bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<std::uint8_t>(length >> (8 * i)));
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

Bytes file_of(const std::string& header, std::size_t data_bytes) {
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

const std::string kA = entry("a", "[2]", "[0,8]");
const std::string kGood = "{" + kA + "," + entry("b", "[1,2]", "[8,12]", "F16") + "}";
constexpr Expected kBad = refused_as(Code::corrupt_model);

// A header, told by its first bytes.
void header_case(const CaseVisitor& visit, const Expected& expected, const std::string& header, std::size_t data_bytes) {
  visit(header.substr(0, 100), expected, file_of(header, data_bytes));
}

void right_files(const CaseVisitor& visit) {
  header_case(visit, kRead, kGood, 12);
  header_case(visit, kRead, kGood + "   ", 12);
  header_case(visit, kRead, "{" + entry("b", "[1,2]", "[8,12]", "F16") + "," + kA + "}", 12);
  header_case(visit, kRead, "{}", 0);
  header_case(visit, kRead, "{\"__metadata__\":{\"k\":\"1\",\"l\":\"2\"}," + kA + "}", 8);
  header_case(visit, kRead, "{" + entry("layer1.0.conv1-w_B.weight", "[2]", "[0,8]") + "}", 8);
  header_case(visit, kRead, "{" + entry(std::string(256, 'n'), "[2]", "[0,8]") + "}", 8);
  for (const char* dtype : {"F64", "I64"}) header_case(visit, kRead, "{" + entry("a", "[1]", "[0,8]", dtype) + "}", 8);
  for (const char* dtype : {"F16", "BF16"}) header_case(visit, kRead, "{" + entry("a", "[4]", "[0,8]", dtype) + "}", 8);
  header_case(visit, kRead, "{" + entry("a", "[1,1,1,1,1,1,1,2]", "[0,8]") + "}", 8);
  header_case(visit, kRead, "{" + entry("a", "[]", "[0,4]") + "}", 4);
  header_case(visit, kRead, kGood + std::string((1U << 20) - kGood.size(), ' '), 12);
}

void length_prefix(const CaseVisitor& visit) {
  const std::uint64_t n = kGood.size();
  for (const std::uint64_t length :
       {std::uint64_t{0}, std::uint64_t{1}, n - 1, n + 1, n + 12, n + 13, std::uint64_t{100'000'000}, std::uint64_t{100'000'001},
        std::uint64_t{1} << 31, std::uint64_t{1} << 32, std::uint64_t{1} << 63, ~std::uint64_t{0}, ~std::uint64_t{0} - 7, n << 56}) {
    visit("length " + std::to_string(length), kBad, with_length(length, kGood, std::string(12, '\0')));
  }
  header_case(visit, kBad, kGood + std::string((1U << 20) + 1 - kGood.size(), ' '), 12);  // one byte beyond the cap
  visit("no length", kBad, {});
  visit("half a length", kBad, Bytes(4, 0));
}

void json_syntax(const CaseVisitor& visit) {
  for (const std::string& header : {"\xEF\xBB\xBF" + kGood,
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
                                    std::string("{\"a\":1e400}"),
                                    std::string("{\"a\":NaN}"),
                                    kGood.substr(0, kGood.size() - 1) + ",}",
                                    std::string("{}") + std::string(1, '\0') + "{}",
                                    "{\"a\":" + repeated("[", 100'000) + repeated("]", 100'000) + "}",
                                    repeated("{\"a\":", 100'000) + "1" + repeated("}", 100'000),
                                    repeated("[", 500'000)}) {
    header_case(visit, kBad, header, 12);
    header_case(visit, kBad, header, 0);
  }
}

void white_space(const CaseVisitor& visit) {
  for (const char* space : {" ", "\n", "\t", "\r\n"}) header_case(visit, kBad, space + kGood, 12);
  for (const char* space : {"\n", "\t", " \n", "\n "}) header_case(visit, kBad, kGood + space, 12);
}

void duplicate_keys(const CaseVisitor& visit) {
  header_case(visit, kBad, "{" + kA + "," + kA + "}", 8);
  header_case(visit, kBad, "{" + kA + "," + entry("a", "[2]", "[8,16]") + "}", 16);
  header_case(visit, kBad, "{" + kA + "," + entry("a", "[4]", "[8,16]", "F16") + "}", 16);
  header_case(visit, kBad, "{" + kA + "," + entry("\\u0061", "[2]", "[8,16]") + "}", 16);
  header_case(visit, kBad, "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}," + kA + "}", 8);
  header_case(visit, kBad, "{\"__metadata__\":{\"k\":\"1\",\"\\u006b\":\"2\"}," + kA + "}", 8);
  header_case(visit, kBad, "{\"__metadata__\":{}," + kA + ",\"__metadata__\":{}}", 8);
  header_case(visit, kBad, R"({"a":{"dtype":"F16","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8);
}

void names(const CaseVisitor& visit) {
  for (const char* name : {"", "a b", "../a", "a/b", "a\\u0000", "a\\n", "\xC3\xA4", "a\\\\b", "a:b", "CON:"}) {
    header_case(visit, kBad, "{" + entry(name, "[2]", "[0,8]") + "}", 8);
  }
  for (const std::size_t length : {257U, 100'000U, 1'000'000U}) {
    header_case(visit, kBad, "{" + entry(std::string(length, 'n'), "[2]", "[0,8]") + "}", 8);
  }
}

void unknown_fields(const CaseVisitor& visit) {
  for (const char* header :
       {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"extra":1}})", R"({"a":["F32",[2],[0,8]]})", R"({"a":null})",
        R"({"a":"F32"})", R"({"__metadata__":null})", R"({"__metadata__":[]})", R"({"__metadata__":"x"})", R"({"__metadata__":{"k":1}})",
        R"({"__metadata__":{"k":null}})", R"({"__metadata__":{"k":{"l":"m"}}})"}) {
    header_case(visit, kBad, header, 8);
    header_case(visit, kBad, header, 0);
  }
}

void types(const CaseVisitor& visit) {
  for (const char* dtype : {"f32", "F32 ", "", "F33", "FLOAT", "U8", "I32", "BOOL", "F8_E4M3", "C64"}) {
    header_case(visit, kBad, "{" + entry("a", "[2]", "[0,8]", dtype) + "}", 8);
  }
  for (const char* header :
       {R"({"a":{"shape":[2],"data_offsets":[0,8]}})", R"({"a":{"dtype":"F32","data_offsets":[0,8]}})",
        R"({"a":{"dtype":"F32","shape":[2]}})", R"({"a":{}})", R"({"a":{"dtype":1,"shape":[2],"data_offsets":[0,8]}})",
        R"({"a":{"dtype":null,"shape":[2],"data_offsets":[0,8]}})", R"({"a":{"dtype":["F32"],"shape":[2],"data_offsets":[0,8]}})"}) {
    header_case(visit, kBad, header, 8);
  }
}

void shapes(const CaseVisitor& visit) {
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
                            "[18446744073709551616]",
                            "[18446744073709551615]",
                            "[4611686018427387906]",
                            "[4194305,4194305,211106198978564]",
                            "[9223372036854775808,2]",
                            "[2147483648,2147483648,2]",
                            "[1]",
                            "[3]",
                            "[1,1]",
                            "[2,2]"}) {
    header_case(visit, kBad, "{" + entry("a", shape, "[0,8]") + "}", 8);
    header_case(visit, kBad, "{" + entry("a", shape, "[0,0]") + "}", 0);
  }
}

void zero_times_huge(const CaseVisitor& visit) {
  for (const char* shape : {"[0,18446744073709551615,18446744073709551615]", "[18446744073709551615,18446744073709551615,0]",
                            "[18446744073709551615,0,18446744073709551615]"}) {
    header_case(visit, kBad, "{" + entry("a", shape, "[0,0]") + "}", 0);
  }
}

void ranks(const CaseVisitor& visit) {
  for (const std::size_t rank : {9U, 1'000U, 100'000U, 500'000U}) {
    header_case(visit, kBad, "{" + entry("a", "[1" + repeated(",1", rank - 1) + "]", "[0,4]") + "}", 4);
  }
}

void offsets(const CaseVisitor& visit) {
  for (const char* pair : {"[8,0]",
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
                           "[-0,8]",
                           "[0,8e0]",
                           "[18446744073709551608,18446744073709551615]",
                           "[18446744073709551608,0]",
                           "[18446744073709551616,8]"}) {
    header_case(visit, kBad, "{" + entry("a", "[2]", pair) + "}", 8);
  }
  header_case(visit, kRead, "{" + kA + "," + entry("b", "[1]", "[8,12]") + "}", 12);
  header_case(visit, kBad, "{" + kA + "," + entry("b", "[1]", "[12,16]") + "}", 16);  // hole in the middle
  header_case(visit, kBad, "{" + kA + "," + entry("b", "[1]", "[4,8]") + "}", 8);     // overlap
  header_case(visit, kBad, "{" + kA + "," + entry("b", "[2]", "[0,8]") + "}", 8);     // the same bytes twice
  header_case(visit, kBad, "{" + entry("a", "[2]", "[4,12]") + "}", 12);              // hole at the start
  header_case(visit, kBad, "{" + kA + "}", 9);                                        // a byte left over
  header_case(visit, kBad, "{" + kA + "}", 7);                                        // truncated
  header_case(visit, kBad, "{}", 1);                                                  // data without a tensor
  Bytes polyglot = file_of("{" + kA + "}", 8);
  for (const char c : std::string("PK\x03\x04")) polyglot.push_back(static_cast<std::uint8_t>(c));
  visit("a ZIP archive behind the data", kBad, polyglot);
}

void empty_tensors(const CaseVisitor& visit) {
  header_case(visit, kBad, "{" + kA + "," + entry("z", "[0]", "[8,8]") + "}", 8);
  header_case(visit, kBad, "{" + kA + "," + entry("z", "[0]", "[0,0]") + "}", 8);
  header_case(visit, kBad, "{" + kA + "," + entry("z", "[2,0]", "[4,4]") + "}", 8);
  header_case(visit, kBad, "{" + entry("z", "[0]", "[0,0]") + "}", 0);
}

void misaligned(const CaseVisitor& visit) {  // read by copy, never through a cast pointer
  header_case(visit, kRead, "{" + entry("a", "[1]", "[0,2]", "F16") + "," + entry("b", "[1]", "[2,6]") + "}", 6);
  header_case(visit, kRead, "{" + entry("a", "[1]", "[0,2]", "BF16") + "," + entry("b", "[1]", "[2,10]", "F64") + "}", 10);
  header_case(visit, kRead, kGood + " ", 12);  // the data section itself begins at an odd byte, or does so in the next case
  header_case(visit, kRead, kGood + "  ", 12);
}

std::string many_tensors(std::size_t count, bool empty) {
  std::string header = "{";
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t begin = empty ? 0 : 2 * i, end = empty ? 0 : begin + 2;
    header += (i > 0 ? "," : "") +
              entry("t" + std::to_string(i), empty ? "[0]" : "[1]", "[" + std::to_string(begin) + "," + std::to_string(end) + "]", "F16");
  }
  return header + "}";
}

void too_many(const CaseVisitor& visit) {
  header_case(visit, kRead, many_tensors(4096, false), 8192);
  header_case(visit, kBad, many_tensors(4097, false), 8194);
  for (const std::size_t count : {10'000U, 100'000U, 1'000'000U}) header_case(visit, kBad, many_tensors(count, true), 0);
  std::string keys = "{";  // as many keys as a header of 1 MiB holds
  for (int i = 0; i < 80'000; ++i) keys += (i > 0 ? "," : "") + std::string("\"k") + std::to_string(i) + "\":{}";
  header_case(visit, kBad, keys + "}", 0);
}

void not_finite(const CaseVisitor& visit) {
  struct Number {
    const char* dtype;
    std::uint64_t bits;
    std::size_t bytes;
    bool good;
  };
  for (const Number& n : {Number{"F32", 0x7F800000, 4, false},
                          Number{"F32", 0xFF800000, 4, false},
                          Number{"F32", 0xFFC00001, 4, false},
                          Number{"F32", 0x7F7FFFFF, 4, true},
                          Number{"F32", 1, 4, true},
                          Number{"F16", 0x7C00, 2, false},
                          Number{"F16", 0xFE00, 2, false},
                          Number{"F16", 0x7BFF, 2, true},
                          Number{"F16", 1, 2, true},
                          Number{"BF16", 0x7F80, 2, false},
                          Number{"BF16", 0xFFFF, 2, false},
                          Number{"BF16", 0x7F7F, 2, true},
                          Number{"F64", 0x7FF0000000000000, 8, false},
                          Number{"F64", 0x7FF8000000000000, 8, false},
                          Number{"F64", 0x7FEFFFFFFFFFFFFF, 8, false},  // binary32 cannot hold it
                          Number{"F64", 0x47EFFFFFF0000000, 8, false},  // the least that rounds to infinity
                          Number{"F64", 0xC7EFFFFFF0000000, 8, false},
                          Number{"F64", 0x47EFFFFFEFFFFFFF, 8, true},
                          Number{"F64", 1, 8, true},
                          Number{"I64", ~std::uint64_t{0}, 8, true}}) {
    const std::string header = "{" + entry("a", "[3]", "[0," + std::to_string(3 * n.bytes) + "]", n.dtype) + "}";
    for (std::size_t place = 0; place < 3; ++place) {
      std::string data(3 * n.bytes, '\0');
      std::memcpy(data.data() + place * n.bytes, &n.bits, n.bytes);
      visit(std::string(n.dtype) + " number " + std::to_string(n.bits), n.good ? kRead : kBad, with_length(header.size(), header, data));
    }
  }
}

void truncations(const CaseVisitor& visit) {
  const Bytes good = file_of(kGood, 12);
  for (std::size_t length = 0; length < good.size(); ++length) {
    visit("first " + std::to_string(length), kBad, Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)));
  }
}

void header_bits(const CaseVisitor& visit) {  // what is left (a renamed tensor, a dtype of the same size) is the manifest's business
  const Bytes good = file_of(kGood, 12);
  for (std::size_t bit = 0; bit < 8 * (8 + kGood.size()); ++bit) {
    Bytes flipped = good;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    visit("bit " + std::to_string(bit), kEither, flipped);
  }
}

void compound_lies(const CaseVisitor& visit) {
  for (const char* shape : {"[2]", "[4611686018427387906]", "[4294967298,4294967296]", "[0]", "[18446744073709551615,2]", "[1,2]", "[3]",
                            "[2147483649,2,2147483648]", "[-1]", "[1,0,2]"}) {
    for (const char* first : {"[0,8]", "[4,12]", "[0,0]", "[0,18446744073709551608]", "[8,0]"}) {
      for (const char* second : {"[8,12]", "[4,8]", "[12,16]", "[0,4]"}) {
        const bool tiled = (first == std::string("[0,8]") && second == std::string("[8,12]")) ||
                           (first == std::string("[4,12]") && second == std::string("[0,4]"));
        const bool good = tiled && (shape == std::string("[2]") || shape == std::string("[1,2]"));
        header_case(visit, good ? kRead : kBad, "{" + entry("a", shape, first) + "," + entry("b", "[1]", second) + "}", 12);
      }
    }
  }
}

Bytes model(const std::string& architecture) {
  SafetensorsWriter writer;
  writer.set_metadata("architecture", architecture);
  const std::vector<float> values = {1, 2};
  if (!writer.add("t", {2}, values).ok()) return {};
  return writer.bytes().value();
}

void architectures(const CaseVisitor& visit) {
  for (const char* text : {"", "[]", "{", "{\"a\":1,\"a\":2}", " {}", "generator", "{}x", "null", "{\"a\":1e999}", "{\"a\":\"\\ud800\"}"}) {
    visit(text, kBad, model(text));
  }
  visit("nested 33 deep", kBad, model(repeated("{\"a\":", 33) + "1" + repeated("}", 33)));
  visit("an object", kRead, model("{\"type\":\"generator\"}"));
}

Outcome read_tensors(const Bytes& file) {
  const Result<Safetensors> tensors = Safetensors::parse(file);
  if (!tensors.ok()) return {tensors.status()};
  std::size_t bytes = 0;
  for (const auto& [name, tensor] : tensors->tensors()) {
    bytes += tensor.bytes;
    if (tensor.dtype == DType::i64) continue;
    const Result<std::vector<float>> numbers = tensors->floats(name);
    if (!numbers.ok()) return {numbers.status()};
    for (const float v : *numbers) {
      if (!(v - v == 0)) return {Status::success(), false};  // infinity or NaN came through
    }
  }
  std::uint64_t header = 0;
  std::memcpy(&header, file.data(), sizeof(header));
  return {Status::success(), 8 + header + bytes == file.size()};  // whatever was read, the tensors and nothing else fill the file
}

Outcome read_model(const Bytes& file) { return {ModelFile::parse(file).status()}; }

}  // namespace

std::span<const HostileClass> hostile_models() {
  static constexpr HostileClass kClasses[] = {
      {"model", "right files (controls)", right_files, read_tensors},
      {"model", "length prefix", length_prefix, read_tensors},
      {"model", "JSON syntax, depth, UTF-8", json_syntax, read_tensors},
      {"model", "white space outside the header's object", white_space, read_tensors},
      {"model", "duplicate keys, unescaped, at every level", duplicate_keys, read_tensors},
      {"model", "names", names, read_tensors},
      {"model", "unknown fields, wrong structure", unknown_fields, read_tensors},
      {"model", "unknown types, missing fields", types, read_tensors},
      {"model", "shapes, overflowing products", shapes, read_tensors},
      {"model", "shapes of zero times 2^64 - 1", zero_times_huge, read_tensors},
      {"model", "ranks of 9 to 500,000", ranks, read_tensors},
      {"model", "offsets: holes, overlaps, ends, polyglot", offsets, read_tensors},
      {"model", "empty tensors", empty_tensors, read_tensors},
      {"model", "misaligned tensors", misaligned, read_tensors},
      {"model", "more than 4,096 tensors", too_many, read_tensors},
      {"model", "NaN, infinity, beyond binary32", not_finite, read_tensors},
      {"model", "truncated at every byte", truncations, read_tensors},
      {"model", "every bit of the header flipped", header_bits, read_tensors},
      {"model", "two lies at once", compound_lies, read_tensors},
      {"model", "architectures in the metadata", architectures, read_model},
  };
  return kClasses;
}

}  // namespace likeness::testing
