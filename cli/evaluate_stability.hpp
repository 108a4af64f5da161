// Whether two photos of a person come to the same character: distances of fitted identities.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "likeness/scene.hpp"

namespace likeness::cli {

/// How far the identities of two characters are apart, in the spread of a set of characters: the mean of |a - b| / s over the entries of
/// identity parameters, where s is the entry's standard deviation over the set (entries with s < 1e-3 are left out). A choice counts as one
/// entry: 1 where the options differ, 0 where they are the same (left out where the whole set has one option). Characters drawn
/// independently from one normal distribution come to 2 / sqrt(pi) = 1.13, choices aside.
class IdentityDistance {
 public:
  /// `schema` must outlive this. The vectors have schema.size() entries.
  IdentityDistance(const Schema& schema, std::span<const std::vector<float>> characters);
  /// 0 where the set leaves nothing to compare by.
  double operator()(std::span<const float> a, std::span<const float> b) const;

 private:
  const Schema& schema_;
  std::vector<std::pair<std::size_t, double>> entries_;  // index in x, 1 / s
  std::vector<const Parameter*> choices_;
};

/// NAME of the stems NAME_1 and NAME_2; other stems are a person's own name.
std::string person_of(const std::string& stem);

/// The people with two photos: of every NAME with a stem NAME_1 and a stem NAME_2, their indices, in the order of the first photos.
std::vector<std::pair<std::size_t, std::size_t>> photo_pairs(std::span<const std::string> stems);

/// What distances between first and second photos say.
struct Stability {
  double same = 0;  ///< mean distance of a person's two photos
  /// Of at least two people:
  std::optional<double> other;  ///< mean distance of a person's first photo and another's second
  std::optional<double> auc;    ///< P(distance of a person's two photos < distance of two people's), over all pairs; ties count half
  std::optional<double> rank1;  ///< share of people whose second photo is nearer to their own first one than to any other first one
};
/// `distance(i, j)`: from person i's first photo to person j's second, i and j < people. Precondition: people > 0.
Stability stability(std::size_t people, const std::function<double(std::size_t, std::size_t)>& distance);

}  // namespace likeness::cli
