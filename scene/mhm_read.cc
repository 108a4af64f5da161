// Reading MakeHuman's saved models: the inverse of mhm.cc, and as much as there is of a head in files made by hand.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>

#include "likeness/scene.hpp"
#include "scene/mhm_mapping.hpp"
#include "scene/mhm_text.hpp"

namespace likeness {
namespace {

using scene::mhm_quoted;
using scene::MhmKnown;
using scene::MhmLine;
using scene::MhmParameter;

Status bad(const MhmLine& line, const std::string& what) {
  return {Code::invalid_argument, "the .mhm, line " + std::to_string(line.number) + ": " + what};
}

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", value);
  return text.data();
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// "eyes/materials/brown.mhmat" -> "brown". Paths of Windows too.
std::string stem(std::string_view path) {
  path.remove_prefix(path.find_last_of("/\\") + 1);  // npos + 1 = 0
  return lower(path.substr(0, path.rfind('.')));
}

std::string folder(std::string_view path) {
  std::string out = lower(path.substr(0, path.find_last_of("/\\") + 1));
  std::replace(out.begin(), out.end(), '\\', '/');
  return out;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t at = line.find_first_not_of(' '); at < line.size(); at = line.find_first_not_of(' ', at)) {
    const std::size_t end = std::min(line.find(' ', at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

// Lines that change nothing that we draw, and need no mention.
bool is_silent(std::string_view key) {
  constexpr std::array<std::string_view, 15> kKeys = {"version",          "name",     "uuid",        "tags",      "camera", "subdivide",
                                                      "clothesHideFaces", "eyes",     "teeth",       "eyelashes", "tongue", "skeleton",
                                                      "background",       "material", "skinMaterial"};
  return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
}

class Reader {
 public:
  Reader(const Schema& schema, scene::MhmMapping mapping) : schema_(schema), mapping_(std::move(mapping)) {}

  Result<MhmReading> read(const std::vector<MhmLine>& lines) {
    if (Status status = read_version(lines); !status.ok()) return status;
    name_places();
    for (const MhmLine& line : lines) {
      if (line.words[0] == "modifier") {
        if (Status status = read_modifier(line); !status.ok()) return status;
      } else if (!read_choice(line)) {
        if (line.words[0] == "skinMaterial" && line.words.size() > 1) skin_ = line.words[1];
        if (!is_silent(line.words[0])) ++left_out_["line " + mhm_quoted(line.words[0])];
      }
    }
    reading_.character.x = schema_.default_vector();
    for (std::size_t i = 0; i < mapping_.parameters.size(); ++i) finish(i);
    for (const auto& [what, count] : left_out_) note(what + (count > 1 ? " (" + std::to_string(count) + " times)" : "") + ": left out");
    if (!mapping_.skins.empty()) finish_skin();
    schema_.canonicalise(reading_.character.x);
    return std::move(reading_);
  }

 private:
  // Where a modifier's value goes: value * sign into a term of a parameter.
  struct Place {
    std::size_t parameter = 0, term = 0;
    double sign = 1;
  };
  struct Found {
    std::vector<std::optional<double>> value;  // of each term, on the parameter's axis
    std::optional<std::size_t> option;
    bool line = false;  // a line of this choice, known or not
  };

  void note(const std::string& text) {
    constexpr std::size_t kMost = 100;
    if (reading_.notes.size() < kMost) reading_.notes.push_back(text);
    if (reading_.notes.size() == kMost) reading_.notes.push_back("there is more that was left out or changed");
  }

  Status read_version(const std::vector<MhmLine>& lines) {
    const auto line = std::find_if(lines.begin(), lines.end(), [](const MhmLine& l) { return l.words[0] == "version"; });
    if (line == lines.end() || line->words.size() < 2)
      return {Code::invalid_argument, "not a MakeHuman saved model: there is no \"version\" line"};
    std::string_view text = line->words[1];
    if (text[0] == 'v') text.remove_prefix(1);
    int major = 0, minor = 0;
    const auto first = std::from_chars(text.data(), text.data() + text.size(), major);
    if (first.ec != std::errc() || major != 1) {
      note("version " + mhm_quoted(line->words[1]) + " is not known: read as " + mapping_.version);
      return Status::success();
    }
    text.remove_prefix(static_cast<std::size_t>(first.ptr - text.data()));
    if (text.substr(0, 1) == ".") std::from_chars(text.data() + 1, text.data() + text.size(), minor);
    old_ = minor == 0;
    return Status::success();
  }

  void name_places() {
    for (std::size_t i = 0; i < mapping_.parameters.size(); ++i) {
      const MhmParameter& p = mapping_.parameters[i];
      found_.emplace_back().value.resize(p.terms.size());
      for (std::size_t k = 0; k < p.terms.size(); ++k) places_.insert({p.terms[k].modifier, Place{i, k, p.terms[k].sign}});
    }
  }

  Status read_modifier(const MhmLine& line) {
    if (line.words.size() < 3) return bad(line, "a modifier needs a name and a number");
    // "eyes/l-eye-push2-in|out" is in 1.0 and 1.1, with opposite directions: the version decides which names hold.
    const scene::MhmName current = old_ ? scene::mhm_current_name(line.words[1]) : scene::MhmName{std::string(line.words[1])};
    const std::string& name = current.name;
    const std::optional<double> read = scene::mhm_number(line.words[2]);
    if (!read) return bad(line, mhm_quoted(line.words[2]) + " is not a number");
    const auto place = places_.find(name);
    if (place == places_.end()) {
      const MhmKnown known = scene::mhm_known(name);
      if (known == MhmKnown::body) {
        // At rest the macros of the body are 0.5: nothing is lost.
        if (*read != (name.find('|') == std::string::npos ? 0.5 : 0)) ++left_out_["modifiers of the body"];
      } else if (*read != 0) {
        ++left_out_[(known == MhmKnown::head ? "modifier without a slider here: " : "unknown modifier ") + mhm_quoted(name)];
      }
      return Status::success();
    }
    const scene::MhmRange range = scene::mhm_range(name);
    const double value = std::clamp(*read, range.low, range.high);
    if (value != *read) note(mhm_quoted(name) + ": " + number(*read) + " is beyond MakeHuman's range; taken as " + number(value));
    std::optional<double>& to = found_[place->second.parameter].value[place->second.term];
    if (to.has_value()) note(mhm_quoted(name) + " is set twice; the last one counts");
    to = place->second.sign * current.sign * value;
    return Status::success();
  }

  // Whether `line` is of a choice's kind.
  bool read_choice(const MhmLine& line) {
    for (std::size_t i = 0; i < mapping_.parameters.size(); ++i) {
      const auto& lines = mapping_.parameters[i].lines;
      const Parameter& p = schema_.parameters()[mapping_.parameters[i].index];
      std::optional<std::size_t> best;
      int best_match = 0;
      bool kind = false;
      for (std::size_t option = 0; option < lines.size(); ++option) {
        for (const std::string& text : lines[option]) {
          const int match = compare(words_of(text), line.words, &kind);
          if (match > best_match) {
            best = option;
            best_match = match;
          }
        }
      }
      if (!kind) continue;
      if (found_[i].line) note(p.name + " is set twice; the last one counts");
      found_[i].line = true;
      found_[i].option = best;
      const std::string what = mhm_quoted(line.words.size() > 1 ? line.words.back() : line.words[0]);
      if (!best) {
        note(p.name + ": there is no " + what + " here; drawn as " + p.options[p.default_option]);
      } else if (best_match == kAlike) {
        note(p.name + ": " + what + " is not one of ours; drawn as " + p.options[*best]);
      }
      return true;
    }
    return false;
  }

  static constexpr int kAlike = 1, kNamed = 2, kSame = 3;
  // How well a line of the file fits an option's line: "hair NAME UUID", "material [NAME] UUID PATH". Sets `kind` when it speaks of
  // the same thing at all.
  static int compare(const std::vector<std::string_view>& ours, const std::vector<std::string_view>& theirs, bool* kind) {
    if (ours.empty() || ours[0] != theirs[0] || theirs.size() < 2) return 0;
    if (ours.size() < 4) {
      *kind = true;
      if (ours.size() > 2 && lower(ours.back()) == lower(theirs.back())) return kSame;  // MakeHuman goes by the uuid
      return ours.size() > 1 && stem(ours[1]) == stem(theirs[1]) ? (theirs.size() > 2 ? kAlike : kNamed) : 0;
    }
    if (theirs.size() < 3) return 0;
    const std::string_view path = theirs.back(), uuid = theirs[theirs.size() - 2];
    const std::string home = folder(ours.back()), there = folder(path);
    const bool same_place = there.size() >= home.size() && there.compare(there.size() - home.size(), home.size(), home) == 0;
    if (!same_place && lower(uuid) != lower(ours[2])) return 0;
    *kind = true;
    if (stem(path) == stem(ours.back())) return kSame;
    return stem(path).find(stem(ours.back())) != std::string::npos ? kAlike : 0;  // "deepblue" is a blue
  }

  void finish(std::size_t i) {
    const MhmParameter& from = mapping_.parameters[i];
    const Parameter& p = schema_.parameters()[from.index];
    switch (p.type) {
      case ParameterType::continuous:
        return finish_continuous(p, from, found_[i]);
      case ParameterType::simplex:
        return finish_simplex(p, found_[i]);
      case ParameterType::choice:
        return finish_choice(p, from, found_[i]);
    }
  }

  // Two-sided modifiers of one slider (left and right) are averaged, one-sided ones that share its axis are added.
  void finish_continuous(const Parameter& p, const MhmParameter& from, const Found& found) {
    double sum = 0, low = 0, high = 0, one_sided = 0;
    int two_sided = 0;
    bool any = false, conflict = false;
    for (std::size_t k = 0; k < from.terms.size(); ++k) {
      any = any || found.value[k].has_value();
      if (from.terms[k].one_sided) {
        const double v = found.value[k].value_or(0);
        conflict = conflict || one_sided * v < 0;
        one_sided += v;
      } else {
        const double v = found.value[k].value_or(p.neutral);
        low = two_sided == 0 ? v : std::min(low, v);
        high = two_sided == 0 ? v : std::max(high, v);
        sum += v;
        ++two_sided;
      }
    }
    if (!any) return;
    if (high - low > 1e-6) note(p.name + ": left and right differ (" + number(low) + ", " + number(high) + "); their mean is drawn");
    if (conflict) note(p.name + ": two opposite modifiers are set; their difference is drawn");
    const double value = one_sided + (two_sided > 0 ? sum / two_sided : 0);
    const double slack = 1e-6 * (p.maximum - p.minimum);
    if (value < p.minimum - slack || value > p.maximum + slack)
      note(p.name + ": " + number(value) + " is beyond this slider's " + number(p.minimum) + " to " + number(p.maximum));
    reading_.character.x[p.offset] = static_cast<float>(p.from_client(value));
  }

  // MakeHuman starts from equal parts and scales to the sum 1.
  void finish_simplex(const Parameter& p, const Found& found) {
    double sum = 0;
    for (const auto& value : found.value) sum += value.value_or(1.0 / static_cast<double>(p.size()));
    if (std::abs(sum - 1) > 0.01) note(p.name + ": the parts sum to " + number(sum) + "; scaled to 1");
    if (sum <= 0) return;
    for (std::size_t k = 0; k < p.size(); ++k) {
      const double part = found.value[k].value_or(1.0 / static_cast<double>(p.size()));
      reading_.character.x[p.offset + k] = static_cast<float>(part / sum);
    }
  }

  void finish_choice(const Parameter& p, const MhmParameter& from, const Found& found) {
    std::size_t option = found.option.value_or(p.default_option);
    if (!found.line) {
      // No line at all is an option of its own where there is one: no hair.
      const auto bare = std::find_if(from.lines.begin(), from.lines.end(), [](const auto& lines) { return lines.empty(); });
      if (bare != from.lines.end()) {
        option = static_cast<std::size_t>(bare - from.lines.begin());
      } else {
        note(p.name + ": the file names none; drawn as " + p.options[option]);
      }
    }
    for (std::size_t k = 0; k < p.size(); ++k) reading_.character.x[p.offset + k] = k == option ? 1.0F : 0.0F;
  }

  // A skin of MakeHuman's is one of our families; its age and sex follow from the macros.
  void finish_skin() {
    const Parameter* type = schema_.find("skin_type");
    if (type == nullptr || type->type != ParameterType::simplex) return;
    std::vector<float>& x = reading_.character.x;
    const std::string name = "_" + stem(skin_) + "_";
    const auto family = std::find_if(type->options.begin(), type->options.end(),
                                     [&](const std::string& option) { return name.find("_" + option + "_") != std::string::npos; });
    const Parameter* descent = schema_.find("ethnicity");
    if (family != type->options.end()) {
      for (std::size_t k = 0; k < type->size(); ++k) x[type->offset + k] = type->options[k] == *family ? 1.0F : 0.0F;
      const std::string ours = scene::nearest_skin(schema_, x, mapping_.skins);
      if (stem(ours) != stem(skin_)) note("skin " + mhm_quoted(skin_) + ": drawn as age and sex have it, " + mhm_quoted(ours));
    } else if (descent != nullptr && descent->type == ParameterType::simplex && descent->options == type->options) {
      std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(descent->offset), type->size(),
                  x.begin() + static_cast<std::ptrdiff_t>(type->offset));
      note(skin_.empty() ? "no skin is named: drawn by descent" : "skin " + mhm_quoted(skin_) + " is not one of ours: drawn by descent");
    } else {
      note("no skin of ours is named: the default is drawn");
    }
  }

  const Schema& schema_;
  scene::MhmMapping mapping_;
  bool old_ = false;  // written by MakeHuman 1.0
  std::map<std::string, Place, std::less<>> places_;
  std::vector<Found> found_;
  std::map<std::string, std::size_t> left_out_;
  std::string_view skin_;
  MhmReading reading_;
};

}  // namespace

Result<MhmReading> character_from_mhm(const Schema& schema, std::string_view text) {
  Result<scene::MhmMapping> mapping = scene::mhm_mapping(schema);
  if (!mapping.ok()) return mapping.status();
  const Result<std::vector<MhmLine>> lines = scene::mhm_lines(text);
  if (!lines.ok()) return lines.status();
  return Reader(schema, std::move(*mapping)).read(*lines);
}

}  // namespace likeness
