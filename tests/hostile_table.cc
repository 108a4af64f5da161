// Prints the table of hostile files: class, cases, refused, read, wrong, crashed. Exit status 0: nothing crashed, nothing ended otherwise
// than the case asks for.
//
// hostile_table [photo|model|folder]   the table; every class runs in a process of its own, so that a crash is counted and the rest
//                                      goes on
// hostile_table --write DIR            writes the cases as DIR/KIND/NUMBER-VERDICT.bin, to try them on other programs
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <new>

#include "hostile.hpp"

namespace {

using namespace likeness::testing;  // NOLINT(google-build-using-namespace)

constexpr unsigned kSecondsPerCase = 60;  // a case that hangs is a crash

// Shared with the child; what it has counted when it dies is still there.
struct Tally {
  std::size_t cases = 0;  // begun; the last one is to blame for a crash
  std::size_t refused = 0;
  std::size_t read = 0;
  std::size_t wrong = 0;
  double slowest = 0;  // seconds of the processor
  char last[120] = {};
};

void run(const HostileClass& row, std::size_t skip, Tally& tally) {
  std::size_t index = 0;
  row.visit([&](const std::string& what, const Expected& expected, const Bytes& file) {
    if (index++ < skip) return;
    ++tally.cases;
    std::snprintf(tally.last, sizeof(tally.last), "%s", what.c_str());
    ::alarm(kSecondsPerCase);
    const std::clock_t start = std::clock();
    const Outcome outcome = row.read(file);
    const std::clock_t ticks = std::clock() - start;
    ::alarm(0);
    tally.slowest = std::max(tally.slowest, static_cast<double>(ticks) / CLOCKS_PER_SEC);
    ++(outcome.status.ok() ? tally.read : tally.refused);
    if (!as_expected(expected, outcome)) {
      ++tally.wrong;
      std::fprintf(stderr, "wrong: %s, %s: %s%s\n", row.name, what.c_str(), outcome.status.ok() ? "read" : outcome.status.message.c_str(),
                   outcome.repeatable ? "" : " (and not the same twice)");
    }
  });
}

// One row; false where a case crashed or ended otherwise than it should.
bool print_row(const HostileClass& row) {
  void* shared = ::mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return false;
  Tally& tally = *new (shared) Tally;
  std::size_t crashed = 0;
  long peak = 0;  // KiB
  for (;;) {
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child < 0) return false;
    if (child == 0) {
      run(row, tally.cases, tally);
      std::fflush(nullptr);
      ::_exit(0);
    }
    int status = 0;
    rusage usage{};
    if (::wait4(child, &status, 0, &usage) != child) return false;
    peak = std::max(peak, usage.ru_maxrss);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) break;
    ++crashed;
    std::fprintf(stderr, "crashed: %s, %s\n", row.name, tally.last);
  }
  std::printf("| %-6s | %-44s | %6zu | %7zu | %6zu | %5zu | %7zu | %9.3f | %8.0f |\n", row.kind, row.name, tally.cases, tally.refused,
              tally.read, tally.wrong, crashed, tally.slowest, static_cast<double>(peak) / 1024);
  const bool good = crashed == 0 && tally.wrong == 0 && tally.cases > 0;
  ::munmap(shared, sizeof(Tally));
  return good;
}

void write_cases(const HostileClass& row, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder / row.kind);
  row.visit([&](const std::string&, const Expected& expected, const Bytes& file) {
    static std::size_t number = 0;
    const char* verdict = expected.verdict == Verdict::refused ? "refused" : expected.verdict == Verdict::read ? "read" : "either";
    const std::string name = std::to_string(100'000 + number++) + "-" + verdict + ".bin";
    std::ofstream(folder / row.kind / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
  });
}

}  // namespace

int main(int count, char** arguments) {
  const bool write = count == 3 && std::strcmp(arguments[1], "--write") == 0;
  if (count > 2 && !write) {
    std::fprintf(stderr, "usage: %s [photo|model|folder | --write DIR]\n", arguments[0]);
    return 2;
  }
  if (!write) {
    std::printf("| %-6s | %-44s | %6s | %7s | %6s | %5s | %7s | %9s | %8s |\n", "file", "class", "cases", "refused", "read", "wrong",
                "crashed", "CPU s", "peak MiB");
    std::printf("|---|---|---|---|---|---|---|---|---|\n");
  }
  bool good = true;
  std::size_t rows = 0;
  for (const auto& classes : {hostile_photos(), hostile_models(), hostile_folders()}) {
    for (const HostileClass& row : classes) {
      if (count == 2 && std::strcmp(arguments[1], row.kind) != 0) continue;
      ++rows;
      if (write) {
        write_cases(row, arguments[2]);
      } else {
        good = print_row(row) && good;
      }
    }
  }
  return good && rows > 0 ? 0 : 1;
}
