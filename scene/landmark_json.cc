#include "scene/landmark_json.hpp"

#include <cmath>
#include <string>

#include "scene/child_process.hpp"

namespace likeness::scene {

Result<Landmarks> parse_landmarks(const nlohmann::json& value) {
  Landmarks landmarks{};
  if (!value.is_array() || value.size() != landmarks.size()) return Status{Code::landmarks_bad, "must be a list of 68 points [x, y]"};
  for (std::size_t i = 0; i < landmarks.size(); ++i) {
    const nlohmann::json& point = value[i];
    bool good = point.is_array() && point.size() == 2 && point[0].is_number() && point[1].is_number();
    for (std::size_t k = 0; good && k < 2; ++k) {
      landmarks[i][k] = point[k].get<float>();
      good = std::isfinite(landmarks[i][k]);
    }
    if (!good) {
      return Status{Code::landmarks_bad,
                    "must be pairs of finite numbers, but number " + std::to_string(i) + " is " + quote(point.dump(), 60)};
    }
  }
  return landmarks;
}

}  // namespace likeness::scene
