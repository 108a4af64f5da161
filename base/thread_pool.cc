#include "base/thread_pool.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#define LIKENESS_HAS_FORK 1
#endif

namespace likeness {
namespace {

using Clock = std::chrono::steady_clock;

// How long a thread polls before it sleeps. A worker that polls comes within 1 us; one that sleeps within 20, and to wake it takes the
// caller 10 (bench_parallel, two hyper-threads). A step of the compact fit, which has some 250 loops, polling 0, 30 and 200 us: 68, 66 and
// 65 ms alone; 82, 83 and 87 ms beside two processes that never sleep.
constexpr auto kSpin = std::chrono::microseconds(30);

thread_local bool inside_body = false;

std::atomic<std::uint32_t> forks = 0;

void count_forks() {
#ifdef LIKENESS_HAS_FORK
  [[maybe_unused]] static const int registered = pthread_atfork(nullptr, nullptr, [] { ++forks; });
#endif
}

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits until `word` is not `old`. std::atomic::wait of libstdc++ 12 polls 16 times by itself, then sleeps on a futex of the word; its
// notifications are system calls only if somebody may be asleep.
void wait_change(const std::atomic<std::uint32_t>& word, std::uint32_t old) {
  const auto end = Clock::now() + kSpin;
  do {
    for (int i = 0; i < 16; ++i) {
      if (word.load(std::memory_order_acquire) != old) return;
      pause();
    }
  } while (Clock::now() < end);
  word.wait(old);
}

}  // namespace

bool ThreadPool::run(std::int64_t count, int threads, const std::function<void(std::int64_t)>& body) {
  if (inside_body || busy_.exchange(true, std::memory_order_acquire)) return false;
  resize(static_cast<std::size_t>(std::max(threads, 1) - 1));

  body_ = &body;
  count_ = count;
  done_ = 0;
  unsettled_ = count;
  left_ = count;
  wake(count - 1);

  inside_body = true;
  const std::int64_t settled = work();
  inside_body = false;
  // Not unsettled_, which falls to 0 a moment before done_ is set: that late 1 would be taken for the end of the next loop.
  if (unsettled_.fetch_sub(settled) != settled) wait_change(done_, 0);

#ifdef __cpp_exceptions
  failed_ = false;
  const std::exception_ptr failure = std::exchange(failure_, nullptr);
  busy_.store(false, std::memory_order_release);
  if (failure) std::rethrow_exception(failure);
#else
  busy_.store(false, std::memory_order_release);
#endif
  return true;
}

// Takes indices until none is left; how many it has settled: done, or skipped after a failure. No index of the next loop can be among
// them, because it does not start before these are reported.
std::int64_t ThreadPool::work() {
  std::int64_t settled = 0;
  for (;;) {
    std::int64_t left = left_.load(std::memory_order_relaxed);
    do {
      if (left == 0) return settled;
    } while (!left_.compare_exchange_weak(left, left - 1, std::memory_order_acquire, std::memory_order_relaxed));
    ++settled;
#ifdef __cpp_exceptions
    try {
      (*body_)(count_ - left);
    } catch (...) {
      if (!failed_.exchange(true)) failure_ = std::current_exception();
      settled += left_.exchange(0);
    }
#else
    (*body_)(count_ - left);
#endif
  }
}

void ThreadPool::serve() {
  inside_body = true;
  for (;;) {
    const std::uint32_t seen = bell_;
    if (stop_ != 0) return;
    const std::int64_t settled = work();
    if (settled > 0 && unsettled_.fetch_sub(settled) == settled) {
      done_ = 1;
      done_.notify_one();
    }
    wait_change(bell_, seen);
  }
}

// Which of them are asleep is not known here; waking too few costs time only, since the caller does what nobody takes.
void ThreadPool::wake(std::int64_t workers) {
  ++bell_;
  if (workers >= static_cast<std::int64_t>(workers_.size())) {
    bell_.notify_all();
  } else {
    while (workers-- > 0) bell_.notify_one();
  }
}

void ThreadPool::resize(std::size_t workers) {
  if (process_ != forks) {
    // The threads are the parent's. To join or detach them here would touch memory that new threads may have by now; a thread object
    // that is overwritten without being destroyed asks for neither.
    for (std::thread& lost : workers_) std::construct_at(&lost);
    workers_.clear();
    process_ = forks;
  }
  if (workers_.size() > workers) stop();
  if (workers_.size() == workers) return;
  count_forks();
  const auto start = [&] {
    workers_.reserve(workers);
    while (workers_.size() < workers) workers_.emplace_back([this] { serve(); });
  };
#ifdef __cpp_exceptions
  try {
    start();
  } catch (...) {  // no memory or no threads to be had: the loop runs on those that are there, and the next loop asks again
  }
#else
  start();
#endif
}

void ThreadPool::stop() {
  stop_ = 1;
  wake(static_cast<std::int64_t>(workers_.size()));
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
  stop_ = 0;
}

void ThreadPool::close() {
  if (inside_body || busy_.exchange(true, std::memory_order_acquire)) return;  // busy_ stays: all later loops are refused
  if (process_ != forks) resize(0);
  stop();
  workers_.shrink_to_fit();
}

}  // namespace likeness
