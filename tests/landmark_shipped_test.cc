// The landmark file that ships with the MakeHuman head, on the head's own pictures.
#include <gtest/gtest.h>

#include <filesystem>
#include <span>

#include "align/affine.hpp"
#include "align/face_finder.hpp"
#include "fit/model.hpp"
#include "head_client.hpp"

namespace likeness {
namespace {

TEST(ShippedLandmarks, FindRandomCharacters) {
  const std::filesystem::path file = landmark_file(kHeadModel, "own");
  ASSERT_TRUE(std::filesystem::exists(file)) << file;
  EXPECT_LE(std::filesystem::file_size(file), 10'000'000U);
  const Result<FaceFinder> finder = open_face_finder(kHeadModel, file);
  ASSERT_TRUE(finder.ok()) << finder.status().message;
  double sum = 0;
  constexpr int kCharacters = 6;
  for (int i = 0; i < kCharacters; ++i) {
    const auto r = client().render(draw_human(client().schema(), 991, static_cast<std::uint64_t>(i)), {});
    ASSERT_TRUE(r.ok()) << r.status().message;
    Image picture(r->size, r->size, 3);
    picture.pixels = r->rgb;
    const Result<Face> face = finder->find(picture);
    ASSERT_TRUE(face.ok()) << face.status().message;
    const auto inner = [](const Landmarks& all) { return std::span(all).subspan(kFirstInnerLandmark); };
    sum += map_residual(Affine{}, inner(face->landmarks), inner(r->landmarks)) / interocular_distance(r->landmarks);
  }
  EXPECT_LT(sum / kCharacters, 0.04) << "root mean square, parts of the inter-ocular distance";
}

}  // namespace
}  // namespace likeness
