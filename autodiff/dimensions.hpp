// Dimensions of a shape, as the operations that work along or across them need them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "kernels/reduce.hpp"
#include "likeness/autodiff.hpp"

namespace likeness {

/// Counted from the end where negative, as in PyTorch; nullopt where the shape has no such dimension.
inline std::optional<int> dimension_of(const Shape& shape, int dimension) {
  if (dimension < 0) dimension += shape.rank();
  if (dimension < 0 || dimension >= shape.rank()) return std::nullopt;
  return dimension;
}

/// The shape with another size in one dimension.
inline Shape with_size(const Shape& shape, int dimension, std::int64_t size) {
  std::array<std::int64_t, 4> sizes{};
  for (int i = 0; i < shape.rank(); ++i) sizes[static_cast<std::size_t>(i)] = i == dimension ? size : shape[i];
  return Shape(std::span<const std::int64_t>(sizes.data(), static_cast<std::size_t>(shape.rank())));
}

/// [outer, n, inner] around one dimension.
inline kernels::MiddleShape middle_of(const Shape& shape, int dimension) {
  kernels::MiddleShape view{1, shape[dimension], 1};
  for (int i = 0; i < dimension; ++i) view.outer *= shape[i];
  for (int i = dimension + 1; i < shape.rank(); ++i) view.inner *= shape[i];
  return view;
}

/// What does not fit about windows on pictures x, as in max_pool2d(); empty: nothing.
inline std::string window_error(const Shape& x, int kernel, int stride, int padding) {
  if (x.rank() != 4) return "x is [N, C, H, W], not " + x.text();
  if (kernel < 1 || stride < 1 || padding < 0 || padding > kernel / 2) return "needs kernel, stride >= 1 and 0 <= padding <= kernel / 2";
  if (std::min(x[2], x[3]) + 2 * padding < kernel) return "the window is larger than the padded picture " + x.text();
  return {};
}

/// What does not fit about pictures x that shall become height x width; empty: nothing. `verb` is what is done to them.
inline std::string target_error(const Shape& x, const char* verb, std::int64_t height, std::int64_t width) {
  if (x.rank() != 4) return "x is [N, C, H, W], not " + x.text();
  if (Shape({x[0], x[1], height, width}).rank() >= 0) return {};
  return std::string("cannot ") + verb + " to " + std::to_string(height) + " x " + std::to_string(width);
}

/// The sum over some of up to four dimensions, and the map that repeats it: neighbours are taken together, so that at most two
/// passes are left.
class Reduction {
 public:
  Reduction(const Shape& shape, const std::array<bool, 4>& summed) {
    // From the end: runs of dimensions that are summed or kept.
    std::int64_t inner = 1;
    for (int i = shape.rank() - 1; i >= 0;) {
      if (!summed[static_cast<std::size_t>(i)]) {
        inner *= shape[i--];
        continue;
      }
      kernels::MiddleShape pass{1, 1, inner};
      while (i >= 0 && summed[static_cast<std::size_t>(i)]) pass.n *= shape[i--];
      for (int k = 0; k <= i; ++k) pass.outer *= shape[k];
      passes_[static_cast<std::size_t>(count_++)] = pass;
    }
    if (count_ == 0) passes_[static_cast<std::size_t>(count_++)] = {shape.size(), 1, 1};
  }

  /// Numbers between the passes.
  std::int64_t workspace() const { return count_ == 2 ? passes_[0].outer * passes_[0].inner : 0; }
  std::int64_t outputs() const { return count_ == 2 ? passes_[1].outer * passes_[1].inner : passes_[0].outer * passes_[0].inner; }

  /// y = scale times the sums of x.
  template <class T>
  void sum(const T* x, T scale, T* y, T* workspace) const {
    if (count_ == 1) return kernels::sum_middle(passes_[0], x, scale, y);
    kernels::sum_middle(passes_[0], x, T(1), workspace);
    kernels::sum_middle(passes_[1], workspace, scale, y);
  }
  /// The transposed map.
  template <class T>
  void repeat(const T* y, T scale, T* x, T* workspace) const {
    if (count_ == 1) return kernels::repeat_middle(passes_[0], y, scale, x);
    kernels::repeat_middle(passes_[1], y, scale, workspace);
    kernels::repeat_middle(passes_[0], workspace, T(1), x);
  }

 private:
  std::array<kernels::MiddleShape, 2> passes_;
  int count_ = 0;
};

}  // namespace likeness
