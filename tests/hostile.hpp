// Hostile files by class, made here byte by byte, each with what must become of it. The tests, the table (hostile_table.cc) and the
// fuzzers' corpus (fuzz/make_corpus.cc) share them.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "likeness/status.hpp"

namespace likeness::testing {

using Bytes = std::vector<std::uint8_t>;

enum class Verdict : std::uint8_t {
  refused,  ///< a status with a code and a sentence
  read,     ///< a right file: without these, a reader that refuses everything would pass
  either    ///< damage that the format cannot show; the answer must be the same every time
};

/// What must become of a case. A refusal's code matters only where `code` is not ok.
struct Expected {
  Verdict verdict = Verdict::refused;
  Code code = Code::ok;
};
constexpr Expected kRefused{Verdict::refused, Code::ok};
constexpr Expected kRead{Verdict::read, Code::ok};
constexpr Expected kEither{Verdict::either, Code::ok};
constexpr Expected refused_as(Code code) { return {Verdict::refused, code}; }

/// What became of it.
struct Outcome {
  Status status;
  bool repeatable = true;  ///< a second reading, over memory filled with something else, gave the same
};

using CaseVisitor = std::function<void(const std::string& what, const Expected& expected, const Bytes& file)>;

/// One row of the table. `visit` makes the cases, the same ones every time; `read` hands one to the product.
struct HostileClass {
  const char* kind;
  const char* name;
  void (*visit)(const CaseVisitor& visitor);
  Outcome (*read)(const Bytes& file);
};

/// Photos: the classes of docs/safety.md.
std::span<const HostileClass> hostile_photos();
/// safetensors files, and architectures in their metadata.
std::span<const HostileClass> hostile_models();
/// Files that a SHA-256 vouches for: those of a model folder, and dlib's landmark file.
std::span<const HostileClass> hostile_folders();

/// Whether the product did what the case asks for.
bool as_expected(const Expected& expected, const Outcome& outcome);

}  // namespace likeness::testing
