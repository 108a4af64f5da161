// The program with an external game, the worked example's: data set, render, fit with landmarks of the user's own. The networks are
// random, and no face finder is needed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "program.hpp"
#include "random_model.hpp"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using test::ProgramRun;
using test::run_program;

const fs::path kScene = fs::path(LIKENESS_SOURCE_DIR) / "examples" / "python-game" / "scene.json";

class Game : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ::setenv("LIKENESS_LANDMARKS", "/nonexistent", 1);  // landmarks are given here, so nothing may look for them
    folder_ = std::make_unique<test::TemporaryFolder>();
    const auto schema = Schema::parse(*read_text_file(kScene));
    ASSERT_TRUE(schema.ok()) << schema.status().message;
    schema_ = std::make_unique<Schema>(*schema);
    test::write_random_model(file(""), *schema_);
    ASSERT_TRUE(write_file_atomic(file("scene.json"), *read_text_file(kScene)).ok());
    const ProgramRun run = run_program("dataset -n 3 --seed 4 --draw uniform --labels --size 256 --threads 3 -o " + file("set").string() +
                                       " --scene " + kScene.string());
    ASSERT_EQ(run.status, 0) << run.errors;
    fs::create_directories(file("photos"));
    for (const char* name : {"000000.png", "000001.png"}) fs::copy_file(file("set") / name, file("photos") / name);
  }
  static void TearDownTestSuite() {
    schema_.reset();
    folder_.reset();
  }

  static fs::path file(const std::string& name) { return name.empty() ? folder_->path() : folder_->path() / name; }
  static std::string model() { return " --model " + folder_->path().string(); }
  static std::string scene() { return " --scene " + kScene.string(); }

  // The client's landmarks of character `i`, moved by `shift` pixels.
  static nlohmann::json landmarks(std::uint64_t i, float shift = 0) {
    const auto client = open_client(kScene);
    auto r = (*client)->render(draw_uniform(*schema_, 4, i), {.size = 256});
    for (Point& p : r->landmarks) p[0] += shift;
    return r->landmarks;
  }
  static std::string fit(const std::string& photos, const std::string& out, const std::string& more) {
    return "fit " + file(photos).string() + " -o " + file(out).string() + " --iterations 3 --json" + model() + scene() + more;
  }

  static inline std::unique_ptr<test::TemporaryFolder> folder_;
  static inline std::unique_ptr<Schema> schema_;
};

TEST_F(Game, DataSetHoldsWhatTheClientDraws) {
  for (const char* name : {"parameters.npy", "landmarks.npy", "000002.png", "000002_labels.png"}) {
    EXPECT_TRUE(fs::exists(file("set") / name)) << name;
  }
  const Character character{draw_uniform(*schema_, 4, 2)};
  ASSERT_TRUE(write_file_atomic(file("character.json"), character_to_json(*schema_, character)).ok());
  const std::string posed = file("posed.png").string();
  const ProgramRun run = run_program("render " + file("character.json").string() + " --posed --size 256 -o " + posed + scene());
  ASSERT_EQ(run.status, 0) << run.errors;
  EXPECT_EQ(*read_file(posed), *read_file(file("set") / "000002.png"));
}

TEST_F(Game, AModelFolderStartsNoProgram) {
  for (const std::string& command :
       {"dataset -n 1 --seed 1 -o " + file("refused").string(), "fit " + file("photos").string() + " -o " + file("refused").string()}) {
    const ProgramRun run = run_program(command + model());
    EXPECT_EQ(run.status, 3);
    EXPECT_NE(run.errors.find("UNAVAILABLE"), std::string::npos) << run.errors;
    EXPECT_NE(run.errors.find("--scene"), std::string::npos) << run.errors;
    EXPECT_FALSE(fs::exists(file("refused")));
  }
}

