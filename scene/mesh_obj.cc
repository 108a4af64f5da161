// Wavefront OBJ with its MTL and textures.
#include <array>
#include <charconv>

#include "scene/mesh_files.hpp"

namespace likeness {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::string plain(std::string_view stem) {
  std::string out;
  for (const char c : stem.substr(0, 128)) {
    const bool keeps = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    out += keeps ? c : '_';
  }
  return out.empty() ? "head" : out;
}

// The shortest decimals that read back as the same floats, whatever the locale.
template <std::size_t N>
void put(const char* key, const std::array<float, N>& values, std::string* out) {
  *out += key;
  for (const float v : values) {
    std::array<char, 64> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), v == 0 ? 0.0F : v, std::chars_format::fixed);
    *out += ' ';
    out->append(text.data(), end.ptr);
  }
  *out += '\n';
}

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

bool kept(const MeshPart& part, const std::uint32_t* v) {
  return part.alpha.empty() || part.alpha[v[0]] + part.alpha[v[1]] + part.alpha[v[2]] >= 3 * 128;
}

std::string material_of(const MeshPart& part, const std::string& texture) {
  std::string out = "newmtl " + part.name + "\nKd 1 1 1\nKs 0 0 0\nillum 1\nmap_Kd " + texture + "\n";
  if (part.alpha_mode != AlphaMode::opaque) out += "map_d " + texture + "\n";
  return out + "\n";
}

}  // namespace

Result<std::vector<NamedFile>> mesh_to_obj(const Mesh& mesh, std::string_view stem) {
  if (Status status = scene::check_mesh(mesh); !status.ok()) return status;
  const std::string name = plain(stem);
  std::vector<NamedFile> files;
  std::string materials = "# Written by likeness\n";
  std::string text = "# Written by likeness: metres, y up, the face looks to +z\nmtllib " + name + ".mtl\n";
  std::size_t first = 1;
  for (const MeshPart& part : mesh.parts) {
    Result<Bytes> png = scene::texture_png(part);
    if (!png.ok()) return png.status();
    const std::string texture = name + "_" + part.name + ".png";
    files.emplace_back(texture, std::move(*png));
    materials += material_of(part, texture);
    text += "o " + part.name + "\nusemtl " + part.name + "\n";
    for (const auto& p : part.position) put("v", p, &text);
    for (const auto& uv : part.uv) put<2>("vt", {uv[0], 1 - uv[1]}, &text);  // here v = 0 is the bottom
    for (const auto& n : part.normal) put("vn", n, &text);
    for (std::size_t t = 0; t < part.triangle.size(); t += 3) {
      if (!kept(part, part.triangle.data() + t)) continue;
      text += 'f';
      for (std::size_t k = 0; k < 3; ++k) {
        const std::string v = std::to_string(first + part.triangle[t + k]);
        text += " " + v + "/" + v + "/" + v;
      }
      text += '\n';
    }
    first += part.position.size();
  }
  files.emplace_back(name + ".mtl", bytes_of(materials));
  files.emplace_back(name + ".obj", bytes_of(text));
  return files;
}

}  // namespace likeness
