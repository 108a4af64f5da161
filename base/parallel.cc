#include "base/parallel.hpp"

#ifdef _OPENMP
#include <omp.h>

#include <exception>
#include <mutex>
#endif

namespace likeness {
namespace {

#ifdef _OPENMP
int default_threads = 0;

// An exception (of a failed allocation, mostly) must not leave an OpenMP region: the first is carried to the caller's thread.
class Failure {
 public:
#ifdef __cpp_exceptions
  template <class Work>
  void keep(Work&& work) {
    try {
      work();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!first_) first_ = std::current_exception();
    }
  }
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr first_;
#else
  template <class Work>
  void keep(Work&& work) {
    work();
  }
  void rethrow() const {}
#endif
};

class DefaultRunner final : public Runner {
 public:
  void run(std::int64_t count, const std::function<void(std::int64_t)>& body) override {
    // A fit inside a host's parallel region stays serial: nested teams cost more than they give.
    const int threads = omp_in_parallel() ? 1 : default_threads > 0 ? default_threads : omp_get_max_threads();
    if (threads == 1) {
      for (std::int64_t i = 0; i < count; ++i) body(i);
      return;
    }
    Failure failure;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (std::int64_t i = 0; i < count; ++i) failure.keep([&] { body(i); });
    failure.rethrow();
  }
};
#else
class DefaultRunner final : public Runner {
 public:
  void run(std::int64_t count, const std::function<void(std::int64_t)>& body) override {
    for (std::int64_t i = 0; i < count; ++i) body(i);
  }
};
#endif

thread_local Runner* injected = nullptr;

}  // namespace

Runner& current_runner() {
  static DefaultRunner runner;
  return injected != nullptr ? *injected : runner;
}

void set_runner(Runner* runner) { injected = runner; }

void set_default_threads([[maybe_unused]] int n) {
#ifdef _OPENMP
  default_threads = n;
#endif
}

}  // namespace likeness
