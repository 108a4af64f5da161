// A program that runs beside this one and is spoken to in lines: started without a shell, watched, never waited for without an end.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/status.hpp"

namespace likeness::scene {

/// A file descriptor that is closed at the end of its owner.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { close(); }

  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  void close();
  int release();

 private:
  int fd_ = -1;
};

/// One running program with pipes on its three standard streams, in a process group of its own. What it writes on its standard error is
/// read all the time it is listened to, and its last line is quoted where it fails. One thread at a time.
class ChildProcess {
 public:
  using Duration = std::chrono::duration<double>;
  /// Longest line that is taken for an answer, in bytes.
  static constexpr std::size_t kLongestLine = std::size_t{64} << 10;

  /// Starts `command` (program and arguments) in `folder`: a name with a slash is a path relative to it, any other is looked up in PATH.
  /// Errors: client_failed (cannot be started), io_error (no more descriptors).
  static Result<std::unique_ptr<ChildProcess>> start(const std::vector<std::string>& command, const std::filesystem::path& folder);
  /// Closes its standard input, gives it a second to leave, kills the group and takes its exit status.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// What a program did while nobody asked for anything.
  enum class Idle { ready, ended, talked };
  Idle idle();

  /// Writes `request` (nothing where it is empty) and a newline, and reads one line, all within `limit`.
  /// Errors: client_failed, with what happened. The program is of no use after an error: call kill().
  Result<std::string> exchange(std::string_view request, Duration limit);

  /// The end of input: what asks a program to leave. The destructor then waits for it.
  void close_input() { input_.close(); }
  /// Kills the group and takes the exit status.
  void kill();
  pid_t id() const { return pid_; }

 private:
  using Clock = std::chrono::steady_clock;
  ChildProcess() = default;

  Status spawn(const std::vector<std::string>& command, const std::filesystem::path& folder);
  Status write_some(std::string_view& rest);
  /// Waits for the pipes to become ready, at most until `deadline`; reads what is there. False: the deadline is over.
  bool wait_and_read(bool writing, Clock::time_point deadline);
  /// Reads what is there now, a bounded amount; closes the descriptor at its end.
  void read_output();
  void read_errors();
  /// Waits until the program has ended, without taking its status. False: it still runs.
  bool wait_for_end(Clock::time_point deadline);
  /// client_failed: `what`, how the program ended if it does within `patience`, and its last line of standard error.
  Status failure(const std::string& what, std::chrono::milliseconds patience = {});
  std::string end_of_program();

  pid_t pid_ = -1;  // -1: none, or its status was taken
  Descriptor input_, output_, errors_;
  std::string pending_;     // read, but not yet a line that somebody asked for
  std::string error_tail_;  // the end of what it wrote on standard error
};

/// `text` quoted for a message: control characters escaped, bytes that are no UTF-8 replaced, cut to about `most` bytes.
std::string quote(std::string_view text, std::size_t most = 160);

}  // namespace likeness::scene
