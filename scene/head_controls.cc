// HeadModel: from slider values to weights of targets, colours and options.
#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "scene/head_model.hpp"

namespace likeness::scene {
namespace {

using Json = nlohmann::json;

constexpr std::array<const char*, 3> kRaces = {"african", "asian", "caucasian"};

// Values of the keywords in macro targets' names. "universal" and "macrodetails" have none.
enum Factor : std::uint8_t {
  african,
  asian,
  caucasian,
  female,
  male,
  child,
  young,
  old,
  minmuscle,
  averagemuscle,
  maxmuscle,
  minweight,
  averageweight,
  maxweight,
  factor_count
};
constexpr std::array<const char*, factor_count> kFactors = {"african",   "asian",     "caucasian",     "female",    "male",
                                                            "child",     "young",     "old",           "minmuscle", "averagemuscle",
                                                            "maxmuscle", "minweight", "averageweight", "maxweight"};

Status bad(const std::string& what) { return {Code::corrupt_scene, "the built-in head: " + what}; }

// A target of scene.json: its name, or {"target": name, "from": a, "to": b, "gain": g} with 0 <= a < b.
bool parse_driven(const Json& item, std::string* name, float* from, float* to, float* gain) {
  if (item.is_string()) {
    *name = item.get<std::string>();
    return true;
  }
  if (!item.is_object() || !item.value("target", Json()).is_string()) return false;
  *name = item["target"].get<std::string>();
  struct Field {
    const char* key;
    float* value;
  };
  for (const Field& field : {Field{"from", from}, Field{"to", to}, Field{"gain", gain}}) {
    const Json number = item.value(field.key, Json());
    if (number.is_null()) continue;
    if (!number.is_number() || std::abs(number.get<double>()) > 100) return false;
    *field.value = number.get<float>();
  }
  return *from >= 0 && *from < *to;
}

// Stops of natural hair colour in linear light, from black to platinum.
constexpr std::array<Vec3, 7> kHairColours = {{{0.010F, 0.009F, 0.009F},
                                               {0.026F, 0.016F, 0.011F},
                                               {0.060F, 0.034F, 0.020F},
                                               {0.125F, 0.072F, 0.040F},
                                               {0.240F, 0.150F, 0.085F},
                                               {0.420F, 0.300F, 0.175F},
                                               {0.660F, 0.560F, 0.420F}}};
constexpr Vec3 kGrey = {0.56F, 0.56F, 0.55F};

}  // namespace

Status HeadModel::resolve_parameters(const Schema& schema) {
  struct Need {
    Known known;
    const char* name;
    ParameterType type;
  };
  constexpr ParameterType kNumber = ParameterType::continuous, kMix = ParameterType::simplex, kChoice = ParameterType::choice;
  constexpr std::array<Need, known_count> kNeeds = {{{gender, "gender", kNumber},
                                                     {age, "age", kNumber},
                                                     {weight, "weight", kNumber},
                                                     {muscle, "muscle", kNumber},
                                                     {ethnicity, "ethnicity", kMix},
                                                     {skin_type, "skin_type", kMix},
                                                     {skin_tone, "skin_tone", kNumber},
                                                     {skin_warmth, "skin_warmth", kNumber},
                                                     {wrinkles, "wrinkles", kNumber},
                                                     {hair, "hair", kChoice},
                                                     {hair_lightness, "hair_lightness", kNumber},
                                                     {hair_warmth, "hair_warmth", kNumber},
                                                     {hair_gray, "hair_gray", kNumber},
                                                     {hair_length, "hair_length", kNumber},
                                                     {hairline_recession, "hairline_recession", kNumber},
                                                     {eyebrows, "eyebrows", kChoice},
                                                     {eyebrow_lightness, "eyebrow_lightness", kNumber},
                                                     {eyebrow_thickness, "eyebrow_thickness", kNumber},
                                                     {eye_color, "eye_color", kChoice},
                                                     {lip_redness, "lip_redness", kNumber},
                                                     {lip_lightness, "lip_lightness", kNumber},
                                                     {beard_moustache, "beard_moustache", kNumber},
                                                     {beard_chin, "beard_chin", kNumber},
                                                     {beard_jaw, "beard_jaw", kNumber},
                                                     {beard_height, "beard_height", kNumber},
                                                     {beard_lightness, "beard_lightness", kNumber},
                                                     {beard_gray, "beard_gray", kNumber},
                                                     {yaw, "yaw", kNumber},
                                                     {pitch, "pitch", kNumber},
                                                     {camera_distance, "camera_distance", kNumber},
                                                     {light_side, "light_side", kNumber},
                                                     {light_height, "light_height", kNumber},
                                                     {light_strength, "light_strength", kNumber},
                                                     {light_warmth, "light_warmth", kNumber},
                                                     {background, "background", kNumber},
                                                     {glasses, "glasses", kChoice}}};
  for (const Need& need : kNeeds) {
    const Parameter* found = schema.find(need.name);
    if (found == nullptr || found->type != need.type) return bad(std::string("scene.json lacks the parameter \"") + need.name + "\"");
    if (need.type == kMix && (found->size() != 3 || !std::equal(kRaces.begin(), kRaces.end(), found->options.begin())))
      return bad(std::string("the components of \"") + need.name + "\" must be african, asian, caucasian");
    known_[need.known] = *found;
  }
  return Status::success();
}

Status HeadModel::resolve_targets(const Schema& schema) {
  const auto index_of = [this](const std::string& name, std::uint32_t* out) {
    const auto at = std::lower_bound(asset_.targets.begin(), asset_.targets.end(), name,
                                     [](const SparseTarget& t, const std::string& n) { return t.name < n; });
    if (at == asset_.targets.end() || at->name != name) return false;
    *out = static_cast<std::uint32_t>(at - asset_.targets.begin());
    return true;
  };
  const Json root = Json::parse(schema.canonical_json(), nullptr, false);
  for (std::size_t i = 0; i < schema.parameters().size(); ++i) {
    const Json& entry = root["parameters"][i];
    const Json targets = entry.value("targets", Json::object());
    if (!targets.is_object() || targets.empty()) continue;
    const Parameter& parameter = schema.parameters()[i];
    if (parameter.type != ParameterType::continuous) return bad("only continuous parameters may have targets");
    Slider slider{parameter, {}, {}};
    for (const char* side : {"negative", "positive"}) {
      for (const Json& item : targets.value(side, Json::array())) {
        Driven driven;
        std::string text;
        if (!parse_driven(item, &text, &driven.from, &driven.to, &driven.gain))
          return bad("a target of \"" + parameter.name + "\" is malformed");
        const std::size_t at = text.find("{race}");
        driven.racial = at != std::string::npos;
        for (std::size_t r = 0; r < 3; ++r) {
          const std::string full = driven.racial ? std::string(text).replace(at, 6, kRaces[r]) : text;
          if (!index_of(full, &driven.target[r])) return bad("the asset has no target \"" + full + "\"; pack it again");
        }
        (side[0] == 'n' ? slider.negative : slider.positive).push_back(driven);
      }
    }
    sliders_.push_back(std::move(slider));
  }
  const std::string prefix = "macrodetails/";
  for (std::size_t t = 0; t < asset_.targets.size(); ++t) {
    const std::string& name = asset_.targets[t].name;
    if (name.compare(0, prefix.size(), prefix) != 0) continue;
    Macro macro{static_cast<std::uint32_t>(t), {}};
    for (std::size_t at = prefix.size(); at <= name.size();) {
      const std::size_t end = std::min(name.find('-', at), name.size());
      const std::string word = name.substr(at, end - at);
      const auto factor = std::find(kFactors.begin(), kFactors.end(), word);
      if (factor != kFactors.end()) {
        macro.factors.push_back(static_cast<std::uint8_t>(factor - kFactors.begin()));
      } else if (word != "universal") {
        return bad("unknown word \"" + word + "\" in a macro target's name");
      }
      at = end + 1;
    }
    macros_.push_back(std::move(macro));
  }
  return Status::success();
}

Status HeadModel::resolve_options() {
  constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  const auto proxy = [this](Material material, const std::string& name) {
    for (std::size_t i = 0; i < asset_.proxies.size(); ++i) {
      if (asset_.proxies[i].material == material && asset_.proxies[i].name == name) return i;
    }
    return kNone;
  };
  for (std::size_t i = 0; i < asset_.proxies.size(); ++i) {
    if (asset_.proxies[i].material <= Material::lash) common_.push_back(i);
  }
  for (const std::string& option : known_[hair].options) {
    hair_.push_back(proxy(Material::hair, option));
    if (hair_.back() == kNone && option != "bald") return bad("the asset has no hair \"" + option + "\"");
  }
  for (const std::string& option : known_[eyebrows].options) {
    brow_.push_back(proxy(Material::brow, option));
    if (brow_.back() == kNone) return bad("the asset has no eyebrows \"" + option + "\"");
  }
  for (const std::string& option : known_[eye_color].options) {
    const auto found =
        std::find_if(asset_.textures.begin(), asset_.textures.end(), [&](const NamedTexture& t) { return t.name == "eye_" + option; });
    if (found == asset_.textures.end()) return bad("the asset has no eye colour \"" + option + "\"");
    eye_texture_.push_back(static_cast<std::size_t>(found - asset_.textures.begin()));
  }
  for (const std::string& option : known_[glasses].options) {
    glasses_.push_back(glasses_style(option));
    if (glasses_.back() == nullptr && option != "none") return bad("there are no glasses \"" + option + "\"");
  }
  return Status::success();
}

float HeadModel::value(Known known, std::span<const float> x) const {
  return static_cast<float>(known_[known].to_client(x[known_[known].offset]));
}

std::size_t HeadModel::chosen(Known known, std::span<const float> x) const {
  const auto scores = x.subspan(known_[known].offset, known_[known].size());
  return static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

// MakeHuman's rules (makehuman.md of its data): ages below 25 years mix child and young, above mix young and old.
HeadModel::Weights HeadModel::target_weights(std::span<const float> x) const {
  Weights weights;
  weights.identity.assign(asset_.targets.size(), 0.0F);
  weights.expression = weights.identity;
  const float* race = x.data() + known_[ethnicity].offset;
  for (const Slider& slider : sliders_) {
    std::vector<float>& out = slider.parameter.role == ParameterRole::nuisance ? weights.expression : weights.identity;
    const auto v = static_cast<float>(slider.parameter.to_client(x[slider.parameter.offset]));
    for (const Driven& driven : v < 0 ? slider.negative : slider.positive) {
      const float w = driven.gain * std::clamp((std::abs(v) - driven.from) / (driven.to - driven.from), 0.0F, 1.0F);
      for (std::size_t r = 0; r < (driven.racial ? 3U : 1U); ++r) out[driven.target[r]] += driven.racial ? w * race[r] : w;
    }
  }
  std::array<float, factor_count> factor{};
  std::copy_n(race, 3, factor.begin());
  factor[male] = value(gender, x);
  factor[female] = 1 - factor[male];
  const float a = value(age, x);
  if (a >= 0.5F) {
    factor[old] = 2 * a - 1;
    factor[young] = 1 - factor[old];
  } else {
    factor[young] = std::max(0.0F, 3.2F * (a - 0.1875F));
    factor[child] = std::max(0.0F, std::min(1.0F, 5.333F * a) - factor[young]);
  }
  const auto split = [&factor](float v, Factor low, Factor middle, Factor high) {
    factor[high] = std::max(0.0F, 2 * v - 1);
    factor[low] = std::max(0.0F, 1 - 2 * v);
    factor[middle] = 1 - factor[high] - factor[low];
  };
  split(value(muscle, x), minmuscle, averagemuscle, maxmuscle);
  split(value(weight, x), minweight, averageweight, maxweight);
  for (const Macro& macro : macros_) {
    float product = 1;
    for (const std::uint8_t f : macro.factors) product *= factor[f];
    weights.identity[macro.target] = product;
  }
  return weights;
}

SkinMix HeadModel::skin_mix(std::span<const float> x) const {
  SkinMix mix;
  const float a = value(age, x);
  // MakeHuman's 0.5 is 25 years, 1 is 90: its middle-aged skins suit about 50 years, its old ones 80.
  const float middle = std::clamp((a - 0.5F) / 0.2F, 0.0F, 1.0F), old_part = std::clamp((a - 0.7F) / 0.22F, 0.0F, 1.0F);
  mix.age = {1 - middle, middle * (1 - old_part), middle * old_part};
  std::copy_n(x.data() + known_[skin_type].offset, 3, mix.type.begin());
  const float g = value(gender, x);
  mix.sex = {1 - g, g};
  SkinPaint& paint = mix.paint;
  paint.lip_redness = value(lip_redness, x);
  paint.lip_lightness = value(lip_lightness, x);
  // Age alone brings furrows; the slider takes them away or doubles them.
  const float own = value(wrinkles, x);
  const float aged = 0.35F * mix.age[1] + 0.8F * mix.age[2];
  paint.wrinkles = std::min(1.2F, aged * (1 + own) + 0.6F * std::max(0.0F, own));
  // The slider's lower half is a clean shave: densities grow with its square.
  const auto density = [&](Known known) { return value(known, x) * value(known, x); };
  paint.moustache = density(beard_moustache);
  paint.chin = density(beard_chin);
  paint.jaw = density(beard_jaw);
  paint.beard_height = value(beard_height, x);
  const float light = std::exp2(1.3F * value(beard_lightness, x)), grey = value(beard_gray, x) * value(beard_gray, x);
  const Vec3 natural = natural_hair(x);
  // Skin is lit with more blue and red than hair (Lights::skin); hairs painted on it must not be.
  constexpr Vec3 kOnSkin = {0.94F, 1.0F, 0.87F};
  for (std::size_t c = 0; c < 3; ++c) paint.beard_colour[c] = kOnSkin[c] * (natural[c] * light * (1 - grey) + kGrey[c] * grey);
  return mix;
}

Vec3 HeadModel::natural_hair(std::span<const float> x) const {
  const float at = std::clamp(value(hair_lightness, x), 0.0F, 1.0F) * static_cast<float>(kHairColours.size() - 1);
  const auto low = std::min(static_cast<std::size_t>(at), kHairColours.size() - 2);
  const float t = at - static_cast<float>(low);
  const float warmth = value(hair_warmth, x);
  const Vec3 warm = {1 + 0.45F * warmth, 1 - 0.10F * warmth, 1 - 0.45F * warmth};
  Vec3 out{};
  for (std::size_t c = 0; c < 3; ++c) out[c] = (kHairColours[low][c] * (1 - t) + kHairColours[low + 1][c] * t) * warm[c];
  return out;
}

Vec3 HeadModel::hair_colour(std::span<const float> x, float greying) const {
  const float grey =
      greying * value(hair_gray, x) * value(hair_gray, x);  // a few white hairs are not seen; linear light would show them at once
  Vec3 out = natural_hair(x);
  for (std::size_t c = 0; c < 3; ++c) out[c] = out[c] * (1 - grey) + kGrey[c] * grey;
  return out;
}

}  // namespace likeness::scene
