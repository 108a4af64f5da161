// The C API in one process: codes, refusals, results, threads. Running out of memory: embed_memory_test.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "embed_support.hpp"
#include "fit/report.hpp"
#include "image/encode.hpp"
#include "likeness/likeness.h"

extern "C" {
struct embed_status {
  likeness_status status;
  const char* name;
};
extern const embed_status embed_statuses[];
extern const int embed_status_count;
}

namespace likeness {
namespace {

using test::CPhoto;
using test::few_iterations;
using test::wrap;

TEST(CApi, CodesAreThoseOfStatusHpp) {
  for (int i = 0; i < embed_status_count; ++i) {
    EXPECT_EQ(embed_statuses[i].status, i);
    EXPECT_STREQ(embed_statuses[i].name, code_name(static_cast<Code>(i)));
    EXPECT_STREQ(embed_statuses[i].name, likeness_status_name(i));
  }
  EXPECT_STREQ(code_name(static_cast<Code>(embed_status_count)), "UNKNOWN");
  EXPECT_STREQ(likeness_status_name(-1), "UNKNOWN");
}

TEST(CApi, SaysItsVersion) { EXPECT_STREQ(likeness_version(), LIKENESS_VERSION); }

TEST(CApi, LoadRefuses) {
  likeness_model* model = nullptr;
  likeness_model_options options;
  likeness_model_options_init(&options, sizeof options);
  EXPECT_EQ(options.size, sizeof options);
  EXPECT_EQ(likeness_model_load(&options, nullptr), LIKENESS_INVALID_ARGUMENT);
  options.folder = "/no/such/folder";
  const auto poison = wrap(test::small_model());
  model = poison.get();
  EXPECT_EQ(likeness_model_load(&options, &model), LIKENESS_NOT_FOUND);
  EXPECT_EQ(model, nullptr);
  EXPECT_NE(std::string(likeness_error()).find("/no/such/folder"), std::string::npos) << likeness_error();
  options.size = 8;
  EXPECT_EQ(likeness_model_load(&options, &model), LIKENESS_INVALID_ARGUMENT);
  likeness_model_options_init(nullptr, sizeof options);
  likeness_model_free(nullptr);
}

TEST(CApi, FitRefuses) {
  const auto model = wrap(test::small_model());
  const CPhoto photo;
  likeness_result* result = nullptr;
  const auto fit = [&](int32_t width, int32_t height, std::size_t stride) {
    const likeness_status status =
        likeness_fit(model.get(), photo.rgb.data(), width, height, stride, photo.landmarks.data(), nullptr, &result);
    EXPECT_EQ(result, nullptr);
    EXPECT_STRNE(likeness_error(), "");
    return status;
  };
  EXPECT_EQ(fit(0, photo.side, photo.stride), LIKENESS_INVALID_ARGUMENT);
  EXPECT_EQ(fit(photo.side, -5, photo.stride), LIKENESS_INVALID_ARGUMENT);
  EXPECT_EQ(fit(photo.side, photo.side, 0), LIKENESS_INVALID_ARGUMENT);
  EXPECT_EQ(fit(photo.side, photo.side, 3 * 512 - 1), LIKENESS_INVALID_ARGUMENT);
  EXPECT_EQ(fit(photo.side, photo.side, std::numeric_limits<std::size_t>::max()), LIKENESS_INVALID_ARGUMENT);
  EXPECT_EQ(fit(photo.side, photo.side, std::numeric_limits<std::size_t>::max() / 511), LIKENESS_INVALID_ARGUMENT);
  EXPECT_EQ(fit(std::numeric_limits<int32_t>::max(), std::numeric_limits<int32_t>::max(), std::size_t{3} << 31), LIKENESS_INVALID_ARGUMENT);
  EXPECT_EQ(fit(16385, 64, std::size_t{3} * 16385), LIKENESS_IMAGE_TOO_LARGE);
  EXPECT_EQ(fit(63, 512, photo.stride), LIKENESS_IMAGE_TOO_SMALL);

  EXPECT_EQ(likeness_fit(nullptr, photo.rgb.data(), 512, 512, photo.stride, nullptr, nullptr, &result), LIKENESS_INVALID_ARGUMENT);
  EXPECT_EQ(likeness_fit(model.get(), nullptr, 512, 512, photo.stride, nullptr, nullptr, &result), LIKENESS_INVALID_ARGUMENT);
  EXPECT_EQ(likeness_fit(model.get(), photo.rgb.data(), 512, 512, photo.stride, nullptr, nullptr, nullptr), LIKENESS_INVALID_ARGUMENT);
  // This model has no face finder.
  EXPECT_EQ(likeness_fit(model.get(), photo.rgb.data(), 512, 512, photo.stride, nullptr, nullptr, &result), LIKENESS_UNAVAILABLE);
  EXPECT_EQ(likeness_fit_file(model.get(), nullptr, 10, nullptr, nullptr, &result), LIKENESS_INVALID_ARGUMENT);
  EXPECT_EQ(likeness_fit_file(model.get(), "hello", 5, nullptr, nullptr, &result), LIKENESS_UNSUPPORTED_FORMAT);
}

TEST(CApi, FitRefusesLandmarksThatAreNone) {
  const auto model = wrap(test::small_model());
  const CPhoto photo;
  likeness_result* result = nullptr;
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL, 1e300, -1e7}) {
    auto landmarks = photo.landmarks;
    landmarks[77] = bad;
    EXPECT_EQ(likeness_fit(model.get(), photo.rgb.data(), 512, 512, photo.stride, landmarks.data(), nullptr, &result),
              LIKENESS_LANDMARKS_BAD);
  }
  const std::array<double, 136> nothing{};
  EXPECT_NE(likeness_fit(model.get(), photo.rgb.data(), 512, 512, photo.stride, nothing.data(), nullptr, &result), LIKENESS_OK);
  EXPECT_EQ(result, nullptr);
}

