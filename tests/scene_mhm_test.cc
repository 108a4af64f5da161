// MakeHuman's saved models: there and back, made by hand, by old versions, damaged; and the check that every written one passes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "likeness/scene.hpp"
#include "scene/mhm_check.hpp"
#include "scene/mhm_mapping.hpp"
#include "scene/mhm_text.hpp"

namespace likeness {
namespace {

using Json = nlohmann::json;

Schema parse(const std::string& json) {
  auto parsed = Schema::parse(json);
  EXPECT_TRUE(parsed.ok()) << parsed.status().message;
  return std::move(parsed).value();
}

const Schema& head() {
  static const Schema schema = [] {
    const auto text = read_text_file(std::filesystem::path(LIKENESS_SOURCE_DIR) / "weights/models/makehuman-head/scene.json");
    return parse(text.ok() ? *text : std::string());
  }();
  return schema;
}

std::vector<std::size_t> mapped() {
  const auto mapping = scene::mhm_mapping(head());
  std::vector<std::size_t> indices;
  for (const scene::MhmParameter& p : mapping->parameters) indices.push_back(p.index);
  return indices;
}

MhmReading read(const std::string& text) {
  auto reading = character_from_mhm(head(), text);
  EXPECT_TRUE(reading.ok()) << reading.status().message;
  return reading.ok() ? std::move(*reading) : MhmReading{{head().default_vector()}, {}};
}

double value(const MhmReading& reading, const char* name) {
  const Parameter& p = *head().find(name);
  return p.to_client(static_cast<double>(reading.character.x[p.offset]));
}

std::string option(const MhmReading& reading, const char* name) {
  const Parameter& p = *head().find(name);
  return p.options[head().chosen(p, reading.character.x)];
}

bool noted(const MhmReading& reading, const std::string& what) {
  return std::any_of(reading.notes.begin(), reading.notes.end(), [&](const std::string& n) { return n.find(what) != std::string::npos; });
}

TEST(MhmRoundTrip, BringsBackWhatMakeHumanCanHold) {
  const std::vector<std::size_t> held = mapped();
  ASSERT_GT(held.size(), 80U);
  const std::vector<float> average = head().default_vector();
  const Parameter& skin = *head().find("skin_type");
  for (std::uint64_t i = 0; i < 600; ++i) {
    std::vector<float> x = i % 2 == 0 ? draw_human(head(), 11, i) : draw_uniform(head(), 11, i);
    head().canonicalise(x);
    const auto text = character_to_mhm(head(), {x});
    ASSERT_TRUE(text.ok()) << text.status().message;
    const MhmReading back = read(*text);
    EXPECT_TRUE(back.notes.empty()) << back.notes[0];
    for (std::size_t p = 0; p < head().parameters().size(); ++p) {
      const Parameter& parameter = head().parameters()[p];
      const bool kept = std::find(held.begin(), held.end(), p) != held.end();
      for (std::size_t k = parameter.offset; k < parameter.offset + parameter.size(); ++k) {
        const float family = k - skin.offset == head().chosen(skin, x) ? 1.0F : 0.0F;
        const float want = kept ? x[k] : &parameter == &skin ? family : average[k];
        ASSERT_NEAR(back.character.x[k], want, kept ? 1e-5F : 0.0F) << parameter.name << " of character " << i;
      }
    }
    ASSERT_EQ(*character_to_mhm(head(), back.character), *text) << "character " << i;
  }
}

TEST(MhmRoundTrip, ClassBordersOfSkinsSurviveRounding) {
  const Parameter& age = *head().find("age");
  for (const double years : {0.6, 0.81}) {
    for (int step = -40; step <= 40; ++step) {
      std::vector<float> x = head().default_vector();
      x[age.offset] = static_cast<float>(age.from_client(years) + step * 6e-8);
      const auto text = character_to_mhm(head(), {x});
      ASSERT_TRUE(text.ok()) << text.status().message;
      EXPECT_EQ(*character_to_mhm(head(), read(*text).character), *text);
    }
  }
}

TEST(MhmRoundTrip, NamesCannotEndTheLine) {
  const auto line_of = [](const std::string& name) {
    const auto text = character_to_mhm(head(), {head().default_vector()}, name);
    EXPECT_TRUE(text.ok()) << text.status().message;
    const std::size_t at = text->find("\nname ") + 6;
    EXPECT_EQ(std::count(text->begin(), text->end(), '\n'),
              std::count_if(text->begin(), text->end(), [](char c) { return c == '\n' || c == '\r' || c == '\v'; }));
    return text->substr(at, text->find('\n', at) - at);
  };
  EXPECT_EQ(line_of("Zoë 王"), "Zoë 王");
  EXPECT_EQ(line_of("a\nb\rc\vd\te"), "a_b_c_d_e");
  EXPECT_EQ(line_of("a\xE2\x80\xA8"
                    "b\xC2\x85"
                    "c\xE2\x80\xA9"),
            "a_b_c_");                                                 // line separator, next line, paragraph separator
  EXPECT_EQ(line_of("\xFF\xC0\xAF\xED\xA0\x80\xE2\x82"), "________");  // not UTF-8: overlong, a surrogate, cut
  EXPECT_EQ(line_of("   "), "likeness");
  EXPECT_EQ(line_of(""), "likeness");
  EXPECT_EQ(line_of(std::string(5000, 'x')).size(), 255U);
}

constexpr const char* kStart = "# made by hand\nversion v1.2.0\nskinMaterial skins/young_asian_male/young_asian_male.mhmat\n";

TEST(MhmByHand, SignsPartsAndPairs) {
  const std::string body =
      "modifier eyebrows/eyebrows-trans-down|up 0.3\n"  // reversed
      "modifier head/head-rectangular 0.2\n"            // the negative half of an axis
      "modifier eyes/l-eye-scale-decr|incr 0.4\n"       // one of a pair: the other is 0
      "modifier macrodetails/African 1\n"               // the other two stay 1/3
      "modifier macrodetails/Gender 0.8\n"
      "eyebrows eyebrow006 BB953A1A-DB43-44DB-A0AD-ED8A5D6000C9\n"
      "eyes LowPolyEyes 00000000-0000-0000-0000-000000000000\n"
      "material LowPolyEyes 00000000-0000-0000-0000-000000000000 data/eyes/materials/green.mhmat\n";
  const MhmReading reading = read(kStart + body);
  EXPECT_NEAR(value(reading, "brow_height"), -0.3, 1e-6);
  EXPECT_NEAR(value(reading, "head_round_rectangular"), -0.2, 1e-6);
  EXPECT_NEAR(value(reading, "eye_size"), 0.2, 1e-6);
  EXPECT_NEAR(value(reading, "gender"), 0.8, 1e-6);
  const std::size_t descent = head().find("ethnicity")->offset, skin = head().find("skin_type")->offset;
  EXPECT_NEAR(reading.character.x[descent], 0.6, 1e-6);
  EXPECT_EQ(reading.character.x[skin + 1], 1);
  EXPECT_EQ(option(reading, "hair"), "bald");
  EXPECT_EQ(option(reading, "eyebrows"), "eyebrow006");
  EXPECT_EQ(option(reading, "eye_color"), "green");
  EXPECT_TRUE(noted(reading, "eye_size: left and right differ"));
  EXPECT_TRUE(noted(reading, "ethnicity: the parts sum to"));
  EXPECT_EQ(reading.notes.size(), 2U) << reading.notes.back();
}

TEST(MhmByHand, FindsHairAndEyesByNameToo) {
  const auto with = [](const std::string& lines) { return read(kStart + lines); };
  EXPECT_EQ(option(with("hair long01 6c6b0bb1-3608-40b8-9108-4bfd8fa71e39"), "hair"), "long01");
  EXPECT_EQ(option(with("hair renamed 6c6b0bb1-3608-40b8-9108-4bfd8fa71e39"), "hair"), "long01");
  EXPECT_EQ(option(with("hair Long01.mhclo"), "hair"), "long01");
  const MhmReading same_name = with("hair afro01 00000000-0000-0000-0000-000000000000");
  EXPECT_EQ(option(same_name, "hair"), "afro01");
  EXPECT_TRUE(noted(same_name, "hair: "));
  const MhmReading unknown = with("hair mohawk 11111111-0000-0000-0000-000000000000");
  EXPECT_EQ(option(unknown, "hair"), "short01");
  EXPECT_TRUE(noted(unknown, "hair: there is no \"11111111-0000-0000-0000-000000000000\" here; drawn as short01"));
  const std::string eyes = "material 2c12f43b-1303-432c-b7ce-d78346baf2e6 ";  // as 1.0 wrote it, without a name
  EXPECT_EQ(option(with(eyes + "C:\\mh\\eyes\\materials\\grey.mhmat"), "eye_color"), "grey");
  const MhmReading deep = with(eyes + "eyes/materials/deepblue.mhmat");
  EXPECT_EQ(option(deep, "eye_color"), "blue");
  EXPECT_TRUE(noted(deep, "eye_color: "));
  EXPECT_EQ(option(with(eyes + "eyes/materials/ice.mhmat"), "eye_color"), "brown");
  EXPECT_EQ(option(with("material short01 766436e9-63ed-4f6a-afa9-99f3acff70a8 hair/green.mhmat"), "eye_color"), "brown");
}

TEST(MhmByHand, LeavesOutWhatIsNotOfTheHead) {
  const MhmReading reading = read(std::string(kStart) +
                                  "modifier armslegs/l-hand-scale-decr|incr 0.7\nmodifier torso/torso-vshape-decr|incr -0.7\n"
                                  "modifier macrodetails-height/Height 0.9\nmodifier breast/BreastSize 0.5\nmodifier head/head-oval 0.4\n"
                                  "modifier nose/nose-trans-in|out 0\nmodifier custom/horns 0.5\nmodifier nose/nonsense-in|out 0.5\n"
                                  "clothes shoes 00000000-0000-0000-0000-000000000000\nclothes hat 0\npose walk.bvh\n\xC3\xA9t\xC3\xA9 1\n"
                                  "camera 1 2 3 4 5 6\ntags a b c\nsubdivide False\n");
  EXPECT_TRUE(noted(reading, "modifiers of the body (3 times): left out"));
  EXPECT_TRUE(noted(reading, "modifier without a slider here: \"head/head-oval\""));
  EXPECT_TRUE(noted(reading, "unknown modifier \"custom/horns\""));
  EXPECT_TRUE(noted(reading, "unknown modifier \"nose/nonsense-in|out\""));
  EXPECT_TRUE(noted(reading, "line \"clothes\" (2 times)"));
  EXPECT_TRUE(noted(reading, "line \"pose\""));
  EXPECT_TRUE(noted(reading, "line \"??t??\""));
  EXPECT_TRUE(noted(reading, "eyebrows: the file names none"));
  EXPECT_TRUE(noted(reading, "eye_color: the file names none"));
  EXPECT_EQ(reading.notes.size(), 9U);
}

TEST(MhmByHand, ClampsWithANote) {
  const MhmReading reading =
      read(std::string(kStart) +
           "modifier head/head-age-decr|incr 7\nmodifier head/head-fat-decr|incr -0.8\nmodifier macrodetails/Age 0.1\n"
           "modifier macrodetails/Gender -1e300\nmodifier head/head-round 0.1\nmodifier head/head-rectangular 0.3\n"
           "modifier neck/neck-double-decr|incr 0.1\nmodifier neck/neck-double-decr|incr +0.2\n");
  EXPECT_NEAR(value(reading, "head_age"), 0.9, 1e-6);
  EXPECT_NEAR(value(reading, "head_fat"), -0.53, 1e-6);
  EXPECT_NEAR(value(reading, "age"), 0.4, 1e-6);
  EXPECT_EQ(value(reading, "gender"), 0);
  EXPECT_NEAR(value(reading, "head_round_rectangular"), -0.2, 1e-6);
  EXPECT_NEAR(value(reading, "neck_double"), 0.2, 1e-6);
  for (const char* what : {"\"head/head-age-decr|incr\": 7 is beyond MakeHuman's range; taken as 1", "head_age: 1 is beyond this slider's",
                           "head_fat: -0.8 is beyond this slider's", "age: 0.1 is beyond", "\"macrodetails/Gender\": -1e+300",
                           "two opposite modifiers", "\"neck/neck-double-decr|incr\" is set twice"}) {
    EXPECT_TRUE(noted(reading, what)) << what;
  }
}

TEST(MhmByHand, SkinsNameAFamilyOrLeaveItToDescent) {
  const std::size_t skin = head().find("skin_type")->offset;
  const auto with = [](const std::string& line) {
    return read(
        "version v1.2.0\nmodifier macrodetails/African 0.8\nmodifier macrodetails/Asian "
        "0.1\nmodifier macrodetails/Caucasian 0.1\n" +
        line);
  };
  EXPECT_EQ(with("skinMaterial skins/young_caucasian_male/young_caucasian_male2.mhmat").character.x[skin + 2], 1);
  const MhmReading old = with("skinMaterial skins/old_asian_female/old_asian_female.mhmat");
  EXPECT_EQ(old.character.x[skin + 1], 1);
  EXPECT_TRUE(noted(old, "drawn as age and sex have it"));  // 25 years and neither sex
  for (const char* line : {"skinMaterial skins/toon01/toon01.mhmat", ""}) {
    const MhmReading reading = with(line);
    EXPECT_NEAR(reading.character.x[skin], 0.8, 1e-6);
    EXPECT_TRUE(noted(reading, "drawn by descent"));
  }
}

// 1.0 called modifiers by their targets; its table of new names inverts the ones marked here.
TEST(MhmOldVersions, HaveTheirOwnNamesAndDirections) {
  const std::string body =
      "modifier eyes/l-eye-push2-in|out 0.5\nmodifier eyes/r-eye-push2-in|out 0.5\n"  // inverted, and the same name in 1.1
      "modifier mouth/mouth-angles-up|down 0.4\n"                                     // inverted
      "modifier eyebrows/eyebrows-trans-vert-less|more 0.3\n"                         // inverted
      "modifier nose/nose-nostril-width-min|max 0.2\nmodifier forehead/forehead-trans-depth-forward|backward 0.1\n"
      "modifier head/head-round 0.25\nmodifier macrodetails/Age 0.7\n";
  for (const char* version : {"v1.0.2", "1.0", "v1"}) {
    const auto old = character_to_mhm(head(), read("version " + std::string(version) + "\n" + body).character);
    ASSERT_TRUE(old.ok());
    for (const char* line :
         {"eyes/l-eye-push2-in|out -0.500000\n", "eyes/r-eye-push2-in|out -0.500000\n", "mouth/mouth-angles-down|up -0.400000\n",
          "eyebrows/eyebrows-trans-down|up -0.300000\n", "nose/nose-nostrils-width-decr|incr 0.200000\n",
          "forehead/forehead-trans-backward|forward 0.100000\n", "head/head-round 0.250000\n", "macrodetails/Age 0.700000\n"}) {
      EXPECT_NE(old->find(line), std::string::npos) << version << " " << line;
    }
  }
  const MhmReading current = read("version v1.1.1\n" + body);
  EXPECT_NE(character_to_mhm(head(), current.character)->find("eyes/l-eye-push2-in|out 0.500000\n"), std::string::npos);
  EXPECT_TRUE(noted(current, "unknown modifier \"nose/nose-nostril-width-min|max\""));
  EXPECT_TRUE(noted(read("version v7.3\n"), "version \"v7.3\" is not known"));
  EXPECT_FALSE(noted(read("version v1.3.0\n"), "version"));
}

TEST(MhmHostile, EndsOfLinesAndMarksDoNotMatter) {
  std::string text = *character_to_mhm(head(), {draw_human(head(), 3, 4)}, "Zo\xC3\xAB");
  const std::vector<float> want = read(text).character.x;
  std::string windows, spaced;
  for (const char c : text) {
    windows += c == '\n' ? "\r\n" : std::string(1, c);
    spaced += c == '\n' ? " \t\r\r" : c == ' ' ? "\t  " : std::string(1, c);
  }
  text.pop_back();  // MakeHuman ends its files without one
  for (const std::string& other : {text, windows, spaced, "\xEF\xBB\xBF" + text}) {
    const MhmReading reading = read(other);
    EXPECT_EQ(reading.character.x, want);
    EXPECT_TRUE(reading.notes.empty());
  }
}

TEST(MhmHostile, RefusesWhatIsNoSavedModel) {
  const auto code = [](const std::string& text) { return character_from_mhm(head(), text).status().code; };
  ASSERT_EQ(code("version v1.2.0"), Code::ok);
  for (const std::string& text :
       {std::string(), std::string("hello"), std::string("version"), std::string("modifier head/head-round 0.1\n"),
        std::string("# version v1.2.0"), std::string("version v1.2.0\n\0", 16), std::string("\x89PNG\r\n\x1A\n"),
        std::string("version v1.2.0\n\x1B[31mred"), std::string("version v1.2.0\n") + std::string(std::size_t{1} << 20, 'x')}) {
    EXPECT_EQ(code(text), Code::invalid_argument) << text.substr(0, 40);
  }
  for (const char* number : {"nan", "inf", "-inf", "1e999", "0x1", "0,5", "one", "", "--1", "+-1", "1.0.0"}) {
    EXPECT_EQ(code(std::string("version v1.2.0\nmodifier head/head-round ") + number), Code::invalid_argument) << number;
  }
  const auto refused = character_from_mhm(head(), "version v1.2.0\n\n\nmodifier head/head-round \xFF\xFE");
  EXPECT_EQ(refused.status().message, "the .mhm, line 4: \"??\" is not a number");
}

TEST(MhmHostile, NotesAreBoundedAndPlain) {
  std::string text = "version v1.2.0\n";
  for (int i = 0; i < 20000; ++i) text += "key" + std::to_string(i) + "\xE2\x80\xAE x\n";
  const MhmReading reading = read(text + std::string(100000, 'k'));
  EXPECT_EQ(reading.notes.size(), 101U);
  for (const std::string& note : reading.notes) {
    EXPECT_LT(note.size(), 200U);
    EXPECT_TRUE(std::all_of(note.begin(), note.end(), [](char c) { return c >= 0x20 && c < 0x7F; }));
  }
}

TEST(MhmHostile, DamageGivesAValidCharacterOrARefusal) {
  const std::string text = *character_to_mhm(head(), {draw_human(head(), 3, 5)});
  std::size_t refused = 0, read_back = 0;
  for (std::size_t i = 0; i < text.size(); i += 11) {
    std::string damaged = text;
    damaged[i] = static_cast<char>(i * 2654435761U >> 13);
    for (const std::string& version : {text.substr(0, i), damaged}) {
      const auto reading = character_from_mhm(head(), version);
      if (!reading.ok()) {
        EXPECT_EQ(reading.status().code, Code::invalid_argument);
        ++refused;
        continue;
      }
      ++read_back;
      std::vector<float> x = reading->character.x;
      ASSERT_EQ(x.size(), head().size());
      for (const float v : x) ASSERT_TRUE(v >= 0 && v <= 1);
      ASSERT_TRUE(character_to_mhm(head(), reading->character).ok()) << "at " << i;
    }
  }
  EXPECT_GT(refused, 30U);
  EXPECT_GT(read_back, 300U);
}

// A scene.json whose mapping is wrong must not write a file that MakeHuman would misread.
TEST(MhmCheck, RefusesWhatMakeHumanDoesNotKnow) {
  const Json good = Json::parse(head().canonical_json());
  const auto status = [](const Json& scene) {
    const Schema schema = parse(scene.dump());
    std::vector<float> x = schema.default_vector();
    x[0] = 1;  // head_age
    return character_to_mhm(schema, {x}).status();
  };
  ASSERT_TRUE(status(good).ok()) << status(good).message;
  const auto refused = [&](const char* pointer, const Json& to, const char* because) {
    Json bad = good;
    bad[Json::json_pointer(pointer)] = to;
    const Status got = status(bad);
    EXPECT_EQ(got.code, Code::corrupt_scene) << because;
    EXPECT_NE(got.message.find(because), std::string::npos) << got.message;
  };
  refused("/parameters/0/mhm/0/modifier", "head/head-age-less|more", "no modifier of MakeHuman");  // the old name
  refused("/parameters/0/mhm/0/modifier", "head/head-aeg-decr|incr", "no modifier of MakeHuman");
  refused("/parameters/0/mhm/0/modifier", "?-eye-bag-decr|incr", "no modifier of MakeHuman");
  refused("/parameters/0/mhm/0/modifier", "torso/torso-vshape-decr|incr", "no modifier of MakeHuman");
  refused("/parameters/0/mhm/0/modifier", "head/head-age-decr|incr 0.5", "not one that MakeHuman reads");
  refused("/parameters/0/mhm/0/modifier", "head/head-fat-decr|incr", "again");
  refused("/parameters/0/mhm/0/sign", 2, "sign or part");
  refused("/parameters/0/mhm", Json::array(), "is not a list");
  refused("/parameters/0/max", 1.5, "beyond its range");
  refused("/mhm/version", "v1.2.0 beta", "not one that MakeHuman reads");
  refused("/mhm/version", "v1.2.0\n", "has no version");
  refused("/mhm/version", "v9.0", "version \"v9.0\" is not known");
  refused("/mhm/skins", "skins/{race}.png", "not one that MakeHuman reads");
  refused("/mhm/skins", "../{race}.mhmat", "not one that MakeHuman reads");
  refused("/mhm/skins", "skins/plain.mhmat", "does not read back");
  for (const char* line :
       {"modifier macrodetails-height/Height 1.5", "modifier breast/BreastSize -0.1", "modifier head/head-oval x", "subdivide maybe",
        "eyes HighPolyEyes", "eyes HighPolyEyes 2c12f43b-1303-432c-b7ce-d78346baf2e", "explode now", "camera 1 2 3"}) {
    refused("/mhm/fixed/0", line, "");
  }
  Json hair = good;
  for (Json& p : hair["parameters"]) {
    if (p["name"] == "hair") p["mhm"]["lines"]["short01"] = p["mhm"]["lines"]["long01"];  // two options, one line
  }
  Schema schema = parse(hair.dump());
  std::vector<float> x = schema.default_vector();
  const Parameter& p = *schema.find("hair");
  for (std::size_t k = 0; k < p.size(); ++k) x[p.offset + k] = p.options[k] == "long01" ? 1.0F : 0.0F;
  EXPECT_EQ(character_to_mhm(schema, {x}).status().code, Code::corrupt_scene);
}

TEST(MhmCheck, SeesEveryChangedLine) {
  const std::vector<float> x = draw_human(head(), 5, 1);
  const std::string text = *character_to_mhm(head(), {x});
  const scene::MhmMapping mapping = *scene::mhm_mapping(head());
  ASSERT_TRUE(scene::check_mhm(head(), mapping, x, text).ok());
  for (std::size_t at = 0, end = 0; at < text.size(); at = end + 1) {
    end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    const bool body = line.find("/Height") != std::string::npos || line.find("/BodyProp") != std::string::npos ||
                      line.find("/Breast") != std::string::npos;
    if (line.compare(0, 9, "modifier ") == 0 && !body) {
      std::string changed = text;
      char& digit = changed[end - 4];  // a thousandth
      digit = digit == '9' ? '8' : static_cast<char>(digit + 1);
      EXPECT_FALSE(scene::check_mhm(head(), mapping, x, changed).ok()) << line;
    }
    if (line.compare(0, 5, "hair ") == 0 || line.compare(0, 5, "eyebr") == 0 || line.compare(0, 9, "material ") == 0 ||
        line.compare(0, 4, "vers") == 0) {
      EXPECT_FALSE(scene::check_mhm(head(), mapping, x, text.substr(0, at) + text.substr(end + 1)).ok()) << line;
    }
  }
}

}  // namespace
}  // namespace likeness
