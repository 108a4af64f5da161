// include/likeness/likeness.h: checks what C cannot, and keeps exceptions inside.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <exception>
#include <limits>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/parallel.hpp"
#include "fit/c_model.hpp"
#include "fit/report.hpp"
#include "image/decode.hpp"
#include "likeness/likeness.h"

using namespace likeness;

struct likeness_result {
  std::string json;
  std::optional<std::string> mhm;
  double similarity = 0;
  StopReason stop = StopReason::iterations;
  std::array<double, 136> landmarks{};
  std::array<Picture, 3> pictures;
};

namespace {

// Enumerators are cast between the languages.
static_assert(LIKENESS_LOSS_L1 == static_cast<int>(LossKind::l1) && LIKENESS_LOSS_L2 == static_cast<int>(LossKind::l2));
static_assert(LIKENESS_ALIGN_AFFINE == static_cast<int>(AlignKind::affine) &&
              LIKENESS_ALIGN_SIMILARITY == static_cast<int>(AlignKind::similarity));
static_assert(LIKENESS_OPTIMIZER_ADAM == static_cast<int>(OptimizerKind::adam) &&
              LIKENESS_OPTIMIZER_SGD == static_cast<int>(OptimizerKind::sgd));
static_assert(LIKENESS_OBJECTIVE_LIKENESS == static_cast<int>(ObjectiveKind::likeness) &&
              LIKENESS_OBJECTIVE_PLAIN == static_cast<int>(ObjectiveKind::plain));
static_assert(LIKENESS_STOP_ITERATIONS == static_cast<int>(StopReason::iterations) &&
              LIKENESS_STOP_THRESHOLD == static_cast<int>(StopReason::threshold) &&
              LIKENESS_STOP_PLATEAU == static_cast<int>(StopReason::plateau) &&
              LIKENESS_STOP_CANCELLED == static_cast<int>(StopReason::cancelled) &&
              LIKENESS_STOP_DIVERGED == static_cast<int>(StopReason::diverged));

constexpr double kFarthest = 1e6;  // pixels; a landmark beyond it is none, and fits a float

// A fixed array: reporting a failed allocation must not allocate.
thread_local std::array<char, 1024> error_of_thread{};

likeness_status report(Code code, std::string_view message) {
  std::size_t length = std::min(message.size(), error_of_thread.size() - 1);
  // Not in the middle of a UTF-8 character.
  while (length < message.size() && length > 0 && (static_cast<unsigned char>(message[length]) & 0xC0U) == 0x80U) --length;
  std::memcpy(error_of_thread.data(), message.data(), length);
  error_of_thread[length] = '\0';
  return static_cast<likeness_status>(code);
}

// Runs `body` (returning a Status) and turns whatever comes out into a number and a sentence.
template <class Body>
likeness_status guarded(Body&& body) noexcept {
  try {
    const Status status = body();
    return status.ok() ? LIKENESS_OK : report(status.code, status.message);
  } catch (const std::bad_alloc&) {
    return report(Code::out_of_memory, "there is not enough memory");
  } catch (const std::exception& error) {
    return report(Code::internal, error.what());
  } catch (...) {
    return report(Code::internal, "an exception that is no std::exception");
  }
}

Status invalid(const char* message) { return {Code::invalid_argument, message}; }

// Options of another size belong to another header; so far there is only one.
template <class Options>
Status check_size(const Options& options) {
  return options.size == sizeof(Options) ? Status::success()
                                         : invalid("the options were not initialised, or the program was compiled for another likeness.h");
}

template <class Options>
void write_defaults(const Options& defaults, Options* options, std::size_t size) {
  if (options == nullptr || size < sizeof(options->size)) return;
  std::memset(options, 0, size);
  std::memcpy(options, &defaults, std::min(size, sizeof(Options)));
  options->size = size;
}

likeness_fit_options default_options() {
  const FitOptions defaults;
  return {.size = sizeof(likeness_fit_options),
          .iterations = defaults.iterations,
          .loss = static_cast<int32_t>(defaults.loss),
          .align = static_cast<int32_t>(defaults.align),
          .optimizer = static_cast<int32_t>(defaults.optimizer),
          .objective = static_cast<int32_t>(defaults.objective),
          .threshold = defaults.threshold,
          .step = defaults.step,
          .prior = defaults.weights.prior,
          .seed = defaults.seed,
          .progress = nullptr,
          .user = nullptr,
          .name = nullptr,
          .start = static_cast<int32_t>(defaults.start),
          .choices = static_cast<int32_t>(defaults.choices)};
}

// The rest is checked by search().
Result<FitOptions> fit_options(const likeness_fit_options& c) {
  if (Status status = check_size(c); !status.ok()) return status;
  const auto is_0_or_1 = [](int32_t v) { return v == 0 || v == 1; };
  if (!is_0_or_1(c.loss) || !is_0_or_1(c.align) || !is_0_or_1(c.optimizer) || !is_0_or_1(c.objective) || !is_0_or_1(c.start) ||
      !is_0_or_1(c.choices)) {
    return invalid("loss, align, optimizer, objective, start and choices take the numbers named in likeness.h");
  }
  FitOptions options{.iterations = c.iterations,
                     .threshold = c.threshold,
                     .step = c.step,
                     .loss = static_cast<LossKind>(c.loss),
                     .align = static_cast<AlignKind>(c.align),
                     .optimizer = static_cast<OptimizerKind>(c.optimizer),
                     .objective = static_cast<ObjectiveKind>(c.objective),
                     .start = static_cast<StartKind>(c.start),
                     .choices = static_cast<ChoiceJudge>(c.choices),
                     .seed = c.seed};
  options.weights.prior = c.prior;
  if (c.progress != nullptr) {
    options.progress = [progress = c.progress, user = c.user](const FitProgress& p) {
      return progress(user, p.iteration, p.iterations, p.loss, p.similarity) == 0;
    };
  }
  return options;
}

Result<Landmarks> landmarks_from(const double* numbers) {
  Landmarks landmarks;
  for (std::size_t i = 0; i < landmarks.size(); ++i) {
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const double v = numbers[2 * i + axis];
      if (!(std::abs(v) <= kFarthest)) return Status{Code::landmarks_bad, "landmark " + std::to_string(i) + " is nowhere near a photo"};
      landmarks[i][axis] = static_cast<float>(v);
    }
  }
  return landmarks;
}

