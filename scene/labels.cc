#include "scene/labels.hpp"

namespace likeness {

Image coloured(const Image& labels) {
  Image out(labels.width, labels.height, 3);
  for (std::size_t i = 0; i < labels.pixels.size(); ++i) {
    if (labels.pixels[i] >= kClasses) continue;
    for (std::size_t c = 0; c < 3; ++c) out.pixels[3 * i + c] = kClassColours[labels.pixels[i]][c];
  }
  return out;
}

}  // namespace likeness
