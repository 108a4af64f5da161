#include "base/parallel.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace likeness {
namespace {

#ifdef _OPENMP
int default_threads = 0;

class DefaultRunner final : public Runner {
 public:
  void run(std::int64_t count, const std::function<void(std::int64_t)>& body) override {
    // A fit inside a host's parallel region stays serial: nested teams cost more than they give.
    const int threads = omp_in_parallel() ? 1 : default_threads > 0 ? default_threads : omp_get_max_threads();
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1)
    for (std::int64_t i = 0; i < count; ++i) body(i);
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
