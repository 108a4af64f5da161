// The checksum of PNG chunks (CRC-32, ISO 3309).
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace likeness {

namespace detail {
constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t n = 0; n < 256; ++n) {
    std::uint32_t c = n;
    for (int k = 0; k < 8; ++k) c = (c & 1U) != 0 ? 0xEDB88320U ^ (c >> 1) : c >> 1;
    table[n] = c;
  }
  return table;
}
inline constexpr std::array<std::uint32_t, 256> kCrcTable = make_crc_table();
}  // namespace detail

inline std::uint32_t crc32(std::span<const std::uint8_t> bytes) {
  std::uint32_t c = ~0U;
  for (const std::uint8_t byte : bytes) c = detail::kCrcTable[(c ^ byte) & 255U] ^ (c >> 8);
  return ~c;
}

}  // namespace likeness
