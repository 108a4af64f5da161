// `likeness evaluate fit` with the real program and client, on pictures of characters that are known.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "head_client.hpp"
#include "image/decode.hpp"
#include "image/encode.hpp"
#include "image/resample.hpp"
#include "program.hpp"
#include "random_model.hpp"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using test::ProgramRun;
using test::run_program;
using Figures = std::map<std::string, double>;
using Rows = std::map<std::string, std::map<std::string, std::string>>;  // cells by stem and column

Figures figures(const ProgramRun& run) {
  EXPECT_EQ(run.status, 0) << run.errors;
  Figures out;
  std::istringstream lines(run.output);
  std::string name;
  for (double value = 0; lines >> name >> value;) out[name] = value;
  EXPECT_TRUE(lines.eof()) << run.output;
  return out;
}

// Without what depends on the clock.
Figures timeless(Figures all) {
  std::erase_if(all, [](const auto& figure) { return figure.first.find("seconds") != std::string::npos; });
  return all;
}

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  for (const char c : line) c == ',' ? cells.emplace_back() : cells.back() += c;
  return cells;
}

Rows rows(const fs::path& csv) {
  std::istringstream lines(*read_text_file(csv));
  std::string line;
  std::getline(lines, line);
  const std::vector<std::string> header = cells_of(line);
  Rows out;
  while (std::getline(lines, line)) {
    const std::vector<std::string> cells = cells_of(line);
    EXPECT_EQ(cells.size(), header.size()) << line;
    for (std::size_t i = 1; i < cells.size(); ++i) out[cells[0]][header[i]] = cells[i];
  }
  return out;
}

