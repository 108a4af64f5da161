// A build without dlib (LIKENESS_WITH_DLIB=OFF): the host gives the landmarks.
#include "align/face_finder.hpp"

namespace likeness {

struct FaceFinder::Impl {};

FaceFinder::FaceFinder(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
FaceFinder::FaceFinder(FaceFinder&&) noexcept = default;
FaceFinder& FaceFinder::operator=(FaceFinder&&) noexcept = default;
FaceFinder::~FaceFinder() = default;

Result<FaceFinder> FaceFinder::open(const std::filesystem::path&, const std::string&) {
  return Status{Code::unavailable, "this build finds no faces (LIKENESS_WITH_DLIB is off): give the landmarks"};
}

Result<FaceBox> detect_face(const Image&) { return Status{Code::unavailable, "this build finds no faces"}; }

Result<Face> FaceFinder::find(const Image&, const FaceBox&) const { return Status{Code::unavailable, "this build finds no faces"}; }

Result<Face> FaceFinder::find(const Image&) const { return Status{Code::unavailable, "this build finds no faces"}; }

Result<Landmarks> FaceFinder::landmarks(const Image&, const std::array<float, 4>&) const {
  return Status{Code::unavailable, "this build finds no faces"};
}

}  // namespace likeness
