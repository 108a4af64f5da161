// The packed MakeHuman head: frame, labels, options, expression, and damage to the real file.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "base/file.hpp"
#include "base/parallel.hpp"
#include "head_client.hpp"
#include "likeness/mesh.hpp"
#include "likeness/scene.hpp"
#include "scene/head_asset.hpp"
#include "scene/head_model.hpp"

namespace likeness {
namespace {

Rendering render(const std::vector<float>& x, int size = 128, bool labels = true, bool neutral = false) {
  auto rendering = client().render(x, {size, labels, neutral, 1});
  EXPECT_TRUE(rendering.ok()) << rendering.status().message;
  return rendering.ok() ? *rendering : Rendering{};
}

std::vector<float> with(const char* name, float unit) {
  std::vector<float> x = client().schema().default_vector();
  x[client().schema().find(name)->offset] = unit;
  return x;
}

std::array<double, 2> mean(const Rendering& r, std::size_t first, std::size_t count) {
  std::array<double, 2> sum{};
  for (std::size_t i = first; i < first + count; ++i) sum = {sum[0] + r.landmarks[i][0], sum[1] + r.landmarks[i][1]};
  return {sum[0] / static_cast<double>(count), sum[1] / static_cast<double>(count)};
}

TEST(Head, DefaultFillsTheContractsFrame) {
  const Rendering r = render(client().schema().default_vector(), 512);
  const auto left = mean(r, 36, 6), right = mean(r, 42, 6);
  EXPECT_NEAR(right[0] - left[0], 0.225 * 512, 0.5);
  EXPECT_NEAR((left[0] + right[0]) / 2, 256, 0.5);
  EXPECT_LT(r.landmarks[8][1], 500);  // the chin
  for (int x = 0; x < 512; ++x) EXPECT_EQ(r.labels[static_cast<std::size_t>(x)], 0) << "hair touches the top";
}

TEST(Head, NeutralPicturesShowAFaceAtRestAndMeshesOneWithoutExpression) {
  const Parameter& smile = *client().schema().find("smile");
  EXPECT_GT(smile.rest, smile.neutral);
  std::vector<float> laughing = with("smile", 1.0F), none = client().schema().default_vector();
  laughing[client().schema().find("yaw")->offset] = 0.9F;
  const Rendering neutral = render(laughing, 128, true, true);
  EXPECT_EQ(neutral.rgb, render(with("smile", static_cast<float>(smile.from_client(smile.rest)))).rgb);
  EXPECT_NE(neutral.rgb, render(none).rgb);
  const auto still = client().mesh(laughing, false), plain = client().mesh(none, true), posed = client().mesh(laughing, true);
  ASSERT_TRUE(still.ok() && plain.ok() && posed.ok());
  EXPECT_EQ(still->parts[0].position, plain->parts[0].position);
  EXPECT_NE(still->parts[0].position, posed->parts[0].position);
}

TEST(Head, ShowsAllElevenLabelsWhereTheyBelong) {
  const Rendering r = render(with("mouth_open", 0.8F), 256);
  std::array<double, 11> count{}, sum_x{}, sum_y{};
  for (int y = 0; y < 256; ++y) {
    for (int x = 0; x < 256; ++x) {
      const std::uint8_t label = r.labels[static_cast<std::size_t>(y * 256 + x)];
      ASSERT_LE(label, 10);
      count[label] += 1;
      sum_x[label] += x;
      sum_y[label] += y;
    }
  }
  for (std::size_t label = 0; label < 11; ++label) {
    EXPECT_GT(count[label], 40) << "label " << label;
    sum_x[label] /= count[label];
    sum_y[label] /= count[label];
  }
  EXPECT_LT(sum_x[3], sum_x[4]);  // left brow, right brow
  EXPECT_LT(sum_x[5], sum_x[6]);
  EXPECT_LT(sum_y[2], sum_y[3]);   // hair over brows
  EXPECT_LT(sum_y[3], sum_y[5]);   // brows over eyes
  EXPECT_LT(sum_y[5], sum_y[7]);   // eyes over nose
  EXPECT_LT(sum_y[7], sum_y[8]);   // nose over upper lip
  EXPECT_LT(sum_y[8], sum_y[9]);   // upper lip over inner mouth
  EXPECT_LT(sum_y[9], sum_y[10]);  // inner mouth over lower lip
  EXPECT_NEAR(sum_x[7], 128, 4);
  EXPECT_GT(count[1], 6000);
}

TEST(Head, EveryOptionAndSliderShows) {
  const Schema& schema = client().schema();
  // A beard and years, without which their sliders have nothing to change.
  std::vector<float> base = schema.default_vector();
  for (const char* name : {"beard_moustache", "beard_chin", "beard_jaw", "age"}) base[schema.find(name)->offset] = 0.85F;
  const Parameter& style = *schema.find("hair");
  const Rendering average = render(base);
  const auto difference = [](const Rendering& a, const Rendering& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.rgb.size(); ++i) sum += std::abs(static_cast<int>(a.rgb[i]) - static_cast<int>(b.rgb[i]));
    return sum / static_cast<double>(a.rgb.size());
  };
  for (const Parameter& p : schema.parameters()) {
    std::vector<Rendering> seen;
    for (std::size_t k = 0; k < std::max<std::size_t>(2, p.size()); ++k) {
      std::vector<float> x = base;
      if (p.name == "hair_length") {
        for (std::size_t i = 0; i < style.size(); ++i) x[style.offset + i] = style.options[i] == "long01" ? 1.0F : 0.0F;
      }
      if (p.type == ParameterType::continuous) {
        x[p.offset] = k == 0 ? 0.0F : 1.0F;
      } else {
        for (std::size_t i = 0; i < p.size(); ++i) x[p.offset + i] = i == k ? 1.0F : 0.0F;
      }
      seen.push_back(render(x));
      for (std::size_t i = 0; i < k; ++i) EXPECT_GT(difference(seen[i], seen[k]), 0.001) << p.name << " " << i << " " << k;
      const bool is_base = p.type == ParameterType::choice && k == p.default_option;
      EXPECT_TRUE(!is_base || seen[k].rgb == average.rgb) << p.name << " " << k;
    }
  }
}

TEST(Head, NeutralIgnoresPoseExpressionAndLight) {
  const Schema& schema = client().schema();
  std::vector<float> x = draw_human(schema, 5, 0), calm = x;
  for (const Parameter& p : schema.parameters()) {
    if (p.role == ParameterRole::nuisance) calm[p.offset] = static_cast<float>(p.from_client(p.rest));
  }
  EXPECT_EQ(render(x, 96, true, true).rgb, render(calm, 96).rgb);
  EXPECT_NE(render(x, 96).rgb, render(calm, 96).rgb);
}

TEST(Head, FramingHoldsTheInnerLandmarks) {
  const Rendering average = render(client().schema().default_vector(), 512);
  for (const char* name : {"yaw", "pitch"}) {
    for (const float unit : {0.0F, 1.0F}) {
      const Rendering r = render(with(name, unit), 512);
      const auto a = mean(average, 17, 51), b = mean(r, 17, 51);
      EXPECT_NEAR(a[0], b[0], 0.05) << name;  // the middle of the 51 stays where it is
      EXPECT_NEAR(a[1], b[1], 0.05) << name;
    }
  }
  // Signs: a face that turns to image right shows its nose right of the eyes' middle, and one that looks up shows it higher.
  const auto nose = [&](const char* name) {
    const Rendering r = render(with(name, 1), 512);
    const auto eyes = mean(r, 36, 12);
    return std::array<double, 2>{r.landmarks[30][0] - eyes[0], r.landmarks[30][1] - eyes[1]};
  };
  const auto eyes = mean(average, 36, 12);
  EXPECT_GT(nose("yaw")[0], 5);
  EXPECT_LT(nose("pitch")[1], average.landmarks[30][1] - eyes[1] - 3);
}

Result<scene::HeadModel> head_model() {
  auto asset = scene::read_head(kHeadModel / "head.asset");
  EXPECT_TRUE(asset.ok());
  return scene::HeadModel::create(std::move(*asset), client().schema());
}

TEST(Head, KeepsTheLastSkins) {
  const auto model = head_model();
  ASSERT_TRUE(model.ok()) << model.status().message;
  const auto skin = [&model](const std::vector<float>& x) { return model->draw(x).textures.front(); };
  const std::vector<float> average = client().schema().default_vector();
  const auto first = skin(average), furrowed = skin(with("wrinkles", 1));
  EXPECT_NE(first->linear, furrowed->linear);
  EXPECT_EQ(skin(with("nose_vert", 0)), first);  // another nose, the very same skin
  EXPECT_EQ(skin(with("wrinkles", 1)), furrowed);
  const std::vector<std::uint16_t> texels = first->linear;
  for (const char* name : {"beard_jaw", "lip_redness", "gender"}) EXPECT_NE(skin(with(name, 1))->linear, texels) << name;
  const auto again = skin(average);
  EXPECT_NE(again, first);  // mixed anew
  EXPECT_EQ(again->linear, texels);
}

TEST(Head, AnOpenMouthStretchesNeitherTeethNorHair) {
  const auto model = head_model();
  ASSERT_TRUE(model.ok()) << model.status().message;
  const scene::DrawList closed = model->draw(client().schema().default_vector()), open = model->draw(with("mouth_open", 1));
  ASSERT_EQ(closed.draws.size(), open.draws.size());
  for (std::size_t d = 0; d < closed.draws.size(); ++d) {
    const auto top = [](const scene::Draw& draw) {
      return (*std::max_element(draw.position.begin(), draw.position.end(), [](const auto& a, const auto& b) { return a[1] < b[1]; }))[1];
    };
    if (closed.draws[d].material == scene::Material::teeth || closed.draws[d].material == scene::Material::hair) {
      EXPECT_NEAR(top(closed.draws[d]), top(open.draws[d]), 0.005F) << d;
    }
    ASSERT_NE(closed.draws[d].texture, nullptr);
    EXPECT_EQ(closed.draws[d].position.size(), closed.draws[d].normal.size());
    EXPECT_EQ(closed.draws[d].position.size(), closed.draws[d].uv.size());
  }
  EXPECT_EQ(closed.landmarks.size(), 68U);
}

TEST(Head, ManyThreadsDrawTheSamePictures) {
  const Schema& schema = client().schema();
  std::vector<std::vector<std::uint8_t>> serial(8), threaded(8);
  for (std::size_t i = 0; i < 8; ++i) serial[i] = render(draw_human(schema, 8, i), 64).rgb;
  parallel_for(8, [&](std::int64_t i) {
    const auto r = client().render(draw_human(schema, 8, static_cast<std::uint64_t>(i)), {64, true, false, 1});
    if (r.ok()) threaded[static_cast<std::size_t>(i)] = r->rgb;
  });
  EXPECT_EQ(serial, threaded);
}

TEST(Head, RefusesWrongRequests) {
  const std::vector<float> x = client().schema().default_vector();
  const auto code = [&](const std::vector<float>& v, RenderOptions o) { return client().render(v, o).status().code; };
  EXPECT_EQ(code({0.5F}, {}), Code::invalid_argument);
  EXPECT_EQ(code(x, {8, false, false, 1}), Code::invalid_argument);
  EXPECT_EQ(code(x, {5000, false, false, 1}), Code::invalid_argument);
  EXPECT_EQ(code(x, {64, false, false, 0}), Code::invalid_argument);
  std::vector<float> odd = x;
  odd[3] = std::nanf("");
  EXPECT_EQ(code(odd, {64, false, false, 1}), Code::invalid_argument);
}

TEST(Head, TheRealAssetSurvivesDamage) {
  const auto file = read_file(kHeadModel / "head.asset");
  ASSERT_TRUE(file.ok());
  EXPECT_LT(file->size(), std::size_t{30} << 20);
  const auto whole = scene::parse_head(*file);
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(scene::serialise_head(*whole), *file);
  std::uint64_t state = 7;
  for (int i = 0; i < 24; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const std::size_t at = 24 + (state >> 20) % (file->size() - 24);
    EXPECT_FALSE(scene::parse_head(std::span(*file).first(at)).ok());
    std::vector<std::uint8_t> damaged = *file;
    damaged[at] ^= static_cast<std::uint8_t>(1U << (i % 8));
    EXPECT_FALSE(scene::parse_head(damaged).ok()) << at;
    const std::uint64_t sum = scene::head_checksum(std::span(damaged).subspan(24));
    std::memcpy(damaged.data() + 16, &sum, sizeof sum);
    (void)scene::parse_head(damaged);  // whatever it says, it may not read out of bounds
  }
}

}  // namespace
}  // namespace likeness
