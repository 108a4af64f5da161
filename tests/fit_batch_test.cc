#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "fit/batch.hpp"
#include "fit/ledger.hpp"
#include "image/decode.hpp"
#include "image/encode.hpp"

namespace likeness {
namespace {

namespace fs = std::filesystem;

class Batch : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("likeness_batch_test_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "in" / "b");
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, std::string_view text) { ASSERT_TRUE(write_file_atomic(folder_ / "in" / name, text).ok()); }
  std::string in(const std::string& name = "") const { return (folder_ / "in" / name).string(); }

  Result<BatchCounts> run(const std::vector<std::string>& arguments, const std::string& options = "options") {
    return run(list_inputs(arguments), options);
  }

  Result<BatchCounts> run_together(const std::vector<std::string>& arguments) {
    return run(std::vector{group_inputs(list_inputs(arguments))}, "options");
  }

  // A worker that decodes, "finds a face" in bright pictures only, and writes what makes a result complete.
  Result<BatchCounts> run(const std::vector<BatchInput>& inputs, const std::string& options) {
    lines_.clear();
    const BatchWork work = [this](const BatchInput&, const BatchFiles& files, const fs::path& folder) -> Result<double> {
      ++worked_;
      for (const auto& bytes : files) {
        const Result<Image> photo = decode_photo(bytes);
        if (!photo.ok()) return photo.status();
        if (photo->pixels[0] < 100) return Status{Code::no_face, "no face"};
      }
      if (Status status = write_file_atomic(folder / "character.json", std::string_view("{}")); !status.ok()) return status;
      return 0.5;
    };
    return run_batch(inputs, folder_ / "out", options, work,
                     [this](std::size_t, const LedgerEntry& entry, bool) { lines_.push_back(ledger_line(entry)); });
  }

  std::vector<nlohmann::json> ledger() const {
    std::vector<nlohmann::json> lines;
    std::istringstream text(*read_text_file(folder_ / "out" / "ledger.jsonl"));
    for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }

  static std::string png(std::uint8_t value) {
    Image image(80, 80, 3);
    std::ranges::fill(image.pixels, value);
    const auto bytes = *encode_png(image);
    return {bytes.begin(), bytes.end()};
  }