class EvaluateFit : public ::testing::Test {
 protected:
  // Characters A and B, twice each in another pose, light and expression; C once, who is blank.
  static void SetUpTestSuite() {
    folder_ = std::make_unique<test::TemporaryFolder>();
    test::write_random_model(folder_->path(), client().schema());
    fs::create_directories(photos());
    for (const std::uint64_t person : {0, 1}) {
      for (const std::uint64_t photo : {1, 2}) write_photo(person, photo);
    }
    Image blank(400, 400, 3);
    ASSERT_TRUE(write_file_atomic(photos() / "C_1.png", *encode_png(blank)).ok());
    ASSERT_TRUE(write_file_atomic(photos() / "C_2.jpg", std::string_view("words")).ok());
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static void write_photo(std::uint64_t person, std::uint64_t photo) {
    std::vector<float> x = draw_human(client().schema(), 5, person);
    const std::vector<float> other = draw_human(client().schema(), 6, 2 * person + photo);
    for (const Parameter& p : client().schema().parameters()) {
      if (p.role != ParameterRole::nuisance) continue;
      for (std::size_t i = p.offset; i < p.offset + p.size(); ++i) x[i] = 0.7F * 0.5F + 0.3F * other[i];
    }
    Image picture(512, 512, 3);
    picture.pixels = client().render(x, {.size = 512})->rgb;
    const std::string name = std::string(person == 0 ? "A_" : "B_") + std::to_string(photo) + ".png";
    ASSERT_TRUE(write_file_atomic(photos() / name, *encode_png(picture)).ok());
  }

  static fs::path photos() { return folder_->path() / "photos"; }
  static std::string photo(const char* name) { return " " + (photos() / name).string(); }
  static fs::path file(const char* name) { return folder_->path() / name; }
  static std::string command() { return "evaluate fit " + photos().string() + " --iterations 4"; }
  static std::string random_model() { return " --scene " + (kHeadModel / "scene.json").string() + " --model " + folder_->path().string(); }

  static inline std::unique_ptr<test::TemporaryFolder> folder_;
};

TEST_F(EvaluateFit, KnowsCharactersAgain) {
  const auto f = figures(run_program(command() + " --jobs 2 --model " + kHeadModel.string() + " --csv " + file("real.csv").string()));
  EXPECT_EQ(f.at("fit_photos"), 6);
  EXPECT_EQ(f.at("fit_refused"), 2);
  EXPECT_EQ(f.at("fit_refused_NO_FACE"), 1);
  EXPECT_EQ(f.at("fit_refused_UNSUPPORTED_FORMAT"), 1);
  EXPECT_EQ(f.at("stability_people"), 2);
  EXPECT_EQ(f.at("stability_auc"), 1);
  EXPECT_EQ(f.at("stability_rank1"), 1);
  EXPECT_LT(f.at("stability_same"), f.at("stability_other"));
  EXPECT_EQ(f.at("fit_skin_both"), 4);
  EXPECT_LT(f.at("fit_skin_ciede2000_mean"), 8);
  EXPECT_GT(f.at("fit_skin_ciede2000_mean"), 0);
  EXPECT_GT(f.at("fit_neutral_skin_ciede2000_mean"), 0);
  EXPECT_LT(f.at("fit_landmarks_percent_mean"), 8);
  EXPECT_LT(f.at("fit_landmarks_client_percent_mean"), 8);
  EXPECT_LT(f.at("fit_landmarks_centred_percent_mean"), f.at("fit_landmarks_client_percent_mean"));
  const Rows table = rows(file("real.csv"));
  ASSERT_EQ(table.size(), 6U);
  double skin = 0, landmarks = 0;
  for (const char* stem : {"A_1", "A_2", "B_1", "B_2"}) {
    skin += std::stod(table.at(stem).at("skin_ciede2000")) / 4;
    landmarks += std::stod(table.at(stem).at("landmarks_percent")) / 4;
    EXPECT_EQ(table.at(stem).at("code"), "");
  }
  EXPECT_NEAR(skin, f.at("fit_skin_ciede2000_mean"), 1e-3);
  EXPECT_NEAR(landmarks, f.at("fit_landmarks_percent_mean"), 1e-3);
  EXPECT_EQ(table.at("A_1").at("stability_same"), table.at("A_2").at("stability_same"));
  EXPECT_EQ(table.at("C_1").at("code"), "NO_FACE");
  EXPECT_EQ(table.at("C_1").at("loss"), "");
}

TEST_F(EvaluateFit, NeitherJobsNorJsonChangeFigures) {
  const auto run = [](int jobs, const char* csv, const char* json) {
    return run_program(command() + " --strangers 2 --jobs " + std::to_string(jobs) + json + " --csv " + file(csv).string() +
                       random_model());
  };
  const auto one = timeless(figures(run(1, "one.csv", "")));
  EXPECT_GT(one.size(), 20U);
  EXPECT_GT(one.at("fit_strangers_similarity_mean"), 0);
  EXPECT_LT(one.at("fit_strangers_similarity_mean"), one.at("fit_similarity_mean"));
  const Figures two = nlohmann::json::parse(run(2, "two.csv", " --json").output).get<Figures>();
  EXPECT_EQ(one, timeless(two));
  Rows first = rows(file("one.csv")), second = rows(file("two.csv"));
  for (Rows* each : {&first, &second}) {
    for (auto& [stem, row] : *each) row.erase("seconds");
  }
  EXPECT_EQ(first, second);
}

TEST_F(EvaluateFit, WritesWhatFitWrites) {
  const fs::path out = file("characters"), fit = file("fit");
  const std::string inputs = photo("B_2.png") + photo("C_1.png") + " --iterations 4" + random_model();
  figures(run_program("evaluate fit" + inputs + " --characters " + out.string()));
  EXPECT_EQ(run_program("fit" + inputs + " -o " + fit.string()).status, 1);
  for (const char* name : {"character.json", "character.mhm", "panel.png"}) {
    EXPECT_EQ(*read_file(out / "B_2" / name), *read_file(fit / "B_2" / name)) << name;
  }
  EXPECT_FALSE(fs::exists(out / "C_1"));
  EXPECT_EQ(run_program("evaluate fit" + inputs + " --characters /dev/null/no").status, 3);
}

TEST_F(EvaluateFit, SheetShowsPeopleOnce) {
  const fs::path sheet = file("sheet.png"), out = file("shown");
  const std::string options = " --iterations 1 --sheet " + sheet.string() + random_model();
  figures(run_program("evaluate fit" + photo("A_1.png") + photo("A_2.png") + photo("B_1.png") + " --characters " + out.string() + options));
  const auto picture = decode_photo(*read_file(sheet));
  ASSERT_TRUE(picture.ok()) << picture.status().message;
  EXPECT_EQ(picture->height, 256);
  ASSERT_EQ(picture->width, 2 * 3 * 256);
  const auto expect_shown = [&](const fs::path& shown, int column) {
    const auto small = resize(*decode_photo(*read_file(shown)), 256, 256, Filter::box);
    for (int y = 0; y < 256; ++y) EXPECT_TRUE(std::equal(small->row(y), small->row(y) + small->row_bytes(), picture->at(256 * column, y)));
  };
  expect_shown(out / "A_1" / "aligned.png", 0);
  expect_shown(out / "A_1" / "rendered.png", 2);
  expect_shown(out / "B_1" / "aligned.png", 3);
  figures(run_program("evaluate fit" + photo("A_1.png") + photo("B_1.png") + " --count 1" + options));
  EXPECT_EQ(decode_photo(*read_file(sheet))->width, 3 * 256);
}

TEST_F(EvaluateFit, NothingToMeasureIsThree) {
  const ProgramRun run = run_program("evaluate fit" + photo("C_1.png") + random_model());
  EXPECT_EQ(run.status, 3);
  EXPECT_NE(run.output.find("fit_refused_NO_FACE 1\n"), std::string::npos) << run.output;
  EXPECT_EQ(run_program(command() + " --jobs 2 --threads 2" + random_model()).status, 2);
  EXPECT_EQ(run_program(command() + " --count 2" + random_model()).status, 2);
}

}  // namespace
}  // namespace likeness
