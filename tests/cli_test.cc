#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "fit/report.hpp"
#include "image/decode.hpp"
#include "image/encode.hpp"
#include "nn/random_tensors.hpp"
#include "program.hpp"
#include "weights/safetensors.hpp"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using test::ProgramRun;
using test::run_program;
using test::TemporaryFolder;

// One line that names the code, and the exit status.
void expect_failure(const ProgramRun& run, int status, const std::string& code) {
  EXPECT_EQ(run.status, status) << run.errors;
  EXPECT_NE(run.errors.find(code), std::string::npos) << run.errors;
  EXPECT_EQ(std::ranges::count(run.errors, '\n'), 1) << run.errors;
  EXPECT_EQ(run.output, "");
}

TEST(Program, SaysWhatItCanDo) {
  const ProgramRun help = run_program("--help");
  EXPECT_EQ(help.status, 0);
  for (const char* command : {"fit", "render", "generate", "align", "dataset", "evaluate", "inspect"}) {
    EXPECT_NE(help.output.find(command), std::string::npos) << command;
    EXPECT_EQ(run_program(std::string(command) + " --help").status, 0);
  }
  EXPECT_NE(run_program("--version").output.find("likeness "), std::string::npos);
}

TEST(Program, WrongUsageIsTwo) {
  for (const char* arguments : {"",
                                "nonsense",
                                "fit",
                                "fit a.jpg",
                                "fit -o out",
                                "fit a.jpg -o out --iterations 0",
                                "fit a.jpg -o out --iterations x",
                                "fit a.jpg -o out --loss l3",
                                "fit a.jpg -o out --threshold 2",
                                "fit a.jpg -o out --align none",
                                "fit a.jpg -o out --step -1",
                                "fit a.jpg -o out --precision fp8",
                                "fit a.jpg -o out --unknown",
                                "align a.jpg",
                                "generate",
                                "inspect",
                                "evaluate",
                                "evaluate nonsense",
                                "evaluate sheet",
                                "evaluate fit"}) {
    const ProgramRun run = run_program(arguments);
    EXPECT_EQ(run.status, 2) << arguments;
    EXPECT_FALSE(run.errors.empty()) << arguments;
  }
}

TEST(Program, AMissingModelIsThree) {
  const TemporaryFolder folder;
  const std::string model = " --model " + (folder.path() / "none").string(), out = " -o " + (folder.path() / "out").string();
  expect_failure(run_program("fit a.jpg" + out + model), 3, "NOT_FOUND");
  expect_failure(run_program("align a.jpg" + out + model), 3, "NOT_FOUND");
  expect_failure(run_program("evaluate g" + model), 3, "NOT_FOUND");
  expect_failure(run_program("evaluate f" + model), 3, "NOT_FOUND");
  expect_failure(run_program("evaluate fit a.jpg" + model), 3, "NOT_FOUND");
  EXPECT_FALSE(fs::exists(folder.path() / "out"));
}

// A model folder of the small game: what needs no client works with it.
void write_model(const fs::path& folder, const std::string& schema_hash) {
  ASSERT_TRUE(write_file_atomic(folder / "scene.json", test::small_schema().canonical_json()).ok());
  SafetensorsWriter writer;
  const GeneratorArchitecture architecture{9, {8, 6, 3}, schema_hash};
  for (const auto& [name, tensor] : random_tensors(architecture, 1)) {
    std::vector<std::int64_t> shape;
    for (int i = 0; i < tensor.shape.rank(); ++i) shape.push_back(tensor.shape[i]);
    ASSERT_TRUE(writer.add(name, shape, tensor.data).ok());
  }
  writer.set_metadata("architecture", R"({"type": "generator", "inputs": 9, "channels": [8, 6, 3], "schema": ")" + schema_hash + "\"}");
  writer.set_metadata("training", "none, random");
  ASSERT_TRUE(writer.save(folder / "generator.safetensors").ok());
}

TEST(Program, GenerateDrawsACharacter) {
  const TemporaryFolder folder;
  const Schema schema = test::small_schema();
  write_model(folder.path(), schema.hash());
  Character character{schema.default_vector()};
  ASSERT_TRUE(write_file_atomic(folder.path() / "character.json", character_to_json(schema, character)).ok());
  const std::string arguments = "generate " + (folder.path() / "character.json").string() + " --model " + folder.path().string() + " -o ";
  ASSERT_EQ(run_program(arguments + (folder.path() / "a.png").string()).status, 0);
  ASSERT_EQ(run_program(arguments + (folder.path() / "b.png").string()).status, 0);
  const auto a = read_file(folder.path() / "a.png"), b = read_file(folder.path() / "b.png");
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(*a, *b);
  DecodeLimits limits;
  limits.min_side = 1;
  EXPECT_EQ(decode_photo(*a, limits)->width, 16);
  expect_failure(run_program("generate no.json -o x.png --model " + folder.path().string()), 3, "NOT_FOUND");
  expect_failure(run_program(arguments + "/no/such/folder/a.png"), 3, "IO_ERROR");
}

TEST(Program, SheetsPutPanelsTogether) {
  const TemporaryFolder folder;
  for (const char* name : {"a", "b", "c"}) {
    fs::create_directories(folder.path() / name);
    Image panel(3 * 128, 128, 3);
    std::ranges::fill(panel.pixels, static_cast<std::uint8_t>(name[0]));
    ASSERT_TRUE(write_file_atomic(folder.path() / name / "panel.png", *encode_png(panel)).ok());
  }
  const std::string sheet = (folder.path() / "sheet.png").string();
  ASSERT_EQ(run_program("evaluate sheet " + folder.path().string() + " -o " + sheet + " --height 64 --columns 2").status, 0);
  const Image image = *decode_photo(*read_file(sheet));
  EXPECT_EQ(image.width, 2 * 3 * 64);
  EXPECT_EQ(image.height, 2 * 64);
  EXPECT_EQ(image.at(5, 5)[0], 'a');
  EXPECT_EQ(image.at(200, 5)[0], 'b');
  EXPECT_EQ(image.at(5, 70)[0], 'c');
  EXPECT_EQ(image.at(200, 70)[0], 0);
  expect_failure(run_program("evaluate sheet /no/such/folder -o x.png"), 3, "NOT_FOUND");
}

}  // namespace
}  // namespace likeness
