// SHA-256 (FIPS 180-4). Our own, because the scene client must build on a bare machine that has a compiler only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace likeness {

/// The digest as 64 lower-case hexadecimal digits.
std::string sha256_hex(std::span<const std::uint8_t> bytes);
std::string sha256_hex(std::string_view text);

}  // namespace likeness
