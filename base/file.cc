#include "base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

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
  Result<FileReader> file = FileReader::open(path, max_bytes);
  if (!file.ok()) return file.status();
  Buffer bytes;
  bytes.resize(file->left());
  if (Status status = file->read({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()}); !status.ok()) return status;
  return bytes;
}

}  // namespace

FileReader::FileReader(std::filesystem::path path, int descriptor, std::size_t size)
    : path_(std::move(path)), descriptor_(descriptor), left_(size) {}

FileReader::FileReader(FileReader&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)), left_(other.left_) {}

FileReader::~FileReader() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<FileReader> FileReader::open(const std::filesystem::path& path, std::size_t max_bytes) {
  // Opening a named pipe would wait for a writer; of a regular file the flag changes nothing.
  FileReader file(path, ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK), 0);
  if (file.descriptor_ < 0) return io_failure(path, "open");
  struct stat info {};
  if (::fstat(file.descriptor_, &info) != 0) return io_failure(path, "stat");
  if (!S_ISREG(info.st_mode)) return Status{Code::io_error, path.string() + ": is not a regular file"};
  file.left_ = static_cast<std::size_t>(info.st_size);
  if (file.left_ > max_bytes) {
    return Status{Code::io_error, path.string() + ": is larger than the limit of " + std::to_string(max_bytes) + " bytes"};
  }
  return file;
}

Status FileReader::read(std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::read(descriptor_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_failure(path_, "read");
    if (n == 0) return {Code::io_error, path_.string() + ": shrank while it was read"};
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    left_ -= static_cast<std::size_t>(n);
  }
  return Status::success();
}

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
