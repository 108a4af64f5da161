// From photo to character with the real program, client and face finder. The networks are random: the loop is tested, not the likeness.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "align/affine.hpp"
#include "fit/aligner.hpp"
#include "image/decode.hpp"
#include "image/encode.hpp"
#include "program.hpp"
#include "random_model.hpp"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using test::ProgramRun;
using test::run_program;

const fs::path kScene = fs::path(LIKENESS_SOURCE_DIR) / "weights" / "models" / "makehuman-head" / "scene.json";

class Loop : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<test::TemporaryFolder>();
    client_ = std::move(*open_client(kScene));
    test::write_random_model(folder_->path(), client_->schema());
    fs::create_directories(folder_->path() / "photos");
    for (const int i : {0, 1}) {
      const auto picture = client_->render(draw_human(client_->schema(), 7, static_cast<std::uint64_t>(i)), {.size = 400});
      write_picture("person_" + std::to_string(i) + ".png", picture->rgb);
    }
    std::vector<std::uint8_t> noise(std::size_t{400} * 400 * 3);
    for (std::size_t p = 0; p < noise.size(); ++p) noise[p] = static_cast<std::uint8_t>(p * 2654435761U >> 24);
    write_picture("noise.png", noise);
    const std::string png = *read_text_file(photos() / "person_0.png");
    ASSERT_TRUE(write_file_atomic(photos() / "cut.png", png.substr(0, png.size() / 2)).ok());
    ASSERT_TRUE(write_file_atomic(photos() / "empty.jpg", std::string_view("")).ok());
    ASSERT_TRUE(write_file_atomic(photos() / "words.jpg", std::string_view("these are words, not a photo")).ok());
  }
  static void TearDownTestSuite() {
    client_.reset();
    folder_.reset();
  }

  static fs::path photos() { return folder_->path() / "photos"; }
  static std::string model() { return " --scene " + kScene.string() + " --model " + folder_->path().string(); }

  static void write_picture(const std::string& name, const std::vector<std::uint8_t>& rgb) {
    Image image(400, 400, 3);
    image.pixels = rgb;
    ASSERT_TRUE(write_file_atomic(photos() / name, *encode_png(image)).ok());
  }

  static inline std::unique_ptr<test::TemporaryFolder> folder_;
  static inline std::unique_ptr<GameClient> client_;
};

TEST_F(Loop, FitsWhatItCanRefusesTheRestAndResumes) {
  const fs::path out = folder_->path() / "out";
  const std::string arguments =
      "fit " + photos().string() + " " + (photos() / "missing.jpg").string() + " -o " + out.string() + " --iterations 8" + model();
  const ProgramRun first = run_program(arguments);
  EXPECT_EQ(first.status, 1);
  EXPECT_NE(first.output.find("7 photos: 2 done, 5 refused, 0 already done"), std::string::npos) << first.output;
  EXPECT_EQ(std::ranges::count(first.errors, '\n'), 5) << first.errors;  // one line each, no progress line in a pipe

  std::map<std::string, std::string> codes;
  std::istringstream ledger(*read_text_file(out / "ledger.jsonl"));
  for (std::string line; std::getline(ledger, line);) codes[nlohmann::json::parse(line)["stem"]] = nlohmann::json::parse(line)["code"];
  EXPECT_EQ(codes, (std::map<std::string, std::string>{{"person_0", "OK"},
                                                       {"person_1", "OK"},
                                                       {"noise", "NO_FACE"},
                                                       {"cut", "CORRUPT_IMAGE"},
                                                       {"empty", "UNSUPPORTED_FORMAT"},
                                                       {"words", "UNSUPPORTED_FORMAT"},
                                                       {"missing", "NOT_FOUND"}}));
  for (const char* name : {"character.json", "character.mhm", "aligned.png", "generated.png", "rendered.png", "panel.png"}) {
    EXPECT_TRUE(fs::exists(out / "person_1" / name)) << name;
  }
  const auto character = character_from_json(client_->schema(), *read_text_file(out / "person_1" / "character.json"));
  ASSERT_TRUE(character.ok()) << character.status().message;

  // rendered.png is the client's neutral picture of character.json.
  const std::string again = (folder_->path() / "again.png").string();
  ASSERT_EQ(run_program("render " + (out / "person_1" / "character.json").string() + " -o " + again + " --scene " + kScene.string()).status,
            0);
  EXPECT_EQ(*read_file(again), *read_file(out / "person_1" / "rendered.png"));

  const ProgramRun second = run_program(arguments + " --json");
  EXPECT_EQ(second.status, 1);
  EXPECT_NE(second.output.find(R"({"photos":7,"done":0,"refused":5,"already_done":2})"), std::string::npos) << second.output;
  EXPECT_EQ(std::ranges::count(second.output, '\n'), 8);
}

