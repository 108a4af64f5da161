#include "fit/html.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <vector>

#include "fit/html_style.hpp"
#include "image/encode.hpp"
#include "scene/mhm_text.hpp"

namespace likeness::html {
namespace {

std::string base64(const std::vector<std::uint8_t>& bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t three = 0;
    for (std::size_t k = 0; k < 3; ++k) three = three << 8 | (i + k < bytes.size() ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += i + k > bytes.size() ? '=' : kDigits[three >> (18 - 6 * k) & 63U];
  }
  return out;
}

std::string decimal(double value, int decimals) {
  std::array<char, 400> digits{};  // the largest double in full
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed, decimals).ptr;
  std::string out(digits.data(), end);
  const bool zero = out.find_first_of("123456789") == std::string::npos;
  return zero && out[0] == '-' ? out.substr(1) : out;
}

}  // namespace

std::string text(std::string_view raw) {
  std::string out;
  for (const char c : scene::mhm_single_line(raw)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string segment(std::string_view raw) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : raw) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '~' || c == '.';
    if (plain) {
      out += c;
    } else {
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return out;
}

std::string number(double value, int decimals) {
  if (!std::isfinite(value)) return "–";
  const std::string digits = decimal(value, decimals);
  return digits[0] == '-' ? "−" + digits.substr(1) : digits;
}

std::string coordinate(double value) {
  std::string digits = std::isfinite(value) ? decimal(value, 2) : "0.00";
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.back() == '.') digits.pop_back();
  return digits;
}

Result<std::string> data_address(const Image& image) {
  const Result<std::vector<std::uint8_t>> png = encode_png(image);
  if (!png.ok()) return png.status();
  return "data:image/png;base64," + base64(*png);
}

std::string page(std::string_view title, std::string_view body) {
  std::string out =
      "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n";
  out += kMark;
  out += LIKENESS_VERSION "\">\n<title>" + text(title) + "</title>\n<style>\n";
  out += kStyle;
  out += "</style>\n<main>\n";
  out += body;
  return out + "</main>\n</html>\n";
}

}  // namespace likeness::html
