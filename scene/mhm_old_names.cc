// MakeHuman 1.1 renamed modifiers. This is its own table (data/modifiers/mh_1-0_modifier_mapping.csv) as far as the head goes.
// The npm package's targets cannot stand in for it: they have names like 1.0's, some with the direction of 1.1.
#include <algorithm>
#include <array>

#include "scene/mhm_text.hpp"

namespace likeness::scene {
namespace {

// Names in MakeHuman 1.0 and since. "?-" stands for "l-" and "r-".
struct Renamed {
  std::string_view group, old, now;
  bool inverted = false;
};
constexpr std::array<Renamed, 82> kRenamed = {{
    {"head", "head-age-less|more", "head-age-decr|incr"},
    {"head", "head-scale-depth-less|more", "head-scale-depth-decr|incr"},
    {"head", "head-scale-horiz-less|more", "head-scale-horiz-decr|incr"},
    {"head", "head-scale-vert-more|less", "head-scale-vert-decr|incr", true},
    {"head", "head-trans-forward|backward", "head-trans-backward|forward", true},
    {"forehead", "forehead-nubian-less|more", "forehead-nubian-decr|incr"},
    {"forehead", "forehead-scale-vert-less|more", "forehead-scale-vert-decr|incr"},
    {"forehead", "forehead-temple-in|out", "forehead-temple-decr|incr"},
    {"forehead", "forehead-trans-depth-forward|backward", "forehead-trans-backward|forward"},
    {"cheek", "?-cheek-bones-in|out", "?-cheek-bones-decr|incr"},
    {"cheek", "?-cheek-inner-deflate|inflate", "?-cheek-inner-decr|incr"},
    {"cheek", "?-cheek-trans-vert-down|up", "?-cheek-trans-down|up"},
    {"cheek", "?-cheek-volume-deflate|inflate", "?-cheek-volume-decr|incr"},
    {"chin", "chin-bones-in|out", "chin-bones-decr|incr"},
    {"chin", "chin-height-min|max", "chin-height-decr|incr"},
    {"chin", "chin-prognathism-less|more", "chin-prognathism-decr|incr"},
    {"chin", "chin-prominent-less|more", "chin-prominent-decr|incr"},
    {"chin", "chin-width-min|max", "chin-width-decr|incr"},
    {"eyebrows", "eyebrows-angle-up|down", "eyebrows-angle-down|up", true},
    {"eyebrows", "eyebrows-trans-depth-less|more", "eyebrows-trans-backward|forward"},
    {"eyebrows", "eyebrows-trans-vert-less|more", "eyebrows-trans-down|up", true},
    {"eyes", "?-eye-corner1-up|down", "?-eye-corner1-down|up", true},
    {"eyes", "?-eye-corner2-up|down", "?-eye-corner2-down|up", true},
    {"eyes", "?-eye-height1-min|max", "?-eye-height1-decr|incr"},
    {"eyes", "?-eye-height2-min|max", "?-eye-height2-decr|incr"},
    {"eyes", "?-eye-height3-min|max", "?-eye-height3-decr|incr"},
    {"eyes", "?-eye-move-in|out", "?-eye-trans-in|out"},
    {"eyes", "?-eye-move-up|down", "?-eye-trans-down|up", true},
    {"eyes", "?-eye-push2-in|out", "?-eye-push2-in|out", true},
    {"eyes", "?-eye-size-small|big", "?-eye-scale-decr|incr"},
    {"ears", "?-ear-flap-out|in", "?-ear-flap-decr|incr", true},
    {"ears", "?-ear-height-min|max", "?-ear-scale-vert-decr|incr"},
    {"ears", "?-ear-lobe-min|max", "?-ear-lobe-decr|incr"},
    {"ears", "?-ear-shape1-pointed|triangle", "?-ear-shape-pointed|triangle"},
    {"ears", "?-ear-shape2-square|round", "?-ear-shape-square|round"},
    {"ears", "?-ear-size-big|small", "?-ear-scale-decr|incr", true},
    {"ears", "?-ear-trans-depth-backward|forward", "?-ear-trans-backward|forward"},
    {"ears", "?-ear-trans-vert-down|up", "?-ear-trans-down|up"},
    {"ears", "?-ear-width-max|min", "?-ear-scale-depth-decr|incr", true},
    {"ears", "?-ear-wing-out|in", "?-ear-wing-decr|incr", true},
    {"mouth", "mouth-angles-up|down", "mouth-angles-down|up", true},
    {"mouth", "mouth-cupidsbow-width-min|max", "mouth-cupidsbow-width-decr|incr"},
    {"mouth", "mouth-lowerlip-ext-up|down", "mouth-lowerlip-ext-down|up"},
    {"mouth", "mouth-lowerlip-height-min|max", "mouth-lowerlip-height-decr|incr"},
    {"mouth", "mouth-lowerlip-middle-up|down", "mouth-lowerlip-middle-down|up"},
    {"mouth", "mouth-lowerlip-volume-deflate|inflate", "mouth-lowerlip-volume-decr|incr"},
    {"mouth", "mouth-lowerlip-width-min|max", "mouth-lowerlip-width-decr|incr"},
    {"mouth", "mouth-philtrum-volume-increase|decrease", "mouth-philtrum-volume-decr|incr", true},
    {"mouth", "mouth-scale-depth-incr|decr", "mouth-scale-depth-decr|incr", true},
    {"mouth", "mouth-scale-horiz-incr|decr", "mouth-scale-horiz-decr|incr", true},
    {"mouth", "mouth-scale-vert-incr|decr", "mouth-scale-vert-decr|incr", true},
    {"mouth", "mouth-trans-forward|backward", "mouth-trans-backward|forward", true},
    {"mouth", "mouth-trans-up|down", "mouth-trans-down|up", true},
    {"mouth", "mouth-upperlip-ext-up|down", "mouth-upperlip-ext-down|up", true},
    {"mouth", "mouth-upperlip-height-min|max", "mouth-upperlip-height-decr|incr"},
    {"mouth", "mouth-upperlip-middle-up|down", "mouth-upperlip-middle-down|up", true},
    {"mouth", "mouth-upperlip-volume-deflate|inflate", "mouth-upperlip-volume-decr|incr"},
    {"mouth", "mouth-upperlip-width-min|max", "mouth-upperlip-width-decr|incr"},
    {"neck", "neck-scale-depth-less|more", "neck-scale-depth-decr|incr"},
    {"neck", "neck-scale-horiz-less|more", "neck-scale-horiz-decr|incr"},
    {"neck", "neck-scale-vert-more|less", "neck-scale-vert-decr|incr", true},
    {"neck", "neck-trans-depth-forward|backward", "neck-trans-backward|forward", true},
    {"neck", "neck-trans-horiz-in|out", "neck-trans-in|out"},
    {"neck", "neck-trans-vert-down|up", "neck-trans-down|up"},
    {"nose", "nose-curve-convex|concave", "nose-curve-concave|convex", true},
    {"nose", "nose-greek-moregreek|lessgreek", "nose-greek-decr|incr", true},
    {"nose", "nose-height-min|max", "nose-base-down|up", true},
    {"nose", "nose-hump-morehump|lesshump", "nose-hump-decr|incr", true},
    {"nose", "nose-nostril-width-min|max", "nose-nostrils-width-decr|incr"},
    {"nose", "nose-nostrils-angle-up|down", "nose-nostrils-angle-down|up", true},
    {"nose", "nose-point-up|down", "nose-point-down|up", true},
    {"nose", "nose-point-width-less|more", "nose-point-width-decr|incr"},
    {"nose", "nose-scale-depth-incr|decr", "nose-scale-depth-decr|incr", true},
    {"nose", "nose-scale-horiz-incr|decr", "nose-scale-horiz-decr|incr", true},
    {"nose", "nose-scale-vert-incr|decr", "nose-scale-vert-decr|incr", true},
    {"nose", "nose-trans-vert-up|down", "nose-trans-down|up", true},
    {"nose", "nose-trans-horiz-in|out", "nose-trans-in|out"},
    {"nose", "nose-trans-depth-forward|backward", "nose-trans-backward|forward", true},
    {"nose", "nose-volume-potato|point", "nose-volume-decr|incr", true},
    {"nose", "nose-width1-min|max", "nose-width1-decr|incr"},
    {"nose", "nose-width2-min|max", "nose-width2-decr|incr"},
    {"nose", "nose-width3-min|max", "nose-width3-decr|incr"},
}};

}  // namespace

MhmName mhm_current_name(std::string_view old) {
  const std::size_t slash = old.find('/');
  if (slash == std::string_view::npos || slash + 1 == old.size()) return {std::string(old), 1};
  const std::string_view group = old.substr(0, slash);
  std::string name(old.substr(slash + 1));
  const char side = name.size() > 1 && name[1] == '-' && (name[0] == 'l' || name[0] == 'r') ? name[0] : '\0';
  if (side != '\0') name[0] = '?';
  const auto found = std::find_if(kRenamed.begin(), kRenamed.end(), [&](const Renamed& r) { return r.group == group && r.old == name; });
  if (found == kRenamed.end() || (side == '\0' && name[0] == '?')) return {std::string(old), 1};
  std::string now(found->now);
  if (side != '\0') now[0] = side;
  return {std::string(group) + "/" + now, found->inverted ? -1.0 : 1.0};
}

}  // namespace likeness::scene
