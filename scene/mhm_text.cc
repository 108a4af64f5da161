#include "scene/mhm_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace likeness::scene {
namespace {

// MakeHuman's modifiers of the head: "GROUP/" followed by names without it; "?-" stands for "l-" and "r-". They have been
// the same since 1.1.
struct Group {
  const char* name;
  const char* members;
};
constexpr std::array<Group, 14> kHead = {{
    {"head",
     "head-age-decr|incr head-angle-in|out head-fat-decr|incr head-oval head-round head-rectangular head-square head-triangular "
     "head-invertedtriangular head-diamond head-scale-depth-decr|incr head-scale-horiz-decr|incr head-scale-vert-decr|incr "
     "head-trans-in|out head-trans-down|up head-trans-backward|forward head-back-scale-depth-decr|incr"},
    {"forehead", "forehead-trans-backward|forward forehead-scale-vert-decr|incr forehead-nubian-decr|incr forehead-temple-decr|incr"},
    {"eyebrows", "eyebrows-trans-backward|forward eyebrows-angle-down|up eyebrows-trans-down|up"},
    {"neck",
     "neck-double-decr|incr neck-scale-depth-decr|incr neck-scale-horiz-decr|incr neck-scale-vert-decr|incr neck-trans-in|out "
     "neck-trans-down|up neck-trans-backward|forward neck-back-scale-depth-decr|incr"},
    {"eyes",
     "?-eye-bag-decr|incr ?-eye-bag-in|out ?-eye-bag-height-decr|incr ?-eye-eyefold-angle-down|up ?-eye-epicanthus-in|out "
     "?-eye-eyefold-concave|convex ?-eye-eyefold-down|up ?-eye-height1-decr|incr ?-eye-height2-decr|incr ?-eye-height3-decr|incr "
     "?-eye-push1-in|out ?-eye-push2-in|out ?-eye-trans-in|out ?-eye-trans-down|up ?-eye-scale-decr|incr ?-eye-corner1-down|up "
     "?-eye-corner2-down|up"},
    {"nose",
     "nose-trans-down|up nose-trans-backward|forward nose-trans-in|out nose-scale-vert-decr|incr nose-scale-horiz-decr|incr "
     "nose-scale-depth-decr|incr nose-nostrils-width-decr|incr nose-point-width-decr|incr nose-base-down|up nose-width1-decr|incr "
     "nose-width2-decr|incr nose-width3-decr|incr nose-compression-compress|uncompress nose-curve-concave|convex nose-greek-decr|incr "
     "nose-hump-decr|incr nose-volume-decr|incr nose-nostrils-angle-down|up nose-point-down|up nose-septumangle-decr|incr "
     "nose-flaring-decr|incr"},
    {"mouth",
     "mouth-scale-horiz-decr|incr mouth-scale-vert-decr|incr mouth-scale-depth-decr|incr mouth-trans-in|out mouth-trans-down|up "
     "mouth-trans-backward|forward mouth-lowerlip-height-decr|incr mouth-lowerlip-width-decr|incr mouth-upperlip-height-decr|incr "
     "mouth-upperlip-width-decr|incr mouth-cupidsbow-width-decr|incr mouth-dimples-in|out mouth-laugh-lines-in|out "
     "mouth-lowerlip-ext-down|up mouth-angles-down|up mouth-lowerlip-middle-down|up mouth-lowerlip-volume-decr|incr "
     "mouth-philtrum-volume-decr|incr mouth-upperlip-volume-decr|incr mouth-upperlip-ext-down|up mouth-upperlip-middle-down|up "
     "mouth-cupidsbow-decr|incr"},
    {"ears",
     "?-ear-trans-backward|forward ?-ear-scale-decr|incr ?-ear-trans-down|up ?-ear-scale-vert-decr|incr ?-ear-lobe-decr|incr "
     "?-ear-shape-pointed|triangle ?-ear-rot-backward|forward ?-ear-shape-square|round ?-ear-scale-depth-decr|incr ?-ear-wing-decr|incr "
     "?-ear-flap-decr|incr"},
    {"chin",
     "chin-jaw-drop-decr|incr chin-cleft-decr|incr chin-prominent-decr|incr chin-width-decr|incr chin-height-decr|incr "
     "chin-bones-decr|incr chin-prognathism-decr|incr"},
    {"cheek", "?-cheek-volume-decr|incr ?-cheek-bones-decr|incr ?-cheek-inner-decr|incr ?-cheek-trans-down|up"},
    {"macrodetails", "Gender Age African Asian Caucasian"},
    {"macrodetails-universal", "Muscle Weight"},
    {"macrodetails-height", "Height"},
    {"macrodetails-proportions", "BodyProportions"},
}};
constexpr std::array<const char*, 11> kBody = {"torso", "hip",    "stomach",  "buttocks", "pelvis",    "armslegs",
                                               "legs",  "breast", "genitals", "measure",  "bodyshapes"};
constexpr std::array<const char*, 2> kWritableBody = {"breast/BreastSize", "breast/BreastFirmness"};

std::string_view group_of(std::string_view modifier) { return modifier.substr(0, std::min(modifier.find('/'), modifier.size())); }

bool in_head(std::string_view modifier) {
  const std::string_view group = group_of(modifier);
  const auto found = std::find_if(kHead.begin(), kHead.end(), [&](const Group& g) { return group == g.name; });
  if (found == kHead.end() || modifier.size() <= group.size() + 2) return false;
  std::string_view name = modifier.substr(group.size() + 1);
  std::string sided;
  if (name.substr(0, 2) == "l-" || name.substr(0, 2) == "r-") {
    sided = "?" + std::string(name.substr(1));
    name = sided;
  }
  std::string_view rest = found->members;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (rest.substr(0, end) == name) return name[0] != '?' || !sided.empty();
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

// Length of the UTF-8 character at the start of `text`, 0 where there is none (RFC 3629), and its code point.
std::size_t utf8_length(std::string_view text, std::uint32_t* code) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
  if (length == 0 || length > text.size()) return 0;
  *code = length == 1 ? first : first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
    *code = *code << 6 | (byte(i) & 0x3FU);
  }
  const bool overlong = (length == 3 && *code < 0x800) || (length == 4 && *code < 0x10000);
  return overlong || *code > 0x10FFFF || (*code >= 0xD800 && *code < 0xE000) ? 0 : length;
}

}  // namespace