TEST(CApi, FitRefusesOptionsOutOfRange) {
  const auto model = wrap(test::small_model());
  const CPhoto photo;
  const auto refused = [&](auto change) {
    likeness_fit_options options = few_iterations();
    change(options);
    likeness_result* result = nullptr;
    const bool no_result = photo.fit(model.get(), &options, &result) == LIKENESS_INVALID_ARGUMENT && result == nullptr;
    likeness_result_free(result);
    return no_result;
  };
  const double nan = std::nan("");
  EXPECT_TRUE(refused([](auto& o) { o.size = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.iterations = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.iterations = 10001; }));
  likeness_fit_options none = few_iterations();
  none.iterations = 0;
  const std::array<double, 136> no_face{};
  likeness_result* result = nullptr;
  EXPECT_EQ(likeness_fit(model.get(), photo.rgb.data(), 512, 512, photo.stride, no_face.data(), &none, &result), LIKENESS_INVALID_ARGUMENT)
      << "options come before landmarks";
  EXPECT_TRUE(refused([](auto& o) { o.loss = 2; }));
  EXPECT_TRUE(refused([](auto& o) { o.align = -1; }));
  EXPECT_TRUE(refused([](auto& o) { o.optimizer = 7; }));
  EXPECT_TRUE(refused([](auto& o) { o.objective = 2; }));
  EXPECT_TRUE(refused([](auto& o) { o.step = 0; }));
  EXPECT_TRUE(refused([nan](auto& o) { o.step = nan; }));
  EXPECT_TRUE(refused([nan](auto& o) { o.threshold = nan; }));
  EXPECT_TRUE(refused([nan](auto& o) { o.prior = nan; }));
  EXPECT_TRUE(refused([](auto& o) { o.prior = -1; }));
  EXPECT_FALSE(refused([](auto&) {}));
}

TEST(CApi, TheResultIsThatOfTheCppApi) {
  const auto inner = test::small_model();
  const auto model = wrap(inner);
  const CPhoto photo(16);  // rows with 16 more bytes
  const likeness_fit_options options = few_iterations();
  likeness_result* result = nullptr;
  ASSERT_EQ(photo.fit(model.get(), &options, &result), LIKENESS_OK) << likeness_error();

  Fitter fitter(inner);
  const FitOptions same{.iterations = options.iterations};
  const CPhoto tight;
  const Result<FitResult> truth = fitter.fit({512, 512, tight.rgb}, test::schematic_landmarks(), same);
  ASSERT_TRUE(truth.ok()) << truth.status().message;
  EXPECT_EQ(likeness_result_json(result), character_report(*inner, *truth, same));
  EXPECT_EQ(likeness_result_mhm(result), nullptr);  // the scene is no MakeHuman head
  EXPECT_EQ(likeness_result_similarity(result), truth->similarity);
  EXPECT_EQ(likeness_result_stop(result), static_cast<int>(truth->stop));
  for (std::size_t i = 0; i < 136; ++i) EXPECT_EQ(likeness_result_landmarks(result)[i], photo.landmarks[i]);
  const std::array<const Picture*, 3> pictures = {&truth->aligned, &truth->generated, &truth->rendered};
  for (int32_t i = 0; i < 3; ++i) {
    const uint8_t* rgb = nullptr;
    int32_t side = 0;
    ASSERT_EQ(likeness_result_picture(result, i, &rgb, &side), LIKENESS_OK);
    const Picture& expected = *pictures[static_cast<std::size_t>(i)];
    ASSERT_EQ(side, expected.size);
    EXPECT_TRUE(std::equal(expected.rgb.begin(), expected.rgb.end(), rgb)) << i;
  }
  const uint8_t* rgb = photo.rgb.data();
  int32_t side = 3;
  for (const int32_t none : {-1, 3}) EXPECT_EQ(likeness_result_picture(result, none, &rgb, &side), LIKENESS_INVALID_ARGUMENT);
  EXPECT_EQ(rgb, nullptr);
  EXPECT_EQ(side, 0);
  EXPECT_EQ(likeness_result_picture(result, 0, nullptr, &side), LIKENESS_INVALID_ARGUMENT);
  likeness_result_free(result);

  EXPECT_EQ(likeness_result_json(nullptr), nullptr);
  EXPECT_EQ(likeness_result_mhm(nullptr), nullptr);
  EXPECT_EQ(likeness_result_landmarks(nullptr), nullptr);
  EXPECT_EQ(likeness_result_stop(nullptr), -1);
  EXPECT_TRUE(std::isnan(likeness_result_similarity(nullptr)));
  likeness_result_free(nullptr);
}

