// LIKENESS_TARGETS: which names it takes, and that it reaches the kernels.
#include "kernels/targets.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "base/sha256.hpp"
#include "kernels/conv.hpp"
#include "kernels_support.hpp"

namespace likeness::kernels {
namespace {

using test::Random;

#if HWY_ARCH_X86

constexpr std::int64_t kAll = HWY_AVX3 | HWY_AVX2 | HWY_SSE4;

TEST(Targets, TakesNamesThatAreThere) {
  EXPECT_EQ(choose_targets("AVX2", kAll).targets, HWY_AVX2);
  EXPECT_EQ(choose_targets("AVX2,SSE4", kAll).targets, HWY_AVX2 | HWY_SSE4);
  EXPECT_EQ(choose_targets("best", kAll).targets, kAll);
  EXPECT_EQ(choose_targets("SSE4,best", kAll).targets, kAll);
  EXPECT_EQ(choose_targets("AVX2", kAll).error, "");
}

TEST(Targets, RefusesNamesThatAreNot) {
  for (const char* names : {"", "AVX", "avx2", "AVX2,", ",AVX2", "AVX2 ,SSE4", "AVX2,NEON", "Unknown"}) {
    const TargetChoice choice = choose_targets(names, kAll);
    EXPECT_EQ(choice.targets, kAll) << names;
    EXPECT_NE(choice.error, "") << names;
  }
  EXPECT_EQ(choose_targets("SSE4,AVX3", HWY_AVX2 | HWY_SSE4).error, "there is no \"AVX3\" in this machine and build, which have AVX2 SSE4");
}

#ifdef __linux__

// The tests below run it in processes of their own: it prints what runs and the bits of the results.
TEST(Targets, RunsAKernel) {
  const test::ThreadRunner serial(1);
  Random random(1);
  for (const ConvShape& s : {ConvShape{24, 20, 21, 37, 3, 3, 1, 1}, ConvShape{64, 64, 24, 24, 3, 3, 1, 1}}) {
    const auto w = random.reals(s.weight_size());
    const auto x = random.reals(s.x_size());
    const PackedConv packed(s, w.data());
    std::vector<float> workspace(static_cast<std::size_t>(packed.workspace(s)));
    std::vector<float> y(static_cast<std::size_t>(s.y_size()));
    packed.gather(s, x.data(), nullptr, {}, y.data(), workspace.data());
    const std::string bits(reinterpret_cast<const char*>(y.data()), y.size() * sizeof(float));
    EXPECT_TRUE(std::ranges::any_of(y, [](float v) { return v != 0.0F; }));
    std::printf("result %s %s\n", target_name(), sha256_hex(bits).c_str());
  }
}

// What the child prints, stderr included: the lines that begin with `begin`, without it.
std::string child(const std::string& names, const std::string& begin) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  const std::string command = "LIKENESS_TARGETS='" + names + "' '" + self + "' --gtest_filter=Targets.RunsAKernel 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "no process";
  std::string found;
  char line[512];
  while (std::fgets(line, sizeof line, pipe) != nullptr) {
    if (std::string(line).starts_with(begin)) found += line + begin.size();
  }
  return pclose(pipe) == 0 ? found : "failed";
}

TEST(Targets, VariableReachesTheKernels) {
  const std::int64_t available = available_targets();
  std::vector<std::string> fused;  // the targets with fused multiply-adds agree bit for bit
  for (const std::int64_t target : {std::int64_t{HWY_AVX3}, std::int64_t{HWY_AVX2}, std::int64_t{HWY_SSE4}}) {
    if ((available & target) == 0) continue;
    const std::string name = hwy::TargetName(target);
    std::string result = child(name, "result " + name + " ");
    EXPECT_EQ(result.size(), 2 * 65U) << name << ": " << result;
    if (target != HWY_SSE4) {
      fused.push_back(result);
    } else if (!fused.empty()) {
      EXPECT_NE(result, fused.front()) << "the variable did not reach the kernels";
    }
  }
  for (const std::string& result : fused) EXPECT_EQ(result, fused.front());
}

TEST(Targets, SaysOnceWhatItIgnores) {
  const std::string said = child("AVX2,MMX", "likeness: ");
  EXPECT_TRUE(said.starts_with("LIKENESS_TARGETS is ignored: there is no \"MMX\" in this machine and build, which have ")) << said;
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1);
  const std::string best = hwy::TargetName(available_targets() & -available_targets());
  EXPECT_EQ(child("MMX", "result " + best), child("", "result " + best));
  EXPECT_EQ(child("best", "likeness: "), "");
}

#endif
#endif

}  // namespace
}  // namespace likeness::kernels
