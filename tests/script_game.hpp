// Games for the tests of external clients: shell scripts with a scene.json.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "fit_fixture.hpp"
#include "image/encode.hpp"
#include "likeness/scene.hpp"

namespace likeness::test {

/// Side of the picture that the scripts hand out.
constexpr int kSize = 16;

inline const char* const kParameters = R"([
  {"name": "tone", "group": "skin", "type": "continuous", "role": "identity", "min": -1, "default": 1, "max": 5},
  {"name": "tint", "group": "hair", "type": "simplex", "role": "identity", "components": ["red", "green", "blue"]},
  {"name": "hat", "group": "hat", "type": "choice", "role": "identity", "options": ["none", "cap"], "default": "none"},
  {"name": "turn", "group": "pose", "type": "continuous", "role": "nuisance", "min": -20, "default": 0, "max": 20}])";

// Words of the scripts: `greet`; `field NAME` of the request in $line; `draw` writes the files asked for; `answer` the good line, whose
// first landmark is (tone, 3); `serve` does all that is asked for. Every copy notes its number.
inline const char* const kWords = R"sh(
echo $$ >>processes
greet() { echo '{"format":"likeness-client","version":1,"name":"test"}'; }
field() { printf '%s\n' "$line" | sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }
draw() { cp picture "$(field picture)"; labels=$(field labels); [ -z "$labels" ] || cp labels "$labels"; }
answer() { sed "s/ID/$(field id)/;s/TONE/$(field tone)/" answer; }
serve() { while read -r line; do printf '%s\n' "$line" >>requests; draw; answer; done; }
)sh";

/// The "client" of a scene that starts the script; `more`: further members.
inline std::string settings(const std::string& more) {
  return R"({"type": "process", "command": ["/bin/sh", "client.sh"])" + (more.empty() ? "" : ", " + more) + "}";
}

/// Open descriptors of this process.
inline std::set<int> descriptors() {
  std::set<int> open;
  for (int fd = 0; fd < 1024; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) open.insert(fd);
  }
  return open;
}

/// Whether this process has no child, not even one that has ended and was not waited for.
inline bool no_children() { return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD; }

/// Whether a child of this process runs (a zombie does not).
inline bool running(int process) {
  siginfo_t ended{};
  if (::waitid(P_PID, static_cast<id_t>(process), &ended, WEXITED | WNOHANG | WNOWAIT) == 0) return ended.si_pid == 0;
  return ::kill(process, 0) == 0;
}

/// A folder with a scene, the script `body`, and the files that the script hands out.
class ScriptGame {
 public:
  explicit ScriptGame(const std::string& body, const std::string& more = R"("timeout_s": 5)") { write(body, settings(more)); }

  void write(const std::string& body, const std::string& client) {
    put("scene.json", R"({"format": "likeness-scene", "version": 1, "name": "test", "size": 64, "parameters": )" +
                          std::string(kParameters) + R"(, "client": )" + client + "}");
    put("client.sh", kWords + body);
    put_picture("picture", kSize, 3, 7);
    put_picture("labels", kSize, 1, 1);
    nlohmann::json points = nlohmann::json::array();
    for (int i = 0; i < 68; ++i) points.push_back({0.5 + i, 3});
    points[0][0] = "TONE";
    std::string answer = nlohmann::json({{"id", "ID"}, {"landmarks", points}}).dump() + "\n";
    for (const char* word : {"\"ID\"", "\"TONE\""}) {  // numbers, once the script has put them in
      const auto at = answer.find(word);
      answer.erase(at + std::strlen(word) - 1, 1).erase(at, 1);
    }
    put("answer", answer);
  }
  void put(const std::string& name, const std::string& text) const { EXPECT_TRUE(write_file_atomic(file(name), text).ok()); }
  void put_picture(const std::string& name, int size, int channels, int factor) const {
    Image image(size, size, channels);
    for (std::size_t i = 0; i < image.pixels.size(); ++i)
      image.pixels[i] = static_cast<std::uint8_t>(factor * i % (channels == 1 ? 11 : 256));
    EXPECT_TRUE(write_file_atomic(file(name), *encode_png(image)).ok());
  }
  std::filesystem::path file(const std::string& name) const { return folder_.path() / name; }

  Result<std::unique_ptr<GameClient>> open() const { return open_client(file("scene.json")); }

  std::vector<std::string> lines(const std::string& name) const {
    std::vector<std::string> all;
    std::ifstream stream(file(name));
    for (std::string line; std::getline(stream, line);) all.push_back(line);
    return all;
  }
  /// Numbers of the copies that were started.
  std::vector<int> processes() const {
    std::vector<int> all;
    for (const std::string& line : lines("processes")) all.push_back(std::stoi(line));
    return all;
  }

 private:
  test::TemporaryFolder folder_;
};

}  // namespace likeness::test
