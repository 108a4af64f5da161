#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <random>
#include <utility>

#include "base/parallel.hpp"
#include "fit/model.hpp"
#include "fit/objective.hpp"
#include "fit/search.hpp"
#include "image/decode.hpp"
#include "image/guard.hpp"
#include "image/resample.hpp"
#include "likeness/optimizer.hpp"

namespace likeness {
namespace {

constexpr double kStartSpread = 0.1;  // of x around the average, for seeds other than 0

// x, or a point near it: a function of (x, schema, seed) only (mt19937_64 is pinned by the standard; no distribution is). Choice groups
// stay as they are.
std::vector<float> near_by(std::vector<float> x, const Schema& schema, std::uint64_t seed) {
  if (seed == 0) return x;
  std::mt19937_64 random(seed);
  for (const Parameter& p : schema.parameters()) {
    if (p.type == ParameterType::choice) continue;
    for (std::size_t i = p.offset; i < p.offset + p.size(); ++i) {
      x[i] += static_cast<float>(kStartSpread * (static_cast<double>(random() >> 11) * 0x1p-52 - 1));
    }
    const std::span group = std::span(x).subspan(p.offset, p.size());
    p.type == ParameterType::simplex ? project_simplex(group) : project_box(group);
  }
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

// Wall-clock time since it was made.
class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

struct Fitter::State {
  std::shared_ptr<const Model> model;
  std::unique_ptr<Objective> objective;  // made by the first fit

  Result<FitResult> fit(const Image& photo, const Landmarks* known, const FitOptions& options);
  Result<FitResult> fit_aligned(AlignedPhoto aligned, const FitOptions& options);
  Status draw(std::span<const float> x, FitResult& result);
};

Result<FitResult> Fitter::State::fit(const Image& photo, const Landmarks* known, const FitOptions& options) {
  if (Status status = check_options(options); !status.ok()) return status;  // before a face is looked for
  const Aligner& aligner = *model->impl().aligner;
  const Stopwatch watch;
  Result<AlignedPhoto> aligned = known != nullptr ? aligner.align(photo, *known, options.align) : aligner.align(photo, options.align);
  if (!aligned.ok()) return aligned.status();
  const double seconds = watch.seconds();
  Result<FitResult> result = fit_aligned(std::move(*aligned), options);
  if (result.ok()) result->seconds.align = seconds;
  return result;
}

Result<FitResult> Fitter::State::fit_aligned(AlignedPhoto aligned, const FitOptions& options) {
  const Model::Impl& parts = model->impl();
  const Schema& schema = model->schema();
  const Stopwatch preparing;
  if (!objective) {
    Result<std::unique_ptr<Objective>> created =
        Objective::create(parts.generator, parts.extractor, schema, parts.companions ? &*parts.companions : nullptr);
    if (!created.ok()) return created.status();
    objective = std::move(*created);
  }
  ObjectiveOptions loss = options.objective == ObjectiveKind::plain ? plain_objective(options.loss)
                                                                    : ObjectiveOptions{.loss = options.loss, .weights = options.weights};
  if (options.choices == ChoiceJudge::client) loss.judge = parts.client.get();
  FitResult result;
  for (std::size_t i = 0; i < result.framed.size(); ++i) {
    const auto p = aligned.to_frame.apply(aligned.landmarks[i][0], aligned.landmarks[i][1]);
    result.framed[i] = {static_cast<float>(p[0]), static_cast<float>(p[1])};
  }
  if (Status status = objective->set_photo({aligned.picture, aligned.coverage, &result.framed, options.domain}, loss); !status.ok())
    return status;
  std::vector<float> start = schema.default_vector();
  if (options.start == StartKind::guess && parts.encoder) {
    Result<std::vector<float>> guess = objective->guess(*parts.encoder);
    if (!guess.ok()) return guess.status();
    start = std::move(*guess);
  }
  result.seconds.prepare = preparing.seconds();

  const Stopwatch searching;
  Result<SearchResult> found = search(*objective, schema, near_by(std::move(start), schema, options.seed), options);
  if (!found.ok()) return found.status();
  result.seconds.judge = found->judge_seconds;
  result.seconds.search = searching.seconds() - found->judge_seconds;

  const Stopwatch drawing;
  result.landmarks = aligned.landmarks;
  result.aligned = {kFrame, std::move(aligned.picture.pixels)};
  result.photo_labels = objective->labels();
  if (Status status = draw(found->x, result); !status.ok()) return status;
  result.seconds.draw = drawing.seconds();

  result.character.x = std::move(found->x);
  result.similarity = found->similarity;
  result.iterations = static_cast<int>(found->losses.size());
  result.losses = std::move(found->losses);
  result.loss = found->loss;
  result.stop = found->stop;
  result.groups = std::move(found->groups);
  const std::vector<std::string> names = objective->term_names();
  for (std::size_t t = 0; t < names.size(); ++t) {
    LossCurve curve{names[t], {}};
    for (const std::vector<double>& terms : found->terms) curve.values.push_back(terms[t]);
    result.curves.push_back(std::move(curve));
  }
  return result;
}

// The pictures of x: the generator's, and the client's as fitted and neutral.
Status Fitter::State::draw(std::span<const float> x, FitResult& result) {
  Result<Picture> generated = objective->generate(x);
  if (!generated.ok()) return generated.status();
  if (generated->size != kFrame) {
    Image small(generated->size, generated->size, 3);
    small.pixels = std::move(generated->rgb);
    Result<Image> resized = resize(small, kFrame, kFrame, Filter::bilinear);
    if (!resized.ok()) return resized.status();
    *generated = {kFrame, std::move(resized->pixels)};
  }
  result.generated = std::move(*generated);

  std::array<Result<Rendering>, 2> drawn = {Status{Code::client_failed, ""}, Status{Code::client_failed, ""}};
  parallel_for(2, [&](std::int64_t i) {
    const bool neutral = i == 1;
    drawn[static_cast<std::size_t>(i)] = model->impl().client->render(x, {.size = kFrame, .labels = !neutral, .neutral = neutral});
  });
  for (const Result<Rendering>& each : drawn) {
    if (!each.ok()) return each.status();
  }
  Rendering& posed = *drawn[0];
  result.rendered = {drawn[1]->size, std::move(drawn[1]->rgb)};
  result.drawn = posed.landmarks;
  double sum = 0, count = 0;
  for (std::size_t i = 0; i < posed.labels.size(); ++i) {
    if (posed.labels[i] == 0 || posed.labels[i] == 2) continue;  // background, hair
    for (std::size_t c = 3 * i; c < 3 * i + 3; ++c) sum += std::abs(int{posed.rgb[c]} - int{result.generated.rgb[c]}) / 255.0;
    count += 3;
  }
  result.imitator_gap = count > 0 ? sum / count : 0;
  result.posed = {posed.size, std::move(posed.rgb)};
  result.posed_labels = {posed.size, std::move(posed.labels)};
  return Status::success();
}

Fitter::Fitter(std::shared_ptr<const Model> model) : state_(std::make_unique<State>()) { state_->model = std::move(model); }
Fitter::~Fitter() = default;
Fitter::Fitter(Fitter&&) noexcept = default;
Fitter& Fitter::operator=(Fitter&&) noexcept = default;

Result<FitResult> Fitter::fit_bytes(std::span<const std::uint8_t> file, const FitOptions& options) {
  const Stopwatch watch;
  const Result<Image> photo = decode_photo(file);
  if (!photo.ok()) return photo.status();
  const double seconds = watch.seconds();
  Result<FitResult> result = state_->fit(*photo, nullptr, options);
  if (result.ok()) result->seconds.decode = seconds;
  return result;
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
