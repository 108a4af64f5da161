// What the machine's fused multiply-add units give at most, in single precision, on as many threads as the kernels use. Prints
// `fma_peak_gflops VALUE` and the instructions.
#include <cstdio>

#include "autodiff/fma_peak.hpp"

int main() {
  const likeness::FmaPeak peak = likeness::measure_fma_peak();
  std::printf("fma_peak_gflops %.2f\nfma_target %s\n", peak.flops / 1e9, peak.target);
  return 0;
}