// A fitter out of the model's list. It goes back only where its fit returned: one that threw may hold half a recording.
class Borrowed {
 public:
  explicit Borrowed(likeness_model& model) : model_(model) {
    const std::lock_guard lock(model.mutex);
    if (!model.idle.empty()) fitter_.splice(fitter_.begin(), model.idle, model.idle.begin());
  }
  Fitter& get() {
    if (fitter_.empty()) fitter_.emplace_back(model_.model);
    return fitter_.front();
  }
  void give_back() {
    const std::lock_guard lock(model_.mutex);
    model_.idle.splice(model_.idle.begin(), fitter_);
  }

 private:
  likeness_model& model_;
  std::list<Fitter> fitter_;
};

Result<std::unique_ptr<likeness_result>> result_from(const Model& model, FitResult fit, const FitOptions& options, const char* name) {
  auto result = std::make_unique<likeness_result>();
  result->json = character_report(model, fit, options);
  Result<std::string> mhm =
      name == nullptr ? character_to_mhm(model.schema(), fit.character) : character_to_mhm(model.schema(), fit.character, name);
  if (mhm.ok()) {
    result->mhm = std::move(*mhm);
  } else if (mhm.status().code != Code::unavailable) {
    return mhm.status();
  }
  result->similarity = fit.similarity;
  result->stop = fit.stop;
  for (std::size_t i = 0; i < fit.landmarks.size(); ++i) {
    for (std::size_t axis = 0; axis < 2; ++axis) result->landmarks[2 * i + axis] = static_cast<double>(fit.landmarks[i][axis]);
  }
  result->pictures = {std::move(fit.aligned), std::move(fit.generated), std::move(fit.rendered)};
  return result;
}

Status fit_photo(likeness_model& model, const PhotoView& photo, const double* landmarks, const likeness_fit_options* c_options,
                 likeness_result** out) {
  const likeness_fit_options defaults = default_options();
  if (c_options == nullptr) c_options = &defaults;
  const Result<FitOptions> options = fit_options(*c_options);
  if (!options.ok()) return options.status();
  std::optional<Landmarks> known;
  if (landmarks != nullptr) {
    const Result<Landmarks> read = landmarks_from(landmarks);
    if (!read.ok()) return read.status();
    known = *read;
  }
  Borrowed fitter(model);
  Result<FitResult> fit = known ? fitter.get().fit(photo, *known, *options) : fitter.get().fit(photo, *options);
  fitter.give_back();
  if (!fit.ok()) return fit.status();
  const bool diverged = fit->stop == StopReason::diverged;
  Result<std::unique_ptr<likeness_result>> result = result_from(*model.model, std::move(*fit), *options, c_options->name);
  if (!result.ok()) return result.status();
  *out = result->release();
  return diverged ? Status{Code::diverged, "the fit ran into numbers that are not finite: try a smaller step"} : Status::success();
}

}  // namespace

