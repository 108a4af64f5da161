#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <utility>

#include "base/parallel.hpp"
#include "fit/face_difference.hpp"
#include "fit/joint_problem.hpp"
#include "fit/model.hpp"
#include "fit/notes.hpp"
#include "fit/objective.hpp"
#include "fit/photo_status.hpp"
#include "fit/profile.hpp"
#include "fit/search.hpp"
#include "fit/stopwatch.hpp"
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

}  // namespace

struct Fitter::State {
  std::shared_ptr<const Model> model;
  std::vector<std::unique_ptr<Objective>> objectives;  // one a photo of the last fit

  // One result a photo, in order. `known`: the photos' landmarks, or none.
  Result<std::vector<FitResult>> fit(std::span<const Image> photos, std::span<const Landmarks> known, const FitOptions& options);
  Result<std::vector<FitResult>> fit_aligned(std::vector<AlignedPhoto> aligned, const FitOptions& options);
  Result<std::vector<FitResult>> fit_views(std::span<const PhotoView> photos, std::span<const Landmarks> known, const FitOptions& options);
  Status require_objectives(std::size_t count);
  Status prepare(const AlignedPhoto& aligned, const FitOptions& options, Objective& objective, FitResult& result);
  bool guesses(const FitOptions& options) const { return options.start == StartKind::guess && model->impl().encoder.has_value(); }
  Result<std::vector<float>> start(const Objective& objective, const FitOptions& options) const;
  Result<std::vector<double>> similarities(AlignedPhoto aligned, std::span<const Character> characters, const FitOptions& options);
  Status draw(Objective& objective, std::span<const float> x, FitResult& result);
};

Result<std::vector<FitResult>> Fitter::State::fit(std::span<const Image> photos, std::span<const Landmarks> known,
                                                  const FitOptions& options) {
  if (Status status = check_options(options); !status.ok()) return status;  // before a face is looked for
  const Aligner& aligner = *model->impl().aligner;
  std::vector<AlignedPhoto> aligned;
  std::vector<double> seconds;
  for (std::size_t k = 0; k < photos.size(); ++k) {
    const Stopwatch watch;
    Result<AlignedPhoto> photo =
        known.empty() ? aligner.align(photos[k], options.align) : aligner.align(photos[k], known[k], options.align);
    if (!photo.ok()) return photo_status(photo.status(), k, photos.size());
    aligned.push_back(std::move(*photo));
    seconds.push_back(watch.seconds());
  }
  Result<std::vector<FitResult>> results = fit_aligned(std::move(aligned), options);
  for (std::size_t k = 0; results.ok() && k < photos.size(); ++k) (*results)[k].seconds.align = seconds[k];
  return results;
}

Result<std::vector<FitResult>> Fitter::State::fit_views(std::span<const PhotoView> photos, std::span<const Landmarks> known,
                                                        const FitOptions& options) {
  std::vector<Image> images;
  for (std::size_t k = 0; k < photos.size(); ++k) {
    Result<Image> image = image_of(photos[k]);
    if (!image.ok()) return photo_status(image.status(), k, photos.size());
    images.push_back(std::move(*image));
  }
  return fit(images, known, options);
}

Status Fitter::State::require_objectives(std::size_t count) {
  const Model::Impl& parts = model->impl();
  objectives.resize(count);
  for (std::unique_ptr<Objective>& objective : objectives) {
    if (objective) continue;
    Result<std::unique_ptr<Objective>> created =
        Objective::create(parts.generator, parts.extractor, model->schema(), parts.companions ? &*parts.companions : nullptr);
    if (!created.ok()) return created.status();
    objective = std::move(*created);
  }
  return Status::success();
}

// Everything of a photo that the search needs.
Status Fitter::State::prepare(const AlignedPhoto& aligned, const FitOptions& options, Objective& objective, FitResult& result) {
  ObjectiveOptions loss = options.objective == ObjectiveKind::plain ? plain_objective(options.loss)
                                                                    : ObjectiveOptions{.loss = options.loss, .weights = options.weights};
  loss.profile = options.profile;
  if (options.choices == ChoiceJudge::client) loss.judge = model->impl().client.get();
  for (std::size_t i = 0; i < result.framed.size(); ++i) {
    const auto p = aligned.to_frame.apply(aligned.landmarks[i][0], aligned.landmarks[i][1]);
    result.framed[i] = {static_cast<float>(p[0]), static_cast<float>(p[1])};
  }
  return objective.set_photo({aligned.picture, aligned.coverage, &result.framed, options.domain}, loss);
}

