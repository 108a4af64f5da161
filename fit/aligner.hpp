// From a photo to the reference face's frame.
#pragma once

#include "align/affine.hpp"
#include "align/face_finder.hpp"
#include "image/image.hpp"
#include "likeness/scene.hpp"
#include "likeness/status.hpp"

namespace likeness {

/// Side of the frame in which photos, generated pictures and renders are compared.
constexpr int kFrame = 512;

/// A photo on the reference face.
struct AlignedPhoto {
  Landmarks landmarks{};  ///< in pixels of the photo
  Affine to_frame;        ///< photo pixels -> frame pixels
  Image picture;          ///< kFrame x kFrame RGB
  Image coverage;         ///< kFrame x kFrame, 255 where the photo reaches
};

/// The client's picture of the reference face, and where the detector sees a face in it.
struct ReferenceFace {
  Result<Rendering> rendering;
  Result<FaceBox> box;
};

/// The reference face (every parameter at its default, drawn by the client) and what lays photos on it. Immutable.
class Aligner {
 public:
  /// Renders the reference face and finds its landmarks by the same means as a photo's, so that the finder's habits cancel; without
  /// a finder they are the client's own. A failed `finder` is reported by the first find(). Errors: those of the client.
  static Result<Aligner> create(const GameClient& client, Result<FaceFinder> finder);
  /// The part of create() that needs no finder, for callers that wait for one meanwhile.
  static ReferenceFace draw_reference(const GameClient& client);
  static Result<Aligner> create(ReferenceFace face, Result<FaceFinder> finder);

  const Landmarks& reference_landmarks() const { return landmarks_; }
  const Image& reference_picture() const { return picture_; }

  /// The landmarks of the face in an RGB photo. Errors: those of FaceFinder::open() and find(), and of check_landmarks().
  Result<Landmarks> find(const Image& photo) const;
  /// The photo in the frame, by its 51 inner landmarks. Errors: those of check_landmarks(), estimate_map() and warp_photo().
  Result<AlignedPhoto> align(const Image& photo, const Landmarks& landmarks, AlignKind kind) const;
  /// find() and align().
  Result<AlignedPhoto> align(const Image& photo, AlignKind kind) const;

 private:
  Aligner(Result<FaceFinder> finder, Image picture, const Landmarks& landmarks);

  Result<FaceFinder> finder_;
  Image picture_;
  Landmarks landmarks_;
};

}  // namespace likeness
