// Random characters. Own generator and distributions: those of the standard library differ between implementations, and a data set
// must be the same on every machine.
#include <algorithm>
#include <array>
#include <cmath>

#include "likeness/scene.hpp"
#include "scene/random.hpp"

namespace likeness {
namespace {

using scene::Random;

void choose(const Parameter& p, std::size_t option, std::vector<float>* x) {
  for (std::size_t i = 0; i < p.size(); ++i) (*x)[p.offset + i] = i == option ? 1.0F : 0.0F;
}

/// Uniform on the simplex: gaps between sorted uniform numbers (no logarithm, whose last bit may differ between libraries).
void uniform_simplex(const Parameter& p, Random* random, std::vector<float>* x) {
  std::vector<double> cut = {0, 1};
  for (std::size_t i = 1; i < p.size(); ++i) cut.push_back(random->uniform());
  std::sort(cut.begin(), cut.end());
  for (std::size_t i = 0; i < p.size(); ++i) (*x)[p.offset + i] = static_cast<float>(cut[i + 1] - cut[i]);
}

/// A person behind the numbers: what draw_human derives the looks from.
struct Person {
  std::array<double, 3> ancestry{};  // african, asian, caucasian
  double male = 0.5;
  double age = 0;     // position in [0, 1] of the parameter; 0.5 = 25 years, 1 = 90
  double elder = 0;   // 0 until about 40 years, 1 at about 80
  double grey = 0;    // position of hair_gray
  double spread = 1;  // of the shape, against the usual
  // Standard normal traits that several sliders share.
  double eye_opening = 0, nose_width = 0, lip_volume = 0, jaw_width = 0, fat = 0, ageing = 0;
};

/// Uniform -> [0, 1], small values most often. A root is exact everywhere, a power with a fraction is not.
double young_most(double uniform) { return uniform * std::sqrt(uniform); }

Person draw_person(Random* random) {
  Person person;
  const std::array<double, 3> parts = {0.27, 0.28, 0.45};
  const std::size_t main = random->pick(parts);
  const double rest = random->chance(0.55) ? 0.25 * random->uniform() : random->uniform();
  const double split = random->uniform();
  person.ancestry = {rest * split / 2, rest * (1 - split) / 2, rest * (split + 1) / 4};
  double others = 0;
  for (std::size_t i = 0; i < 3; ++i) others += i == main ? 0 : person.ancestry[i];
  person.ancestry[main] = 1 - others;
  const double sure = 0.3 * random->uniform() * random->uniform();
  person.male = random->chance(0.5) ? 1 - sure : sure;
  if (random->chance(0.12)) person.male = random->uniform();
  // Adults of every age, young ones most often, a few teenagers.
  person.age = random->chance(0.08) ? 0.2 + 0.3 * random->uniform() : 0.5 + 0.48 * young_most(random->uniform());
  person.elder = std::clamp((person.age - 0.62) / 0.3, 0.0, 1.0);
  const bool greyed = random->chance(0.08 + 0.8 * person.elder);
  person.grey = greyed ? 0.5 + 0.5 * (0.25 + 0.75 * person.elder) * random->uniform() : 0.5 * random->uniform();
  // Sliders at half their range are already striking, all together a caricature: most faces stay nearer to the average.
  const double kind = random->uniform();
  person.spread = kind < 0.6 ? 0.55 : kind < 0.9 ? 0.85 : 1.35;
  for (double* trait : {&person.eye_opening, &person.nose_width, &person.lip_volume, &person.jaw_width, &person.fat, &person.ageing})
    *trait = random->normal();
  person.nose_width += 0.9 * person.ancestry[0] - 0.3;
  person.lip_volume += 0.9 * person.ancestry[0] - 0.3;
  person.jaw_width += 0.8 * (person.male - 0.5);
  person.ageing += 1.5 * person.elder;
  return person;
}

float clamped(double v) { return static_cast<float>(std::clamp(v, 0.0, 1.0)); }

/// Natural hair styles: weights by name, for a man and a woman.
double style_weight(std::string_view style, const Person& person) {
  struct Style {
    std::string_view name;
    double woman, man;
  };
  constexpr std::array<Style, 7> kStyles = {{{"bald", 0.02, 0.16},
                                             {"short01", 0.10, 0.32},
                                             {"short02", 0.10, 0.20},
                                             {"short04", 0.08, 0.22},
                                             {"afro01", 0.05, 0.03},
                                             {"long01", 0.38, 0.04},
                                             {"ponytail01", 0.27, 0.03}}};
  for (const Style& s : kStyles) {
    if (s.name != style) continue;
    double w = person.male * s.man + (1 - person.male) * s.woman;
    if (s.name == "afro01") w *= 0.4 + 3 * person.ancestry[0];
    if (s.name == "bald") w *= 0.6 + 2 * std::max(0.0, person.age - 0.5);
    return w;
  }
  return 0.1;
}

/// A shape slider: normal around the average, partly by the trait that it shares with others.
double draw_shape(const Parameter& p, const Person& person, Random* random) {
  struct Shared {
    std::string_view name;
    double Person::*trait;
    double share;  // correlation with the trait
  };
  constexpr std::array<Shared, 21> kShared = {{{"eye_height_inner", &Person::eye_opening, 0.7},
                                               {"eye_height_mid", &Person::eye_opening, 0.7},
                                               {"eye_height_outer", &Person::eye_opening, 0.7},
                                               {"nose_scale_horiz", &Person::nose_width, 0.6},
                                               {"nose_nostril_width", &Person::nose_width, 0.6},
                                               {"nose_point_width", &Person::nose_width, 0.6},
                                               {"nose_width_mid", &Person::nose_width, 0.6},
                                               {"nose_width_bottom", &Person::nose_width, 0.6},
                                               {"mouth_lowerlip_volume", &Person::lip_volume, 0.7},
                                               {"mouth_upperlip_volume", &Person::lip_volume, 0.7},
                                               {"mouth_lowerlip_height", &Person::lip_volume, 0.6},
                                               {"mouth_upperlip_height", &Person::lip_volume, 0.6},
                                               {"chin_width", &Person::jaw_width, 0.5},
                                               {"chin_bones", &Person::jaw_width, 0.5},
                                               {"head_square_diamond", &Person::jaw_width, 0.5},
                                               {"head_fat", &Person::fat, 0.7},
                                               {"cheek_volume", &Person::fat, 0.6},
                                               {"neck_double", &Person::fat, 0.6},
                                               {"eye_bag_size", &Person::ageing, 0.6},
                                               {"mouth_laugh_lines", &Person::ageing, 0.5},
                                               {"cheek_inner", &Person::fat, 0.4}}};
  double value = random->normal();
  for (const Shared& s : kShared) {
    if (s.name == p.name) value = s.share * (person.*s.trait) + std::sqrt(1 - s.share * s.share) * value;
  }
  return 0.5 + 0.25 * person.spread * value;
}

/// Density of a beard's part, position of the parameter; the lower half is a clean shave.
struct Beard {
  double moustache = 0, chin = 0, jaw = 0;
};

Beard draw_beard(const Person& person, Random* random) {
  const auto between = [random](double low, double high) { return low + (high - low) * random->uniform(); };
  Beard beard{between(0, 0.5), between(0, 0.5), between(0, 0.5)};
  if (!random->chance(0.55 * person.male * person.male)) return beard;
  const double kind = random->uniform();
  const double density = kind < 0.45 ? between(0.55, 0.75) : between(0.7, 1);  // stubble or grown
  if (kind < 0.72) return {density * between(0.9, 1.1), density * between(0.9, 1.1), density * between(0.85, 1.05)};
  if (kind < 0.90) return {density, density, between(0, 0.65)};  // goatee
  beard.moustache = density;
  return beard;
}

/// Values that follow from the person: what skin, hair, eyes and brows go together. Returns false for other parameters.
bool draw_look(const Parameter& p, const Person& person, const Beard& beard, Random* random, std::vector<float>* x) {
  const auto put = [&](double v) {
    (*x)[p.offset] = clamped(v);
    return true;
  };
  const double dark = person.ancestry[0], fair = person.ancestry[2];
  if (p.name == "gender") return put(person.male);
  if (p.name == "age") return put(person.age);
  if (p.name == "weight") return put(0.5 + 0.11 * person.fat + 0.13 * random->normal());
  if (p.name == "muscle") return put(0.42 + 0.14 * person.male + 0.14 * random->normal());
  if (p.name == "skin_tone") return put(0.5 + 0.17 * random->normal());
  if (p.name == "skin_warmth") return put(0.5 + 0.17 * random->normal());
  if (p.name == "lip_redness") return put(0.53 - 0.1 * person.male + 0.17 * random->normal());
  if (p.name == "eyebrow_lightness") return put(0.5 + 0.15 * random->normal());
  if (p.name == "hair_lightness") {
    // Mostly dark; from brown to blond where ancestry is European.
    const double dark_hair = 0.13 + 0.12 * random->uniform();
    return put(random->chance(fair * fair) ? 0.15 + 0.75 * random->uniform() : dark_hair);
  }
  if (p.name == "hair_warmth") return put((random->chance(0.06 * fair) ? 0.85 : 0.5) + 0.14 * random->normal());
  if (p.name == "hair_gray") return put(person.grey);
  if (p.name == "hair_length") return put(random->uniform());
  if (p.name == "hairline_recession") {
    const bool receding = random->chance(person.male * (0.25 + 0.45 * person.elder));
    return put(receding ? 0.5 + 0.5 * random->uniform() : 0.5 * random->uniform());
  }
  if (p.name == "wrinkles") return put(0.5 + 0.17 * random->normal());
  if (p.name == "eyebrow_thickness") return put(0.45 + 0.15 * person.male + 0.2 * random->normal());
  if (p.name == "lip_lightness") return put(0.5 + 0.15 * random->normal());
  if (p.name == "beard_moustache") return put(beard.moustache);
  if (p.name == "beard_chin") return put(beard.chin);
  if (p.name == "beard_jaw") return put(beard.jaw);
  if (p.name == "beard_height") return put(0.5 + 0.2 * random->normal());
  if (p.name == "beard_lightness") return put(0.5 + 0.15 * random->normal());
  if (p.name == "beard_gray") return put(person.grey + 0.12 * random->normal());
  if (p.name == "skin_type" || p.name == "ethnicity") {
    // The skin follows ancestry with some freedom of its own.
    const double own = p.name == "skin_type" ? 0.35 * random->uniform() * random->uniform() : 0;
    std::vector<float> free(*x);
    uniform_simplex(p, random, &free);
    for (std::size_t i = 0; i < p.size() && i < 3; ++i)
      (*x)[p.offset + i] = static_cast<float>((1 - own) * person.ancestry[i] + own * static_cast<double>(free[p.offset + i]));
    return true;
  }
  if (p.name == "hair") {
    std::vector<double> weight;
    for (const std::string& option : p.options) weight.push_back(style_weight(option, person));
    choose(p, random->pick(weight), x);
    return true;
  }
  if (p.name == "glasses") {
    std::vector<double> weight;
    for (const std::string& option : p.options) weight.push_back(option == "none" ? 3.0 * static_cast<double>(p.size() - 1) : 1);
    choose(p, random->pick(weight), x);
    return true;
  }
  if (p.name == "eye_color") {
    std::vector<double> weight;
    for (const std::string& option : p.options)
      weight.push_back(option == "brown" ? 0.25 + 2 * (1 - fair) + dark : option == "brownlight" ? 0.25 : 0.25 * fair);
    choose(p, random->pick(weight), x);
    return true;
  }
  return false;
}

/// Pose, expression and light of an ordinary photo. Returns false for other parameters.
bool draw_moment(const Parameter& p, Random* random, std::vector<float>* x) {
  const auto put = [&](double v) {
    (*x)[p.offset] = clamped(v);
    return true;
  };
  const auto degrees = [&](double v) { return put(p.from_client(v)); };
  if (p.name == "yaw" || p.name == "pitch") return degrees((p.name == "yaw" ? 7.0 : 5.5) * random->normal());
  if (p.name == "camera_distance") return put(0.5 + 0.17 * random->normal());
  if (p.name == "smile") return put(random->chance(0.42) ? 0.72 + 0.28 * random->uniform() : 0.53 + 0.09 * random->normal());
  if (p.name == "mouth_open") return put(random->chance(0.28) ? 0.56 + 0.30 * random->uniform() : 0.5 + 0.05 * random->normal());
  if (p.name == "brows") return put(0.5 + 0.14 * random->normal());
  if (p.name == "eyes_closure") return put(random->chance(0.2) ? 0.55 + 0.35 * random->uniform() : 0.5 + 0.09 * random->normal());
  if (p.name == "background") return put(0.5 + 0.25 * random->normal());
  if (p.name == "light_side" || p.name == "light_height" || p.name == "light_strength" || p.name == "light_warmth")
    return put(0.5 + 0.18 * random->normal());
  return false;
}

}  // namespace

std::vector<float> draw_uniform(const Schema& schema, std::uint64_t seed, std::uint64_t index) {
  Random random(seed, index);
  std::vector<float> x(schema.size());
  for (const Parameter& p : schema.parameters()) {
    switch (p.type) {
      case ParameterType::continuous:
        x[p.offset] = static_cast<float>(random.uniform());
        break;
      case ParameterType::simplex:
        uniform_simplex(p, &random, &x);
        break;
      case ParameterType::choice:
        choose(p, static_cast<std::size_t>(random.uniform() * static_cast<double>(p.size())), &x);
        break;
    }
  }
  schema.canonicalise(x);
  return x;
}

std::vector<float> draw_human(const Schema& schema, std::uint64_t seed, std::uint64_t index) {
  Random random(seed, index);
  const Person person = draw_person(&random);
  const Beard beard = draw_beard(person, &random);
  std::vector<float> x(schema.size());
  for (const Parameter& p : schema.parameters()) {
    if (draw_look(p, person, beard, &random, &x) || draw_moment(p, &random, &x)) continue;
    switch (p.type) {
      case ParameterType::continuous:
        x[p.offset] = clamped(draw_shape(p, person, &random));
        break;
      case ParameterType::simplex:
        uniform_simplex(p, &random, &x);
        break;
      case ParameterType::choice:
        choose(p, static_cast<std::size_t>(random.uniform() * static_cast<double>(p.size())), &x);
        break;
    }
  }
  schema.canonicalise(x);
  return x;
}

}  // namespace likeness
