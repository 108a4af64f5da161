#include "image/resample.hpp"

#include <algorithm>
#include <cmath>

#include "base/parallel.hpp"

namespace likeness {
namespace {

// Each new sample is a weighted sum of `count[i]` old ones from `first[i]`; its weights begin at i * stride.
struct Taps {
  std::vector<int> first;
  std::vector<int> count;
  std::vector<float> weight;
  std::size_t stride = 0;
};

double kernel(Filter filter, double x) {
  x = std::abs(x);
  if (filter == Filter::bilinear) return std::max(0.0, 1.0 - x);
  // Keys, "Cubic convolution interpolation for digital image processing" (1981), a = -1/2.
  if (x < 1.0) return (1.5 * x - 2.5) * x * x + 1.0;
  return x < 2.0 ? ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0 : 0.0;
}

Taps make_taps(int old_size, int new_size, Filter filter) {
  const double ratio = static_cast<double>(old_size) / new_size;
  const double widened = filter == Filter::box ? ratio : std::max(1.0, ratio);
  const double radius = widened * (filter == Filter::box ? 0.5 : filter == Filter::bilinear ? 1.0 : 2.0);
  Taps taps;
  taps.stride = static_cast<std::size_t>(std::ceil(2 * radius)) + 2;
  taps.first.resize(static_cast<std::size_t>(new_size));
  taps.count.resize(static_cast<std::size_t>(new_size));
  taps.weight.assign(taps.stride * static_cast<std::size_t>(new_size), 0.0F);
  std::vector<double> exact(taps.stride);
  for (int i = 0; i < new_size; ++i) {
    const double centre = (i + 0.5) * ratio;
    // Never empty: a kernel narrower than a pixel still has the pixel under its centre.
    const int begin = std::clamp(static_cast<int>(std::floor(centre - radius)), 0, old_size - 1);
    const int end = std::clamp(static_cast<int>(std::ceil(centre + radius)), begin + 1, old_size);
    double sum = 0;
    for (int k = begin; k < end; ++k) {
      const double value = filter == Filter::box ? std::max(0.0, std::min(k + 1.0, centre + radius) - std::max<double>(k, centre - radius))
                                                 : kernel(filter, (k + 0.5 - centre) / widened);
      exact[static_cast<std::size_t>(k - begin)] = value;
      sum += value;
    }
    const auto at = static_cast<std::size_t>(i);
    taps.first[at] = begin;
    taps.count[at] = end - begin;
    for (int k = 0; k < end - begin; ++k) {
      taps.weight[at * taps.stride + static_cast<std::size_t>(k)] = static_cast<float>(exact[static_cast<std::size_t>(k)] / sum);
    }
  }
  return taps;
}

// Interleaved samples [height, width, channels] of any type to floats of the new size: rows first, then columns.
template <class Sample>
std::vector<float> resample(const Sample* samples, int width, int height, int channels, int new_width, int new_height, Filter filter) {
  const Taps across = make_taps(width, new_width, filter);
  const Taps down = make_taps(height, new_height, filter);
  const auto c_count = static_cast<std::size_t>(channels);
  const std::size_t old_row = static_cast<std::size_t>(width) * c_count;
  const std::size_t new_row = static_cast<std::size_t>(new_width) * c_count;
  std::vector<float> narrowed(new_row * static_cast<std::size_t>(height));
  parallel_for(height, [&](std::int64_t y) {
    const Sample* from = samples + static_cast<std::size_t>(y) * old_row;
    float* to = narrowed.data() + static_cast<std::size_t>(y) * new_row;
    for (std::size_t x = 0; x < static_cast<std::size_t>(new_width); ++x) {
      const float* weight = across.weight.data() + x * across.stride;
      const Sample* first = from + static_cast<std::size_t>(across.first[x]) * c_count;
      for (std::size_t c = 0; c < c_count; ++c) {
        float sum = 0;
        for (std::size_t k = 0; k < static_cast<std::size_t>(across.count[x]); ++k)
          sum += weight[k] * static_cast<float>(first[k * c_count + c]);
        to[x * c_count + c] = sum;
      }
    }
  });
  std::vector<float> out(new_row * static_cast<std::size_t>(new_height));
  parallel_for(new_height, [&](std::int64_t y) {
    const auto row = static_cast<std::size_t>(y);
    float* to = out.data() + row * new_row;
    for (int k = 0; k < down.count[row]; ++k) {
      const float weight = down.weight[row * down.stride + static_cast<std::size_t>(k)];
      const float* from = narrowed.data() + static_cast<std::size_t>(down.first[row] + k) * new_row;
      for (std::size_t i = 0; i < new_row; ++i) to[i] += weight * from[i];
    }
  });
  return out;
}

}  // namespace

Result<Image> resize(const Image& image, int width, int height, Filter filter) {
  if (image.width < 1 || image.height < 1 || image.channels < 1 || width < 1 || height < 1 ||
      image.pixels.size() != image.row_bytes() * static_cast<std::size_t>(image.height)) {
    return Status{Code::invalid_argument, "resize: empty picture or size"};
  }
  if (width == image.width && height == image.height) return image;
  const std::vector<float> samples = resample(image.pixels.data(), image.width, image.height, image.channels, width, height, filter);
  Image out(width, height, image.channels);
  for (std::size_t i = 0; i < samples.size(); ++i) out.pixels[i] = static_cast<std::uint8_t>(std::clamp(samples[i] + 0.5F, 0.0F, 255.0F));
  return out;
}

Result<std::vector<float>> resize_planes(std::span<const float> planes, int channels, int height, int width, int new_height, int new_width,
                                         Filter filter) {
  const std::size_t plane = static_cast<std::size_t>(std::max(height, 0)) * static_cast<std::size_t>(std::max(width, 0));
  if (channels < 1 || plane == 0 || new_height < 1 || new_width < 1 || planes.size() != plane * static_cast<std::size_t>(channels)) {
    return Status{Code::invalid_argument, "resize_planes: empty planes or size, or not channels * height * width values"};
  }
  std::vector<float> out;
  out.reserve(static_cast<std::size_t>(channels) * static_cast<std::size_t>(new_height) * static_cast<std::size_t>(new_width));
  for (int c = 0; c < channels; ++c) {
    const std::vector<float> one =
        resample(planes.data() + static_cast<std::size_t>(c) * plane, width, height, 1, new_width, new_height, filter);
    out.insert(out.end(), one.begin(), one.end());
  }
  return out;
}

}  // namespace likeness
