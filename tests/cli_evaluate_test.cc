// The figures of `likeness evaluate` with the real program and client. The networks are random: what is checked is that the figures say
// what the pictures show.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

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

std::map<std::string, double> figures(const ProgramRun& run) {
  EXPECT_EQ(run.status, 0) << run.errors;
  std::map<std::string, double> out;
  std::istringstream lines(run.output);
  std::string name;
  for (double value = 0; lines >> name >> value;) out[name] = value;
  EXPECT_TRUE(lines.eof()) << run.output;
  return out;
}

Image read_sheet(const fs::path& file) {
  auto picture = decode_photo(*read_file(file));
  EXPECT_TRUE(picture.ok()) << picture.status().message;
  return std::move(*picture);
}

// `count` companions of a scene that say the same of every character: landmarks all at (100, 100), colours mid grey.
void write_dull_companions(const fs::path& file, const Schema& schema) {
  SafetensorsWriter writer;
  const auto add = [&writer](const char* name, std::size_t size, float value) {
    ASSERT_TRUE(writer.add(name, {static_cast<std::int64_t>(size)}, std::vector<float>(size, value)).ok());
  };
  add("landmarks.weight", 136 * schema.size(), 0), add("landmarks.bias", 136, 100), add("landmarks.render_mean", 136, 100);
  add("colours.inputs", 1, 0), add("colours.routed", schema.size(), 0);
  std::vector<float> weight(12 * 3);  // 1, the input, its square
  for (std::size_t c = 0; c < 12; ++c) weight[3 * c] = 0.5F;
  ASSERT_TRUE(writer.add("colours.weight", {36}, weight).ok());
  writer.set_metadata("schema", schema.hash());
  ASSERT_TRUE(writer.save(file).ok());
}

class Evaluate : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<test::TemporaryFolder>();
    client_ = std::move(*open_client(kScene));
    test::write_random_model(folder_->path(), client_->schema());
  }
  static void TearDownTestSuite() {
    client_.reset();
    folder_.reset();
  }
  static const fs::path& folder() { return folder_->path(); }
  static std::string model() { return " --scene " + kScene.string() + " --model " + folder().string(); }
  static Rendering character(std::uint64_t index) {
    return *client_->render(draw_human(client_->schema(), 5, index), {.size = 512, .labels = true});
  }

  static inline std::unique_ptr<test::TemporaryFolder> folder_;
  static inline std::unique_ptr<GameClient> client_;
};

TEST_F(Evaluate, GeneratorFiguresAddUp) {
  const fs::path sheet = folder() / "g.png";
  const auto g = figures(run_program("evaluate g --seed 5 -n 2 --sheet " + sheet.string() + model()));
  EXPECT_EQ(g.at("g_examples"), 2);
  EXPECT_NEAR(g.at("g_share_of_mean_picture"), g.at("g_l1_face") / g.at("g_mean_picture_l1_face"), 1e-3);
  EXPECT_GT(g.at("g_feature_gap"), 0);
  EXPECT_EQ(g.at("g_landmark_examples") + g.at("g_landmark_no_face"), 2);  // noise shows no face
  // The picture's error is the mean of its classes', by their sizes.
  std::map<std::string, double> pixels;
  const char* names[] = {"background", "face", "hair",      "left_brow",   "right_brow", "left_eye",
                         "right_eye",  "nose", "upper_lip", "inner_mouth", "lower_lip"};
  double sum = 0;
  const Image drawn = read_sheet(sheet);
  const int side = drawn.width / 2;  // the generator's; the client's pictures stand above
  for (const std::uint64_t i : {0, 1}) {
    const Rendering r = character(i);
    for (int y = 0; y < side; ++y) {
      for (int x = 0; x < side; ++x) {
        const std::size_t at = static_cast<std::size_t>(y * 512 / side) * 512 + static_cast<std::size_t>(x * 512 / side);
        pixels[names[r.labels[at]]] += 1.0 / (2 * side * side);
      }
    }
  }
  for (const auto& [name, share] : pixels) sum += share * g.at("g_l1_class_" + name);
  EXPECT_NEAR(sum, g.at("g_l1"), 1e-4);
  // The sheet's rows are what was compared.
  double apart = 0;
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < drawn.width; ++x) {
      for (int c = 0; c < 3; ++c) apart += std::abs(int{drawn.at(x, y)[c]} - int{drawn.at(x, y + side)[c]}) / 255.0;
    }
  }
  EXPECT_EQ(drawn.height, 2 * side);
  EXPECT_NEAR(apart / (3.0 * side * drawn.width), g.at("g_l1"), 1e-5);
}

