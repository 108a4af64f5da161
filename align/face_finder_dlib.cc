// Debian's dlib is configured for BLAS and LAPACK, and its headers would make this file call them. Its small matrices need neither; the
// configuration is read by these two headers only.
// clang-format off
#include <dlib/assert.h>
#include <dlib/test_for_odr_violations.h>
#undef DLIB_USE_BLAS
#undef DLIB_USE_LAPACK
// clang-format on
#include <dlib/image_processing.h>
#ifdef LIKENESS_UNPACKED_DETECTOR
#include <dlib/image_processing/object_detector.h>
#include <dlib/image_processing/scan_fhog_pyramid.h>
#else
#include <dlib/image_processing/frontal_face_detector.h>
#endif

#include <algorithm>
#include <cmath>
#include <exception>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "align/face_finder.hpp"
#include "align/landmark_forest.hpp"
#include "align/warp.hpp"
#include "base/parallel.hpp"
#include "image/resample.hpp"

namespace likeness {

namespace {

using Detector = dlib::object_detector<dlib::scan_fhog_pyramid<dlib::pyramid_down<6>>>;  // dlib::frontal_face_detector

#ifdef LIKENESS_UNPACKED_DETECTOR
constexpr char kDetector[] = {
#include "align/face_detector.inc"
};

Detector make_detector() {
  std::istringstream stream(std::string(kDetector, sizeof kDetector));
  Detector detector;
  deserialize(detector, stream);
  return detector;
}
#else
Detector make_detector() { return dlib::get_frontal_face_detector(); }
#endif

}  // namespace

struct FaceFinder::Impl {
  LandmarkForest landmarks;
};

namespace {

using Gray = dlib::array2d<unsigned char>;

// Longest side of the picture that the detector scans. It finds faces of 80 pixels and more, so at 800 a portrait's face is never missed
// for its size, and the time does not grow with the camera.
constexpr int kWorkingSide = 800;
constexpr int kUpsampledSide = 1600;
// The detector's scores are positive for faces; weaker candidates are accepted only when there is nothing better.
constexpr double kWeakScore = -0.25;
// Landmarks are found in a crop of fixed scale, because the regressor samples single pixels and rounds to whole ones.
constexpr int kCrop = 480;
constexpr double kFaceInCrop = 280;

Gray gray(const Image& image) {
  Gray out(image.height, image.width);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const std::uint8_t* p = image.at(x, y);
      out[y][x] = static_cast<unsigned char>((299 * p[0] + 587 * p[1] + 114 * p[2] + 500) / 1000);
    }
  }
  return out;
}

// Scans at the given scale; boxes in pixels of the photo.
Result<std::vector<dlib::drectangle>> scan(Detector& detector, const Image& photo, double scale, double threshold) {
  const int width = std::max(1, static_cast<int>(std::lround(photo.width * scale)));
  const int height = std::max(1, static_cast<int>(std::lround(photo.height * scale)));
  Result<Image> resized = resize(photo, width, height, Filter::bilinear);
  if (!resized.ok()) return resized.status();
  const double sx = static_cast<double>(photo.width) / width, sy = static_cast<double>(photo.height) / height;
  std::vector<dlib::drectangle> boxes;
  for (const dlib::rectangle& r : detector(gray(*resized), threshold)) {
    boxes.emplace_back(r.left() * sx, r.top() * sy, (r.right() + 1) * sx, (r.bottom() + 1) * sy);
  }
  return boxes;
}

// The largest and most central box: side length, less up to half of it towards the corners.
const dlib::drectangle& main_face(const std::vector<dlib::drectangle>& boxes, const Image& photo) {
  const auto rank = [&](const dlib::drectangle& box) {
    const dlib::dpoint middle = dlib::center(box);
    const double dx = middle.x() / photo.width - 0.5, dy = middle.y() / photo.height - 0.5;
    return box.width() * (1 - 0.7 * std::min(0.7, std::hypot(dx, dy)));
  };
  return *std::ranges::max_element(boxes, {}, rank);
}

