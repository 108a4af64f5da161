#include "train/landmarks/dlib_file.hpp"

// As in align/face_finder_dlib.cc: without calls to the BLAS and LAPACK that Debian's dlib is configured for.
// clang-format off
#include <dlib/assert.h>
#include <dlib/test_for_odr_violations.h>
#undef DLIB_USE_BLAS
#undef DLIB_USE_LAPACK
// clang-format on
#include <dlib/image_processing/shape_predictor.h>

#include <sstream>
#include <vector>

namespace likeness::landmarks {
namespace {

dlib::matrix<float, 0, 1> column(const Shape& shape) {
  dlib::matrix<float, 0, 1> out(kCoordinates);
  for (long k = 0; k < kCoordinates; ++k) out(k) = shape[static_cast<std::size_t>(k)];
  return out;
}

}  // namespace

std::string to_dlib(const Cascade& cascade) {
  std::vector<std::vector<dlib::impl::regression_tree>> forests;
  std::vector<std::vector<dlib::vector<float, 2>>> coordinates;
  for (const Level& level : cascade.levels) {
    auto& forest = forests.emplace_back();
    for (const Tree& tree : level.trees) {
      dlib::impl::regression_tree& out = forest.emplace_back();
      for (const Split& s : tree.splits) {
        out.splits.push_back({static_cast<unsigned long>(s.first), static_cast<unsigned long>(s.second), s.threshold});
      }
      for (const Shape& leaf : tree.leaves) out.leaf_values.push_back(column(leaf));
    }
    auto& places = coordinates.emplace_back();
    for (const auto& p : level.coordinates) places.emplace_back(p[0], p[1]);
  }
  std::ostringstream out;
  dlib::serialize(dlib::shape_predictor(column(cascade.mean), forests, coordinates), out);
  return std::move(out).str();
}

}  // namespace likeness::landmarks
