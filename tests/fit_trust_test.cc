// Which landmark files a model folder makes trusted.
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/sha256.hpp"
#include "fit/model.hpp"
#include "fit_fixture.hpp"

namespace likeness {
namespace {

TEST(LandmarkFile, TheManifestNamesAnotherOneThanDebians) {
  const test::TemporaryFolder folder;
  const std::string landmarks = "no landmarks, but the folder's own";
  const auto message = [&] { return open_face_finder(folder.path(), {}).status().message; };
  const auto list = [&](const std::string& digest) {
    const std::string text = R"({"format":"likeness-manifest","version":1,"files":{"landmarks68.dat":{"sha256":")" + digest +
                             R"(","size":)" + std::to_string(landmarks.size()) + "}}}";
    ASSERT_TRUE(write_file_atomic(folder.path() / "manifest.json", text).ok());
  };
  ASSERT_TRUE(write_file_atomic(folder.path() / "landmarks68.dat", landmarks).ok());
  if (open_face_finder(folder.path(), {}).status().code == Code::unavailable) GTEST_SKIP() << "built without dlib";

  EXPECT_NE(message().find(FaceFinder::kDebianDigest), std::string::npos) << "without a manifest only Debian's is trusted: " << message();
  list(sha256_hex(landmarks));
  EXPECT_NE(message().find("cannot be read"), std::string::npos) << "dlib was asked, and found no landmarks: " << message();
  const test::TemporaryFolder other;  // a file that is named, of a folder with a manifest of its own
  EXPECT_NE(open_face_finder(other.path(), folder.path() / "landmarks68.dat").status().message.find("cannot be read"), std::string::npos);
  list(sha256_hex(std::string_view("others")));
  EXPECT_NE(message().find("SHA-256 is " + sha256_hex(landmarks)), std::string::npos) << message();
}

}  // namespace
}  // namespace likeness
