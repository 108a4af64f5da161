#include <cstdlib>
#include <system_error>

#include "align/face_finder.hpp"

namespace likeness {

std::filesystem::path landmark_file(const std::filesystem::path& model_folder, const std::string& choice) {
  const auto exists = [](const std::filesystem::path& path) {
    std::error_code error;
    return std::filesystem::exists(path, error);
  };
  const std::filesystem::path own = model_folder / "landmarks68.dat", spare = model_folder / "landmarks68-small.dat";
  if (choice == "own") return exists(spare) && !exists(own) ? spare : own;
  if (!choice.empty() && choice != "dlib") return choice;
  if (choice.empty() && exists(own)) return own;
  if (const char* variable = std::getenv("LIKENESS_LANDMARKS"); variable != nullptr && *variable != '\0') return variable;
  const std::filesystem::path debian = "/usr/share/dlib/shape_predictor_68_face_landmarks.dat";
  return choice.empty() && exists(spare) && !exists(debian) ? spare : debian;
}

}  // namespace likeness
