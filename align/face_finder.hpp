// Finding the face of a photo and its 68 landmarks. The only part of the house that knows dlib.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "align/affine.hpp"
#include "image/image.hpp"
#include "likeness/status.hpp"

namespace likeness {

/// A face in a photo.
struct Face {
  std::array<float, 4> box{};  ///< left, top, right, bottom in pixels of the photo, as the detector sees it (brows to chin)
  Landmarks landmarks{};       ///< pixels of the photo
  int faces_seen = 1;          ///< how many the detector found; this is the largest and most central
};

/// Where the detector sees a face: all that it knows without a landmark file.
struct FaceBox {
  std::array<double, 4> box{};  ///< left, top, right, bottom in pixels of the photo
  int faces_seen = 1;
};

/// The largest and most central face of an RGB photo. May be called from several threads at once.
/// Errors: invalid_argument (not RGB), no_face, unavailable (built without dlib).
Result<FaceBox> detect_face(const Image& photo);

/// A frontal face detector (histograms of oriented gradients, Dalal and Triggs, CVPR 2005) and a landmark regressor (Kazemi and Sullivan,
/// CVPR 2014), both dlib's. Immutable after open(): find() may be called from several threads at once.
class FaceFinder {
 public:
  /// SHA-256 of shape_predictor_68_face_landmarks.dat as in Debian's libdlib-data 19.24: the only file trusted without being named.
  /// Another one is trusted where the manifest.json of its folder lists it (fit/model.hpp, docs/safety.md).
  static constexpr const char* kDebianDigest = "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f";

  /// Loads the landmark file (dlib's published one has 97 MB and takes 0.15 s). The bytes must have the
  /// SHA-256 `digest`, which is compared before parsing. Errors: not_found (with what to install), io_error,
  /// corrupt_model (another digest), unavailable (built without dlib).
  static Result<FaceFinder> open(const std::filesystem::path& landmark_file, const std::string& digest = kDebianDigest);

  FaceFinder(FaceFinder&&) noexcept;
  FaceFinder& operator=(FaceFinder&&) noexcept;
  ~FaceFinder();

  /// The face of an RGB photo. Errors: invalid_argument (not RGB), no_face.
  Result<Face> find(const Image& photo) const;
  /// The same of a photo in which detect_face() found `box`.
  Result<Face> find(const Image& photo, const FaceBox& box) const;
  /// The landmarks of a face whose box is known, e.g. from another finder's find(). Errors: invalid_argument (not RGB, a box that is empty
  /// or not finite), corrupt_model (the landmark file does not give 68), no_face (the regressor gave up).
  Result<Landmarks> landmarks(const Image& photo, const std::array<float, 4>& box) const;

 private:
  struct Impl;
  explicit FaceFinder(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

/// Where the landmark file is. `choice`:
/// empty: landmarks68.dat in the model folder, else $LIKENESS_LANDMARKS, else dlib's published one where Debian installs it, else the
/// folder's landmarks68-small.dat (of a model whose own landmarks are not its default), else Debian's, which will be reported as missing;
/// "own": the folder's; "dlib": $LIKENESS_LANDMARKS, else Debian's; anything else: that path.
std::filesystem::path landmark_file(const std::filesystem::path& model_folder, const std::string& choice = {});

}  // namespace likeness
