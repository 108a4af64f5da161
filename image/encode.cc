#include "image/encode.hpp"

#include <cstdlib>

#define STBI_WRITE_NO_STDIO
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>

namespace likeness {

Result<std::vector<std::uint8_t>> encode_png(const Image& image) {
  const bool channels_ok = image.channels == 1 || image.channels == 3 || image.channels == 4;
  if (image.width < 1 || image.height < 1 || !channels_ok ||
      image.pixels.size() != image.row_bytes() * static_cast<std::size_t>(image.height) || image.pixels.size() > (std::size_t{1} << 30)) {
    return Status{Code::invalid_argument, "encode_png: needs 1, 3 or 4 channels and height * width * channels samples"};
  }
  int length = 0;
  unsigned char* png =
      stbi_write_png_to_mem(image.pixels.data(), static_cast<int>(image.row_bytes()), image.width, image.height, image.channels, &length);
  if (png == nullptr) return Status{Code::io_error, "encode_png: out of memory"};
  std::vector<std::uint8_t> bytes(png, png + length);
  std::free(png);
  return bytes;
}

}  // namespace likeness
