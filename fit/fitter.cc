#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <utility>

#include "fit/model.hpp"
#include "fit/objective.hpp"
#include "fit/search.hpp"
#include "image/decode.hpp"
#include "image/guard.hpp"
#include "image/resample.hpp"

namespace likeness {
namespace {

constexpr double kStartSpread = 0.1;  // of x around the average, for seeds other than 0

// The average face, or a point near it: a function of (schema, seed) only (mt19937_64 is pinned by the standard; no distribution is).
std::vector<float> start_vector(const Schema& schema, std::uint64_t seed) {
  std::vector<float> x = schema.default_vector();
  if (seed == 0) return x;
  std::mt19937_64 random(seed);
  for (const Parameter& p : schema.parameters()) {
    if (p.type == ParameterType::choice) continue;
    for (std::size_t i = p.offset; i < p.offset + p.size(); ++i) {
      x[i] += static_cast<float>(kStartSpread * (static_cast<double>(random() >> 11) * 0x1p-52 - 1));
    }
  }
  schema.canonicalise(x);
  return x;
}

Result<Image> image_of(const PhotoView& photo) {
  if (photo.width < 1 || photo.height < 1) return Status{Code::invalid_argument, "a photo has at least one pixel"};
  const auto row_bytes = std::size_t{3} * static_cast<std::size_t>(photo.width), gaps = static_cast<std::size_t>(photo.height) - 1;
  const std::size_t stride = photo.row_stride == 0 ? row_bytes : photo.row_stride;
  if (stride < row_bytes || stride > (std::numeric_limits<std::size_t>::max() - row_bytes) / std::max(gaps, std::size_t{1}) ||
      photo.rgb.size() != gaps * stride + row_bytes) {
    return Status{Code::invalid_argument, "a photo's rows are width * 3 bytes of RGB, row_stride bytes apart"};
  }
  if (Status status = guard::check_size(photo.width, photo.height, {}); !status.ok()) return status;
  Image image(photo.width, photo.height, 3);
  for (int y = 0; y < photo.height; ++y) {
    std::copy_n(photo.rgb.data() + static_cast<std::size_t>(y) * stride, row_bytes, image.row(y));
  }
  return image;
}

}  // namespace

struct Fitter::State {
  std::shared_ptr<const Model> model;
  std::unique_ptr<Objective> objective;  // made by the first fit

  Result<FitResult> fit(const Image& photo, const Landmarks* known, const FitOptions& options);
  Result<FitResult> fit_aligned(AlignedPhoto aligned, const FitOptions& options);
};

Result<FitResult> Fitter::State::fit(const Image& photo, const Landmarks* known, const FitOptions& options) {
  if (Status status = check_options(options); !status.ok()) return status;  // before a face is looked for
  const Aligner& aligner = *model->impl().aligner;
  Result<AlignedPhoto> aligned = known != nullptr ? aligner.align(photo, *known, options.align) : aligner.align(photo, options.align);
  if (!aligned.ok()) return aligned.status();
  return fit_aligned(std::move(*aligned), options);
}

Result<FitResult> Fitter::State::fit_aligned(AlignedPhoto aligned, const FitOptions& options) {
  const Model::Impl& parts = model->impl();
  const Schema& schema = model->schema();
  if (!objective) {
    Result<std::unique_ptr<Objective>> created =
        Objective::create(parts.generator, parts.extractor, schema, parts.companions ? &*parts.companions : nullptr);
    if (!created.ok()) return created.status();
    objective = std::move(*created);
  }
  const ObjectiveOptions loss = options.objective == ObjectiveKind::plain ? plain_objective(options.loss)
                                                                          : ObjectiveOptions{.loss = options.loss, .prior = options.prior};
  Landmarks framed;
  for (std::size_t i = 0; i < framed.size(); ++i) {
    const auto p = aligned.to_frame.apply(aligned.landmarks[i][0], aligned.landmarks[i][1]);
    framed[i] = {static_cast<float>(p[0]), static_cast<float>(p[1])};
  }
  const FramedPhoto photo{aligned.picture, aligned.coverage, &framed, options.domain};
  if (Status status = objective->set_photo(photo, loss); !status.ok()) return status;
  Result<SearchResult> found = search(*objective, schema, start_vector(schema, options.seed), options);
  if (!found.ok()) return found.status();
  Result<Picture> generated = objective->generate(found->x);
  if (!generated.ok()) return generated.status();
  Result<Rendering> rendered = parts.client->render(found->x, {.size = kFrame, .neutral = true});
  if (!rendered.ok()) return rendered.status();

  FitResult result;
  result.character.x = std::move(found->x);
  result.similarity = found->similarity;
  result.iterations = static_cast<int>(found->losses.size());
  result.losses = std::move(found->losses);
  result.loss = found->loss;
  result.stop = found->stop;
  result.landmarks = aligned.landmarks;
  result.aligned = {kFrame, std::move(aligned.picture.pixels)};
  if (generated->size != kFrame) {
    Image small(generated->size, generated->size, 3);
    small.pixels = std::move(generated->rgb);
    Result<Image> resized = resize(small, kFrame, kFrame, Filter::bilinear);
    if (!resized.ok()) return resized.status();
    *generated = {kFrame, std::move(resized->pixels)};
  }
  result.generated = std::move(*generated);
  result.rendered = {rendered->size, std::move(rendered->rgb)};
  return result;
}

Fitter::Fitter(std::shared_ptr<const Model> model) : state_(std::make_unique<State>()) { state_->model = std::move(model); }
Fitter::~Fitter() = default;
Fitter::Fitter(Fitter&&) noexcept = default;
Fitter& Fitter::operator=(Fitter&&) noexcept = default;

Result<FitResult> Fitter::fit_bytes(std::span<const std::uint8_t> file, const FitOptions& options) {
  const Result<Image> photo = decode_photo(file);
  if (!photo.ok()) return photo.status();
  return state_->fit(*photo, nullptr, options);
}

Result<FitResult> Fitter::fit(const PhotoView& photo, const FitOptions& options) {
  const Result<Image> image = image_of(photo);
  if (!image.ok()) return image.status();
  return state_->fit(*image, nullptr, options);
}

Result<FitResult> Fitter::fit(const PhotoView& photo, const Landmarks& landmarks, const FitOptions& options) {
  const Result<Image> image = image_of(photo);
  if (!image.ok()) return image.status();
  return state_->fit(*image, &landmarks, options);
}

Result<FitResult> Fitter::fit_framed(const PhotoView& picture, const Landmarks& landmarks, const FitOptions& options) {
  if (Status status = check_options(options); !status.ok()) return status;
  Result<Image> image = image_of(picture);
  if (!image.ok()) return image.status();
  if (image->width != kFrame || image->height != kFrame) return Status{Code::invalid_argument, "a picture in the frame is 512 x 512"};
  for (const Point& p : landmarks) {
    if (!std::isfinite(p[0]) || !std::isfinite(p[1])) return Status{Code::invalid_argument, "a landmark is not finite"};
  }
  Image everywhere(kFrame, kFrame, 1);
  std::ranges::fill(everywhere.pixels, std::uint8_t{255});
  return state_->fit_aligned({landmarks, {}, std::move(*image), std::move(everywhere)}, options);
}

}  // namespace likeness