TEST_F(Evaluate, GeneratorFiguresThatLackAPartAreLeftOut) {
  const test::TemporaryFolder bare;
  fs::copy_file(folder() / "generator.safetensors", bare.path() / "generator.safetensors");
  const ProgramRun run = run_program("evaluate g --seed 5 -n 1 --scene " + kScene.string() + " --model " + bare.path().string());
  const auto g = figures(run);
  EXPECT_EQ(g.count("g_feature_gap"), 0U);
  EXPECT_NE(run.errors.find("no feature gap"), std::string::npos) << run.errors;
  ASSERT_TRUE(write_file_atomic(bare.path() / "extractor.safetensors", std::string_view("not a model")).ok());
  EXPECT_EQ(run_program("evaluate g --seed 5 -n 1 --scene " + kScene.string() + " --model " + bare.path().string()).status, 3);
}

TEST_F(Evaluate, RecoveryDrawsFitsAgain) {
  const fs::path sheet = folder() / "recovery.png";
  const std::string arguments = "evaluate recovery --seed 5 -n 2 --iterations 4" + model();
  const auto lines = figures(run_program(arguments + " --sheet " + sheet.string()));
  EXPECT_EQ(lines.at("recovery_characters"), 2);
  EXPECT_EQ(lines.at("recovery_refused"), 0);
  EXPECT_GT(lines.at("recovery_l1_face_mean"), 0);
  EXPECT_LE(lines.at("recovery_l1_face_mean"), lines.at("recovery_l1_face_p95"));
  std::size_t choices = 0;
  for (const Parameter& p : client_->schema().parameters()) {
    if (p.type != ParameterType::choice) continue;
    ++choices;
    const double right = lines.at("recovery_right_" + p.name);
    EXPECT_TRUE(right == 0 || right == 0.5 || right == 1) << p.name;
  }
  EXPECT_GE(choices, 3U);
  const ProgramRun json = run_program(arguments + " --json");
  const auto object = nlohmann::json::parse(json.output);
  for (const auto& [name, value] : lines) {
    if (name.find("seconds") != std::string::npos) continue;
    EXPECT_EQ(object.at(name).get<double>(), value) << name;
  }
  // original | generated | drawn again: the original is the client's picture.
  const Image shown = read_sheet(sheet);
  EXPECT_EQ(shown.width, 2 * 3 * 256);
  const Rendering second = character(1);
  double apart = 0;
  for (int y = 0; y < 256; ++y) {
    for (int x = 0; x < 256; ++x)
      apart += std::abs(int{shown.at(3 * 256 + x, y)[1]} -
                        int{second.rgb[3 * (static_cast<std::size_t>(2 * y) * 512 + static_cast<std::size_t>(2 * x)) + 1]}) /
               65536.0;
  }
  EXPECT_LT(apart, 12);  // of 255, to its own pixels unfiltered
}

TEST_F(Evaluate, RecoveryLikeAPhotoStaysInTheAlignedFrame) {
  const std::string arguments =
      "evaluate recovery --seed 5 -n 1 --iterations 1 --weights '{\"prior\": 100, \"nuisance_prior\": 100}'" + model();
  const auto exact = figures(run_program(arguments));
  const auto found = figures(run_program(arguments + " --detect"));
  // Both draw nearly the average. Alignment moves the original, by the finder's error at most a little away from it: landmarks left in
  // another frame than the picture's would be far off.
  EXPECT_EQ(found.at("recovery_refused"), 0);
  EXPECT_NE(found.at("recovery_landmarks_percent_mean"), exact.at("recovery_landmarks_percent_mean"));
  EXPECT_LT(found.at("recovery_landmarks_percent_mean"), exact.at("recovery_landmarks_percent_mean") + 2);
}

