#include <cstdlib>
#include <system_error>

#include "align/face_finder.hpp"

namespace likeness {

std::filesystem::path landmark_file(const std::filesystem::path& model_folder) {
  std::error_code error;
  const std::filesystem::path own = model_folder / "landmarks68.dat";
  if (std::filesystem::exists(own, error)) return own;
  if (const char* variable = std::getenv("LIKENESS_LANDMARKS"); variable != nullptr && *variable != '\0') return variable;
  return "/usr/share/dlib/shape_predictor_68_face_landmarks.dat";
}

}  // namespace likeness