TEST(CApi, AFileGivesWhatItsPixelsGive) {
  const auto model = wrap(test::small_model());
  const CPhoto photo;
  Image image(512, 512, 3);
  image.pixels = photo.rgb;
  const auto png = encode_png(image);
  ASSERT_TRUE(png.ok());
  const likeness_fit_options options = few_iterations();
  likeness_result *of_pixels = nullptr, *of_file = nullptr;
  ASSERT_EQ(photo.fit(model.get(), &options, &of_pixels), LIKENESS_OK);
  ASSERT_EQ(likeness_fit_file(model.get(), png->data(), png->size(), photo.landmarks.data(), &options, &of_file), LIKENESS_OK);
  EXPECT_STREQ(likeness_result_json(of_pixels), likeness_result_json(of_file));
  likeness_result_free(of_pixels);
  likeness_result_free(of_file);
}

TEST(CApi, ProgressCountsAndCancels) {
  const auto model = wrap(test::small_model());
  const CPhoto photo;
  likeness_fit_options options = few_iterations();
  int calls = 0;
  options.user = &calls;
  options.progress = [](void* user, int32_t iteration, int32_t iterations, double loss, double) {
    int& count = *static_cast<int*>(user);
    EXPECT_EQ(iteration, ++count);
    EXPECT_GE(iterations, iteration);
    EXPECT_TRUE(std::isfinite(loss));
    return count == 2 ? 1 : 0;
  };
  likeness_result* result = nullptr;
  ASSERT_EQ(photo.fit(model.get(), &options, &result), LIKENESS_OK) << likeness_error();
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(likeness_result_stop(result), LIKENESS_STOP_CANCELLED);
  likeness_result_free(result);
}

TEST(CApi, ExceptionsOfACallbackStayInside) {
  const auto model = wrap(test::small_model());
  const CPhoto photo;
  likeness_fit_options options = few_iterations();
  likeness_result* result = nullptr;
  options.progress = [](void*, int32_t, int32_t, double, double) -> int { throw std::runtime_error("not mine"); };
  EXPECT_EQ(photo.fit(model.get(), &options, &result), LIKENESS_INTERNAL);
  EXPECT_STREQ(likeness_error(), "not mine");
  options.progress = [](void*, int32_t, int32_t, double, double) -> int { throw 7; };
  EXPECT_EQ(photo.fit(model.get(), &options, &result), LIKENESS_INTERNAL);
  EXPECT_EQ(result, nullptr);
  options.progress = nullptr;
  EXPECT_EQ(photo.fit(model.get(), &options, &result), LIKENESS_OK);
  likeness_result_free(result);
}

TEST(CApi, OneModelManyThreads) {
  const auto model = wrap(test::small_model());
  const CPhoto photo;
  const likeness_fit_options options = few_iterations();
  std::vector<std::string> documents(4), errors(4);
  EXPECT_NE(likeness_fit(nullptr, nullptr, 0, 0, 0, nullptr, nullptr, nullptr), LIKENESS_OK);
  EXPECT_STRNE(likeness_error(), "");
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < documents.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 3; ++i) {
        likeness_result* result = nullptr;
        if (photo.fit(model.get(), &options, &result) == LIKENESS_OK) documents[t] = likeness_result_json(result);
        likeness_result_free(result);
      }
      errors[t] = likeness_error();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(documents[0].empty());
  for (const std::string& document : documents) EXPECT_EQ(document, documents[0]);
  for (const std::string& error : errors) EXPECT_EQ(error, "");  // each thread has its own sentence
}

TEST(CApi, LeavesTheRoundingModeAlone) {
  const auto model = wrap(test::small_model());
  const CPhoto photo;
  const likeness_fit_options options = few_iterations();
  fenv_t before, after;
  ASSERT_EQ(fegetenv(&before), 0);
  likeness_result* result = nullptr;
  ASSERT_EQ(photo.fit(model.get(), &options, &result), LIKENESS_OK);
  ASSERT_EQ(fegetenv(&after), 0);
#ifdef __x86_64__
  constexpr unsigned kFlags = 0x3F;  // what happened, not what is wanted
  EXPECT_EQ(before.__mxcsr & ~kFlags, after.__mxcsr & ~kFlags);
  EXPECT_EQ(before.__control_word, after.__control_word);
#endif
  EXPECT_EQ(fegetround(), FE_TONEAREST);
  likeness_result_free(result);
}

}  // namespace
}  // namespace likeness