Result<std::vector<MhmLine>> mhm_lines(std::string_view text) {
  constexpr std::size_t kLimit = std::size_t{1} << 20;  // MakeHuman's own are about 10 KB
  if (text.size() > kLimit) return Status{Code::invalid_argument, "the file is larger than any MakeHuman saved model (1 MiB)"};
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return (c < 0x20 && (c < 9 || c > 13)) || c == 0x7F; }))
    return Status{Code::invalid_argument, "not a MakeHuman saved model: the file is not text"};
  std::vector<MhmLine> lines;
  for (std::size_t at = 0, number = 1; at < text.size(); ++number) {
    const std::size_t end = std::min(text.find_first_of("\r\n", at), text.size());
    MhmLine line{number, {}};
    for (std::size_t word = text.find_first_not_of(" \t\v\f", at); word < end; word = text.find_first_not_of(" \t\v\f", word)) {
      const std::size_t stop = std::min(text.find_first_of(" \t\v\f", word), end);
      line.words.push_back(text.substr(word, stop - word));
      word = stop;
      if (line.words.front()[0] == '#') break;
    }
    if (!line.words.empty() && line.words.front()[0] != '#') lines.push_back(std::move(line));
    at = end + (text.substr(end, 2) == "\r\n" ? 2 : 1);
  }
  return lines;
}

std::optional<double> mhm_number(std::string_view word) {
  if (word.substr(0, 1) == "+" && word.substr(1, 1) != "-") word.remove_prefix(1);
  double value = 0;
  const auto parsed = std::from_chars(word.data(), word.data() + word.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != word.data() + word.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

MhmRange mhm_range(std::string_view modifier) { return {modifier.find('|') != std::string_view::npos ? -1.0 : 0.0, 1.0}; }

MhmKnown mhm_known(std::string_view modifier) {
  const std::string_view group = group_of(modifier);
  const bool body =
      group == "macrodetails-height" || group == "macrodetails-proportions" || std::find(kBody.begin(), kBody.end(), group) != kBody.end();
  return body ? MhmKnown::body : in_head(modifier) ? MhmKnown::head : MhmKnown::unknown;
}

bool mhm_writable(std::string_view modifier) {
  return in_head(modifier) || std::find(kWritableBody.begin(), kWritableBody.end(), modifier) != kWritableBody.end();
}

std::string mhm_quoted(std::string_view text) {
  std::string out = "\"";
  for (const unsigned char c : text.substr(0, 60)) out += c < 0x20 || c >= 0x7F ? '?' : static_cast<char>(c);
  return out + (text.size() > 60 ? "...\"" : "\"");
}

std::string mhm_single_line(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::uint32_t code = 0;
    const std::size_t length = utf8_length(text, &code);
    // Next line, line and paragraph separator end a line for MakeHuman too.
    const bool breaks = length == 0 || code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029;
    if (breaks) {
      out += '_';
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

}  // namespace likeness::scene
