// What the cores could do at most: the ceiling that a profile is compared with.
#pragma once

namespace likeness {

/// The rate of fused multiply-adds that nothing holds up.
struct FmaPeak {
  double flops = 0;         ///< single precision operations a second, of all threads together; a multiply-add counts as two
  int threads = 0;          ///< that took part: those that were given work while it was measured
  const char* target = "";  ///< the instructions, by Highway's names: "AVX3" (AVX-512), "AVX2", "SSE4", "NEON", ...
};

/// Measures it, in about half a second: all threads of current_runner() multiply and add in registers, in chains that do not wait for one
/// another, without reading or writing memory; tasks of some tens of microseconds, of which each thread's median counts, so that those
/// which other programs interrupt or which begin before the clock has risen do not. Vectors are as long, and their instructions (AVX-512,
/// AVX2, SSE4, NEON) chosen at run time, as for the kernels; those without a fused multiply-add (SSE4) multiply, then add.
FmaPeak measure_fma_peak();

}  // namespace likeness