TEST_F(Game, FitsWithGivenLandmarks) {
  fs::create_directories(file("landmarks"));
  const auto give = [&](const std::string& name, const nlohmann::json& json) {
    ASSERT_TRUE(write_file_atomic(file("landmarks") / name, json.dump()).ok());
  };
  give("000000.json", landmarks(0));
  give("000001.json", {{"format", "likeness-landmarks"}, {"version", 1}, {"photo", landmarks(1)}});
  const std::string folder = " --landmarks " + file("landmarks").string();
  const ProgramRun both = run_program(fit("photos", "out", folder));
  EXPECT_EQ(both.status, 0) << both.errors << both.output;
  EXPECT_NE(both.output.find(R"({"photos":2,"done":2,"refused":0,"already_done":0})"), std::string::npos) << both.output;
  for (const char* name : {"character.json", "rendered.png", "panel.png"}) EXPECT_TRUE(fs::exists(file("out") / "000001" / name)) << name;
  EXPECT_FALSE(fs::exists(file("out") / "000001" / "character.mhm"));

  // Nothing to do again, until the landmarks change.
  EXPECT_NE(run_program(fit("photos", "out", folder)).output.find("\"already_done\":2"), std::string::npos);
  const auto aligned = *read_file(file("out") / "000000" / "aligned.png");
  give("000000.json", landmarks(0, 9));
  EXPECT_NE(run_program(fit("photos", "out", folder)).output.find("\"done\":2"), std::string::npos);
  EXPECT_NE(*read_file(file("out") / "000000" / "aligned.png"), aligned);

  // One file for one photo; a wrong or missing one refuses its photo only.
  const std::string one = " --landmarks " + (file("landmarks") / "000001.json").string();
  EXPECT_EQ(run_program(fit("photos/000001.png", "single", one)).status, 0);
  EXPECT_EQ(run_program(fit("photos", "two", one)).status, 3);
  give("000000.json", landmarks(0).dump().substr(1));
  const ProgramRun wrong = run_program(fit("photos", "wrong", folder));
  EXPECT_EQ(wrong.status, 1);
  EXPECT_NE(wrong.output.find("LANDMARKS_BAD"), std::string::npos) << wrong.output;
  EXPECT_NE(wrong.output.find("\"done\":1,\"refused\":1"), std::string::npos) << wrong.output;
  fs::remove(file("landmarks") / "000000.json");
  EXPECT_NE(run_program(fit("photos", "missing", folder)).output.find("NOT_FOUND"), std::string::npos);
}

TEST_F(Game, ProfilesWhatItFits) {
  fs::create_directories(file("given"));
  for (const int i : {0, 1}) {
    const std::string name = "00000" + std::to_string(i) + ".json";
    ASSERT_TRUE(write_file_atomic(file("given") / name, landmarks(static_cast<std::uint64_t>(i)).dump()).ok());
  }
  const std::string given = " --landmarks " + file("given").string();
  const std::string table =
      "fit " + file("photos").string() + " -o " + file("table").string() + " --iterations 3 --quiet --profile" + given + model() + scene();
  const ProgramRun text = run_program(table);
  ASSERT_EQ(text.status, 0) << text.errors;
  EXPECT_EQ(text.output.find("Profile of 2 fits, 2 photos. FMA peak, measured after them: "), 0U) << text.output;
  for (const char* part : {"% of peak", "forward\n", "gradients of the inputs of\n", "conv_transpose2d 4x4 stride 2", "all steps",
                           "part of the fit", "decode ", "align ", "prepare ", "search ", "judge ", "draw "}) {
    EXPECT_NE(text.output.find(part), std::string::npos) << part << "\n" << text.output;
  }
  // What is done already is not fitted for the sake of a profile.
  const ProgramRun again = run_program(table);
  EXPECT_EQ(again.status, 0);
  EXPECT_EQ(again.output, "");
  EXPECT_NE(again.errors.find("no photo was fitted"), std::string::npos) << again.errors;

  const auto profile_of = [](const ProgramRun& run) {
    EXPECT_EQ(run.status, 0) << run.errors;
    const std::size_t start = run.output.find(R"({"profile":)");
    if (start == std::string::npos) return nlohmann::json();
    return nlohmann::json::parse(run.output.substr(start, run.output.find('\n', start) - start))["profile"];
  };
  const ProgramRun each = run_program(fit("photos", "each", given + " --profile"));
  const ProgramRun together = run_program(fit("photos", "together", given + " --profile --together"));
  const nlohmann::json apart = profile_of(each), joint = profile_of(together);
  ASSERT_TRUE(apart.is_object() && joint.is_object());
  EXPECT_EQ(apart["fits"], 2);
  EXPECT_EQ(joint["fits"], 1);
  EXPECT_EQ(joint["photos"], 2);
  EXPECT_EQ(apart["steps"].size(), joint["steps"].size());
  for (const nlohmann::json& step : joint["steps"]) {
    EXPECT_GT(step["runs"].get<int>(), 0) << step;
    EXPECT_GE(step["seconds"].get<double>(), 0) << step;
    EXPECT_TRUE(!step["backward"].get<bool>() || step["runs"].get<int>() % 2 == 0) << "both photos' programs: " << step;
  }
  EXPECT_GT(apart["peak"]["flop_per_second"].get<double>(), 0);
  EXPECT_GE(apart["peak"]["threads"].get<int>(), 1);
  for (const char* part : {"decode", "align", "prepare", "search", "judge", "draw"}) {
    EXPECT_TRUE(apart["parts"].contains(part)) << part;
  }
}

}  // namespace
}  // namespace likeness
