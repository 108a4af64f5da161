#include "scene/process_client.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "scene/child_process.hpp"
#include "scene/client.hpp"
#include "scene/process_protocol.hpp"

namespace likeness::scene {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr int kFailuresInARow = 5;  // of each copy
constexpr int kMostProcesses = 256;
constexpr std::size_t kMostWords = 64;

Status bad(const std::string& what) { return {Code::corrupt_scene, "scene.json: the client " + what}; }

bool is_word(const Json& value) {
  if (!value.is_string()) return false;
  const auto& word = value.get_ref<const std::string&>();
  return !word.empty() && word.find('\0') == std::string::npos;
}

// A folder of our own for the pictures, removed at the end.
class ScratchFolder {
 public:
  static Result<ScratchFolder> make() {
    std::error_code error;
    std::string name = (fs::temp_directory_path(error) / "likeness-XXXXXX").string();
    if (error || ::mkdtemp(name.data()) == nullptr) {
      return Status{Code::io_error, "cannot make a temporary folder " + name + ": " + (error ? error.message() : std::strerror(errno))};
    }
    ScratchFolder folder;
    folder.path_ = fs::absolute(name, error);
    return folder;
  }
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder() {
    std::error_code error;
    if (!path_.empty()) fs::remove_all(path_, error);
  }
  RenderingFiles files(std::uint64_t id) const {
    return {path_ / (std::to_string(id) + ".png"), path_ / (std::to_string(id) + "_labels.png")};
  }

 private:
  ScratchFolder() = default;
  fs::path path_;
};

// Removes the files of one request, whoever wrote them and however it ended.
class RequestFiles {
 public:
  explicit RequestFiles(RenderingFiles files) : files_(std::move(files)) {}
  ~RequestFiles() {
    std::error_code error;
    fs::remove(files_.picture, error);
    fs::remove(files_.labels, error);
  }
  RequestFiles(const RequestFiles&) = delete;
  RequestFiles& operator=(const RequestFiles&) = delete;
  const RenderingFiles& get() const { return files_; }

 private:
  RenderingFiles files_;
};

class ProcessClient final : public GameClient {
 public:
  ProcessClient(Schema schema, ProcessSettings settings, fs::path folder, ScratchFolder scratch)
      : schema_(std::move(schema)),
        settings_(std::move(settings)),
        folder_(std::move(folder)),
        scratch_(std::move(scratch)),
        slots_(static_cast<std::size_t>(settings_.processes)) {
    for (Slot& slot : slots_) free_.push_back(&slot);
  }

  // All are told to leave before the first is waited for.
  ~ProcessClient() override {
    for (Slot& slot : slots_) {
      if (slot.process) slot.process->close_input();
    }
  }

  /// Starts one copy, so that a wrong command shows at once.
  Status start_first() {
    const Result<Slot*> slot = take();
    if (!slot.ok()) return slot.status();
    const Status status = ensure_running(**slot);
    give_back(*slot, status.ok(), status);
    return status;
  }

  const Schema& schema() const override { return schema_; }

  Result<Rendering> render(std::span<const float> x, const RenderOptions& options) const override {
    const Result<std::vector<float>> canonical = canonical_character(schema_, x, options);
    if (!canonical.ok()) return canonical.status();
    const Result<Slot*> slot = take();
    if (!slot.ok()) return slot.status();
    const std::uint64_t id = next_id();
    const RequestFiles files(scratch_.files(id));
    const Answer answer = ask(**slot, request_line(schema_, *canonical, options, id, files.get()), id);
    give_back(*slot, answer.in_step, answer.status);
    if (!answer.status.ok()) return answer.status;
    Rendering rendering;
    if (Status status = read_rendering(files.get(), options, &rendering); !status.ok()) return status;
    rendering.landmarks = answer.landmarks;
    return rendering;
  }

 private:
  // A place for one copy of the program; used by one thread at a time.
  struct Slot {
    std::unique_ptr<ChildProcess> process;
  };

  int most_failures() const { return kFailuresInARow * settings_.processes; }

  std::uint64_t next_id() const {
    const std::lock_guard lock(mutex_);
    return ++last_id_;
  }

  /// A free slot, after a wait if need be. Errors: client_failed, after too many failures.
  Result<Slot*> take() const {
    std::unique_lock lock(mutex_);
    freed_.wait(lock, [this] { return !free_.empty() || failures_ >= most_failures(); });
    if (failures_ >= most_failures()) {
      return Status{Code::client_failed, "the client's program failed " + std::to_string(failures_) +
                                             " times in a row and is not started again: " + last_failure_};
    }
    Slot* slot = free_.back();  // the one used last: copies that are not needed are never started
    free_.pop_back();
    return slot;
  }

