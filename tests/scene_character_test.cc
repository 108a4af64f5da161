// character.json there and back, and the MakeHuman file read against the tables of scene.json.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/file.hpp"
#include "likeness/scene.hpp"

namespace likeness {
namespace {

using Json = nlohmann::json;

const Schema& head() {
  static const Schema schema = [] {
    const auto text = read_text_file(std::filesystem::path(LIKENESS_SOURCE_DIR) / "weights/models/makehuman-head/scene.json");
    auto parsed = Schema::parse(text.ok() ? *text : std::string());
    EXPECT_TRUE(parsed.ok());
    return std::move(parsed).value();
  }();
  return schema;
}

TEST(CharacterJson, RoundTripsExactly) {
  for (std::uint64_t i = 0; i < 20; ++i) {
    const Character character{i % 2 == 0 ? draw_human(head(), 1, i) : draw_uniform(head(), 1, i)};
    const std::string text = character_to_json(head(), character);
    const auto back = character_from_json(head(), text);
    ASSERT_TRUE(back.ok()) << back.status().message;
    EXPECT_EQ(back->x, character.x);
    EXPECT_EQ(character_to_json(head(), *back), text);
  }
}

TEST(CharacterJson, ReadsClientUnitsAndFillsDefaults) {
  Json root = {{"format", "likeness-character"}, {"version", 1}, {"schema", head().hash()}};
  root["parameters"] = {{"head_age", {{"value", 0.45}}},
                        {"hair", {{"value", "long01"}}},
                        {"ethnicity", {{"value", {{"african", 0.5}, {"asian", 0.25}, {"caucasian", 0.25}}}}}};
  const auto character = character_from_json(head(), root.dump());
  ASSERT_TRUE(character.ok()) << character.status().message;
  std::vector<float> want = head().default_vector();
  want[head().find("head_age")->offset] = 0.75F;
  const Parameter& hair = *head().find("hair");
  for (std::size_t i = 0; i < hair.size(); ++i) want[hair.offset + i] = hair.options[i] == "long01" ? 1.0F : 0.0F;
  const std::size_t e = head().find("ethnicity")->offset;
  want[e] = 0.5F;
  want[e + 1] = want[e + 2] = 0.25F;
  ASSERT_EQ(character->x.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(character->x[i], want[i], 1e-6F) << i;
}

TEST(CharacterJson, RefusesWhatItCannotRead) {
  const Json good = Json::parse(character_to_json(head(), {head().default_vector()}));
  const auto code = [](const Json& json) { return character_from_json(head(), json.dump()).status().code; };
  ASSERT_EQ(code(good), Code::ok);
  Json bad = good;
  bad["schema"] = std::string(64, '0');
  EXPECT_EQ(code(bad), Code::schema_mismatch);
  bad = good;
  bad["format"] = "x";
  EXPECT_EQ(code(bad), Code::invalid_argument);
  const std::vector<std::pair<std::string, Json>> wrong = {{"no_such", {{"unit", 0.5}}},
                                                           {"head_age", {{"unit", 1.5}}},
                                                           {"head_age", {{"unit", "x"}}},
                                                           {"head_age", {{"value", 3}}},
                                                           {"head_age", 7},
                                                           {"head_age", Json::object()},
                                                           {"hair", {{"value", "mohawk"}}},
                                                           {"hair", {{"unit", {1, 0}}}},
                                                           {"ethnicity", {{"unit", {0.5, 0.5, -0.1}}}},
                                                           {"ethnicity", {{"value", {{"african", 1}}}}}};
  for (const auto& [name, entry] : wrong) {
    bad = good;
    bad["parameters"][name] = entry;
    EXPECT_EQ(code(bad), Code::invalid_argument) << name << " " << entry;
  }
  EXPECT_EQ(character_from_json(head(), "").status().code, Code::invalid_argument);
  EXPECT_EQ(character_from_json(head(), std::string(100000, '[')).status().code, Code::invalid_argument);
}

struct Mhm {
  std::map<std::string, double> modifier;
  std::multimap<std::string, std::string> line;  // first word -> rest
};

Mhm read_mhm(const std::string& text) {
  Mhm out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string key, name;
    words >> key;
    if (key == "modifier") {
      double value = 99;
      words >> name >> value;
      EXPECT_TRUE(out.modifier.emplace(name, value).second) << name << " twice";
    } else {
      out.line.emplace(key, line.substr(std::min(line.size(), key.size() + 1)));
    }
  }
  return out;
}

TEST(Mhm, OfTheDefaultCharacterIsNeutral) {
  const auto text = character_to_mhm(head(), {head().default_vector()});
  ASSERT_TRUE(text.ok()) << text.status().message;
  const Mhm mhm = read_mhm(*text);
  for (const auto& [name, value] : mhm.modifier) {
    const bool macro = name.compare(0, 5, "macro") == 0 || name.compare(0, 6, "breast") == 0;
    if (!macro) {
      EXPECT_EQ(value, 0) << name;
    }
  }
  EXPECT_EQ(mhm.modifier.at("macrodetails/Gender"), 0.5);
  EXPECT_EQ(mhm.modifier.at("macrodetails/Age"), 0.5);
  EXPECT_NEAR(mhm.modifier.at("macrodetails/Asian"), 1 / 3.0, 1e-5);
  EXPECT_EQ(mhm.line.find("version")->second, "v1.2.0");
  EXPECT_EQ(mhm.line.find("hair")->second.substr(0, 7), "short01");
  EXPECT_EQ(mhm.line.count("material"), 1U);
}

TEST(Mhm, WritesEveryMappedParameterInRange) {
  const Json root = Json::parse(head().canonical_json());
  for (std::uint64_t i = 0; i < 30; ++i) {
    const auto x = draw_human(head(), 6, i);
    const auto text = character_to_mhm(head(), {x}, "some\nbody");
    ASSERT_TRUE(text.ok()) << text.status().message;
    const Mhm mhm = read_mhm(*text);
    EXPECT_EQ(mhm.line.find("name")->second, "some_body");
    std::set<std::string> expected;
    for (const Json& parameter : root["parameters"]) {
      const Parameter& p = *head().find(parameter["name"].get<std::string>());
      if (!parameter.contains("mhm")) continue;
      EXPECT_EQ(p.role, ParameterRole::identity) << p.name;
      if (p.type != ParameterType::continuous) continue;
      const double value = p.to_client(x[p.offset]);
      double sum = 0;
      for (const Json& item : parameter["mhm"]) {
        const std::string name = item["modifier"].get<std::string>();
        expected.insert(name);
        ASSERT_EQ(mhm.modifier.count(name), 1U) << name;
        const double written = mhm.modifier.at(name);
        EXPECT_LE(std::abs(written), 1) << name;
        if (item.contains("part")) {
          EXPECT_GE(written, 0) << name;
          sum += item["part"] == "positive" ? written : -written;
        } else {
          EXPECT_NEAR(written, value * item["sign"].get<double>(), 1e-6) << name;
          sum = value;
        }
      }
      EXPECT_NEAR(sum, value, 1e-6) << p.name;
    }
    EXPECT_GT(expected.size(), 100U);
    const double races =
        mhm.modifier.at("macrodetails/African") + mhm.modifier.at("macrodetails/Asian") + mhm.modifier.at("macrodetails/Caucasian");
    EXPECT_NEAR(races, 1, 1e-5);
    const bool bald = x[head().find("hair")->offset] == 1;
    EXPECT_EQ(mhm.line.count("hair"), bald ? 0U : 1U);
    EXPECT_EQ(mhm.line.count("eyebrows"), 1U);
  }
}

TEST(Mhm, ChoosesTheNearestSkin) {
  std::vector<float> x = head().default_vector();
  x[head().find("gender")->offset] = 0.9F;
  x[head().find("age")->offset] = 0.99F;
  const std::size_t skin = head().find("skin_type")->offset;
  x[skin] = 0.2F;
  x[skin + 1] = 0.7F;
  x[skin + 2] = 0.1F;
  const auto text = character_to_mhm(head(), {x});
  ASSERT_TRUE(text.ok());
  EXPECT_NE(text->find("\nskinMaterial skins/old_asian_male/old_asian_male.mhmat\n"), std::string::npos);
}

TEST(Mhm, NeedsTheMappingAndTheRightLength) {
  EXPECT_EQ(character_to_mhm(head(), {{0.5F}}).status().code, Code::invalid_argument);
  const auto plain = Schema::parse(
      R"({"format":"likeness-scene","version":1,"name":"t","size":64,"parameters":[{"name":"a","group":"g","type":"continuous","role":"identity","min":0,"default":1,"max":2}]})");
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(character_to_mhm(*plain, {plain->default_vector()}).status().code, Code::unavailable);
  const auto smuggling = Schema::parse(
      R"({"format":"likeness-scene","version":1,"name":"t","size":64,"mhm":{"version":"v1"},"parameters":[{"name":"a","group":"g","type":"continuous","role":"identity","min":0,"default":1,"max":2,"mhm":[{"modifier":"x\ny","sign":1}]}]})");
  ASSERT_TRUE(smuggling.ok());
  EXPECT_EQ(character_to_mhm(*smuggling, {smuggling->default_vector()}).status().code, Code::corrupt_scene);
}

}  // namespace
}  // namespace likeness