TEST_F(Loop, FitsPhotosOfOnePersonTogether) {
  std::vector<float> x = draw_human(client_->schema(), 7, 0);
  x[client_->schema().find("smile")->offset] = 0.9F;
  const fs::path faces = folder_->path() / "faces";
  fs::create_directories(faces);
  const auto write_face = [&](const char* name) {
    Image image(400, 400, 3);
    image.pixels = client_->render(x, {.size = 400})->rgb;
    ASSERT_TRUE(write_file_atomic(faces / name, *encode_png(image)).ok());
  };
  write_face("smiling.png");
  const std::string first = (photos() / "person_0.png").string(), second = (faces / "smiling.png").string();
  const fs::path out = folder_->path() / "together";
  const std::string arguments = "fit --together " + first + " " + second + " -o " + out.string() + " --iterations 8" + model();
  const ProgramRun run = run_program(arguments);
  EXPECT_EQ(run.status, 0) << run.errors;
  EXPECT_NE(run.output.find("1 person: 1 done, 0 refused, 0 already done"), std::string::npos) << run.output;
  const std::string text = *read_text_file(out / "person_0" / "character.json");
  const auto json = nlohmann::json::parse(text);
  ASSERT_EQ(json["fit"]["photos"].size(), 2U);
  EXPECT_EQ(json["fit"]["photos"][1]["stem"], "smiling");
  EXPECT_TRUE(json["fit"]["photos"][1]["nuisances"].contains("smile"));
  EXPECT_NE(json["fit"]["photos"][0]["nuisances"], json["fit"]["photos"][1]["nuisances"]);
  EXPECT_TRUE(character_from_json(client_->schema(), text).ok());
  EXPECT_TRUE(fs::exists(out / "person_0" / "character.mhm"));
  EXPECT_EQ(decode_photo(*read_file(out / "person_0" / "panel.png"))->height, 2 * kFrame);
  EXPECT_FALSE(fs::exists(out / "smiling"));

  EXPECT_NE(run_program(arguments).output.find("1 already done"), std::string::npos);
  x[client_->schema().find("smile")->offset] = 0.2F;
  write_face("smiling.png");
  EXPECT_NE(run_program(arguments).output.find("1 done, 0 refused, 0 already done"), std::string::npos);

  const ProgramRun refused = run_program("fit --together " + first + " " + (photos() / "noise.png").string() + " -o " +
                                         (folder_->path() / "no").string() + model());
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.errors.find("NO_FACE: photo 2 of 2: "), std::string::npos) << refused.errors;
  const ProgramRun damaged =
      run_program("fit --together " + first + " " + (photos() / "cut.png").string() + " -o " + (folder_->path() / "no").string() + model());
  EXPECT_NE(damaged.errors.find("CORRUPT_IMAGE: photo 2 of 2: "), std::string::npos) << damaged.errors;
  EXPECT_EQ(run_program("fit --together " + first + " -o " + (folder_->path() / "no").string() + model()).status, 2);
}

TEST_F(Loop, SameInputSameBytes) {
  const std::string photo = (photos() / "person_0.png").string();
  for (const char* name : {"x", "y"}) {
    const std::string threads = name[0] == 'x' ? "1" : "3";
    ASSERT_EQ(
        run_program("fit " + photo + " -o " + (folder_->path() / name).string() + " --iterations 6 --quiet --threads " + threads + model())
            .status,
        0);
  }
  for (const auto& entry : fs::directory_iterator(folder_->path() / "x" / "person_0")) {
    EXPECT_EQ(*read_file(entry.path()), *read_file(folder_->path() / "y" / "person_0" / entry.path().filename())) << entry.path();
  }
}

