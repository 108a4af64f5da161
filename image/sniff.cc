#include "image/sniff.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace likeness {
namespace {

using std::string_view_literals::operator""sv;

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  const char* name;
};

constexpr std::array kMagics = {
    Magic{0, "GIF8"sv, "a GIF"},
    Magic{8, "WEBP"sv, "a WebP"},
    Magic{4, "ftypavif"sv, "an AVIF"},
    Magic{4, "ftypavis"sv, "an AVIF"},
    Magic{4, "ftypheic"sv, "a HEIC"},
    Magic{4, "ftypheix"sv, "a HEIC"},
    Magic{4, "ftyphevc"sv, "a HEIC"},
    Magic{4, "ftypcrx "sv, "a raw photo"},
    Magic{4, "ftypmif1"sv, "a HEIF"},
    Magic{4, "ftypmsf1"sv, "a HEIF"},
    Magic{4, "ftyp"sv, "a video (MP4 or MOV)"},
    Magic{0, "II*\0"sv, "a TIFF or raw photo"},
    Magic{0, "MM\0*"sv, "a TIFF or raw photo"},
    Magic{0, "\xFF\x0A"sv, "a JPEG XL"},
    Magic{0, "\0\0\0\x0CJXL "sv, "a JPEG XL"},
    Magic{0, "\0\0\0\x0CjP  "sv, "a JPEG 2000"},
    Magic{0, "%PDF"sv, "a PDF"},
    Magic{0, "8BPS"sv, "a Photoshop file"},
    Magic{0, "\0\0\1\0"sv, "an icon"},
    Magic{0, "#?RADIANCE"sv, "a Radiance HDR"},
    Magic{0, "v/1\1"sv, "an OpenEXR"},
    Magic{0, "DDS "sv, "a DDS texture"},
    Magic{0, "qoif"sv, "a QOI"},
    Magic{0, "PK\3\4"sv, "a ZIP archive"},
    Magic{0, "\x1F\x8B"sv, "a gzip archive"},
    Magic{0, "<svg"sv, "an SVG"},
    Magic{0, "<?xml"sv, "an XML or SVG file"},
    Magic{0, "<!DOCTYPE"sv, "an HTML page"},
    Magic{0, "<!doctype"sv, "an HTML page"},
    Magic{0, "<html"sv, "an HTML page"},
};

bool holds(std::string_view text, const Magic& magic) {
  return text.size() >= magic.offset && text.substr(magic.offset).starts_with(magic.bytes);
}

}  // namespace

FileKind sniff(std::span<const std::uint8_t> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("\xFF\xD8\xFF"sv)) return FileKind::jpeg;
  if (text.starts_with("\x89PNG\r\n\x1A\n"sv)) return FileKind::png;
  if (text.starts_with("BM"sv)) return FileKind::bmp;
  return FileKind::other;
}

std::string describe_unread(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return "an empty file";
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 512));
  if (text.starts_with("\xEF\xBB\xBF"sv)) text.remove_prefix(3);  // a byte order mark and blanks may stand before an SVG or a page
  if (const std::size_t mark = text.find_first_not_of(" \t\r\n"); mark != text.npos && text[mark] == '<') text.remove_prefix(mark);
  for (const Magic& magic : kMagics) {
    if (holds(text, magic)) return magic.name;
  }
  if (text.size() > 2 && text[0] == 'P' && text[1] >= '1' && text[1] <= '7' && (text[2] == '\n' || text[2] == ' ')) return "a PNM";
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return (c >= ' ' && c != 127) || c == '\n' || c == '\r' || c == '\t'; });
  return printable ? "a text file" : "no picture format that is known";
}

}  // namespace likeness
