// A photo and a model for tests of the C API.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "fit/c_model.hpp"
#include "fit_fixture.hpp"
#include "likeness/likeness.h"

namespace likeness::test {

/// A model of the C++ API as one of the C API.
inline std::unique_ptr<likeness_model, decltype(&likeness_model_free)> wrap(std::shared_ptr<const Model> model) {
  return {new likeness_model{std::move(model), {}, {}}, likeness_model_free};
}

/// What SmallClient draws, 512 x 512, each row followed by `gap` bytes of noise; and its landmarks.
struct CPhoto {
  explicit CPhoto(std::size_t gap = 0) : stride(3 * 512 + gap) {
    std::vector<float> x = small_schema().default_vector();
    x[0] = 0.9F;
    const std::vector<std::uint8_t> drawn = SmallClient().render(x, {.size = side})->rgb;
    for (std::size_t row = 0; row < side; ++row) {
      rgb.insert(rgb.end(), drawn.begin() + static_cast<std::ptrdiff_t>(row * 3 * side),
                 drawn.begin() + static_cast<std::ptrdiff_t>((row + 1) * 3 * side));
      for (std::size_t i = 0; i < gap && row + 1 < side; ++i) rgb.push_back(static_cast<std::uint8_t>(37 * i + row));
    }
    const Landmarks points = schematic_landmarks();
    for (std::size_t i = 0; i < points.size(); ++i) {
      landmarks[2 * i] = static_cast<double>(points[i][0]);
      landmarks[2 * i + 1] = static_cast<double>(points[i][1]);
    }
  }
  likeness_status fit(likeness_model* model, const likeness_fit_options* options, likeness_result** result) const {
    return likeness_fit(model, rgb.data(), side, side, stride, landmarks.data(), options, result);
  }

  static constexpr int side = 512;
  std::size_t stride;
  std::vector<std::uint8_t> rgb;
  std::array<double, 136> landmarks{};
};

inline likeness_fit_options few_iterations() {
  likeness_fit_options options;
  likeness_fit_options_init(&options, sizeof options);
  options.iterations = 6;
  return options;
}

}  // namespace likeness::test