Result<std::vector<float>> Fitter::State::start(const Objective& objective, const FitOptions& options) const {
  if (!guesses(options)) return model->schema().default_vector();
  return objective.guess(*model->impl().encoder);
}

Result<std::vector<FitResult>> Fitter::State::fit_aligned(std::vector<AlignedPhoto> aligned, const FitOptions& options) {
  const std::size_t count = aligned.size();
  const Stopwatch preparing;
  if (Status status = require_objectives(count); !status.ok()) return status;
  std::vector<FitResult> results(count);
  std::vector<Objective*> photos;
  std::vector<std::vector<float>> starts;
  for (std::size_t k = 0; k < count; ++k) {
    photos.push_back(objectives[k].get());
    if (Status status = prepare(aligned[k], options, *photos[k], results[k]); !status.ok()) return photo_status(status, k, count);
    Result<std::vector<float>> first = start(*photos[k], options);
    if (!first.ok()) return photo_status(first.status(), k, count);
    if (guesses(options)) photos[k]->lean(*first);
    starts.push_back(std::move(*first));
  }
  const Result<std::unique_ptr<JointProblem>> created = JointProblem::create(model->schema(), photos);
  if (!created.ok()) return created.status();
  JointProblem& problem = **created;
  const double prepare_seconds = preparing.seconds(), prepare_steps = problem.step_seconds();

  const Stopwatch searching;
  const Schema& schema = problem.schema();
  Result<SearchResult> found = search(problem, schema, near_by(problem.join(starts), schema, options.seed), options);
  if (!found.ok()) return found.status();
  const double search_seconds = searching.seconds() - found->judge_seconds, searched_steps = problem.step_seconds();

  std::vector<LossCurve> curves;
  for (const std::string& name : problem.term_names()) {
    LossCurve curve{name, {}};
    for (const std::vector<double>& terms : found->terms) curve.values.push_back(terms[curves.size()]);
    curves.push_back(std::move(curve));
  }
  for (std::size_t k = 0; k < count; ++k) {
    const Stopwatch drawing;
    FitResult& result = results[k];
    result.character.x = problem.of_photo(found->x, k);
    result.loss = found->loss;
    if (count > 1) {  // the search's is the mean
      const Result<SearchProblem::Value> value = photos[k]->evaluate(result.character.x, {});
      if (!value.ok()) return photo_status(value.status(), k, count);
      result.loss = value->loss;
    }
    const Result<double> similarity = photos[k]->similarity(result.character.x);
    if (!similarity.ok()) return photo_status(similarity.status(), k, count);
    result.similarity = *similarity;
    result.landmarks = aligned[k].landmarks;
    result.aligned = {kFrame, std::move(aligned[k].picture.pixels)};
    result.photo_labels = photos[k]->labels();
    result.iterations = static_cast<int>(found->losses.size());
    result.losses = found->losses;
    result.curves = curves;
    result.stop = found->stop;
    result.groups = found->groups;
    if (Status status = draw(*photos[k], result.character.x, result); !status.ok()) return status;
    result.notes = fit_notes(result, model->schema());
    result.seconds = {.prepare = prepare_seconds, .search = search_seconds, .judge = found->judge_seconds, .draw = drawing.seconds()};
  }
  if (options.profile) {
    const auto profile = std::make_shared<FitProfile>();
    for (const Objective* photo : photos) {
      const std::span<const StepTime> times = photo->program()->times();
      profile->add({photo->program()->plan(), {times.begin(), times.end()}, {}});
    }
    profile->in_steps = {.prepare = prepare_steps,
                         .search = searched_steps - prepare_steps - found->judge_step_seconds,
                         .judge = found->judge_step_seconds,
                         .draw = problem.step_seconds() - searched_steps};
    for (FitResult& result : results) result.profile = profile;
  }
  return results;
}

