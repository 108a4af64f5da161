#include "fit/aligner.hpp"

#include <span>
#include <utility>

#include "align/warp.hpp"

namespace likeness {

Aligner::Aligner(Result<FaceFinder> finder, Image picture, const Landmarks& landmarks)
    : finder_(std::move(finder)), picture_(std::move(picture)), landmarks_(landmarks) {}

Result<Aligner> Aligner::create(const GameClient& client, Result<FaceFinder> finder) {
  return create(draw_reference(client), std::move(finder));
}

ReferenceFace Aligner::draw_reference(const GameClient& client) {
  Result<Rendering> rendering = client.render(client.schema().default_vector(), {.size = kFrame});
  if (rendering.ok() && (rendering->size != kFrame || rendering->rgb.size() != std::size_t{3} * kFrame * kFrame)) {
    rendering = Status{Code::client_failed, "the client's picture of the reference face has another size than asked for"};
  }
  if (!rendering.ok()) return {rendering.status(), rendering.status()};
  Image picture(kFrame, kFrame, 3);
  picture.pixels = rendering->rgb;
  return {std::move(rendering), detect_face(picture)};
}

Result<Aligner> Aligner::create(ReferenceFace face, Result<FaceFinder> finder) {
  if (!face.rendering.ok()) return face.rendering.status();
  Image picture(kFrame, kFrame, 3);
  picture.pixels = std::move(face.rendering->rgb);
  Landmarks landmarks = face.rendering->landmarks;
  if (finder.ok() && face.box.ok()) {
    // A head that the finder does not take for a face (a cartoon, a helmet) still has the client's landmarks.
    if (const Result<Face> found = finder->find(picture, *face.box); found.ok() && check_landmarks(found->landmarks, landmarks).ok()) {
      landmarks = found->landmarks;
    }
  }
  if (const Status status = check_landmarks(landmarks, landmarks); !status.ok()) {
    return Status{Code::client_failed, "the client's reference face cannot be aligned to: " + status.message};
  }
  return Aligner(std::move(finder), std::move(picture), landmarks);
}

Result<Landmarks> Aligner::find(const Image& photo) const {
  if (!finder_.ok()) return finder_.status();
  const Result<Face> face = finder_->find(photo);
  if (!face.ok()) return face.status();
  if (const Status status = check_landmarks(face->landmarks, landmarks_); !status.ok()) return status;
  return face->landmarks;
}

Result<AlignedPhoto> Aligner::align(const Image& photo, const Landmarks& landmarks, AlignKind kind) const {
  if (const Status status = check_landmarks(landmarks, landmarks_); !status.ok()) return status;
  const Result<Affine> map =
      estimate_map(kind, std::span(landmarks).subspan(kFirstInnerLandmark), std::span(landmarks_).subspan(kFirstInnerLandmark));
  if (!map.ok()) return map.status();
  Result<Warped> warped = warp_photo(photo, *map, kFrame);
  if (!warped.ok()) return warped.status();
  return AlignedPhoto{landmarks, *map, std::move(warped->picture), std::move(warped->coverage)};
}

Result<AlignedPhoto> Aligner::align(const Image& photo, AlignKind kind) const {
  const Result<Landmarks> landmarks = find(photo);
  if (!landmarks.ok()) return landmarks.status();
  return align(photo, *landmarks, kind);
}

}  // namespace likeness
