// Memory for many numbers: weights and the block of a program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

namespace likeness {

/// Memory aligned to 64 bytes, not initialised. From 4 MB on it asks Linux for pages of 2 MB, where the system gives them to those who ask:
/// a fit step reads some 300 MB of weights, and rows of pictures that lie on a page each; in virtual machines above all, finding 4 KB
/// pages takes 3 % of its time. Throws std::bad_alloc.
void* allocate_large(std::size_t bytes);
/// `bytes` as it was given to allocate_large().
void free_large(void* memory, std::size_t bytes) noexcept;

/// For containers.
template <class T>
struct LargeAllocator {
  using value_type = T;
  LargeAllocator() = default;
  template <class U>
  LargeAllocator(const LargeAllocator<U>&) {}

  T* allocate(std::size_t count) {
    constexpr std::size_t kMost = PTRDIFF_MAX;  // more than there ever is: std::bad_alloc, also for code without exceptions
    return static_cast<T*>(allocate_large(count > kMost / sizeof(T) ? kMost : count * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t count) noexcept { free_large(memory, count * sizeof(T)); }
  friend bool operator==(const LargeAllocator&, const LargeAllocator&) { return true; }
};

}  // namespace likeness
