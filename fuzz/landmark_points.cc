// Landmarks that come with a photo: JSON text, then the geometry that is computed from them.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "align/affine.hpp"
#include "scene/json_guard.hpp"
#include "scene/landmark_json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace likeness;  // NOLINT(google-build-using-namespace)
  const auto landmarks = scene::parse_landmarks(parse_json(std::string_view(reinterpret_cast<const char*>(data), size)));
  if (!landmarks.ok() || !check_landmarks(*landmarks, *landmarks).ok()) return 0;
  const std::span<const Point> all(*landmarks), moved = all.first(all.size() - 1);
  for (const AlignKind kind : {AlignKind::affine, AlignKind::similarity}) {
    const auto map = estimate_map(kind, all.subspan(1), moved);
    if (!map.ok()) continue;
    for (const double a : map->a) {
      if (!std::isfinite(a)) std::abort();
    }
  }
  return 0;
}
