// External clients: the protocol, and programs that break it in every way that came to mind. They are shell scripts, written here.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "scene/client.hpp"
#include "script_game.hpp"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using test::descriptors;
using test::kSize;
using test::no_children;
using test::running;
using test::settings;
using Game = test::ScriptGame;

// Every test: nothing is left of the programs, neither zombies nor descriptors.
class ProcessClient : public ::testing::Test {
 protected:
  void SetUp() override {
    before_ = descriptors();
    ASSERT_TRUE(no_children());
  }
  void TearDown() override {
    EXPECT_TRUE(no_children());
    EXPECT_EQ(descriptors(), before_);
  }
  std::set<int> before_;
};

RenderOptions small(bool labels = false) { return {.size = kSize, .labels = labels}; }

void expect_failure(const Result<Rendering>& result, const std::string& part) {
  ASSERT_FALSE(result.ok()) << "expected: " << part;
  EXPECT_EQ(result.status().code, Code::client_failed);
  EXPECT_NE(result.status().message.find(part), std::string::npos) << result.status().message << "\nlacks: " << part;
}

TEST_F(ProcessClient, AsksByNameInClientUnitsAndReadsThePictures) {
  const Game game("greet; serve");
  {
    const auto client = game.open();
    ASSERT_TRUE(client.ok()) << client.status().message;
    const std::vector<float> x = {0.25F, 0.5F, 0.25F, 0.25F, 0.1F, 0.8F, 1.0F};
    const auto rendering = (*client)->render(x, {.size = kSize, .labels = true, .supersample = 3});
    ASSERT_TRUE(rendering.ok()) << rendering.status().message;
    EXPECT_EQ(rendering->size, kSize);
    ASSERT_EQ(rendering->rgb.size(), std::size_t{3} * kSize * kSize);
    EXPECT_EQ(rendering->rgb[100], static_cast<std::uint8_t>(700));
    ASSERT_EQ(rendering->labels.size(), std::size_t{kSize} * kSize);
    EXPECT_EQ(rendering->labels[21], 10);
    EXPECT_EQ(rendering->landmarks[0], (std::array<float, 2>{0, 3}));
    EXPECT_EQ(rendering->landmarks[67], (std::array<float, 2>{67.5F, 3}));
    ASSERT_TRUE((*client)->render(x, {.size = kSize, .neutral = true}).ok());
    // The caller's mistakes do not reach the program.
    EXPECT_EQ((*client)->render(std::vector<float>(3), small()).status().code, Code::invalid_argument);
    EXPECT_EQ((*client)->render(x, {.size = 5}).status().code, Code::invalid_argument);
  }
  EXPECT_EQ(game.processes().size(), 1U);
  const std::vector<std::string> requests = game.lines("requests");
  ASSERT_EQ(requests.size(), 2U);
  const Json first = Json::parse(requests[0]), second = Json::parse(requests[1]);
  const Json parameters = {{"tone", 0.0}, {"tint", {{"red", 0.5}, {"green", 0.25}, {"blue", 0.25}}}, {"hat", "cap"}, {"turn", 20.0}};
  EXPECT_EQ(first["parameters"], parameters);
  EXPECT_EQ(first["size"], kSize);
  EXPECT_EQ(first["supersample"], 3);
  EXPECT_EQ(second["parameters"]["turn"], 0.0);
  EXPECT_EQ(second["parameters"]["hat"], "cap");
  EXPECT_FALSE(second.contains("labels"));
  EXPECT_NE(first["id"], second["id"]);
  EXPECT_FALSE(fs::exists(fs::path(first["picture"].get<std::string>()).parent_path()));  // the temporary folder is gone
}

