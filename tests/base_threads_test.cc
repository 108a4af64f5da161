// The default runner: base/thread_pool.hpp behind base/parallel.hpp, and the number of its threads.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <set>
#include <stdexcept>

#include "base/parallel.hpp"
#include "base/thread_count.hpp"
#include "base/thread_pool.hpp"

namespace likeness {
namespace {

// Whether every index of a loop runs once.
bool complete(std::int64_t count) {
  std::vector<std::atomic<int>> hits(static_cast<std::size_t>(count));
  parallel_for(count, [&](std::int64_t i) { ++hits[static_cast<std::size_t>(i)]; });
  for (const auto& hit : hits) {
    if (hit != 1) return false;
  }
  return true;
}

// The threads that run a loop of n bodies none of which returns before all have started: n, or the pool is broken and this hangs.
std::set<std::thread::id> meet(int n) {
  std::atomic<int> arrived = 0;
  std::mutex mutex;
  std::set<std::thread::id> threads;
  parallel_for(n, [&](std::int64_t) {
    ++arrived;
    while (arrived < n) std::this_thread::yield();
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  return threads;
}

class Threads : public testing::Test {
 protected:
  ~Threads() override { set_default_threads(0); }
};

TEST_F(Threads, EveryIndexRunsOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    set_default_threads(threads);
    for (const std::int64_t count : {0, 1, 2, 3, 7, 64, 1000}) {
      for (int repeat = 0; repeat < 200; ++repeat) ASSERT_TRUE(complete(count)) << threads << " " << count;
    }
  }
}

TEST_F(Threads, AllOfThemWork) {
  for (const int threads : {2, 5, 3, 4}) {
    set_default_threads(threads);
    for (int repeat = 0; repeat < 20; ++repeat) {
      const auto met = meet(threads);
      EXPECT_EQ(met.size(), static_cast<std::size_t>(threads));
      EXPECT_TRUE(met.contains(std::this_thread::get_id()));
    }
  }
}

TEST_F(Threads, SleepersWakeUp) {
  set_default_threads(3);
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    EXPECT_EQ(meet(3).size(), 3U);
  }
}

TEST_F(Threads, LoopsInsideLoopsStayOnTheirThread) {
  set_default_threads(3);
  std::atomic<int> inner = 0, strayed = 0;
  parallel_for(20, [&](std::int64_t) {
    const auto mine = std::this_thread::get_id();
    std::int64_t next = 0;
    parallel_for(10, [&](std::int64_t i) {
      ++inner;
      strayed += i != next++ || std::this_thread::get_id() != mine ? 1 : 0;
    });
  });
  EXPECT_EQ(inner, 200);
  EXPECT_EQ(strayed, 0);
}

TEST_F(Threads, ALoopBesideAnotherThreadsRunsOnItsCaller) {
  set_default_threads(2);
  parallel_for(2, [&](std::int64_t i) {
    if (i == 1) return;
    std::thread host(
        [] { parallel_for(5, [caller = std::this_thread::get_id()](std::int64_t) { EXPECT_EQ(std::this_thread::get_id(), caller); }); });
    host.join();
  });
}

TEST_F(Threads, ManyHostThreadsMayLoopAtOnce) {
  set_default_threads(3);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> hosts;
  for (int h = 0; h < 4; ++h) {
    hosts.emplace_back([&] {
      for (int repeat = 0; repeat < 3000; ++repeat) wrong += complete(1 + repeat % 40) ? 0 : 1;
    });
  }
  for (std::thread& host : hosts) host.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(Threads, TheFirstExceptionComesOutAndThePoolGoesOn) {
  for (const int threads : {1, 2, 4}) {
    set_default_threads(threads);
    for (int repeat = 0; repeat < 100; ++repeat) {
      std::atomic<int> running = 0, ran = 0;
      try {
        parallel_for(1000, [&](std::int64_t i) {
          ++running;
          ++ran;
          if (i >= 3) {
            --running;
            throw std::runtime_error("from a body");
          }
          --running;
        });
        ADD_FAILURE() << "no exception";
      } catch (const std::runtime_error& e) {
        EXPECT_STREQ(e.what(), "from a body");
      }
      EXPECT_EQ(running, 0);
      EXPECT_LE(ran, 3 + threads);  // the others were skipped
      ASSERT_TRUE(complete(30));
    }
  }
}

TEST_F(Threads, AnExceptionOfAWorkerComesOut) {
  set_default_threads(2);
  const auto caller = std::this_thread::get_id();
  std::atomic<int> arrived = 0;
  const auto body = [&](std::int64_t) {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
    if (std::this_thread::get_id() != caller) throw std::bad_alloc();
  };
  EXPECT_THROW(parallel_for(2, body), std::bad_alloc);
}

TEST_F(Threads, AnInjectedRunnerWins) {
  struct Serial final : Runner {
    void run(std::int64_t count, const std::function<void(std::int64_t)>& body) override {
      for (std::int64_t i = 0; i < count; ++i) body(i);
    }
  } serial;
  set_default_threads(3);
  set_runner(&serial);
  const auto caller = std::this_thread::get_id();
  parallel_for(50, [&](std::int64_t) { EXPECT_EQ(std::this_thread::get_id(), caller); });
  // It is the runner of this thread only.
  std::thread([&] { EXPECT_NE(&current_runner(), &serial); }).join();
  set_runner(nullptr);
  EXPECT_EQ(meet(3).size(), 3U);
}

TEST_F(Threads, AClosedPoolRefuses) {
  ThreadPool pool;
  std::atomic<int> ran = 0;
  const std::function<void(std::int64_t)> body = [&](std::int64_t) { ++ran; };
  EXPECT_TRUE(pool.run(10, 3, body));
  EXPECT_EQ(ran, 10);
  pool.close();
  EXPECT_FALSE(pool.run(10, 3, body));
  EXPECT_EQ(ran, 10);
}

// How a forked child ends that runs `body` and the handlers of exit(); 124 if it takes a minute.
int child_status(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    std::exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 124;
}

// ThreadSanitizer does not let a child of a program with threads start more.
#if defined(__SANITIZE_THREAD__)
constexpr bool kChildMayHaveThreads = false;
#else
constexpr bool kChildMayHaveThreads = true;
#endif

TEST_F(Threads, AForkedChildHasThreadsOfItsOwn) {
  set_default_threads(3);
  ASSERT_EQ(meet(3).size(), 3U);
  EXPECT_EQ(child_status([] { return 7; }), 7) << "exit() waits for threads of the parent";
  if (kChildMayHaveThreads) {
    EXPECT_EQ(child_status([] {
                const bool all = meet(3).size() == 3 && complete(100);
                set_default_threads(2);
                return all && meet(2).size() == 2 ? 8 : 1;
              }),
              8);
  }
  EXPECT_EQ(meet(3).size(), 3U) << "in the parent";
}

TEST_F(Threads, AChildForkedBesideALoopLoopsByItself) {
  set_default_threads(2);
  std::atomic<bool> started = false, go_on = true;
  std::thread host([&] {
    parallel_for(2, [&](std::int64_t) {
      started = true;
      while (go_on) std::this_thread::yield();
    });
  });
  while (!started) std::this_thread::yield();
  EXPECT_EQ(child_status([] { return complete(100) ? 9 : 1; }), 9);
  go_on = false;
  host.join();
}

TEST_F(Threads, ExitInsideALoopDoesNotHang) {
  if (!kChildMayHaveThreads) GTEST_SKIP();
  for (const bool on_caller : {true, false}) {
    EXPECT_EQ(child_status([&] {
                set_default_threads(2);
                std::atomic<int> arrived = 0;
                const auto caller = std::this_thread::get_id();
                parallel_for(2, [&](std::int64_t) {
                  ++arrived;
                  while (arrived < 2) std::this_thread::yield();
                  if ((std::this_thread::get_id() == caller) == on_caller) std::exit(10);
                  while (true) std::this_thread::yield();
                });
                return 1;
              }),
              10);
  }
}

TEST(ThreadCount, ComesFromTheEnvironmentElseTheProcessors) {
  const auto with = [](const char* own, const char* omp) {
    own != nullptr ? ::setenv("LIKENESS_NUM_THREADS", own, 1) : ::unsetenv("LIKENESS_NUM_THREADS");
    omp != nullptr ? ::setenv("OMP_NUM_THREADS", omp, 1) : ::unsetenv("OMP_NUM_THREADS");
    return default_thread_count();
  };
  const int all = with(nullptr, nullptr);
  EXPECT_GE(all, 1);
  EXPECT_LE(all, std::max(1, static_cast<int>(std::thread::hardware_concurrency())));
  EXPECT_EQ(with("3", "5"), 3);
  EXPECT_EQ(with(nullptr, "5"), 5);
  EXPECT_EQ(with(nullptr, "6,2"), 6);
  EXPECT_EQ(with("", "5"), 5);
  EXPECT_EQ(with("0", nullptr), all);
  EXPECT_EQ(with("-2", nullptr), all);
  EXPECT_EQ(with("many", nullptr), all);
  EXPECT_EQ(with("3x", nullptr), all);
  EXPECT_EQ(with("99999999999999999999", nullptr), kMostThreads);
  with("3", nullptr);
  set_default_threads(0);
  EXPECT_EQ(meet(3).size(), 3U);
  with(nullptr, nullptr);
  set_default_threads(0);
}

}  // namespace
}  // namespace likeness