const char* likeness_version(void) { return LIKENESS_VERSION; }

const char* likeness_status_name(int32_t status) { return code_name(static_cast<Code>(status)); }

const char* likeness_error(void) { return error_of_thread.data(); }

void likeness_model_options_init(likeness_model_options* options, size_t size) {
  write_defaults(likeness_model_options{.size = sizeof(likeness_model_options), .folder = nullptr, .scene = nullptr, .landmarks = nullptr},
                 options, size);
}

likeness_status likeness_model_load(const likeness_model_options* options, likeness_model** model) {
  if (model != nullptr) *model = nullptr;
  return guarded([&] {
    if (model == nullptr) return invalid("model must not be NULL");
    ModelOptions wanted;
    if (options != nullptr) {
      if (Status status = check_size(*options); !status.ok()) return status;
      if (options->folder != nullptr) wanted.folder = options->folder;
      if (options->scene != nullptr) wanted.scene = options->scene;
      if (options->landmarks != nullptr) wanted.landmarks = options->landmarks;
    }
    Result<std::shared_ptr<const Model>> loaded = Model::load(wanted);
    if (!loaded.ok()) return loaded.status();
    auto handle = std::make_unique<likeness_model>();
    handle->model = std::move(*loaded);
    *model = handle.release();
    return Status::success();
  });
}

void likeness_model_free(likeness_model* model) { delete model; }

void likeness_fit_options_init(likeness_fit_options* options, size_t size) { write_defaults(default_options(), options, size); }

likeness_status likeness_fit(likeness_model* model, const uint8_t* rgb, int32_t width, int32_t height, size_t row_stride,
                             const double* landmarks, const likeness_fit_options* options, likeness_result** result) {
  if (result != nullptr) *result = nullptr;
  return guarded([&] {
    if (model == nullptr || rgb == nullptr || result == nullptr) return invalid("model, rgb and result must not be NULL");
    if (width < 1 || height < 1) return invalid("width and height must be at least 1");
    const std::size_t row = std::size_t{3} * static_cast<std::size_t>(width), gaps = static_cast<std::size_t>(height) - 1;
    constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max());
    if (row_stride < row || (gaps > 0 && row_stride > (kMost - row) / gaps)) {
      return invalid("row_stride must be at least 3 * width, and the photo must fit the address space");
    }
    return fit_photo(*model, {width, height, {rgb, gaps * row_stride + row}, row_stride}, landmarks, options, result);
  });
}

likeness_status likeness_fit_file(likeness_model* model, const void* bytes, size_t byte_count, const double* landmarks,
                                  const likeness_fit_options* options, likeness_result** result) {
  if (result != nullptr) *result = nullptr;
  return guarded([&] {
    if (model == nullptr || bytes == nullptr || result == nullptr) return invalid("model, bytes and result must not be NULL");
    const Result<Image> photo = decode_photo({static_cast<const std::uint8_t*>(bytes), byte_count});
    if (!photo.ok()) return photo.status();
    return fit_photo(*model, {photo->width, photo->height, photo->pixels}, landmarks, options, result);
  });
}

void likeness_set_threads(int32_t threads) { set_default_threads(threads); }

const char* likeness_result_json(const likeness_result* result) { return result == nullptr ? nullptr : result->json.c_str(); }

const char* likeness_result_mhm(const likeness_result* result) {
  return result == nullptr || !result->mhm ? nullptr : result->mhm->c_str();
}

double likeness_result_similarity(const likeness_result* result) {
  return result == nullptr ? std::numeric_limits<double>::quiet_NaN() : result->similarity;
}

int32_t likeness_result_stop(const likeness_result* result) { return result == nullptr ? -1 : static_cast<int32_t>(result->stop); }

const double* likeness_result_landmarks(const likeness_result* result) { return result == nullptr ? nullptr : result->landmarks.data(); }

likeness_status likeness_result_picture(const likeness_result* result, int32_t picture, const uint8_t** rgb, int32_t* side) {
  if (rgb != nullptr) *rgb = nullptr;
  if (side != nullptr) *side = 0;
  return guarded([&] {
    if (result == nullptr || rgb == nullptr || side == nullptr) return invalid("result, rgb and side must not be NULL");
    const auto index = static_cast<std::size_t>(picture);  // of a negative number: huge
    if (index >= result->pictures.size()) return invalid("there is no such picture");
    *rgb = result->pictures[index].rgb.data();
    *side = result->pictures[index].size;
    return Status::success();
  });
}

void likeness_result_free(likeness_result* result) { delete result; }
