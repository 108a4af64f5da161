#include "base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace likeness {
namespace {

Status io_failure(const std::filesystem::path& path, const char* what) {
  const int error = errno;
  const Code code = error == ENOENT ? Code::not_found : Code::io_error;
  return {code, path.string() + ": cannot " + what + ": " + std::strerror(error)};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int close() {
    const int fd = fd_;
    fd_ = -1;
    return ::close(fd);
  }

 private:
  int fd_;
};

template <class Buffer>
Result<Buffer> read_whole(const std::filesystem::path& path, std::size_t max_bytes) {
  // Opening a named pipe would wait for a writer; of a regular file the flag changes nothing.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) return io_failure(path, "open");
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return io_failure(path, "stat");
  if (!S_ISREG(info.st_mode)) return Status{Code::io_error, path.string() + ": is not a regular file"};
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size > max_bytes) {
    return Status{Code::io_error, path.string() + ": is larger than the limit of " + std::to_string(max_bytes) + " bytes"};
  }
  Buffer bytes;
  bytes.resize(size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t n = ::read(file.get(), bytes.data() + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_failure(path, "read");
    if (n == 0) return Status{Code::io_error, path.string() + ": shrank while it was read"};
    done += static_cast<std::size_t>(n);
  }
  return bytes;
}

}  // namespace

Result<std::vector<std::uint8_t>> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  return read_whole<std::vector<std::uint8_t>>(path, max_bytes);
}

Result<std::string> read_text_file(const std::filesystem::path& path, std::size_t max_bytes) {
  return read_whole<std::string>(path, max_bytes);
}

Status write_file_atomic(const std::filesystem::path& path, std::span<const std::uint8_t> bytes) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  std::string temporary = (folder / ("." + path.filename().string() + ".XXXXXX")).string();
  Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file.valid()) return {Code::io_error, path.string() + ": cannot create a file in this folder: " + std::strerror(errno)};
  const auto fail = [&](const char* what) {
    Status status = io_failure(path, what);
    status.code = Code::io_error;
    ::unlink(temporary.c_str());
    return status;
  };
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(file.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail("write");
    done += static_cast<std::size_t>(n);
  }
  // mkstemp creates mode 0600; outputs get what the user's umask gives to any new file.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  if (::fchmod(file.get(), 0666 & ~mask) != 0) return fail("set the mode of");
  if (::fsync(file.get()) != 0) return fail("sync");
  if (file.close() != 0) return fail("close");
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail("rename onto");
  const Descriptor parent(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent.valid()) ::fsync(parent.get());
  return Status::success();
}

Status write_file_atomic(const std::filesystem::path& path, std::string_view text) {
  return write_file_atomic(path, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

}  // namespace likeness
