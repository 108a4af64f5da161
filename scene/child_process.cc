#include "scene/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

extern char** environ;

namespace likeness::scene {
namespace {

constexpr std::size_t kErrorTail = 4096;             // bytes of standard error that are kept
constexpr std::chrono::milliseconds kGrace{1000};    // for a program to leave when its input ends
constexpr std::chrono::milliseconds kObituary{250};  // for one that closed its output to be seen ending
constexpr std::chrono::milliseconds kGlance{2};      // between two looks whether it has ended

std::string error_text(int error) { return std::strerror(error); }

// Both ends closed on exec, and none of them 0, 1 or 2, which a host may have closed and which the program's own streams overwrite.
Status make_pipe(Descriptor& reader, Descriptor& writer) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {Code::io_error, "cannot make a pipe: " + error_text(errno)};
  for (int& end : ends) {
    while (end >= 0 && end <= STDERR_FILENO) {
      const int moved = ::fcntl(end, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
      ::close(std::exchange(end, moved));
    }
  }
  reader = Descriptor(ends[0]), writer = Descriptor(ends[1]);
  if (!reader.open() || !writer.open()) return {Code::io_error, "cannot make a pipe: " + error_text(errno)};
  return Status::success();
}

void make_non_blocking(const Descriptor& end) { ::fcntl(end.get(), F_SETFL, ::fcntl(end.get(), F_GETFL) | O_NONBLOCK); }

// Keeps SIGPIPE from this thread while a pipe is written whose reader may be gone; the process's own handling of it stays as it is.
class NoBrokenPipeSignal {
 public:
  NoBrokenPipeSignal() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    was_pending_ = sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoBrokenPipeSignal() {
    const timespec none{};
    while (!was_pending_ && sigtimedwait(&pipe_, nullptr, &none) < 0 && errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoBrokenPipeSignal(const NoBrokenPipeSignal&) = delete;
  NoBrokenPipeSignal& operator=(const NoBrokenPipeSignal&) = delete;

 private:
  sigset_t pipe_{}, before_{};
  bool was_pending_ = false;
};

// Actions and attributes of posix_spawn, destroyed together.
struct SpawnSettings {
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
  SpawnSettings() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
};

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = other.release();
  }
  return *this;
}

void Descriptor::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

int Descriptor::release() { return std::exchange(fd_, -1); }

std::string quote(std::string_view text, std::size_t most) {
  const bool cut = text.size() > most;
  const nlohmann::json value = std::string(text.substr(0, most));
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + (cut ? "..." : "");
}

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(const std::vector<std::string>& command, const std::filesystem::path& folder) {
  std::unique_ptr<ChildProcess> child(new ChildProcess);
  if (Status status = child->spawn(command, folder); !status.ok()) return status;
  return child;
}

Status ChildProcess::spawn(const std::vector<std::string>& command, const std::filesystem::path& folder) {
  Descriptor its_input, its_output, its_errors;
  if (Status status = make_pipe(its_input, input_); !status.ok()) return status;
  if (Status status = make_pipe(output_, its_output); !status.ok()) return status;
  if (Status status = make_pipe(errors_, its_errors); !status.ok()) return status;
  for (const Descriptor* end : {&input_, &output_, &errors_}) make_non_blocking(*end);

  SpawnSettings settings;
  // A group of its own, so that what it starts is killed with it; signals as a program expects them, whatever the host does with its own.
  sigset_t none, ours;
  sigemptyset(&none);
  sigemptyset(&ours);
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGCHLD}) sigaddset(&ours, signal);
  posix_spawnattr_setsigmask(&settings.attributes, &none);
  posix_spawnattr_setsigdefault(&settings.attributes, &ours);
  posix_spawnattr_setpgroup(&settings.attributes, 0);
  posix_spawnattr_setflags(&settings.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawn_file_actions_adddup2(&settings.actions, its_input.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&settings.actions, its_output.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&settings.actions, its_errors.get(), STDERR_FILENO);
  const std::filesystem::path where = folder.empty() ? std::filesystem::path(".") : folder;
  posix_spawn_file_actions_addchdir_np(&settings.actions, where.c_str());

  std::vector<std::string> words = command;
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  if (const int error = posix_spawnp(&pid_, argv[0], &settings.actions, &settings.attributes, argv.data(), environ); error != 0) {
    pid_ = -1;
    return {Code::client_failed,
            "the client's program " + quote(command[0]) + " cannot be started in " + where.string() + ": " + error_text(error)};
  }
  return Status::success();
}

ChildProcess::~ChildProcess() {
  close_input();
  if (pid_ > 0) wait_for_end(Clock::now() + kGrace);
  kill();
}

bool ChildProcess::wait_for_end(Clock::time_point deadline) {
  while (true) {
    siginfo_t info{};
    const int result = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    if ((result == 0 && info.si_pid != 0) || (result != 0 && errno != EINTR)) return true;
    if (Clock::now() >= deadline) return false;
    read_errors();  // a program that is stuck in writing them cannot leave
    std::this_thread::sleep_for(kGlance);
  }
}

void ChildProcess::kill() {
  if (pid_ <= 0) return;
  // While its status is not taken its number cannot go to another program, so this reaches its group and no other.
  ::kill(-pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  input_.close(), output_.close(), errors_.close();
}

void ChildProcess::read_output() {
  std::array<char, 16384> block;
  while (output_.open() && pending_.size() <= kLongestLine) {
    const ssize_t n = ::read(output_.get(), block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (n <= 0) return output_.close();
    pending_.append(block.data(), static_cast<std::size_t>(n));
  }
}

void ChildProcess::read_errors() {
  std::array<char, 16384> block;
  for (int round = 0; round < 16 && errors_.open(); ++round) {
    const ssize_t n = ::read(errors_.get(), block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (n <= 0) return errors_.close();
    error_tail_.append(block.data(), static_cast<std::size_t>(n));
    if (error_tail_.size() > kErrorTail) error_tail_.erase(0, error_tail_.size() - kErrorTail);
  }
}

bool ChildProcess::wait_and_read(bool writing, Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count() + 1;
  if (left <= 0) return false;
  std::array<pollfd, 3> ends = {pollfd{output_.get(), POLLIN, 0}, pollfd{errors_.get(), POLLIN, 0},
                                pollfd{writing ? input_.get() : -1, POLLOUT, 0}};
  ::poll(ends.data(), ends.size(), static_cast<int>(std::min<std::int64_t>(left, 1000)));
  read_errors();
  read_output();
  return true;
}

Status ChildProcess::write_some(std::string_view& rest) {
  const NoBrokenPipeSignal guard;
  const ssize_t n = ::write(input_.get(), rest.data(), rest.size());
  if (n > 0) rest.remove_prefix(static_cast<std::size_t>(n));
  if (n >= 0 || errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return Status::success();
  return failure(errno == EPIPE ? "closed its standard input" : "could not be written to (" + error_text(errno) + ")", kObituary);
}

ChildProcess::Idle ChildProcess::idle() {
  read_errors();
  read_output();
  if (!pending_.empty()) return Idle::talked;
  return output_.open() && !wait_for_end(Clock::now()) ? Idle::ready : Idle::ended;
}

Result<std::string> ChildProcess::exchange(std::string_view request, Duration limit) {
  const Clock::time_point deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(limit);
  const std::string line = request.empty() ? std::string() : std::string(request) + "\n";
  std::string_view rest = line;
  while (true) {
    if (!rest.empty()) {
      if (Status status = write_some(rest); !status.ok()) return status;
    }
    if (const std::size_t end = pending_.find('\n'); end != std::string::npos) {
      if (!rest.empty()) return failure("answered before it had read the request");
      std::string answer = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      return answer;
    }
    if (pending_.size() > kLongestLine) {
      return failure("wrote a line of more than " + std::to_string(kLongestLine) + " bytes, which begins " + quote(pending_, 40));
    }
    if (!output_.open()) {
      return failure(pending_.empty() ? "closed its standard output without an answer"
                                      : "closed its standard output in the middle of a line: " + quote(pending_, 80),
                     kObituary);
    }
    if (!wait_and_read(!rest.empty(), deadline)) {
      char seconds[32];
      std::snprintf(seconds, sizeof seconds, "%.3g", limit.count());
      return failure(std::string("did not answer within ") + seconds + " s");
    }
  }
}

Status ChildProcess::failure(const std::string& what, std::chrono::milliseconds patience) {
  const bool ended = wait_for_end(Clock::now() + patience);
  read_errors();
  std::string message = "the client's program " + what + (ended ? end_of_program() : std::string());
  std::string_view last = error_tail_;
  while (!last.empty() && (last.back() == '\n' || last.back() == '\r' || last.back() == ' ')) last.remove_suffix(1);
  last = last.substr(last.find_last_of('\n') + 1);
  if (!last.empty()) message += "; the last line on its standard error: " + quote(last);
  return {Code::client_failed, message};
}

std::string ChildProcess::end_of_program() {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return " and has ended";
  const std::string number = std::to_string(info.si_status);
  return info.si_code == CLD_EXITED ? ": it ended with exit status " + number : ": it was ended by signal " + number;
}

}  // namespace likeness::scene
