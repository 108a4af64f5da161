// The names of MakeHuman's modifiers: those of old versions, and which may be written.
#include <gtest/gtest.h>

#include "scene/mhm_text.hpp"

namespace likeness {
namespace {

TEST(MhmNames, OfOldVersionsBecomeCurrentOnes) {
  const auto now = [](const char* old) {
    const scene::MhmName name = scene::mhm_current_name(old);
    EXPECT_TRUE(name.name == old || scene::mhm_writable(name.name)) << name.name;
    return (name.sign < 0 ? "-" : "") + name.name;
  };
  EXPECT_EQ(now("ears/r-ear-size-big|small"), "-ears/r-ear-scale-decr|incr");
  EXPECT_EQ(now("ears/l-ear-shape2-square|round"), "ears/l-ear-shape-square|round");
  EXPECT_EQ(now("nose/nose-volume-potato|point"), "-nose/nose-volume-decr|incr");
  EXPECT_EQ(now("mouth/mouth-lowerlip-ext-up|down"), "mouth/mouth-lowerlip-ext-down|up");
  for (const char* kept :
       {"head/head-round", "eyes/?-eye-size-small|big", "eyes/eye-size-small|big", "mouth/nose-volume-potato|point", "head/", "", "/"}) {
    EXPECT_EQ(now(kept), kept);
  }
}

TEST(MhmNames, AreMakeHumansOwn) {
  EXPECT_TRUE(scene::mhm_writable("eyes/l-eye-bag-in|out"));
  EXPECT_TRUE(scene::mhm_writable("macrodetails/Age"));
  for (const char* name : {"eyes/eye-bag-in|out", "eyes/?-eye-bag-in|out", "eyes/m-eye-bag-in|out", "head/Age", "head/", "head", "", "/",
                           "nose/l-nose-trans-in|out", "head/head-oval head-round", "armslegs/l-hand-scale-decr|incr"}) {
    EXPECT_FALSE(scene::mhm_writable(name)) << name;
  }
  EXPECT_EQ(scene::mhm_range("head/head-oval").low, 0);
  EXPECT_EQ(scene::mhm_range("head/head-age-decr|incr").low, -1);
  EXPECT_EQ(scene::mhm_known("armslegs/l-hand-scale-decr|incr"), scene::MhmKnown::body);
  EXPECT_EQ(scene::mhm_known("head/head-oval"), scene::MhmKnown::head);
  EXPECT_EQ(scene::mhm_known("head/horns"), scene::MhmKnown::unknown);
}

}  // namespace
}  // namespace likeness
