// Tables for people.
#include <gtest/gtest.h>

#include "autodiff/text_table.hpp"

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

}  // namespace
}  // namespace likeness
