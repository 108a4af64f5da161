#include "scene/skin_detail.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "scene/clones.hpp"

namespace likeness::scene {
namespace {

// Minimum and maximum without calls: vector code needs these.
inline float least(float a, float b) { return a < b ? a : b; }
inline float most(float a, float b) { return a > b ? a : b; }
inline float within(float v) { return least(most(v, 0), 1); }

// Rows of the maps.
struct Row {
  const std::uint8_t *lip, *moustache, *chin, *cheek, *wrinkle, *strand, *grain;
};

LIKENESS_CLONES void paint_skin(const SkinPaint& paint, const Row& row, SkinMaps::Span span, float* __restrict red, float* __restrict green,
                                float* __restrict blue) {
  // Redder lips lose green and blue, paler ones red: their lightness hardly changes.
  const float r = paint.lip_redness;
  const Vec3 lips = r >= 0 ? Vec3{0.08F * r, -0.38F * r, -0.28F * r} : Vec3{0.14F * r, -0.10F * r, -0.08F * r};
  const float lip_light = std::exp2(0.8F * paint.lip_lightness) - 1;
  constexpr Vec3 furrowed = {0.34F, 0.42F, 0.44F};  // share of the light that the bottom of a furrow keeps back
  const float wrinkles = paint.wrinkles;
  for (std::int32_t x = span.begin; x < span.end; ++x) {
    const float lip = share_range.step * static_cast<float>(row.lip[x]);
    const float furrow = wrinkles * (wrinkle_range.low + wrinkle_range.step * static_cast<float>(row.wrinkle[x]));
    const float pores = 1 + 0.05F * (share_range.step * static_cast<float>(row.grain[x]) - 0.5F) * (1 - lip);
    const float all = pores * (1 + lip * lip_light);
    red[x] *= all * (1 + lip * lips[0]) * most(0, 1 - furrowed[0] * furrow);
    green[x] *= all * (1 + lip * lips[1]) * most(0, 1 - furrowed[1] * furrow);
    blue[x] *= all * (1 + lip * lips[2]) * most(0, 1 - furrowed[2] * furrow);
  }
}

LIKENESS_CLONES void paint_beard(const SkinPaint& paint, const Row& row, SkinMaps::Span span, float* __restrict red,
                                 float* __restrict green, float* __restrict blue) {
  const Vec3 colour = paint.beard_colour;
  const float moustache = paint.moustache * share_range.step, chin_density = paint.chin, jaw = paint.jaw;
  // A full beard reaches where stubble is thin.
  const float border = cheek_range.low + 0.02F + 0.13F * paint.beard_height;
  for (std::int32_t x = span.begin; x < span.end; ++x) {
    const float chin = share_range.step * static_cast<float>(row.chin[x]);
    const float strand = share_range.step * static_cast<float>(row.strand[x]), grain = share_range.step * static_cast<float>(row.grain[x]);
    const float cheek = within((cheek_range.step * static_cast<float>(row.cheek[x]) + border) * 10 + 0.5F);
    const float density =
        1 - (1 - moustache * static_cast<float>(row.moustache[x])) * (1 - chin_density * chin) * (1 - jaw * cheek * (1 - chin));
    // Stubble darkens the skin in fine dots; longer hairs cover it where the noise lets them.
    const float dots = least(1, 4.5F * density) * (0.35F + 0.65F * grain) * 0.85F;
    const float hair = within((density - 0.22F) * 2);
    const float alpha = within((hair - 0.75F * (1 - strand)) * 4) * least(1, 5 * hair);
    const float keep = (1 - alpha) * (1 - 0.70F * dots), add = (1 - alpha) * 0.55F * dots + alpha * (0.45F + 1.1F * strand);
    red[x] = keep * red[x] + add * colour[0];
    green[x] = keep * green[x] + add * colour[1];
    blue[x] = keep * blue[x] + add * colour[2];
  }
}

}  // namespace

void SkinDetail::paint(const SkinPaint& paint, std::int32_t y, const std::array<float*, 3>& rgb) const {
  const std::size_t first = static_cast<std::size_t>(y) * static_cast<std::size_t>(width_);
  const auto at = [&](const std::vector<std::uint8_t>& map) { return map.data() + first; };
  const Row row = {at(maps_.lip),     at(maps_.moustache), at(maps_.chin), at(maps_.cheek),
                   at(maps_.wrinkle), at(maps_.strand),    at(maps_.grain)};
  paint_skin(paint, row, span(y), rgb[0], rgb[1], rgb[2]);
  const bool bearded = std::max({paint.moustache, paint.chin, paint.jaw}) > 0.001F;
  if (bearded) paint_beard(paint, row, maps_.beard[static_cast<std::size_t>(y)], rgb[0], rgb[1], rgb[2]);
}

}  // namespace likeness::scene
