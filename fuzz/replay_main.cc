// Runs files through a fuzz target with any compiler: replay_NAME [--mutants N] FILE|DIR ...
// With --mutants, also N damaged copies of each file, the same ones every time.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

std::uint64_t random_number(std::uint64_t& state) {  // splitmix64
  std::uint64_t z = (state += 0x9E3779B97F4A7C15U);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

// One to four small changes.
Bytes mutant(Bytes bytes, std::uint64_t& state) {
  for (std::uint64_t changes = 1 + random_number(state) % 4; changes > 0 && !bytes.empty(); --changes) {
    const std::size_t at = random_number(state) % bytes.size();
    const std::uint64_t value = random_number(state);
    switch (random_number(state) % 5) {
      case 0:
        bytes[at] ^= static_cast<std::uint8_t>(1U << (value % 8));
        break;
      case 1:
        bytes[at] = static_cast<std::uint8_t>(value);
        break;
      case 2:
        bytes.resize(at);
        break;
      case 3:
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), 1 + value % 8, static_cast<std::uint8_t>(value >> 8));
        break;
      default: {
        const std::size_t end = std::min(bytes.size(), at + 1 + value % 16);
        bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin() + static_cast<std::ptrdiff_t>(end));
      }
    }
  }
  return bytes;
}

void run(const Bytes& bytes) {
  const Bytes exact(bytes.begin(), bytes.end());  // no capacity behind the end: a read there is seen by AddressSanitizer
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

}  // namespace

int main(int count, char** arguments) {
  long mutants = 0;
  std::vector<fs::path> files;
  for (int i = 1; i < count; ++i) {
    if (std::strcmp(arguments[i], "--mutants") == 0 && i + 1 < count) {
      mutants = std::strtol(arguments[++i], nullptr, 10);
    } else if (fs::is_directory(arguments[i])) {
      for (const auto& entry : fs::directory_iterator(arguments[i])) files.push_back(entry.path());
    } else {
      files.emplace_back(arguments[i]);
    }
  }
  std::sort(files.begin(), files.end());
  std::size_t runs = 0;
  for (const fs::path& file : files) {
    std::ifstream stream(file, std::ios::binary);
    const Bytes bytes((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    if (!stream.good() && !stream.eof()) {
      std::fprintf(stderr, "%s cannot be read\n", file.string().c_str());
      return 1;
    }
    std::printf("%s\n", file.filename().string().c_str());  // the last line names the file that crashed
    std::fflush(stdout);
    run(bytes);
    std::uint64_t state = bytes.size();
    for (long i = 0; i < mutants; ++i) run(mutant(bytes, state));
    runs += 1 + static_cast<std::size_t>(mutants);
  }
  std::printf("%zu files, %zu runs\n", files.size(), runs);
  return files.empty() ? 1 : 0;
}
