#include "base/thread_count.hpp"

#include <algorithm>
#include <cstdlib>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif

namespace likeness {
namespace {

int from_environment(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return 0;
  char* end = nullptr;
  const long n = std::strtol(text, &end, 10);
  // OpenMP's variable may be a list, one number a level of nesting.
  if (end == text || (*end != '\0' && *end != ',')) return 0;
  return static_cast<int>(std::clamp<long>(n, 0, kMostThreads));
}

int processors() {
  const int all = static_cast<int>(std::min(std::thread::hardware_concurrency(), static_cast<unsigned>(kMostThreads)));
#ifdef __linux__
  // taskset and cpusets; with more than 1024 processors the call fails and all of them count.
  cpu_set_t mine;
  if (sched_getaffinity(0, sizeof mine, &mine) == 0) return all > 0 ? std::min(all, CPU_COUNT(&mine)) : CPU_COUNT(&mine);
#endif
  return all;
}

}  // namespace

int default_thread_count() {
  for (const char* name : {"LIKENESS_NUM_THREADS", "OMP_NUM_THREADS"}) {
    if (const int n = from_environment(name); n > 0) return n;
  }
  return std::clamp(processors(), 1, kMostThreads);
}

}  // namespace likeness
