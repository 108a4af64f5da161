// Files that a SHA-256 vouches for: damage must be seen before anything parses them.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "align/face_finder.hpp"
#include "base/sha256.hpp"
#include "hostile.hpp"
#include "weights/model_file.hpp"

namespace likeness::testing {
namespace {

namespace fs = std::filesystem;

constexpr Expected kBad = refused_as(Code::corrupt_model);

const std::string kDigest(64, 'a');

std::string manifest_of(const std::string& files) { return R"({"format":"likeness-manifest","version":1,"files":)" + files + "}"; }
std::string line(const std::string& name, const std::string& digest, const std::string& size) {
  return "\"" + name + "\":{\"sha256\":\"" + digest + "\",\"size\":" + size + "}";
}

void manifests(const CaseVisitor& visit) {
  const auto visit_text = [&](const Expected& expected, const std::string& text) {
    visit(text.substr(0, 100), expected, Bytes(text.begin(), text.end()));
  };
  visit_text(kRead, manifest_of("{" + line("a.safetensors", kDigest, "12") + "}") + "\n");
  visit_text(kRead, manifest_of("{}"));
  for (const std::string& files : {std::string("[]"),
                                   std::string("null"),
                                   "{" + line("../a", kDigest, "1") + "}",
                                   "{" + line("/a", kDigest, "1") + "}",
                                   "{" + line("..", kDigest, "1") + "}",
                                   "{" + line(".hidden", kDigest, "1") + "}",
                                   "{" + line("a/b", kDigest, "1") + "}",
                                   "{" + line("", kDigest, "1") + "}",
                                   "{" + line("a\\u0000", kDigest, "1") + "}",
                                   "{" + line("a\\\\b", kDigest, "1") + "}",
                                   "{" + line(std::string(257, 'n'), kDigest, "1") + "}",
                                   "{" + line("a", std::string(64, 'A'), "1") + "}",
                                   "{" + line("a", std::string(63, 'a'), "1") + "}",
                                   "{" + line("a", std::string(65, 'a'), "1") + "}",
                                   "{" + line("a", "", "1") + "}",
                                   "{" + line("a", kDigest, "-1") + "}",
                                   "{" + line("a", kDigest, "1.5") + "}",
                                   "{" + line("a", kDigest, "\"1\"") + "}",
                                   "{" + line("a", kDigest, "18446744073709551616") + "}",
                                   "{" + line("a", kDigest, "null") + "}",
                                   "{" + line("a", kDigest, "1") + "," + line("a", kDigest, "1") + "}",
                                   "{" + line("a", kDigest, "1") + "," + line("\\u0061", kDigest, "1") + "}",
                                   std::string(R"({"a":"b"})"),
                                   std::string(R"({"a":{}})"),
                                   std::string(R"({"a":{"sha256":1,"size":1}})")}) {
    visit_text(kBad, manifest_of(files));
  }
  for (const char* text : {"", "{}", "[]", "null", R"({"format":"likeness-manifest","version":2,"files":{}})",
                           R"({"format":"likeness-manifest","version":"1","files":{}})", R"({"format":"other","version":1,"files":{}})",
                           R"({"format":"likeness-manifest","version":1})", R"({"version":1,"files":{}})",
                           R"({"format":"likeness-manifest","version":1,"files":{}}x)", "\xEF\xBB\xBF{}"}) {
    visit_text(kBad, text);
  }
  const std::string good = manifest_of("{" + line("a", kDigest, "1") + "}");
  for (std::size_t length = 0; length < good.size(); ++length) visit_text(kBad, good.substr(0, length));
}

// Stands for a network's file or for dlib's; the checks below never look inside.
Bytes vouched_file() {
  Bytes bytes(600);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * i + 3 * i);
  return bytes;
}

void damage(const CaseVisitor& visit) {
  const Bytes good = vouched_file();
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    Bytes flipped = good;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    visit("bit " + std::to_string(bit), kBad, flipped);
  }
  for (std::size_t length = 0; length < good.size(); length += 6)
    visit("first " + std::to_string(length), kBad, Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)));
  Bytes longer = good;
  longer.push_back(0);
  visit("a byte behind the end", kBad, longer);
}

void damage_and_control(const CaseVisitor& visit) {
  visit("as listed", kRead, vouched_file());
  damage(visit);
}

// A folder with the file "vouched", gone at the end.
class Folder {
 public:
  explicit Folder(const Bytes& file) : path_(fs::temp_directory_path() / ("likeness_hostile_" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
    std::ofstream(file_path(), std::ios::binary)
        .write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
  }
  ~Folder() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const fs::path& path() const { return path_; }
  fs::path file_path() const { return path_ / "vouched"; }

 private:
  fs::path path_;
};

Outcome read_manifest(const Bytes& file) { return {Manifest::parse(std::string(file.begin(), file.end())).status()}; }

Outcome read_listed(const Bytes& file) {
  static const Result<Manifest> manifest =
      Manifest::parse(manifest_of("{" + line("vouched", sha256_hex(vouched_file()), std::to_string(vouched_file().size())) + "}"));
  if (!manifest.ok()) return {manifest.status(), false};
  const Folder folder(file);
  return {manifest->read_checked(folder.path(), "vouched").status()};
}

Outcome read_landmarks(const Bytes& file) {
  static const std::string digest = sha256_hex(vouched_file());
  const Folder folder(file);
  Status status = FaceFinder::open(folder.file_path(), digest).status();
  if (status.code == Code::unavailable) status = {Code::corrupt_model, "SHA-256: built without dlib, nothing would parse it"};
  // The parser would refuse this file too; the sentence tells that it was never asked.
  const bool before_parsing = status.message.find("SHA-256") != std::string::npos;
  return {std::move(status), before_parsing};
}

}  // namespace

std::span<const HostileClass> hostile_folders() {
  static constexpr HostileClass kClasses[] = {
      {"folder", "manifest.json", manifests, read_manifest},
      {"folder", "listed file: every bit, every 1 % cut", damage_and_control, read_listed},
      {"folder", "landmark file: the same", damage, read_landmarks},
  };
  return kClasses;
}

bool as_expected(const Expected& expected, const Outcome& outcome) {
  if (!outcome.repeatable) return false;
  if (!outcome.status.ok() && outcome.status.message.empty()) return false;
  if (expected.verdict == Verdict::either) return true;
  if (expected.verdict == Verdict::read) return outcome.status.ok();
  return !outcome.status.ok() && (expected.code == Code::ok || expected.code == outcome.status.code);
}

}  // namespace likeness::testing
