// The slider schema: the committed scene.json, its hash, and scene files that must be refused.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>

#include "base/file.hpp"
#include "likeness/scene.hpp"

namespace likeness {
namespace {

std::string head_json() {
  const auto text = read_text_file(std::filesystem::path(LIKENESS_SOURCE_DIR) / "weights/models/makehuman-head/scene.json");
  return text.ok() ? *text : std::string();
}

// A small scene whose parameter list is `parameters`.
std::string scene(const std::string& parameters) {
  return R"({"format":"likeness-scene","version":1,"name":"test","size":64,"parameters":)" + parameters + "}";
}

constexpr const char* kThree = R"([{"name":"a","group":"g","type":"continuous","role":"identity","min":-2,"default":0,"max":1},
 {"name":"b","group":"g","type":"simplex","role":"identity","components":["p","q","r"]},
 {"name":"c","group":"g","type":"choice","role":"nuisance","options":["u","v"],"default":"v"}])";

TEST(Schema, ReadsTheCommittedHead) {
  const auto schema = Schema::parse(head_json());
  ASSERT_TRUE(schema.ok()) << schema.status().message;
  EXPECT_EQ(schema->size(), 148U);
  EXPECT_EQ(schema->hash().size(), 64U);
  std::size_t entries = 0, nuisance = 0;
  for (const Parameter& p : schema->parameters()) {
    EXPECT_EQ(p.offset, entries) << p.name;
    entries += p.size();
    nuisance += p.role == ParameterRole::nuisance ? 1 : 0;
  }
  EXPECT_EQ(entries, schema->size());
  EXPECT_EQ(nuisance, 12U);
  const std::vector<float> x = schema->default_vector();
  for (const Parameter& p : schema->parameters()) {
    if (p.type == ParameterType::continuous) {
      EXPECT_NEAR(p.to_client(x[p.offset]), p.neutral, 1e-12) << p.name;
    }
  }
}

TEST(Schema, LaysOutEntriesAndDefaults) {
  const auto schema = Schema::parse(scene(kThree));
  ASSERT_TRUE(schema.ok()) << schema.status().message;
  EXPECT_EQ(schema->size(), 6U);
  EXPECT_EQ(schema->offset(2), 4U);
  const std::vector<float> want = {0.5F, 1 / 3.0F, 1 / 3.0F, 1 / 3.0F, 0, 1};
  EXPECT_EQ(schema->default_vector(), want);
  EXPECT_EQ(schema->find("b")->options[1], "q");
  EXPECT_EQ(schema->find("z"), nullptr);
}

TEST(Schema, ClientUnitsArePiecewiseLinearAndInvert) {
  const auto schema = Schema::parse(scene(kThree));
  ASSERT_TRUE(schema.ok());
  const Parameter& a = *schema->find("a");
  EXPECT_DOUBLE_EQ(a.to_client(0), -2);
  EXPECT_DOUBLE_EQ(a.to_client(0.25), -1);
  EXPECT_DOUBLE_EQ(a.to_client(0.5), 0);
  EXPECT_DOUBLE_EQ(a.to_client(0.75), 0.5);
  EXPECT_DOUBLE_EQ(a.to_client(1), 1);
  EXPECT_DOUBLE_EQ(a.to_client(7), 1);
  for (int i = 0; i <= 20; ++i) EXPECT_NEAR(a.from_client(a.to_client(i / 20.0)), i / 20.0, 1e-12);
  EXPECT_DOUBLE_EQ(a.from_client(-9), 0);
}

TEST(Schema, CanonicaliseMakesAnyVectorValid) {
  const auto schema = Schema::parse(scene(kThree));
  ASSERT_TRUE(schema.ok());
  std::vector<float> x = {1.5F, 2, 1, 1, 0.3F, 0.3F};
  schema->canonicalise(x);
  EXPECT_EQ(x, (std::vector<float>{1, 1 / 3.0F, 1 / 3.0F, 1 / 3.0F, 1, 0}));  // clamped, normalised, ties to the first
  const float nan = std::numeric_limits<float>::quiet_NaN();
  x = {nan, nan, 0, 1, 1, nan};
  schema->canonicalise(x);
  EXPECT_EQ(x, schema->default_vector());
  x = {0, 0, 0, 0, 0, 0.1F};
  schema->canonicalise(x);
  EXPECT_EQ(x, (std::vector<float>{0, 1 / 3.0F, 1 / 3.0F, 1 / 3.0F, 0, 1}));
}

