// The landmark regressor as numbers: dlib's shape_predictor files, read without dlib.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "likeness/status.hpp"

namespace likeness {

/// Cascades of regression trees (Kazemi and Sullivan, CVPR 2014). Every index is in range, every number finite.
struct LandmarkForest {
  struct Split {
    std::uint32_t first, second;  ///< pixels whose difference is compared
    float threshold;
  };
  struct Tree {
    std::uint32_t split, splits, leaf;  ///< its first split, how many; its first leaf. Leaves are one more.
  };
  struct Cascade {
    std::vector<Tree> trees;
    std::vector<Split> splits;
    std::vector<float> leaves;                 ///< of `numbers` numbers each
    std::vector<std::uint32_t> anchors;        ///< of each pixel: a landmark
    std::vector<std::array<float, 2>> deltas;  ///< and where it is from there

    /// The leaf of tree `t` that pixels of these values lead to.
    std::span<const float> leaf(std::size_t t, std::span<const float> pixels, std::size_t numbers) const {
      const Tree& tree = trees[t];
      const Split* split = splits.data() + tree.split;
      std::size_t i = 0;
      while (i < tree.splits) i = 2 * i + (pixels[split[i].first] - pixels[split[i].second] > split[i].threshold ? 1 : 2);
      return std::span(leaves).subspan((tree.leaf + i - tree.splits) * numbers, numbers);
    }
  };

  std::vector<float> shape;  ///< x, y of each landmark, in parts of the face's box
  std::vector<Cascade> cascades;
};

/// Reads a file, which is parsed only if its SHA-256 is `digest`. Errors: those of read_file(), corrupt_model (another digest, named in the
/// message; or the right one and no such file).
Result<LandmarkForest> read_landmark_forest(const std::filesystem::path& path, const std::string& digest);

}  // namespace likeness
