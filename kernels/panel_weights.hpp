// Weights packed in panels (conv_tiles.hpp), in single precision or in bfloat16.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bfloat16.hpp"
#include "base/large_memory.hpp"
#include "kernels/conv_tiles.hpp"
#include "likeness/precision.hpp"

namespace likeness::kernels {

/// Several blocks of panels behind one another, each of `panels` panels of `products` products. Sizes and offsets count 32-bit numbers: one
/// product of a row, or in bfloat16 a pair of them (tile_bf16.hpp), the last of an odd number with a zero.
class PanelWeights {
 public:
  explicit PanelWeights(Precision precision) : precision_(precision) {}

  bool bf16() const { return precision_ == Precision::bf16; }
  std::int64_t block_size(std::int64_t panels, std::int64_t products) const { return panels * steps(products) * kPanelRows; }
  /// All zero.
  void resize(std::int64_t size) {
    if (bf16()) {
      pairs_.assign(static_cast<std::size_t>(size), 0);
    } else {
      singles_.assign(static_cast<std::size_t>(size), 0.0F);
    }
  }
  std::int64_t bytes() const { return static_cast<std::int64_t>((singles_.size() + pairs_.size()) * 4); }

  /// Product k of the first `count` rows of a panel: from[row * step]. In bfloat16 they are rounded.
  void set(std::int64_t block, std::int64_t panels, std::int64_t products, std::int64_t panel, std::int64_t k, const float* from,
           std::int64_t step, std::int64_t count) {
    const std::size_t at = place(block, panels, products, panel * kPanelRows, k);
    if (!bf16()) {
      for (std::int64_t row = 0; row < count; ++row) singles_[at + static_cast<std::size_t>(row)] = from[row * step];
      return;
    }
    const int shift = k % 2 == 0 ? 0 : 16;
    for (std::int64_t row = 0; row < count; ++row) {
      std::uint32_t& pair = pairs_[at + static_cast<std::size_t>(row)];
      pair = (pair & ~(0xFFFFU << shift)) | static_cast<std::uint32_t>(bfloat16_from_float(from[row * step])) << shift;
    }
  }
  /// Product k of a row of the block.
  float get(std::int64_t block, std::int64_t panels, std::int64_t products, std::int64_t row, std::int64_t k) const {
    const std::size_t at = place(block, panels, products, row, k);
    return bf16() ? float_from_bfloat16(static_cast<std::uint16_t>(pairs_[at] >> (k % 2 == 0 ? 0 : 16))) : singles_[at];
  }

  /// Makes `columns` read the block at `block`.
  void show(std::int64_t block, TapColumns& columns) const {
    columns.panels = bf16() ? nullptr : singles_.data() + block;
    columns.pairs = bf16() ? pairs_.data() + block : nullptr;
  }

 private:
  std::int64_t steps(std::int64_t products) const { return bf16() ? (products + 1) / 2 : products; }
  std::size_t place(std::int64_t block, std::int64_t panels, std::int64_t products, std::int64_t row, std::int64_t k) const {
    return static_cast<std::size_t>(block + panel_place(steps(products), panels, row / kPanelRows, bf16() ? k / 2 : k) + row % kPanelRows);
  }

  Precision precision_;
  std::vector<float, LargeAllocator<float>> singles_;
  std::vector<std::uint32_t, LargeAllocator<std::uint32_t>> pairs_;
};

}  // namespace likeness::kernels
