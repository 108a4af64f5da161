// Where buffers with known lifetimes lie in one block of memory.
#pragma once

#include <cstddef>
#include <span>

namespace likeness::detail {

/// A buffer that is in use from step `first` to step `last`, both included.
struct Lifetime {
  std::size_t size = 0;  ///< bytes
  std::size_t first = 0;
  std::size_t last = 0;
  std::size_t offset = 0;  ///< set by plan_arena(), a multiple of kArenaAlignment
};

inline constexpr std::size_t kArenaAlignment = 64;

/// Places all buffers so that those in use at the same step do not overlap; returns the size of the block. Largest first, each
/// into the smallest gap between its contemporaries that holds it ("greedy by size", Pisarchyk and Lee, arXiv 2001.03288).
std::size_t plan_arena(std::span<Lifetime> buffers);

}  // namespace likeness::detail