TEST_F(Loop, AReportLeavesTheCharacterAsItIs) {
  const std::string photo = (photos() / "person_0.png").string(), options = " --iterations 6 --quiet" + model();
  const fs::path out = folder_->path() / "reported";
  const std::string arguments = "fit " + photo + " -o " + out.string() + options;
  ASSERT_EQ(run_program(arguments).status, 0);
  EXPECT_FALSE(fs::exists(out / "person_0" / "report.html"));
  const std::string character = *read_text_file(out / "person_0" / "character.json");
  ASSERT_EQ(run_program(arguments + " --report").status, 0);
  EXPECT_EQ(*read_text_file(out / "person_0" / "character.json"), character);
  const std::string page = *read_text_file(out / "person_0" / "report.html");
  EXPECT_NE(page.find("person_0.png"), std::string::npos);
  for (const Parameter& p : client_->schema().parameters()) EXPECT_NE(page.find(">" + p.name + "</span>"), std::string::npos) << p.name;
  EXPECT_NE(read_text_file(out / "index.html")->find("person_0/report.html"), std::string::npos);
  const ProgramRun again = run_program(arguments + " --report --json");
  EXPECT_NE(again.output.find("\"already_done\":1"), std::string::npos) << again.output;
}

TEST_F(Loop, AlignFindsTheLandmarksThatTheClientKnows) {
  const fs::path out = folder_->path() / "aligned";
  ASSERT_EQ(run_program("align " + photos().string() + " -o " + out.string() + " --landmarks --coverage" + model()).status, 1);
  double apart = 0;  // mean over the two people, parts of the distance between the eyes
  for (const int person : {0, 1}) {
    const auto json = nlohmann::json::parse(*read_text_file(out / ("person_" + std::to_string(person) + ".json")));
    const auto truth = client_->render(draw_human(client_->schema(), 7, static_cast<std::uint64_t>(person)), {.size = 400})->landmarks;
    for (std::size_t i = 17; i < 68; ++i) {
      apart += std::hypot(json["photo"][i][0].get<double>() - truth[i][0], json["photo"][i][1].get<double>() - truth[i][1]) /
               (2 * 51 * interocular_distance(truth));
    }
  }
  EXPECT_LT(apart, 0.06);
  EXPECT_EQ(decode_photo(*read_file(out / "person_1.png"))->width, kFrame);
  EXPECT_TRUE(decode_labels(*read_file(out / "person_1_coverage.png")).ok());
  EXPECT_EQ(run_program("align " + photos().string() + " -o " + (folder_->path() / "one.png").string() + model()).status, 2);
}

TEST_F(Loop, EvaluatesNetworksOnRenders) {
  const std::string data = (folder_->path() / "data").string();
  ASSERT_EQ(run_program("dataset -n 3 --seed 1 --labels -o " + data + " --scene " + kScene.string()).status, 0);
  const ProgramRun stored = run_program("evaluate g " + data + model()), drawn = run_program("evaluate g --seed 1 -n 3" + model());
  EXPECT_EQ(stored.status, 0) << stored.errors;
  EXPECT_NE(stored.output.find("g_l1_face 0."), std::string::npos) << stored.output;
  EXPECT_EQ(stored.output, drawn.output);
  const ProgramRun labels = run_program("evaluate f " + data + model());
  EXPECT_EQ(labels.status, 0) << labels.errors;
  EXPECT_NE(labels.output.find("f_miou 0."), std::string::npos) << labels.output;
  EXPECT_NE(labels.output.find("f_iou_lower_lip 0."), std::string::npos) << labels.output;
  const ProgramRun fit = run_program("evaluate fit " + photos().string() + " --iterations 2" + model());
  EXPECT_EQ(fit.status, 0) << fit.errors;
  EXPECT_NE(fit.output.find("fit_photos 6\nfit_refused 4\n"), std::string::npos) << fit.output;
}

}  // namespace
}  // namespace likeness