// The landmarks in a box, x and y of each, in pixels: dlib's shape_predictor::operator(), with dlib's arithmetic.
std::vector<dlib::point> predict(const LandmarkForest& forest, const Gray& image, const dlib::rectangle& box) {
  using Column = dlib::matrix<float, 0, 1>;
  const Column first = dlib::mat(forest.shape);
  Column shape = first;
  const auto size = static_cast<std::size_t>(shape.size());
  std::vector<float> pixels;
  for (const LandmarkForest::Cascade& cascade : forest.cascades) {
    const std::vector<unsigned long> anchors(cascade.anchors.begin(), cascade.anchors.end());
    std::vector<dlib::vector<float, 2>> deltas;
    for (const auto& [x, y] : cascade.deltas) deltas.emplace_back(x, y);
    dlib::impl::extract_feature_pixel_values(image, box, shape, first, anchors, deltas, pixels);
    for (std::size_t t = 0; t < cascade.trees.size(); ++t) {
      const std::span<const float> leaf = cascade.leaf(t, pixels, size);
      for (std::size_t i = 0; i < size; ++i) shape(static_cast<long>(i)) += leaf[i];
    }
  }
  const dlib::point_transform_affine to_image = dlib::impl::unnormalizing_tform(box);
  std::vector<dlib::point> parts;
  for (unsigned long i = 0; i < size / 2; ++i) parts.emplace_back(to_image(dlib::impl::location(shape, i)));
  return parts;
}

// Landmarks in pixels of the photo. The regressor starts from the box, so its answer depends a little on it: the mean over five boxes is
// steadier than one.
Result<Landmarks> regress(const LandmarkForest& forest, const Image& photo, const dlib::drectangle& box) {
  const double scale = kFaceInCrop / std::max(1.0, box.width());
  const dlib::dpoint middle = dlib::center(box);
  const Affine to_crop{{scale, 0, kCrop / 2.0 - scale * middle.x(), 0, scale, kCrop / 2.0 - scale * middle.y()}};
  Result<Warped> crop = warp_photo(photo, to_crop, kCrop);
  if (!crop.ok()) return crop.status();
  const Gray pixels = gray(crop->picture);
  const Affine to_photo = to_crop.inverse();

  constexpr std::array<std::array<double, 3>, 5> kVariants = {{{0, 0, 1}, {-0.04, 0, 1}, {0.04, 0, 1}, {0, -0.04, 0.97}, {0, 0.04, 1.03}}};
  std::array<std::vector<dlib::point>, kVariants.size()> found;
  parallel_for(static_cast<std::int64_t>(found.size()), [&](std::int64_t i) {
    const auto& [dx, dy, zoom] = kVariants[static_cast<std::size_t>(i)];
    const auto box_in_crop = dlib::centered_rect(
        static_cast<long>(std::lround(kCrop / 2.0 + dx * kFaceInCrop)), static_cast<long>(std::lround(kCrop / 2.0 + dy * kFaceInCrop)),
        static_cast<unsigned long>(std::lround(kFaceInCrop * zoom)), static_cast<unsigned long>(std::lround(kFaceInCrop * zoom)));
    found[static_cast<std::size_t>(i)] = predict(forest, pixels, box_in_crop);
  });
  std::array<std::array<double, 2>, 68> sum{};
  for (const std::vector<dlib::point>& parts : found) {
    if (parts.size() != sum.size()) return Status{Code::corrupt_model, "the landmark file does not give 68 landmarks"};
    for (std::size_t i = 0; i < sum.size(); ++i) {
      sum[i][0] += static_cast<double>(parts[i].x()) + 0.5;  // dlib's pixel (0, 0) has its centre at 0
      sum[i][1] += static_cast<double>(parts[i].y()) + 0.5;
    }
  }
  Landmarks landmarks;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    const auto p = to_photo.apply(sum[i][0] / kVariants.size(), sum[i][1] / kVariants.size());
    landmarks[i] = {static_cast<float>(p[0]), static_cast<float>(p[1])};
  }
  return landmarks;
}

