// How a scene's parameters and MakeHuman's saved models (.mhm) correspond. scene.json says it under "mhm":
//   at the root      {"version": "v1.2.0", "skins": PATH with {age} {race} {sex}, "fixed": [line, ...]}
//   continuous       a list of {"modifier": name, "sign": 1 | -1} or {"modifier": name, "part": "positive" | "negative"} (one-sided
//                    modifiers that share a signed axis)
//   simplex          one modifier a component
//   choice           {"lines": {option: [line, ...]}}
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/scene.hpp"
#include "likeness/status.hpp"

namespace likeness::scene {

/// One modifier of a continuous parameter. Its value m stands for sign * m on the parameter's axis; a one-sided one holds only
/// the part of the axis that sign points to.
struct MhmTerm {
  std::string modifier;
  double sign = 1;
  bool one_sided = false;
};

struct MhmParameter {
  std::size_t index = 0;                        ///< in Schema::parameters()
  std::vector<MhmTerm> terms;                   ///< continuous: at least one; simplex: one a component
  std::vector<std::vector<std::string>> lines;  ///< choice: of each option; may be empty
};

struct MhmMapping {
  std::string version;
  std::string skins;  ///< empty: the scene has none
  std::vector<std::string> fixed;
  std::vector<MhmParameter> parameters;  ///< identity parameters that have a mapping, in the schema's order
};

/// Errors: unavailable when the scene has no mapping, corrupt_scene when it is malformed.
Result<MhmMapping> mhm_mapping(const Schema& schema);

/// The path of the ordinary skin that looks most like `x` (canonical): the pattern's fields filled in.
std::string nearest_skin(const Schema& schema, std::span<const float> x, std::string pattern);

}  // namespace likeness::scene
