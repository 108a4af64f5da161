// A pool of threads that share the indices of one loop at a time. Callers use it through base/parallel.hpp.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

namespace likeness {

/// Any thread may call run() at any time; one loop at a time is shared out, the others are refused. Threads start with the first loop.
///
/// The caller works too and waits only for indices that another thread holds: a worker that the system has not woken yet, or that another
/// process keeps from its core, delays nothing. Idle workers spin for some microseconds, then sleep.
///
/// fork(): a child has none of the threads; the pool starts new ones there. A child forked while another thread's loop ran refuses all
/// loops, and one forked inside a body must not return from it (other indices of that loop ran in the parent only).
class ThreadPool {
 public:
  ThreadPool() = default;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool() { close(); }

  /// Runs body(0) ... body(count - 1) on the calling thread and `threads` - 1 others (fewer where the system starts no more), and returns
  /// true when all are done. False, with nothing run: the pool has another thread's loop, this is a body of a pool, or close() was called.
  /// The first exception of a body comes out here once no index is held any more; indices not yet taken then are not run. Compiled with
  /// -fno-exceptions, an exception of a body ends the process.
  [[nodiscard]] bool run(std::int64_t count, int threads, const std::function<void(std::int64_t)>& body);

  /// Ends the threads, for good, unless a loop runs: then they are left alone, because who waits for a loop at exit may wait forever.
  void close();

 private:
  void resize(std::size_t workers);
  void stop();
  void serve();
  std::int64_t work();
  void wake(std::int64_t workers);

  // On the same line lies what a worker needs after taking an index. body_ and count_ are read with an index in hand only: while one is
  // held the loop is not over, and they do not change.
  alignas(64) std::atomic<std::int64_t> left_ = 0;  // indices that nobody has taken
  const std::function<void(std::int64_t)>* body_ = nullptr;
  std::int64_t count_ = 0;

  alignas(64) std::atomic<std::int64_t> unsettled_ = 0;  // indices neither done nor skipped
  std::atomic<std::uint32_t> done_ = 0;                  // 1: a worker has settled the last index

  // Counts loops; idle workers wait for a change. Not the first word of its line: libstdc++ keeps its counts of waiting threads by
  // address modulo 64, and those of bell_ would make done_'s notification a system call.
  alignas(64) std::atomic<std::uint32_t> stop_ = 0;
  std::atomic<std::uint32_t> bell_ = 0;

  alignas(64) std::atomic<bool> busy_ = false;  // owned by a caller, who alone touches what follows
  std::vector<std::thread> workers_;
  std::uint32_t process_ = 0;  // in which the workers live: the number of forks before it
#ifdef __cpp_exceptions
  std::atomic<bool> failed_ = false;
  std::exception_ptr failure_;
#endif
};

}  // namespace likeness