TEST_F(Evaluate, IrisesAreTabledByPhotoAndByOption) {
  const test::TemporaryFolder photos;
  Rendering drawn = *client_->render(client_->schema().default_vector(), {.size = 512});
  Image picture(512, 512, 3);
  picture.pixels = std::move(drawn.rgb);
  ASSERT_TRUE(write_file_atomic(photos.path() / "brown.png", *encode_png(picture)).ok());
  ASSERT_TRUE(write_file_atomic(photos.path() / "nobody.png", *encode_png(Image(300, 300, 3))).ok());
  const std::string own = " --landmark-model " + (kScene.parent_path() / "landmarks68-small.dat").string();
  const ProgramRun run = run_program("evaluate irises --seed 5 --renders 4 " + photos.path().string() + own + model());
  EXPECT_EQ(run.status, 1) << run.errors;  // some were refused
  EXPECT_NE(run.errors.find("nobody.png: NO_FACE"), std::string::npos) << run.errors;
  std::istringstream lines(run.output);
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "kind,name,light,red_green,green_blue");
  std::map<std::string, std::array<double, 3>> table;
  while (std::getline(lines, line)) {
    const std::size_t end = line.rfind('"') + 1;
    std::array<double, 3>& row = table[line.substr(0, end)];
    std::ranges::replace(line, ',', ' ');
    std::istringstream(line.substr(end)) >> row[0] >> row[1] >> row[2];
  }
  ASSERT_EQ(table.size(), 6U) << run.output;
  const auto apart = [&](const std::string& a, const std::string& b) {
    double most = 0;
    for (std::size_t c = 0; c < 3; ++c) most = std::max(most, std::abs(table.at(a)[c] - table.at(b)[c]));
    return most;
  };
  EXPECT_LT(apart(R"(photo,"brown")", R"(option,"brown")"), 0.6);  // one character, another light, found landmarks
  EXPECT_GT(apart(R"(photo,"brown")", R"(option,"blue")"), 1);
  EXPECT_GT(table.at(R"(option,"grey")")[0], table.at(R"(option,"brown")")[0] + 0.5);
  EXPECT_GT(table.at(R"(option,"green")")[2], table.at(R"(option,"blue")")[2] + 0.5);

  for (const char* wrong : {"--renders 1 --choice smile", "--renders 1 --choice nothing", ""}) {
    const ProgramRun refused = run_program("evaluate irises " + std::string(wrong) + model());
    EXPECT_EQ(refused.status, 3) << wrong;
    EXPECT_NE(refused.errors.find("INVALID_ARGUMENT"), std::string::npos) << refused.errors;
  }
}

TEST_F(Evaluate, CompanionsAreComparedWithTheClient) {
  const ProgramRun missing = run_program("evaluate companions --seed 5 -n 1" + model());
  EXPECT_EQ(missing.status, 3);
  EXPECT_NE(missing.errors.find("NOT_FOUND"), std::string::npos) << missing.errors;

  const test::TemporaryFolder dull;
  write_dull_companions(dull.path() / "companions.safetensors", client_->schema());
  const auto c = figures(run_program("evaluate companions --seed 5 -n 2 --scene " + kScene.string() + " --model " + dull.path().string()));
  double pixels = 0, skin = 0;
  for (const std::uint64_t i : {0, 1}) {
    const Rendering r = character(i);
    for (std::size_t k = 17; k < 68; ++k) pixels += std::hypot(r.landmarks[k][0] - 100.0, r.landmarks[k][1] - 100.0) / (2 * 51);
    std::array<double, 3> mean{};
    double count = 0;
    for (std::size_t p = 0; p < r.labels.size(); ++p) {
      if (r.labels[p] != 1 && r.labels[p] != 7) continue;
      count += 1;
      for (std::size_t channel = 0; channel < 3; ++channel) mean[channel] += r.rgb[3 * p + channel] / 255.0;
    }
    for (const double v : mean) skin += std::abs(v / count - 0.5) / (3 * 2);
  }
  EXPECT_NEAR(c.at("companions_landmarks_pixels_mean"), pixels, 2e-3);
  EXPECT_NEAR(c.at("companions_skin_l1"), skin, 2e-5);
  EXPECT_GT(c.at("companions_landmarks_pixels_mean"), c.at("companions_mean_landmarks_pixels_mean"));
  EXPECT_GT(c.at("companions_skin_ciede2000"), c.at("companions_mean_skin_ciede2000"));
}

TEST_F(Evaluate, LabelMapsOfPlainPhotos) {
  fs::create_directories(folder() / "photos");
  Image photo(512, 512, 3);
  photo.pixels = character(0).rgb;
  ASSERT_TRUE(write_file_atomic(folder() / "photos" / "a.png", *encode_png(photo)).ok());
  const std::string arguments = "evaluate f " + (folder() / "photos").string() + model();
  const ProgramRun unlabelled = run_program(arguments);
  EXPECT_EQ(unlabelled.status, 3);
  EXPECT_NE(unlabelled.errors.find("NOT_FOUND"), std::string::npos) << unlabelled.errors;
  const fs::path sheet = folder() / "f.png";
  const auto f = figures(run_program(arguments + " --sheet " + sheet.string()));
  EXPECT_EQ(f.at("f_examples"), 0);
  EXPECT_EQ(f.at("f_unlabelled"), 1);
  EXPECT_EQ(f.count("f_miou"), 0U);  // nothing to compare with
  EXPECT_EQ(read_sheet(sheet).width, 2 * 256);
  EXPECT_EQ(run_program("evaluate f /no/such/folder --sheet x.png" + model()).status, 3);
}

}  // namespace
}  // namespace likeness
