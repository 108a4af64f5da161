// Threads are injected: a host may hand in its own runner; the default is a pool of our own, else serial.
#pragma once

#include <cstdint>
#include <functional>

namespace likeness {

/// Runs body(0) ... body(count - 1), in any order, on any threads, and returns when all are done.
class Runner {
 public:
  virtual ~Runner() = default;
  virtual void run(std::int64_t count, const std::function<void(std::int64_t)>& body) = 0;
};

/// The runner that kernels use on this thread: set_runner()'s, else the process's pool (LIKENESS_WITH_THREADS; thread_pool.hpp), which
/// runs a loop serially, on its caller, inside another loop and while it has another thread's; without it serial.
Runner& current_runner();
/// Makes `runner` (not owned; nullptr = back to the default) the runner of the calling thread.
void set_runner(Runner* runner);
/// Number of threads of the default runner, callers included, for the whole process; n < 1 restores the default (thread_count.hpp:
/// LIKENESS_NUM_THREADS, else OMP_NUM_THREADS, else the processors that the process may use). Threads start with the next loop.
void set_default_threads(int n);

/// Splits [0, count) into body(0..count-1). Work must not depend on the number of threads: sums are split in fixed chunks.
template <class Body>
void parallel_for(std::int64_t count, Body&& body) {
  if (count == 1) {
    body(std::int64_t{0});
  } else if (count > 1) {
    current_runner().run(count, std::ref(body));
  }
}

}  // namespace likeness
