// Writes dlib's face detector as a C array: unpacking what its header holds takes a quarter of a second, which builds can spend once.
#include <dlib/image_processing/frontal_face_detector.h>

#include <fstream>
#include <string>

int main(int count, char** arguments) {
  if (count != 2) return 1;
  std::ofstream out(arguments[1], std::ios::trunc);
  std::size_t column = 0;
  for (const char c : dlib::get_serialized_frontal_faces()) {
    out << static_cast<int>(c) << (++column % 32 == 0 ? ",\n" : ",");
  }
  out.close();
  return out ? 0 : 1;
}