Result<std::vector<double>> Fitter::State::similarities(AlignedPhoto aligned, std::span<const Character> characters,
                                                        const FitOptions& options) {
  if (Status status = require_objectives(1); !status.ok()) return status;
  FitResult unused;
  if (Status status = prepare(aligned, options, *objectives[0], unused); !status.ok()) return status;
  std::vector<double> similarities;
  for (const Character& character : characters) {
    const Result<double> similarity = objectives[0]->similarity(character.x);
    if (!similarity.ok()) return similarity.status();
    similarities.push_back(*similarity);
  }
  return similarities;
}

// The pictures of x: the generator's, and the client's as fitted and neutral.
Status Fitter::State::draw(Objective& objective, std::span<const float> x, FitResult& result) {
  Result<Picture> generated = objective.generate(x);
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
  result.imitator_gap = difference_in_face(result.generated.rgb, posed.rgb, posed.labels).mean();
  result.posed = {posed.size, std::move(posed.rgb)};
  result.posed_labels = {posed.size, std::move(posed.labels)};
  return Status::success();
}

namespace {

// The only photo's result.
Result<FitResult> only(Result<std::vector<FitResult>> results) {
  if (!results.ok()) return results.status();
  return std::move(results->front());
}

Status check_group(std::span<const PhotoView> photos) {
  if (photos.size() >= Fitter::kFewestTogether && photos.size() <= Fitter::kMostTogether) return Status::success();
  return {Code::invalid_argument, "2 to 16 photos are fitted together"};
}

}  // namespace

Fitter::Fitter(std::shared_ptr<const Model> model) : state_(std::make_unique<State>()) { state_->model = std::move(model); }
Fitter::~Fitter() = default;
Fitter::Fitter(Fitter&&) noexcept = default;
Fitter& Fitter::operator=(Fitter&&) noexcept = default;

Result<FitResult> Fitter::fit_bytes(std::span<const std::uint8_t> file, const FitOptions& options) {
  const Stopwatch watch;
  const Result<Image> photo = decode_photo(file);
  if (!photo.ok()) return photo.status();
  const double seconds = watch.seconds();
  Result<FitResult> result = only(state_->fit({&*photo, 1}, {}, options));
  if (result.ok()) result->seconds.decode = seconds;
  return result;
}

Result<FitResult> Fitter::fit(const PhotoView& photo, const FitOptions& options) {
  return only(state_->fit_views({&photo, 1}, {}, options));
}

Result<FitResult> Fitter::fit(const PhotoView& photo, const Landmarks& landmarks, const FitOptions& options) {
  return only(state_->fit_views({&photo, 1}, {&landmarks, 1}, options));
}

Result<std::vector<FitResult>> Fitter::fit_together(std::span<const PhotoView> photos, const FitOptions& options) {
  if (Status status = check_group(photos); !status.ok()) return status;
  return state_->fit_views(photos, {}, options);
}

Result<std::vector<FitResult>> Fitter::fit_together(std::span<const PhotoView> photos, std::span<const Landmarks> landmarks,
                                                    const FitOptions& options) {
  if (Status status = check_group(photos); !status.ok()) return status;
  if (landmarks.size() != photos.size()) return Status{Code::invalid_argument, "landmarks are given for each photo, or for none"};
  return state_->fit_views(photos, landmarks, options);
}

Result<std::vector<double>> Fitter::similarities(std::span<const std::uint8_t> file, std::span<const Character> characters,
                                                 const FitOptions& options) {
  if (Status status = check_options(options); !status.ok()) return status;
  const Result<Image> photo = decode_photo(file);
  if (!photo.ok()) return photo.status();
  Result<AlignedPhoto> aligned = state_->model->impl().aligner->align(*photo, options.align);
  if (!aligned.ok()) return aligned.status();
  return state_->similarities(std::move(*aligned), characters, options);
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
  std::vector<AlignedPhoto> aligned;
  aligned.push_back({landmarks, {}, std::move(*image), std::move(everywhere)});
  return only(state_->fit_aligned(std::move(aligned), options));
}

}  // namespace likeness