Result<FaceBox> find_box(const Image& photo) {
  static const Detector made = make_detector();
  Detector detector = made;  // its call operator is not thread-safe
  const int side = std::max(photo.width, photo.height);
  const double working = static_cast<double>(kWorkingSide) / side;
  const double first = std::min(working, 2.0);  // a small picture is scanned at up to twice its size
  const double upsampled = std::min(static_cast<double>(kUpsampledSide) / side, std::max(2.0, 2 * first));
  const std::array<std::array<double, 2>, 3> attempts = {{{first, 0}, {first, kWeakScore}, {upsampled, kWeakScore}}};
  for (const auto& [scale, threshold] : attempts) {
    Result<std::vector<dlib::drectangle>> boxes = scan(detector, photo, scale, threshold);
    if (!boxes.ok()) return boxes.status();
    if (boxes->empty()) continue;
    const dlib::drectangle& box = main_face(*boxes, photo);
    return FaceBox{{box.left(), box.top(), box.right(), box.bottom()}, static_cast<int>(boxes->size())};
  }
  return Status{Code::no_face, "no frontal face was found: use a photo that shows one face from the front, well lit"};
}

bool is_rgb(const Image& photo) { return photo.channels == 3 && photo.width >= 1 && photo.height >= 1; }

}  // namespace

Result<FaceBox> detect_face(const Image& photo) {
  if (!is_rgb(photo)) return Status{Code::invalid_argument, "faces are found in RGB pictures"};
  try {
    return find_box(photo);
  } catch (const std::exception& error) {
    return Status{Code::no_face, std::string("the face detector gave up: ") + error.what()};
  }
}

FaceFinder::FaceFinder(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
FaceFinder::FaceFinder(FaceFinder&&) noexcept = default;
FaceFinder& FaceFinder::operator=(FaceFinder&&) noexcept = default;
FaceFinder::~FaceFinder() = default;

Result<FaceFinder> FaceFinder::open(const std::filesystem::path& landmark_file, const std::string& digest) {
  Result<LandmarkForest> forest = read_landmark_forest(landmark_file, digest);
  if (!forest.ok()) {
    if (forest.status().code != Code::not_found) return forest.status();
    return Status{Code::not_found,
                  "the landmark file " + landmark_file.string() +
                      " is missing: name another one, install Debian's libdlib-data, or point LIKENESS_LANDMARKS to its file"};
  }
  return FaceFinder(std::make_unique<const Impl>(std::move(*forest)));
}

Result<Face> FaceFinder::find(const Image& photo) const {
  const Result<FaceBox> box = detect_face(photo);
  if (!box.ok()) return box.status();
  return find(photo, *box);
}

Result<Face> FaceFinder::find(const Image& photo, const FaceBox& found) const {
  if (!is_rgb(photo)) return Status{Code::invalid_argument, "faces are found in RGB pictures"};
  const auto& [left, top, right, bottom] = found.box;
  try {
    const Result<Landmarks> landmarks = regress(impl_->landmarks, photo, dlib::drectangle(left, top, right, bottom));
    if (!landmarks.ok()) return landmarks.status();
    return Face{{static_cast<float>(left), static_cast<float>(top), static_cast<float>(right), static_cast<float>(bottom)},
                *landmarks,
                found.faces_seen};
  } catch (const std::exception& error) {
    return Status{Code::no_face, std::string("the face detector gave up: ") + error.what()};
  }
}

Result<Landmarks> FaceFinder::landmarks(const Image& photo, const std::array<float, 4>& box) const {
  const bool finite = std::ranges::all_of(box, [](float v) { return std::isfinite(v); });
  if (!is_rgb(photo) || !finite || !(box[2] > box[0]) || !(box[3] > box[1])) {
    return Status{Code::invalid_argument, "landmarks are found in a box of an RGB picture"};
  }
  try {
    return regress(impl_->landmarks, photo, dlib::drectangle(box[0], box[1], box[2], box[3]));
  } catch (const std::exception& error) {
    return Status{Code::no_face, std::string("the landmark regressor gave up: ") + error.what()};
  }
}

}  // namespace likeness
