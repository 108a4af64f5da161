#include "base/parallel.hpp"

#ifdef LIKENESS_WITH_THREADS
#include <algorithm>
#include <atomic>

#include "base/thread_count.hpp"
#include "base/thread_pool.hpp"
#endif

#include <cstddef>
#include <new>

namespace likeness {
namespace {

// Never destroyed: destructors of the host that run after ours at exit, and threads that still run then, may loop.
template <class T>
T& immortal() {
  alignas(T) static std::byte memory[sizeof(T)];
  static T& it = *new (memory) T;
  return it;
}

#ifdef LIKENESS_WITH_THREADS
std::atomic<int> wanted_threads = 0;  // 0: not asked for yet

int threads() {
  int n = wanted_threads.load(std::memory_order_relaxed);
  if (n == 0) wanted_threads = n = default_thread_count();
  return n;
}

ThreadPool& pool() {
  struct Closer {  // at exit and at dlclose; loops are serial from then on
    ~Closer() { immortal<ThreadPool>().close(); }
  };
  static const Closer closer;
  return immortal<ThreadPool>();
}
#endif

class DefaultRunner final : public Runner {
 public:
  void run(std::int64_t count, const std::function<void(std::int64_t)>& body) override {
#ifdef LIKENESS_WITH_THREADS
    if (const int n = threads(); n > 1 && pool().run(count, n, body)) return;
#endif
    for (std::int64_t i = 0; i < count; ++i) body(i);
  }
};

thread_local Runner* injected = nullptr;

}  // namespace

Runner& current_runner() { return injected != nullptr ? *injected : immortal<DefaultRunner>(); }

void set_runner(Runner* runner) { injected = runner; }

void set_default_threads([[maybe_unused]] int n) {
#ifdef LIKENESS_WITH_THREADS
  wanted_threads = n >= 1 ? std::min(n, kMostThreads) : default_thread_count();
#endif
}

}  // namespace likeness
