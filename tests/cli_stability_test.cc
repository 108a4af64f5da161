// The arithmetic of `likeness evaluate fit` on numbers made up: distances of identities, stability, centred landmarks.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "cli/evaluate_pictures.hpp"
#include "cli/evaluate_stability.hpp"

namespace likeness::cli {
namespace {

using Vectors = std::vector<std::vector<float>>;

// Entries: 0 a, 1 b (identity), 2 turn (nuisance), 3-4 mix (simplex), 5-6 hat (choice).
const Schema& schema() {
  static const Schema parsed = *Schema::parse(R"({"format": "likeness-scene", "version": 1, "name": "four", "size": 64, "parameters": [
    {"name": "a", "group": "g", "type": "continuous", "role": "identity", "min": 0, "default": 0.5, "max": 1},
    {"name": "b", "group": "g", "type": "continuous", "role": "identity", "min": 0, "default": 0.5, "max": 1},
    {"name": "turn", "group": "g", "type": "continuous", "role": "nuisance", "min": 0, "default": 0.5, "max": 1},
    {"name": "mix", "group": "g", "type": "simplex", "role": "identity", "components": ["p", "q"]},
    {"name": "hat", "group": "g", "type": "choice", "role": "identity", "options": ["none", "cap"], "default": "none"}]})");
  return parsed;
}

TEST(IdentityDistance, IsInDeviationsOfTheSet) {
  // a: 0.2 and 0.6, deviation 0.2. b: constant. turn differs and is no identity. mix: 0.4 to 0.6, deviation 0.1 in both. hat: both.
  const Vectors set = {{0.2F, 0.5F, 0, 0.4F, 0.6F, 1, 0}, {0.6F, 0.5F, 1, 0.6F, 0.4F, 0, 1}};
  const IdentityDistance apart(schema(), set);
  EXPECT_NEAR(apart(set[0], set[1]), (0.4 / 0.2 + 0.2 / 0.1 + 0.2 / 0.1 + 1) / 4, 1e-5);
  EXPECT_EQ(apart(set[0], set[0]), 0);
  const std::vector<float> turned = {0.2F, 0.9F, 1, 0.4F, 0.6F, 1, 0};  // what differs is left out
  EXPECT_EQ(apart(set[0], turned), 0);
  const std::vector<float> bare = {0.6F, 0.5F, 0, 0.4F, 0.6F, 0.9F, 0.1F};  // the same hat by another score
  EXPECT_NEAR(apart(set[0], bare), 2.0 / 4, 1e-5);
}

TEST(IdentityDistance, AChoiceThatAllShareIsLeftOut) {
  const Vectors set = {{0.2F, 0.5F, 0, 0.5F, 0.5F, 1, 0}, {0.6F, 0.5F, 1, 0.5F, 0.5F, 1, 0}};
  EXPECT_NEAR(IdentityDistance(schema(), set)(set[0], set[1]), 2, 1e-5);
}

TEST(IdentityDistance, OfNothingIsZero) {
  const std::vector<float> x = schema().default_vector();
  EXPECT_EQ(IdentityDistance(schema(), {})(x, x), 0);
  EXPECT_EQ(IdentityDistance(schema(), Vectors{x})(x, x), 0);
}

TEST(PhotoPairs, AreStemsThatDifferInTheirLastNumber) {
  const std::vector<std::string> stems = {"b_2", "a_1", "c_1", "a_2", "a_3", "b_1", "d_2", "_1", "x1", "x2"};
  const std::vector<std::pair<std::size_t, std::size_t>> want = {{1, 3}, {5, 0}};
  EXPECT_EQ(photo_pairs(stems), want);
}

TEST(Stability, ComparesOwnWithOthers) {
  const double d[3][3] = {{1, 5, 4}, {3, 4, 6}, {2, 5, 4}};  // first photo of the row's person, second of the column's
  const Stability s = stability(3, [&](std::size_t i, std::size_t j) { return d[i][j]; });
  EXPECT_NEAR(s.same, 9.0 / 3, 1e-12);
  EXPECT_NEAR(*s.other, (5 + 4 + 3 + 6 + 2 + 5) / 6.0, 1e-12);
  // Own 1: less than all six. Own 4, twice: less than 5, 6, 5 and level with 4.
  EXPECT_NEAR(*s.auc, (6 + 2 * 3.5) / 18, 1e-12);
  // The first column's least is its own, the second's too; in the third another's is as near.
  EXPECT_NEAR(*s.rank1, 2.0 / 3, 1e-12);
}

TEST(Stability, OfOnePersonHasNoOthers) {
  const Stability s = stability(1, [](std::size_t, std::size_t) { return 0.7; });
  EXPECT_EQ(s.same, 0.7);
  EXPECT_FALSE(s.other || s.auc || s.rank1);
}

// A face with 100 px between the eyes, moved.
Landmarks face(float dx, float dy) {
  Landmarks points{};
  for (std::size_t k = 0; k < points.size(); ++k) {
    points[k] = {200 + dx, 200 + dy};
    if (k >= 36 && k < 42) points[k][0] -= 50;
    if (k >= 42 && k < 48) points[k][0] += 50;
  }
  return points;
}

TEST(CentredLandmarks, LoseWhatTheDomainsDifferBy) {
  // A finder that places everything (6, 8) px away, and right by 3 in one photo, left by 3 in the other.
  const std::vector<Landmarks> photos = {face(9, 8), face(3, 8)}, drawn = {face(0, 0), face(0, 0)};
  const std::vector<double> percents = centred_landmark_percents(photos, drawn);
  ASSERT_EQ(percents.size(), 2U);
  EXPECT_NEAR(inner_distance(photos[0], drawn[0]), std::hypot(9.0, 8.0), 1e-4);
  EXPECT_NEAR(percents[0], 3, 1e-4);
  EXPECT_NEAR(percents[1], 3, 1e-4);
}

TEST(CentredLandmarks, AreCentredOneByOne) {
  std::vector<Landmarks> photos = {face(0, 0), face(0, 0)};
  const std::vector<Landmarks> drawn = photos;
  for (Landmarks& photo : photos) photo[60][1] += 51;  // the lips of every photo
  EXPECT_NEAR(inner_distance(photos[0], drawn[0]), 1, 1e-5);
  EXPECT_NEAR(centred_landmark_percents(photos, drawn)[0], 0, 1e-5);
  photos[1][60][1] += 51;
  EXPECT_NEAR(centred_landmark_percents(photos, drawn)[0], 0.5, 1e-5);
}

}  // namespace
}  // namespace likeness::cli
