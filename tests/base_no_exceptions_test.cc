// A pool that was compiled without exceptions, given bodies that throw.
#include <gtest/gtest.h>

#include <atomic>
#include <new>

// The class has other members with exceptions: seen from here it must be the one that was compiled.
#undef __cpp_exceptions
#include "base/thread_pool.hpp"

namespace likeness {
namespace {

TEST(ThreadPoolWithoutExceptions, Works) {
  ThreadPool pool;
  std::atomic<int> sum = 0;
  EXPECT_TRUE(pool.run(100, 3, [&](std::int64_t i) { sum += static_cast<int>(i); }));
  EXPECT_EQ(sum, 4950);
}

TEST(ThreadPoolWithoutExceptionsDeathTest, EndsTheProcessInsteadOfLeavingALoopThatThreadsStillUse) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const auto loop = [](bool on_caller) {
    const auto caller = std::this_thread::get_id();
    std::atomic<int> arrived = 0;
    ThreadPool pool;
    try {
      (void)pool.run(2, 2, [&](std::int64_t) {
        ++arrived;
        while (arrived < 2) std::this_thread::yield();  // one index on each thread
        if ((std::this_thread::get_id() == caller) == on_caller) throw std::bad_alloc();
        if (!on_caller) std::this_thread::sleep_for(std::chrono::hours(1));
      });
    } catch (const std::bad_alloc&) {
      std::_Exit(0);
    }
  };
  EXPECT_DEATH(loop(true), "bad_alloc");
  EXPECT_DEATH(loop(false), "bad_alloc");
}

}  // namespace
}  // namespace likeness
