// MakeHuman's saved models and exported heads with the real program.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>

#include "likeness/scene.hpp"
#include "program.hpp"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using test::ProgramRun;
using test::run_program;

class Export : public ::testing::Test {
 protected:
  Export() : schema_(*Schema::parse(*read_text_file(scene()))) {
    character_ = character_from_mhm(schema_, *character_to_mhm(schema_, {draw_human(schema_, 2, 2)}))->character;
    write("character.json", character_to_json(schema_, character_));
    write("character.mhm", *character_to_mhm(schema_, character_));
  }

  static fs::path scene() { return fs::path(LIKENESS_SOURCE_DIR) / "weights" / "models" / "makehuman-head" / "scene.json"; }
  std::string at(const std::string& name) const { return (folder_.path() / name).string(); }
  void write(const std::string& name, const std::string& text) const { ASSERT_TRUE(write_file_atomic(at(name), text).ok()); }
  static ProgramRun run(const std::string& arguments) { return run_program(arguments + " --scene " + scene().string()); }

  test::TemporaryFolder folder_;
  Schema schema_;
  Character character_;
};

TEST_F(Export, RendersASavedModelAsTheSameCharacter) {
  ASSERT_EQ(run("render " + at("character.json") + " --size 64 -o " + at("a.png")).status, 0);
  const ProgramRun model = run("render " + at("character.mhm") + " --size 64 -o " + at("b.png"));
  EXPECT_EQ(model.status, 0) << model.errors;
  EXPECT_EQ(model.errors, "");
  EXPECT_EQ(*read_file(at("a.png")), *read_file(at("b.png")));
}

TEST_F(Export, NotesAreNoErrors) {
  write("hand", "version v1.1.1\nmodifier armslegs/l-hand-scale-decr|incr 0.5\nmodifier head/head-age-decr|incr 0.95\nclothes hat 1\n");
  const ProgramRun made = run("render " + at("hand") + " --size 32 -o " + at("hand.png"));
  EXPECT_EQ(made.status, 0);
  EXPECT_EQ(made.output, "");
  EXPECT_NE(made.errors.find("likeness: note: modifiers of the body: left out\n"), std::string::npos) << made.errors;
  EXPECT_NE(made.errors.find("likeness: note: head_age: 0.95 is beyond"), std::string::npos);
  EXPECT_TRUE(fs::exists(at("hand.png")));
  write("broken.mhm", "version v1.1.1\nmodifier head/head-age-decr|incr nan\n");
  const ProgramRun broken = run("render " + at("broken.mhm") + " -o " + at("broken.png"));
  EXPECT_EQ(broken.status, 3);
  EXPECT_EQ(broken.errors, "likeness: INVALID_ARGUMENT: the .mhm, line 2: \"nan\" is not a number\n");
  EXPECT_FALSE(fs::exists(at("broken.png")));
}

TEST_F(Export, WritesOneGlbOrAnObjWithItsFiles) {
  for (const char* name : {"one.glb", "two.GLB"}) {
    const ProgramRun glb = run("export " + at("character.json") + " -o " + at(name));
    EXPECT_EQ(glb.status, 0) << glb.errors;
  }
  const auto one = *read_text_file(at("one.glb")), two = *read_text_file(at("two.GLB"));
  EXPECT_EQ(one.substr(0, 4), "glTF");
  EXPECT_EQ(one.size(), two.size());  // the same but for the name of the root
  fs::create_directory(at("obj"));
  const ProgramRun obj = run("export " + at("character.mhm") + " --posed -o '" + at("obj/my head.obj") + "'");
  EXPECT_EQ(obj.status, 0) << obj.errors;
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(at("obj"))) names.insert(entry.path().filename().string());
  EXPECT_TRUE(names.count("my head.obj") == 1 && names.count("my_head.mtl") == 1 && names.count("my_head_skin.png") == 1);
  const std::string materials = *read_text_file(at("obj/my_head.mtl"));
  for (std::size_t from = materials.find("map_Kd "); from != std::string::npos; from = materials.find("map_Kd ", from + 1)) {
    EXPECT_EQ(names.count(materials.substr(from + 7, materials.find('\n', from) - from - 7)), 1U);
  }
}

TEST_F(Export, RefusesPathsThatItCannotWrite) {
  EXPECT_EQ(run("export " + at("character.json") + " -o " + at("head.fbx")).status, 2);
  EXPECT_EQ(run("export " + at("character.json") + " -o " + at("head")).status, 2);
  EXPECT_EQ(run("export " + at("character.json") + " -o .glb").status, 2);
  EXPECT_EQ(run("export " + at("character.json")).status, 2);
  for (const char* name : {"no/such/folder/head.glb", "no/such/folder/head.obj"}) {
    const ProgramRun lost = run("export " + at("character.json") + " -o " + at(name));
    EXPECT_EQ(lost.status, 3);
    EXPECT_NE(lost.errors.find("IO_ERROR"), std::string::npos) << lost.errors;
  }
  fs::create_directory(at("folder.glb"));
  EXPECT_EQ(run("export " + at("character.json") + " -o " + at("folder.glb")).status, 3);
  EXPECT_EQ(run("export " + at("missing.json") + " -o " + at("x.glb")).status, 3);
  EXPECT_FALSE(fs::exists(at("x.glb")));
}

}  // namespace
}  // namespace likeness
