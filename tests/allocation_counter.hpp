// Counts every call of operator new of the program. Include it in one file of a test program.
#pragma once

#include <atomic>
#include <cstdlib>
#include <new>

namespace likeness::test {

inline std::atomic<std::size_t> allocation_count{0};
inline std::atomic<std::size_t> allocation_bytes{0};
inline std::size_t allocations() { return allocation_count; }
inline std::size_t allocated_bytes() { return allocation_bytes; }

inline void* counted(std::size_t size, std::size_t alignment) {
  ++allocation_count;
  allocation_bytes += size;
  if (void* p = std::aligned_alloc(alignment, (std::max<std::size_t>(size, 1) + alignment - 1) / alignment * alignment)) return p;
  std::abort();
}

}  // namespace likeness::test

void* operator new(std::size_t size) { return likeness::test::counted(size, alignof(std::max_align_t)); }
void* operator new[](std::size_t size) { return likeness::test::counted(size, alignof(std::max_align_t)); }
// std::stable_sort asks for its buffer this way.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return likeness::test::counted(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return likeness::test::counted(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return likeness::test::counted(size, static_cast<std::size_t>(alignment));
}
// GCC 12 warns falsely where it inlines only one of a pair.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
