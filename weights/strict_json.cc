#include "weights/strict_json.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace likeness {
namespace {

using nlohmann::json;

// First pass: no tree is built, so deep nesting costs nothing; the names of the open objects are kept to find duplicates.
class Checker : public nlohmann::json_sax<json> {
 public:
  const std::string& problem() const { return problem_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(std::int64_t) override { return true; }
  bool number_unsigned(std::uint64_t) override { return true; }
  bool number_float(double, const std::string&) override { return true; }
  bool string(std::string&) override { return true; }
  bool binary(json::binary_t&) override { return true; }
  bool start_object(std::size_t) override { return open(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(std::string& name) override {
    if (keys_.back().insert(name).second) return true;
    problem_ = "the key \"" + name.substr(0, 64) + "\" occurs twice";
    return false;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    problem_ = "is no valid JSON at byte " + std::to_string(position);
    return false;
  }

 private:
  static constexpr std::size_t kMaxDepth = 32;

  bool open() {
    keys_.emplace_back();
    if (keys_.size() <= kMaxDepth) return true;
    problem_ = "is nested deeper than " + std::to_string(kMaxDepth);
    return false;
  }
  bool close() {
    keys_.pop_back();
    return true;
  }

  std::vector<std::set<std::string>> keys_;
  std::string problem_;
};

}  // namespace

Result<json> parse_strict_object(std::string_view text, std::string_view what) {
  const auto fail = [&](const std::string& problem) { return Status{Code::corrupt_model, std::string(what) + ": " + problem}; };
  if (text.empty() || text.front() != '{') return fail("does not begin with {");
  const std::size_t last = text.find_last_not_of(' ');
  if (text[last] != '}') return fail("does not end with } and spaces");
  // The parser takes a NUL for the end of the text.
  if (text.find('\0') != std::string_view::npos) return fail("holds a NUL byte");
  Checker checker;
  if (!json::sax_parse(text, &checker)) return fail(checker.problem());
  json value = json::parse(text, nullptr, false);
  if (!value.is_object()) return fail("is no JSON object");
  return value;
}

}  // namespace likeness