  fs::path folder_;
  int worked_ = 0;
  std::vector<std::string> lines_;
};

TEST_F(Batch, RefusalsAreLedgeredAndTheOthersGetDone) {
  write("bright.png", png(200));
  write("dark.png", png(20));
  write("empty.jpg", "");
  write("cut.png", png(200).substr(0, 60));
  write("text.jpg", "this is no picture, only words that somebody renamed");
  write("zero.png", png(210));
  fs::create_directories(folder_ / "in" / "folder.jpg");
  const auto counts = run({in(), in("missing.jpg")});
  ASSERT_TRUE(counts.ok()) << counts.status().message;
  EXPECT_EQ(counts->total, 8);
  EXPECT_EQ(counts->done, 2);
  EXPECT_EQ(counts->refused, 6);
  EXPECT_EQ(counts->resumed, 0);
  std::map<std::string, std::string> codes;
  for (const auto& line : ledger()) {
    codes[line["stem"]] = line["code"];
    EXPECT_EQ(line["status"] == "done", line["code"] == "OK");
    EXPECT_EQ(line.contains("message"), line["code"] != "OK");
    EXPECT_GE(line["seconds"].get<double>(), 0);
  }
  EXPECT_EQ(codes.size(), 8U);
  EXPECT_EQ(codes["bright"], "OK");
  EXPECT_EQ(codes["zero"], "OK");
  EXPECT_EQ(codes["dark"], "NO_FACE");
  EXPECT_EQ(codes["empty"], "UNSUPPORTED_FORMAT");
  EXPECT_EQ(codes["cut"], "CORRUPT_IMAGE");
  EXPECT_EQ(codes["text"], "UNSUPPORTED_FORMAT");
  EXPECT_EQ(codes["folder"], "IO_ERROR");
  EXPECT_EQ(codes["missing"], "NOT_FOUND");
  EXPECT_TRUE(fs::exists(folder_ / "out" / "bright" / "character.json"));
  EXPECT_FALSE(fs::exists(folder_ / "out" / "dark"));
}

TEST_F(Batch, ASecondRunResumesAndAddsUp) {
  write("a.png", png(200));
  write("b.png", png(201));
  write("dark.png", png(20));
  ASSERT_TRUE(run({in()}).ok());
  EXPECT_EQ(worked_, 3);
  write("c.png", png(202));
  const auto again = run({in(), in("missing.jpg")});
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(worked_, 4);  // c only: a and b are done, dark has no face whoever asks
  EXPECT_EQ(again->total, 5);
  EXPECT_EQ(again->resumed, 2);
  EXPECT_EQ(again->done, 1);
  EXPECT_EQ(again->refused, 2);
  EXPECT_EQ(lines_.size(), 5U);
  EXPECT_EQ(ledger().size(), 5U);
  // A reason that does not lie in the photo is tried again.
  write("missing.jpg", png(203));
  EXPECT_EQ(run({in(), in("missing.jpg")})->done, 2);  // once from the folder, once by name
}

TEST_F(Batch, OtherOptionsOtherContentAndLostResultsAreDoneAgain) {
  write("a.png", png(200));
  ASSERT_TRUE(run({in()}).ok());
  EXPECT_EQ(run({in()}, "other options")->done, 1);
  EXPECT_EQ(run({in()}, "other options")->resumed, 1);
  write("a.png", png(190));
  EXPECT_EQ(run({in()}, "other options")->done, 1);
  fs::remove(folder_ / "out" / "a" / "character.json");
  EXPECT_EQ(run({in()}, "other options")->done, 1);
  EXPECT_EQ(ledger().size(), 1U);
}

TEST_F(Batch, PhotosThatGoTogetherAreOneLine) {
  write("a.png", png(200));
  write("c.png", png(201));
  write("b/a.png", png(202));
  const std::vector<std::string> three = {in("a.png"), in("c.png"), in("b/a.png")};
  const auto counts = run_together(three);
  ASSERT_TRUE(counts.ok()) << counts.status().message;
  EXPECT_EQ(counts->total, 1);
  EXPECT_EQ(counts->done, 1);
  ASSERT_EQ(ledger().size(), 1U);
  EXPECT_EQ(ledger()[0]["stem"], "a");
  EXPECT_EQ(ledger()[0]["photo"], in("a.png") + ", " + in("c.png") + ", " + in("b/a.png"));
  EXPECT_EQ(run_together(three)->resumed, 1);
  EXPECT_EQ(worked_, 1);
  // Another content, number or order of photos is another group, and the first alone is none.
  write("c.png", png(203));
  EXPECT_EQ(run_together(three)->done, 1);
  EXPECT_EQ(run_together({three[0], three[1]})->done, 1);
  EXPECT_EQ(run_together({three[0], three[1]})->resumed, 1);
  EXPECT_EQ(run({three[0]})->done, 1);
}

TEST_F(Batch, OnePhotoRefusesItsGroup) {
  write("a.png", png(200));
  write("dark.png", png(20));
  EXPECT_EQ(run_together({in("a.png"), in("dark.png")})->refused, 1);
  EXPECT_EQ(ledger()[0]["code"], "NO_FACE");
  EXPECT_FALSE(fs::exists(folder_ / "out" / "a"));
  EXPECT_EQ(run_together({in("a.png"), in("dark.png")})->refused, 1);
  EXPECT_EQ(worked_, 1);
  EXPECT_EQ(run_together({in("a.png"), in("missing.png")})->refused, 1);
  EXPECT_EQ(worked_, 1);
  EXPECT_EQ(ledger()[0]["code"], "NOT_FOUND");
  EXPECT_TRUE(ledger()[0]["message"].get<std::string>().starts_with("photo 2 of 2: ")) << ledger()[0];
}

TEST_F(Batch, EqualStemsAreNumberedInTheOrderGiven) {
  write("face.png", png(200));
  write("b/face.png", png(201));
  write("b/face-2.png", png(202));
  write("b/face.jpg", png(203));
  const auto inputs = list_inputs(std::vector<std::string>{in("face.png"), in("b"), in("face.png")});
  std::vector<std::string> stems;
  for (const BatchInput& input : inputs) stems.push_back(input.stem);
  EXPECT_EQ(stems, (std::vector<std::string>{"face", "face-2", "face-3", "face-4", "face-5"}));
  EXPECT_EQ(inputs[1].file, fs::path(in("b/face-2.png")));
  EXPECT_EQ(inputs[2].file, fs::path(in("b/face.jpg")));
}

TEST_F(Batch, FoldersGiveTheirPicturesSorted) {
  write("z.JPG", "z");
  write("m.bmp", "m");
  write("a.webp", "a");
  write("notes.txt", "not listed");
  write(".hidden.jpg", "not listed");
  write("b/deeper.jpg", "not listed");
  std::vector<std::string> stems;
  for (const BatchInput& input : list_inputs(std::vector<std::string>{in()})) stems.push_back(input.stem);
  EXPECT_EQ(stems, (std::vector<std::string>{"a", "m", "z"}));
  fs::create_directories(folder_ / "in" / "none");
  const auto none = list_inputs(std::vector<std::string>{in("none") + "/"});
  ASSERT_EQ(none.size(), 1U);
  EXPECT_EQ(none[0].stem, "none");
  EXPECT_EQ(none[0].status.code, Code::not_found);
}

TEST_F(Batch, StemsNeverLeaveTheOutputFolder) {
  for (const BatchInput& input : list_inputs(std::vector<std::string>{"..", ".", "/", "x/../..", "...jpg", ".jpg"})) {
    EXPECT_FALSE(input.stem.empty());
    EXPECT_FALSE(input.stem.starts_with('.'));
    EXPECT_EQ(input.stem.find('/'), std::string::npos);
  }
}

TEST_F(Batch, ATornLineIsDroppedAndTheRestKept) {
  write("a.png", png(200));
  write("b.png", png(201));
  ASSERT_TRUE(run({in()}).ok());
  const fs::path file = folder_ / "out" / "ledger.jsonl";
  std::string text = *read_text_file(file);
  ASSERT_TRUE(write_file_atomic(file, text.substr(0, text.size() - 10)).ok());  // the end of b's line is lost
  const auto counts = run({in()});
  ASSERT_TRUE(counts.ok());
  EXPECT_EQ(counts->resumed, 1);
  EXPECT_EQ(counts->done, 1);
  EXPECT_EQ(ledger().size(), 2U);
}

TEST_F(Batch, AnOutputThatCannotBeWrittenIsAnErrorOfTheBatch) {
  write("a.png", png(200));
  ASSERT_TRUE(write_file_atomic(folder_ / "out", std::string_view("a file where the folder should be")).ok());
  EXPECT_EQ(run({in()}).status().code, Code::io_error);
}

TEST(Ledger, LinesRoundTrip) {
  const fs::path folder = fs::temp_directory_path() / ("likeness_ledger_test_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  fs::remove(folder / "ledger.jsonl");
  {
    auto ledger = Ledger::open(folder);
    ASSERT_TRUE(ledger.ok());
    ASSERT_TRUE(ledger->record({"x", "dir/x \"quoted\".jpg", "ab", "key", Code::pose, "turned", 0.1234, 0}).ok());
    ASSERT_TRUE(ledger->record({"y", "\xff not utf8.jpg", "cd", "key", Code::ok, "", 1.5, 0.75}).ok());
    ASSERT_TRUE(ledger->record({"x", "x.jpg", "ef", "key", Code::ok, "", 2, 0.25}).ok());
    ASSERT_TRUE(ledger->compact().ok());
  }
  const auto ledger = Ledger::open(folder);
  ASSERT_TRUE(ledger.ok());
  ASSERT_EQ(ledger->size(), 2U);
  const LedgerEntry* x = ledger->find("x");
  ASSERT_NE(x, nullptr);
  EXPECT_EQ(x->code, Code::ok);
  EXPECT_EQ(x->sha256, "ef");
  EXPECT_DOUBLE_EQ(x->similarity, 0.25);
  EXPECT_NE(ledger->find("y"), nullptr);
  EXPECT_EQ(ledger->find("z"), nullptr);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace likeness
