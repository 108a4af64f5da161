#include "base/large_memory.hpp"

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace likeness {
namespace {

constexpr std::size_t kLine = 64, kPage = std::size_t{1} << 21;

std::align_val_t alignment(std::size_t bytes) { return std::align_val_t{bytes < 2 * kPage ? kLine : kPage}; }

}  // namespace

void* allocate_large(std::size_t bytes) {
  void* memory = ::operator new(bytes, alignment(bytes));
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (bytes >= 2 * kPage) madvise(memory, bytes / kPage * kPage, MADV_HUGEPAGE);  // a wish: nothing fails without
#endif
  return memory;
}

void free_large(void* memory, std::size_t bytes) noexcept { ::operator delete(memory, alignment(bytes)); }

}  // namespace likeness