  void give_back(Slot* slot, bool in_step, const Status& status) const {
    if (!in_step) slot->process.reset();
    const std::lock_guard lock(mutex_);
    failures_ = in_step ? 0 : failures_ + 1;
    if (!in_step) last_failure_ = status.message;
    free_.push_back(slot);
    freed_.notify_all();
  }

  Status ensure_running(Slot& slot) const {
    if (slot.process) return Status::success();
    Result<std::unique_ptr<ChildProcess>> started = ChildProcess::start(settings_.command, folder_);
    if (!started.ok()) return started.status();
    const Result<std::string> greeting = (*started)->exchange({}, ChildProcess::Duration(settings_.start_timeout_s));
    const Status status = greeting.ok() ? check_greeting(*greeting) : greeting.status();
    if (!status.ok()) {
      (*started)->kill();
      return {status.code, "at its start, " + status.message};
    }
    slot.process = std::move(*started);
    return Status::success();
  }

  Answer ask(Slot& slot, const std::string& request, std::uint64_t id) const {
    if (slot.process) {
      const ChildProcess::Idle idle = slot.process->idle();
      if (idle != ChildProcess::Idle::ready) kill(slot);
      if (idle == ChildProcess::Idle::talked) {
        return {{Code::client_failed, "the client's program wrote to its standard output without being asked"}};
      }
    }
    if (Status status = ensure_running(slot); !status.ok()) return {status};
    const Result<std::string> line = slot.process->exchange(request, ChildProcess::Duration(settings_.timeout_s));
    Answer answer = line.ok() ? parse_answer(*line, id) : Answer{line.status()};
    if (!answer.in_step) kill(slot);
    return answer;
  }

  static void kill(Slot& slot) {
    slot.process->kill();
    slot.process.reset();
  }

  const Schema schema_;
  const ProcessSettings settings_;
  const fs::path folder_;
  const ScratchFolder scratch_;
  mutable std::mutex mutex_;
  mutable std::condition_variable freed_;
  mutable std::vector<Slot> slots_;
  mutable std::vector<Slot*> free_;
  mutable std::uint64_t last_id_ = 0;
  mutable int failures_ = 0;  // in a row, of all copies
  mutable std::string last_failure_;
};

}  // namespace

Result<ProcessSettings> ProcessSettings::parse(const Schema& schema) {
  const Json root = Json::parse(schema.canonical_json(), nullptr, false);
  const Json client = root.value("client", Json());
  ProcessSettings settings;
  if (!client.is_object()) return bad("is no object");
  const Json command = client.value("command", Json());
  if (!command.is_array() || command.empty() || command.size() > kMostWords || !std::all_of(command.begin(), command.end(), is_word)) {
    return bad("needs \"command\", a list of 1 to 64 words: the program and its arguments");
  }
  for (const Json& word : command) settings.command.push_back(word.get<std::string>());
  for (const auto& [key, value] : client.items()) {
    if (key == "type" || key == "command") continue;
    if (key == "processes") {
      if (!value.is_number_integer() || value < 1 || value > kMostProcesses) return bad("needs 1 to 256 \"processes\"");
      settings.processes = value.get<int>();
    } else if (key == "timeout_s" || key == "start_timeout_s") {
      if (!value.is_number() || !(value.get<double>() > 0) || value.get<double>() > 86400) {
        return bad("needs a \"" + key + "\" of more than 0 and at most 86400 seconds");
      }
      (key == "timeout_s" ? settings.timeout_s : settings.start_timeout_s) = value.get<double>();
    } else {
      return bad("has " + quote(key, 60) + ", which is not known: command, timeout_s, start_timeout_s, processes are");
    }
  }
  return settings;
}

Result<std::unique_ptr<GameClient>> open_process_client(Schema schema, ProcessSettings settings, const fs::path& folder) {
  Result<ScratchFolder> scratch = ScratchFolder::make();
  if (!scratch.ok()) return scratch.status();
  auto client = std::make_unique<ProcessClient>(std::move(schema), std::move(settings), folder, std::move(*scratch));
  if (Status status = client->start_first(); !status.ok()) return status;
  return std::unique_ptr<GameClient>(std::move(client));
}

}  // namespace likeness::scene