TEST(Schema, HashIgnoresLayoutOfTheTextOnly) {
  const auto hash = [](const std::string& text) {
    const auto schema = Schema::parse(text);
    return schema.ok() ? schema->hash() : schema.status().message;
  };
  const std::string text = scene(kThree);
  std::string loose;
  for (const char c : text) loose += c == ',' || c == ':' ? std::string(1, c) + "\n  " : std::string(1, c);
  EXPECT_EQ(hash(text), hash(loose));
  const std::string reordered =
      R"({"size":64,"version":1,"name":"test","format":"likeness-scene","parameters":)" + std::string(kThree) + "}";
  EXPECT_EQ(hash(text), hash(reordered));
  // Pinned: models carry this hash, so the canonical form must never change.
  EXPECT_EQ(hash(text), "976b16370e8f6832786716d5e978797495bb6765f3e2f5b14eddfc404b90468d");
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string other = text;
    other.replace(other.find(from), from.size(), to);
    return hash(other);
  };
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"\"max\":1", "\"max\":2"},
                                 {"\"a\"", "\"aa\""},
                                 {"\"q\"", "\"qq\""},
                                 {"nuisance", "identity"},
                                 {"\"default\":\"v\"", "\"default\":\"u\""}}) {
    EXPECT_NE(changed(from, to), hash(text)) << to;
    EXPECT_EQ(changed(from, to).size(), 64U) << to;
  }
  // What a fit may take back is not what is drawn.
  EXPECT_EQ(changed("\"max\":1", "\"max\":1,\"mark\":true"), hash(text));
  const auto turn = [&](const std::string& rest) {
    return hash(scene(R"([{"name":"a","group":"g","type":"continuous","role":"nuisance",)" + rest + R"("min":0,"default":0.5,"max":1}])"));
  };
  EXPECT_EQ(turn(R"("rest":0.7,)"), turn(""));
}

TEST(Schema, KnowsMarks) {
  const auto marks = [](const std::string& mark) {
    return Schema::parse(
        scene(R"([{"name":"a","group":"g","type":"continuous","role":"identity",)" + mark + R"("min":0,"default":0.1,"max":1}])"));
  };
  EXPECT_TRUE(marks(R"("mark":true,)")->parameters()[0].mark);
  EXPECT_FALSE(marks(R"("mark":false,)")->parameters()[0].mark);
  EXPECT_FALSE(marks("")->parameters()[0].mark);
}

TEST(Schema, KnowsWhatFacesAreLikeAtRest) {
  const auto rest = [](const std::string& entry) {
    return Schema::parse(
               scene(R"([{"name":"a","group":"g","type":"continuous","role":"nuisance",)" + entry + R"("min":-1,"default":0.5,"max":1}])"))
        ->parameters()[0]
        .rest;
  };
  EXPECT_EQ(rest(R"("rest":0.7,)"), 0.7);
  EXPECT_EQ(rest(R"("rest":-1,)"), -1);
  EXPECT_EQ(rest(""), 0.5);
  // Of other types, which would be ignored, it is refused.
  for (const std::string type : {R"("choice","options":["u","v"],"default":"u")", R"("simplex","components":["p","q"])"}) {
    for (const auto& [entry, fine] : {std::pair{"", true}, {R"(,"rest":0.5)", false}, {R"(,"rest":"v")", false}}) {
      const auto schema = Schema::parse(scene(R"([{"name":"a","group":"g","role":"nuisance","type":)" + type + entry + "}]"));
      EXPECT_EQ(schema.ok(), fine) << type << entry;
      EXPECT_TRUE(fine || schema.status().message.find("rest") != std::string::npos) << schema.status().message;
    }
  }
}

