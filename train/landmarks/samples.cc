#include "train/landmarks/samples.hpp"

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <system_error>

namespace likeness::landmarks {

static_assert(std::endian::native == std::endian::little, "sample files are little endian");

std::uint8_t Samples::at(std::size_t index, float x, float y) const {
  // dlib rounds to a pixel of its crop; the sample's pixel is the one that covers it.
  const int column = static_cast<int>(std::floor(x)), row = static_cast<int>(std::floor(y));
  if (column < 0 || row < 0 || column >= kCrop || row >= kCrop) return 0;
  const auto side = static_cast<std::size_t>(size);
  const auto u = static_cast<std::size_t>(column * size / kCrop), v = static_cast<std::size_t>(row * size / kCrop);
  return pixels[(index * side + v) * side + u];
}

Status append_samples(const std::filesystem::path& path, Samples& samples) {
  const auto damaged = [&](const char* what) { return Status{Code::corrupt_model, path.string() + " " + what}; };
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(path, error);
  if (error) return {Code::not_found, path.string() + ": " + error.message()};
  std::ifstream file(path, std::ios::binary);
  std::string line;
  if (!std::getline(file, line)) return damaged("is empty");
  unsigned long count = 0;
  int size = 0, used = 0;
  if (std::sscanf(line.c_str(), "likeness-landmark-samples 1 %9lu %9d%n", &count, &size, &used) != 2 ||
      static_cast<std::size_t>(used) != line.size()) {
    return damaged("is no file of landmark samples");
  }
  if (size < 32 || size > kCrop || (samples.size != 0 && samples.size != size)) return damaged("holds pictures of an unexpected size");
  const std::size_t area = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
  if (bytes != line.size() + 1 + count * (sizeof(Shape) + area)) return damaged("is shorter or longer than it says");
  samples.size = size;
  const std::size_t first = samples.count();
  samples.shapes.resize(first + count);
  samples.pixels.resize((first + count) * area);
  const float scale = static_cast<float>(kCrop) / static_cast<float>(size);
  for (std::size_t i = first; i < first + count; ++i) {
    file.read(reinterpret_cast<char*>(samples.shapes[i].data()), sizeof(Shape));
    file.read(reinterpret_cast<char*>(samples.pixels.data() + i * area), static_cast<std::streamsize>(area));
    for (float& v : samples.shapes[i]) {
      v = from_crop(v * scale);
      if (std::abs(v) > 10) return damaged("holds landmarks far outside the picture");
    }
  }
  return file ? Status::success() : Status{Code::io_error, path.string() + " cannot be read"};
}

}  // namespace likeness::landmarks
