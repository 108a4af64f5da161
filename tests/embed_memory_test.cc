// The allocations of a small fit fail in turn, once and from then on: OUT_OF_MEMORY, nothing lost, the model still usable.
// Once the search is over and JSON is written, only those of a page or more: nlohmann's destructors allocate some 100 bytes and end the
// process where they cannot (docs/embedding.md).
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "embed_support.hpp"

namespace {

constexpr std::int64_t kNever = INT64_MAX;
constexpr std::size_t kPage = 4096;
std::atomic<std::size_t> least_size{0};  // smaller ones never fail
std::atomic<std::int64_t> calls{0}, first_failure{kNever}, last_failure{kNever}, live{0};

void* allocate(std::size_t size, std::size_t alignment) {
  const std::int64_t call = calls++;
  if (call >= first_failure && call <= last_failure && size >= least_size) return nullptr;
  void* p = alignment <= alignof(std::max_align_t) ? std::malloc(size)
                                                   : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (p != nullptr) ++live;
  return p;
}

void* allocate_or_throw(std::size_t size, std::size_t alignment) {
  void* p = allocate(size == 0 ? 1 : size, alignment);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}

void release(void* p) {
  if (p != nullptr) --live;
  std::free(p);
}

}  // namespace

void* operator new(std::size_t size) { return allocate_or_throw(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) { return allocate_or_throw(size, static_cast<std::size_t>(alignment)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size == 0 ? 1 : size, 1); }
void operator delete(void* p) noexcept { release(p); }
void operator delete(void* p, std::size_t) noexcept { release(p); }
void operator delete(void* p, std::align_val_t) noexcept { release(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { release(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { release(p); }

namespace likeness {
namespace {

using test::CPhoto;

struct Counts {
  std::int64_t search = 0;  ///< allocations up to the last step
  std::int64_t all = 0;
};

// One fit whose allocations `first` to `last` (from 0) fail.
likeness_status fit(likeness_model* model, const CPhoto& photo, std::int64_t first, std::int64_t last, Counts* counts = nullptr) {
  likeness_fit_options options = test::few_iterations();
  options.iterations = 2;
  const std::int64_t start = calls;
  std::int64_t at_step = start;
  options.user = &at_step;
  options.progress = [](void* user, int32_t, int32_t, double, double) {
    *static_cast<std::int64_t*>(user) = calls;
    return 0;
  };
  likeness_result* result = nullptr;
  last_failure = last == kNever ? kNever : start + last;
  first_failure = first == kNever ? kNever : start + first;
  const likeness_status status = photo.fit(model, &options, &result);
  first_failure = kNever;
  if (counts != nullptr) *counts = {at_step - start, calls - start};
  EXPECT_EQ(result != nullptr, status == LIKENESS_OK);
  likeness_result_free(result);
  return status;
}

void fail_in_turn(int threads) {
  likeness_set_threads(threads);
  const CPhoto photo;
  const auto inner = test::small_model();
  const auto fit_fresh = [&](std::int64_t first, std::int64_t last, Counts* counts = nullptr) {
    const auto model = test::wrap(inner);
    const likeness_status status = fit(model.get(), photo, first, last, counts);
    // The model still works.
    EXPECT_EQ(status == LIKENESS_OK ? status : fit(model.get(), photo, kNever, kNever), LIKENESS_OK) << likeness_error();
    return status;
  };
  Counts counts;
  for (int i = 0; i < 2; ++i) ASSERT_EQ(fit_fresh(kNever, kNever, &counts), LIKENESS_OK);  // the first also fills what threads keep
  ASSERT_GT(counts.search, 100);
  const std::int64_t before = live;
  int refused = 0, tried = 0;
  // All of the first ones, then fewer and fewer: the later ones repeat with every evaluation.
  for (std::int64_t n = 0; n < counts.all; n += 1 + n / 25) {
    least_size = n < counts.search ? 0 : kPage;
    for (const bool persistent : {false, true}) {
      const likeness_status status = fit_fresh(n, persistent ? kNever : n);
      EXPECT_TRUE(status == LIKENESS_OUT_OF_MEMORY || (status == LIKENESS_OK && n >= counts.search))
          << n << " of " << counts.search << ", " << counts.all << ": " << status << " " << likeness_error();
      refused += status == LIKENESS_OUT_OF_MEMORY ? 1 : 0;
      ++tried;
      ASSERT_EQ(live, before) << "lost at allocation " << n;
    }
  }
  least_size = 0;
  std::printf("failing allocations tried: %d, refused with OUT_OF_MEMORY: %d, blocks lost: %lld\n", tried, refused,
              static_cast<long long>(live - before));
  likeness_set_threads(0);
}

TEST(OutOfMemory, OneThread) { fail_in_turn(1); }
TEST(OutOfMemory, ManyThreads) { fail_in_turn(3); }

}  // namespace
}  // namespace likeness
