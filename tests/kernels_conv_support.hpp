// What the tests of convolutions share: random shapes, guarded runs, the reference.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "kernels/conv.hpp"
#include "kernels/conv_ref.hpp"
#include "kernels_support.hpp"

namespace likeness::test {

inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
inline constexpr float kGuard = 12345.0F;

inline std::string text(const kernels::ConvShape& s) {
  std::ostringstream out;
  out << "in " << s.in << " out " << s.out << " size " << s.height << "x" << s.width << " kernel " << s.kernel_h << "x" << s.kernel_w
      << " stride " << s.stride << " padding " << s.padding << " dilation " << s.dilation << " groups " << s.groups;
  return out.str();
}

// Odd sizes, pictures smaller than the kernel, a third of the shapes with dilation or groups.
inline kernels::ConvShape random_conv(Random& random) {
  while (true) {
    kernels::ConvShape s{random.integer(1, 20), random.integer(1, 20), random.integer(1, 40), random.integer(1, 40),
                         random.integer(1, 7),  random.integer(1, 7),  random.integer(1, 4),  random.integer(0, 7)};
    if (random.integer(0, 3) == 0) s.kernel_h = s.kernel_w = 4, s.stride = 2, s.padding = 1;
    if (random.integer(0, 3) == 0) s.dilation = random.integer(2, 4);
    if (random.integer(0, 3) == 0) {
      s.groups = random.integer(1, 5);
      s.in = s.groups * random.integer(1, 4);
      s.out = s.groups * random.integer(1, 10);
    }
    if (s.padding <= std::max(s.kernel_h, s.kernel_w) && s.valid()) return s;
  }
}

// call(residual, to, workspace) on guarded memory: the workspace starts as NaN, the output lies between guards. A residual is the output
// itself.
template <class Call>
std::vector<float> run_guarded(std::int64_t workspace_size, std::int64_t size, const std::vector<float>& residual, const Call& call) {
  std::vector<float> workspace(static_cast<std::size_t>(workspace_size), kNan);
  std::vector<float> to(static_cast<std::size_t>(size) + 64, kGuard);
  std::copy(residual.begin(), residual.end(), to.begin() + 32);
  call(residual.empty() ? nullptr : to.data() + 32, to.data() + 32, workspace.data());
  for (std::size_t i = 0; i < 32; ++i) {
    EXPECT_EQ(to[i], kGuard) << "wrote before the output";
    EXPECT_EQ(to[to.size() - 1 - i], kGuard) << "wrote behind the output";
  }
  return {to.begin() + 32, to.end() - 32};
}

inline std::vector<float> run_conv(const kernels::PackedConv& packed, const kernels::ConvShape& s, bool gather,
                                   const std::vector<float>& from, const float* mask, const std::vector<float>& bias, bool relu,
                                   const std::vector<float>& residual = {}) {
  return run_guarded(packed.workspace(s), gather ? s.y_size() : s.x_size(), residual, [&](const float* add, float* to, float* workspace) {
    const kernels::ConvEpilogue epilogue{bias.data(), add, relu};
    gather ? packed.gather(s, from.data(), mask, epilogue, to, workspace) : packed.scatter(s, from.data(), mask, epilogue, to, workspace);
  });
}

template <class T>
std::vector<T> conv_reference(const kernels::ConvShape& s, bool gather, const std::vector<T>& from, const std::vector<T>& weight,
                              const std::vector<T>& bias) {
  std::vector<T> to(static_cast<std::size_t>(gather ? s.y_size() : s.x_size()));
  if (gather) {
    kernels::reference::conv_gather(s, from.data(), weight.data(), bias.data(), to.data());
  } else {
    kernels::reference::conv_scatter(s, from.data(), weight.data(), bias.data(), to.data());
  }
  return to;
}

}  // namespace likeness::test