TEST(Schema, RefusesMalformedScenes) {
  const std::string deep(100000, '[');
  const std::string number = R"({"name":"a","group":"g","type":"continuous","role":"identity",)";
  const std::string choice = R"({"name":"a","group":"g","type":"choice","role":"identity",)";
  std::vector<std::string> bad = {"",
                                  "x",
                                  "[]",
                                  "{}",
                                  "null",
                                  deep,
                                  R"({"a":)" + deep,
                                  scene("[]"),
                                  scene("{}"),
                                  scene("7"),
                                  scene("[7]"),
                                  scene("[{}]"),
                                  scene("[" + number + R"("min":0,"default":0,"max":1}])"),
                                  scene("[" + number + R"("min":0,"default":1,"max":1}])"),
                                  scene("[" + number + R"("min":2,"default":1,"max":0}])"),
                                  scene("[" + number + R"("min":0,"default":0.5}])"),
                                  scene("[" + number + R"("min":"0","default":0.5,"max":1}])"),
                                  scene("[" + number + R"("min":0,"default":0.5,"max":1e999}])"),
                                  scene("[" + number + R"("mark":1,"min":0,"default":0.5,"max":1}])"),
                                  scene(R"([{"name":"a","group":"g","type":"continuous","role":"nuisance","mark":true,)"
                                        R"("min":0,"default":0.5,"max":1}])"),
                                  scene("[" + number + R"("rest":0.5,"min":0,"default":0.5,"max":1}])"),
                                  scene(R"([{"name":"a","group":"g","type":"continuous","role":"nuisance","rest":1.5,)"
                                        R"("min":0,"default":0.5,"max":1}])"),
                                  scene(R"([{"name":"a","group":"g","type":"continuous","role":"nuisance","rest":"0",)"
                                        R"("min":0,"default":0.5,"max":1}])"),
                                  scene("[" + choice + R"("mark":true,"options":["u","v"],"default":"u"}])"),
                                  scene("[" + choice + R"("options":["u"],"default":"u"}])"),
                                  scene("[" + choice + R"("options":["u","u"],"default":"u"}])"),
                                  scene("[" + choice + R"("options":["u","v"],"default":"w"}])"),
                                  scene("[" + choice + R"("options":["u","v"]}])"),
                                  scene("[" + choice + R"("options":["u","v\nmodifier x 1"],"default":"u"}])"),
                                  scene(R"([{"name":"a","group":"g","type":"simplex","role":"identity","components":"pq"}])"),
                                  scene(R"([{"name":"a","group":"g","type":"wheel","role":"identity"}])"),
                                  scene(R"([{"name":"a","group":"g","type":"simplex","role":"extra","components":["p","q"]}])"),
                                  scene(R"([{"name":"../a","group":"g","type":"simplex","role":"identity","components":["p","q"]}])"),
                                  scene(R"([{"name":"a","group":"","type":"simplex","role":"identity","components":["p","q"]}])")};
  const std::string one = R"({"name":"a","group":"g","type":"simplex","role":"identity","components":["p","q"]})";
  bad.push_back(scene("[" + one + "," + one + "]"));
  for (const char* swap : {R"("format":"likeness-scene")", R"("version":1)", R"("name":"test")", R"("size":64)"}) {
    std::string text = scene("[" + one + "]");
    ASSERT_TRUE(Schema::parse(text).ok());
    text.replace(text.find(swap), std::string(swap).size(), R"("x":0)");
    bad.push_back(text);
  }
  for (const std::string& text : bad) {
    const auto schema = Schema::parse(text);
    EXPECT_FALSE(schema.ok()) << text.substr(0, 200);
    if (!schema.ok()) {
      EXPECT_EQ(schema.status().code, Code::corrupt_scene) << text.substr(0, 200);
    }
  }
}

TEST(Schema, SurvivesTruncationAndDamage) {
  const std::string text = head_json();
  ASSERT_FALSE(text.empty());
  for (std::size_t length = 0; length + 4 < text.size(); length += 97) EXPECT_FALSE(Schema::parse(text.substr(0, length)).ok());
  std::uint64_t state = 1;
  for (int i = 0; i < 300; ++i) {  // any result will do, but no crash
    std::string damaged = text;
    for (int k = 0; k < 4; ++k) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      damaged[(state >> 33) % damaged.size()] = static_cast<char>(state >> 25);
    }
    const auto schema = Schema::parse(damaged);
    if (schema.ok()) {
      EXPECT_EQ(schema->default_vector().size(), schema->size());
    }
  }
}

TEST(Client, SaysWhatIsMissing) {
  EXPECT_EQ(open_client("/nonexistent/scene.json").status().code, Code::not_found);
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "likeness_scene_client_test";
  std::filesystem::create_directories(folder);
  const auto code = [&](const std::string& text) {
    EXPECT_TRUE(write_file_atomic(folder / "scene.json", text).ok());
    return open_client(folder / "scene.json").status().code;
  };
  EXPECT_EQ(code(head_json()), Code::not_found);  // no head.asset beside it
  EXPECT_EQ(code(scene(kThree)), Code::unavailable);
  EXPECT_EQ(code("{"), Code::corrupt_scene);
  EXPECT_TRUE(write_file_atomic(folder / "head.asset", std::string_view("LKHEAD3\n and no more")).ok());
  EXPECT_EQ(code(head_json()), Code::corrupt_scene);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace likeness