TEST_F(ProcessClient, ServesSeveralThreadsWithSeveralCopies) {
  const Game game("greet; serve", R"("processes": 3)");
  {
    const auto client = game.open();
    ASSERT_TRUE(client.ok()) << client.status().message;
    EXPECT_EQ(game.processes().size(), 1U);  // the others start when they are needed
    for (const int fd : descriptors()) {
      if (!before_.contains(fd)) {
        EXPECT_TRUE(::fcntl(fd, F_GETFD) & FD_CLOEXEC) << fd;
      }
    }
    std::vector<std::thread> threads;
    for (int t = 0; t < 5; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 6; ++i) {
          std::vector<float> x = (*client)->schema().default_vector();
          x[0] = static_cast<float>(6 * t + i) / 32;
          const auto rendering = (*client)->render(x, small());
          ASSERT_TRUE(rendering.ok()) << rendering.status().message;
          EXPECT_EQ(rendering->landmarks[0][0], static_cast<float>((*client)->schema().find("tone")->to_client(x[0])));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(game.lines("requests").size(), 30U);
  EXPECT_LE(game.processes().size(), 3U);
  for (const int process : game.processes()) EXPECT_FALSE(running(process));
}

struct Misdeed {
  const char* name;
  const char* body;  // of the first copy, after its greeting
  const char* says;  // part of the message
};

// Lets the first copy do `body` and the others serve.
std::string first_copy(const std::string& body) {
  const bool greets = body.find("greet") != std::string::npos;
  return "if [ -e again ]; then greet; serve; exit; fi; touch again\n" + std::string(greets ? "" : "greet; ") + body;
}

// What a program had started itself is killed too. It is not ours to wait for, so it may take a moment.
void expect_all_end(const Game& game) {
  for (const int process : game.processes()) {
    while (running(process)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// After each of these nothing that the program says can be trusted: it is killed, and the next request gets another copy.
TEST_F(ProcessClient, ReplacesAProgramThatFails) {
  const Misdeed misdeeds[] = {
      {"ends", "read -r line; printf 'first\\nno such mesh\\n' >&2; exit 3",
       "exit status 3; the last line on its standard error: \"no such mesh\""},
      {"crashes", "read -r line; kill -SEGV $$", "ended by signal 11"},
      {"ends in a line", R"(read -r line; printf '{"id":1,"landm'; exit 0)", R"(in the middle of a line: "{\"id\":1,\"landm")"},
      {"garbage", "read -r line; echo hello; sleep 1000", "not a JSON object: \"hello\""},
      {"binary garbage", R"(read -r line; printf '\377\376\001\n'; sleep 1000)", "not a JSON object: \"\xEF\xBF\xBD"},
      {"not a number", R"(read -r line; echo '{"id":1,"landmarks":[[NaN,1]]}'; sleep 1000)", "not a JSON object"},
      {"endless line", "read -r line; while :; do printf '%01000d' 0; done", "a line of more than 65536 bytes"},
      {"wrong id", R"(read -r line; echo '{"id":77}'; sleep 1000)", "answered request \"77\" when 1 was asked"},
      {"no id", "read -r line; answer | sed 's/\"id\":[0-9]*,//'; sleep 1000", "answered request \"null\""},
      {"deaf", "exec 0<&-; greet; sleep 1000", "closed its standard input"},
      {"mute", "read -r line; exec 1>&-; sleep 1000", "closed its standard output without an answer"},
      {"talks first", R"sh(printf '%s\n%s\n' "$(greet)" '{"id":1}'; sleep 1000)sh", "without being asked"},
  };
  for (const Misdeed& misdeed : misdeeds) {
    SCOPED_TRACE(misdeed.name);
    const Game game(first_copy(misdeed.body), R"("timeout_s": 60)");
    {
      const auto client = game.open();
      ASSERT_TRUE(client.ok()) << client.status().message;
      const std::vector<float> x = (*client)->schema().default_vector();
      expect_failure((*client)->render(x, small()), misdeed.says);
      EXPECT_TRUE(no_children());
      const auto next = (*client)->render(x, small());
      EXPECT_TRUE(next.ok()) << next.status().message;
      EXPECT_EQ(game.processes().size(), 2U);
    }
    expect_all_end(game);
  }
}

TEST_F(ProcessClient, DoesNotWaitForEver) {
  const Misdeed misdeeds[] = {
      {"late", "read -r line; sleep 1000", "did not answer within 0.3 s"},
      {"unwilling to go", "trap '' TERM INT HUP; read -r line; sleep 1000 & echo $! >>processes; wait", "did not answer within 0.3 s"},
      {"never reads", "sleep 1000", "did not answer within 0.3 s"},
      {"hangs in a line", R"(read -r line; printf '{"id":1,"landm'; sleep 1000)", "did not answer within 0.3 s"},
      {"complains for ever", "read -r line; while :; do echo flood >&2; done",
       "did not answer within 0.3 s; the last line on its standard error: \"f"},
  };
  for (const Misdeed& misdeed : misdeeds) {
    SCOPED_TRACE(misdeed.name);
    const Game game(first_copy(misdeed.body), R"("timeout_s": 0.3)");
    {
      const auto client = game.open();
      ASSERT_TRUE(client.ok()) << client.status().message;
      const std::vector<float> x = (*client)->schema().default_vector();
      expect_failure((*client)->render(x, small()), misdeed.says);
      EXPECT_TRUE(no_children());
      const std::size_t started = game.processes().size();
      (void)(*client)->render(x, small());  // another copy starts; a slow machine may not let it answer in 0.3 s
      EXPECT_GT(game.processes().size(), started);
    }
    expect_all_end(game);
  }
}

// An answer to the request, but not a good one: the request fails, and the same copy goes on.
TEST_F(ProcessClient, KeepsAProgramThatOnlyGetsOneRequestWrong) {
  const Misdeed misdeeds[] = {
      {"says so", R"sh(printf '{"id":%s,"error":"no mesh\\nfor this"}\n' $(field id))sh",
       R"(could not draw the character: "no mesh\nfor this")"},
      {"no picture", "answer", "wrote no picture at "},
      {"no label map", R"sh(cp picture "$(field picture)"; answer)sh", "wrote no label map at "},
      {"larger", R"sh(draw; cp larger "$(field picture)"; answer)sh", "a picture of 17 x 17 pixels where 16 x 16 were asked for"},
      {"larger labels", R"sh(draw; cp larger_labels "$(field labels)"; answer)sh", "a label map of 17 x 17 pixels"},
      {"half a picture", R"sh(draw; head -c 90 picture >"$(field picture)"; answer)sh", "a picture that cannot be decoded"},
      {"a folder", R"sh(mkdir "$(field picture)"; answer)sh", "not a regular file"},
      {"a pipe", R"sh(mkfifo "$(field picture)"; answer)sh", "not a regular file"},
      {"labels in colour", R"sh(draw; cp picture "$(field labels)"; answer)sh", "a label map that cannot be decoded"},
      {"no class", R"sh(draw; cp wild "$(field labels)"; answer)sh", "a label map with the value 250"},
      {"no landmarks", R"sh(draw; echo "{\"id\":$(field id)}")sh", "\"landmarks\" must be a list of 68 points"},
      {"67 landmarks", R"sh(draw; answer | sed 's/,\[67.5,[0-9.]*\]//')sh", "\"landmarks\" must be a list of 68 points"},
      {"beyond a float", "draw; answer | sed 's/67.5/1e300/'", "pairs of finite numbers, but number 67 is \"[1e+300,3]\""},
      {"null", "draw; answer | sed 's/67.5/null/'", "number 67 is \"[null,"},
  };
  for (const Misdeed& misdeed : misdeeds) {
    SCOPED_TRACE(misdeed.name);
    const Game game("greet; read -r line; " + std::string(misdeed.body) + "\nserve", R"("timeout_s": 60)");
    game.put_picture("larger", kSize + 1, 3, 7);
    game.put_picture("larger_labels", kSize + 1, 1, 1);
    Image wild(kSize, kSize, 1);
    wild.pixels[77] = 250;
    game.put("wild", {reinterpret_cast<const char*>(encode_png(wild)->data()), encode_png(wild)->size()});
    const auto client = game.open();
    ASSERT_TRUE(client.ok()) << client.status().message;
    const std::vector<float> x = (*client)->schema().default_vector();
    expect_failure((*client)->render(x, small(true)), misdeed.says);
    const auto next = (*client)->render(x, small(true));
    EXPECT_TRUE(next.ok()) << next.status().message;
    EXPECT_EQ(game.processes().size(), 1U);
  }
}

TEST_F(ProcessClient, ReadsAFloodOfComplaintsWhileItWaits) {
  const Game game("greet; while read -r line; do draw; yes flood | head -c 1000000 >&2; answer; done", R"("timeout_s": 60)");
  const auto client = game.open();
  ASSERT_TRUE(client.ok()) << client.status().message;
  for (int i = 0; i < 3; ++i) {
    const auto rendering = (*client)->render((*client)->schema().default_vector(), small());
    EXPECT_TRUE(rendering.ok()) << rendering.status().message;
  }
}

TEST_F(ProcessClient, StartsAProgramAgainThatEndedBetweenRequests) {
  const Game game("greet; read -r line; draw; answer", R"("timeout_s": 60)");
  const auto client = game.open();
  ASSERT_TRUE(client.ok()) << client.status().message;
  for (std::size_t i = 1; i <= 3; ++i) {
    const auto rendering = (*client)->render((*client)->schema().default_vector(), small());
    EXPECT_TRUE(rendering.ok()) << rendering.status().message;
    EXPECT_EQ(game.processes().size(), i);
    while (running(game.processes().back())) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

TEST_F(ProcessClient, GivesUpAfterFiveFailuresInARow) {
  // Only the fourth copy answers, once: counting starts again after that.
  const Game game(
      "greet; n=$(wc -l <processes); while read -r line; do [ $n = 4 ] && [ ! -e once ] || exit 9; touch once; draw; answer; done",
      R"("timeout_s": 60)");
  const auto client = game.open();
  ASSERT_TRUE(client.ok()) << client.status().message;
  const std::vector<float> x = (*client)->schema().default_vector();
  for (int request = 1; request <= 9; ++request) {
    const auto rendering = (*client)->render(x, small());
    EXPECT_EQ(rendering.ok(), request == 4) << rendering.status().message;
  }
  EXPECT_EQ(game.processes().size(), 8U);
  expect_failure((*client)->render(x, small()), "failed 5 times in a row and is not started again");
  expect_failure((*client)->render(x, small()), "exit status 9");
  EXPECT_EQ(game.processes().size(), 8U);
}

TEST_F(ProcessClient, SaysWhyAProgramDoesNotStart) {
  const Misdeed misdeeds[] = {
      {"ends", "echo 'no display' >&2; exit 4", "exit status 4; the last line on its standard error: \"no display\""},
      {"greets badly", "echo hello; sleep 1000", "began with \"hello\""},
      {"newer", R"(echo '{"format":"likeness-client","version":2}'; sleep 1000)", "another version of the protocol than 1"},
      {"silent", "sleep 1000", "did not answer within 0.3 s"},
  };
  for (const Misdeed& misdeed : misdeeds) {
    SCOPED_TRACE(misdeed.name);
    const bool silent = misdeed.name == std::string("silent");
    const auto client = Game(misdeed.body, silent ? R"("start_timeout_s": 0.3)" : "").open();
    ASSERT_FALSE(client.ok());
    EXPECT_EQ(client.status().code, Code::client_failed);
    EXPECT_NE(client.status().message.find("at its start"), std::string::npos);
    EXPECT_NE(client.status().message.find(misdeed.says), std::string::npos) << client.status().message;
    EXPECT_TRUE(no_children());
  }
  Game game("greet; serve");
  for (const char* program : {"no-such-program-anywhere", "./nothing", "./scene.json", "/"}) {
    game.write("greet; serve", R"({"type": "process", "command": [")" + std::string(program) + "\"]}");
    const auto client = game.open();
    ASSERT_FALSE(client.ok()) << program;
    EXPECT_EQ(client.status().code, Code::client_failed);
    EXPECT_NE(client.status().message.find(std::string("\"") + program + "\" cannot be started"), std::string::npos)
        << client.status().message;
  }
}

TEST_F(ProcessClient, RefusesSettingsThatMakeNoSense) {
  for (const char* client :
       {R"({"type": "process"})", R"({"type": "process", "command": "sh client.sh"})", R"({"type": "process", "command": []})",
        R"({"type": "process", "command": ["sh", 3]})", R"({"type": "process", "command": ["sh\u0000x"]})",
        R"({"type": "process", "command": [""]})", R"({"type": "process", "command": ["sh"], "timeout_s": 0})",
        R"({"type": "process", "command": ["sh"], "timeout_s": "20"})", R"({"type": "process", "command": ["sh"], "start_timeout_s": 1e9})",
        R"({"type": "process", "command": ["sh"], "processes": 0})", R"({"type": "process", "command": ["sh"], "processes": 2.5})",
        R"({"type": "process", "command": ["sh"], "timout_s": 3})"}) {
    Game game("greet; serve");
    game.write("greet; serve", client);
    EXPECT_EQ(game.open().status().code, Code::corrupt_scene) << client;
    EXPECT_TRUE(game.processes().empty());
  }
}

TEST_F(ProcessClient, AModelFolderStartsNothing) {
  const Game game("greet; serve");
  const auto refused = scene::open_scene({}, game.file("."));
  EXPECT_EQ(refused.status().code, Code::unavailable);
  EXPECT_NE(refused.status().message.find("\"/bin/sh\""), std::string::npos) << refused.status().message;
  EXPECT_TRUE(game.processes().empty());
  EXPECT_TRUE(scene::open_scene(game.file("scene.json"), "/nonexistent").ok());
  EXPECT_EQ(game.processes().size(), 1U);
}

TEST_F(ProcessClient, HowItIsRunIsNoPartOfTheSchemasHash) {
  Game game("greet; serve");
  const auto hash = [&](const std::string& client) {
    game.write("", client);
    return Schema::parse(*read_text_file(game.file("scene.json")))->hash();
  };
  EXPECT_EQ(hash(settings("")), hash(R"({"type": "process", "command": ["other"], "timeout_s": 3, "processes": 4})"));
  EXPECT_NE(hash(settings("")), hash(R"({"type": "builtin", "asset": "head.asset"})"));
}

}  // namespace
}  // namespace likeness
