// Fills memory that the next function gets without having written it: the stack below here, and what malloc hands out (glibc).
// Read something twice over different fills, and an answer that depends on memory it never wrote shows.
#pragma once

#include <cstddef>
#include <cstdint>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace likeness::testing {

[[gnu::noinline]] inline void paint_memory(std::uint8_t fill) {
  constexpr std::size_t kStack = std::size_t{1} << 16;  // more than the decoders' frames
  volatile std::uint8_t block[kStack];
  for (volatile std::uint8_t& byte : block) byte = fill;
#if defined(__GLIBC__)
  ::mallopt(M_PERTURB, fill ^ 0xFF);  // memory from malloc is filled with the complement of the value; 0xFF ^ 0xFF = 0 switches it off
#endif
}

}  // namespace likeness::testing
