// Tables, and the ceiling that profiles are compared with.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "autodiff/fma_peak.hpp"
#include "autodiff/text_table.hpp"
#include "base/parallel.hpp"

namespace likeness {
namespace {

TEST(TextTable, AlignsWordsToTheLeftAndNumbersToTheRight) {
  TextTable table({{"what", true}, {"n"}, {"remark", true}});
  table.add({"a", "1", "x"});
  table.add_line("a line that is longer than all columns together");
  table.add({"longer", "1,000", ""});
  table.add({"short row"});
  EXPECT_EQ(table.text(),
            "what           n  remark\n"
            "a              1  x\n"
            "a line that is longer than all columns together\n"
            "longer     1,000\n"
            "short row\n");
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(decimals("%.2f ms", 1.5), "1.50 ms");
}

// Runs everything on the calling thread.
class Serial : public Runner {
 public:
  void run(std::int64_t count, const std::function<void(std::int64_t)>& body) override {
    tasks += count;
    for (std::int64_t i = 0; i < count; ++i) body(i);
  }
  std::int64_t tasks = 0;
};

TEST(FmaPeak, IsMeasuredOnTheThreadsOfTheRunner) {
  Serial serial;
  set_runner(&serial);
  const FmaPeak peak = measure_fma_peak();
  set_runner(nullptr);
  EXPECT_GT(serial.tasks, 0);
  EXPECT_EQ(peak.threads, 1);
  EXPECT_GT(peak.flops, 0);
  EXPECT_FALSE(std::string(peak.target).empty());
}

}  // namespace
}  // namespace likeness
