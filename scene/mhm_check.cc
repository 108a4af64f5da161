#include "scene/mhm_check.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <set>
#include <string>

#include "scene/mhm_text.hpp"

namespace likeness::scene {
namespace {

Status bad(const std::string& what) { return {Code::corrupt_scene, "scene.json: by its .mhm mapping " + what}; }

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_uuid(std::string_view word) {
  if (word.size() != 36) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? word[i] != '-' : std::isxdigit(static_cast<unsigned char>(word[i])) == 0) return false;
  }
  return true;
}

// A path of MakeHuman's data folder.
bool is_material(std::string_view word) {
  constexpr std::string_view kEnd = ".mhmat";
  return word.size() > kEnd.size() && word.substr(word.size() - kEnd.size()) == kEnd && word[0] != '/' &&
         word.find("..") == std::string_view::npos;
}

bool well_formed(const MhmLine& line) {
  const auto& words = line.words;
  const std::string_view key = words[0];
  if (key == "modifier" || key == "version") return words.size() == (key == "version" ? 2U : 3U);
  if (key == "name") return words.size() > 1;
  if (key == "camera")
    return words.size() == 7 && std::all_of(words.begin() + 1, words.end(), [](auto w) { return mhm_number(w).has_value(); });
  if (is_one_of(key, {"subdivide", "clothesHideFaces"})) return words.size() == 2 && is_one_of(words[1], {"True", "False"});
  if (is_one_of(key, {"eyes", "hair", "eyebrows", "eyelashes", "teeth", "tongue"})) return words.size() == 3 && is_uuid(words[2]);
  if (key == "material") return words.size() == 4 && is_uuid(words[2]) && is_material(words[3]);
  return key == "skinMaterial" && words.size() == 2 && is_material(words[1]);
}

Status check_lines(const std::vector<MhmLine>& lines) {
  std::set<std::string_view> seen;
  if (lines.empty() || lines[0].words[0] != "version") return bad("the file does not begin with its version");
  for (const MhmLine& line : lines) {
    const std::string where = "line " + std::to_string(line.number) + " of the file ";
    if (!well_formed(line)) return bad(where + "is not one that MakeHuman reads: " + mhm_quoted(line.words[0]));
    // A modifier may appear once, and of all else there is one of a kind but for materials, which name their object.
    const std::string_view subject = line.words[0] == "modifier"   ? line.words[1]
                                     : line.words[0] == "material" ? line.words[2]
                                                                   : line.words[0];
    if (!seen.insert(subject).second) return bad(where + "sets " + mhm_quoted(subject) + " again");
    if (line.words[0] != "modifier") continue;
    if (!mhm_writable(line.words[1])) return bad(where + "names " + mhm_quoted(line.words[1]) + ", which is no modifier of MakeHuman");
    const std::optional<double> value = mhm_number(line.words[2]);
    const MhmRange range = mhm_range(line.words[1]);
    if (!value || *value < range.low || *value > range.high)
      return bad(where + "sets " + mhm_quoted(line.words[1]) + " beyond its range, to " + mhm_quoted(line.words[2]));
  }
  return Status::success();
}

}  // namespace

Status check_mhm(const Schema& schema, const MhmMapping& mapping, std::span<const float> x, std::string_view text) {
  const Result<std::vector<MhmLine>> lines = mhm_lines(text);
  if (!lines.ok()) return bad(lines.status().message);
  if (Status status = check_lines(*lines); !status.ok()) return status;
  const Result<MhmReading> back = character_from_mhm(schema, text);
  if (!back.ok()) return bad(back.status().message);
  if (!back->notes.empty()) return bad("the file does not read back: " + back->notes[0]);
  for (const MhmParameter& own : mapping.parameters) {
    const Parameter& p = schema.parameters()[own.index];
    for (std::size_t i = p.offset; i < p.offset + p.size(); ++i) {
      // In x a client unit is at most this long; a part of a simplex takes up the rounding of the others.
      const double unit = p.type == ParameterType::continuous ? 0.5 / std::min(p.neutral - p.minimum, p.maximum - p.neutral)
                                                              : static_cast<double>(p.size());
      if (!(std::abs(static_cast<double>(back->character.x[i]) - static_cast<double>(x[i])) <= 1e-6 * unit + 1e-6))
        return bad("\"" + p.name + "\" does not read back as it was");
    }
  }
  return Status::success();
}

}  // namespace likeness::scene
